# SPDX-License-Identifier: BSD-3-Clause
# The benchmarks: `make bench`, `make bench-clients`. Included by the Makefile, after the shim.
#
# BENCH_FLAGS and BENCH_CLIENTS_FLAGS are options for them, such as BENCH_FLAGS="--runs 3 --json FILE"; each has --help.

BENCH_OBJECTS := $(patsubst bench/%.c,$(O)/bench/%.o,$(filter-out bench/bare.c bench/callee.c bench/switch.c,$(wildcard bench/*.c)))
BENCH_SHIM := $(filter-out $(O)/pic/shim/interpose/intercept.o $(O)/pic/shim/interpose/entry_$(ARCH).o,$(SHIM_OBJECTS)) $(O)/bench/entry-bare.o

$(O)/bench:
	$(Q)mkdir -p $@

$(O)/bench/%.o: bench/%.c | $(O)/bench
	$(call say,CC)
	$(Q)$(CC) $(PLAIN) -Ibench $(SEARCH) $(DEPENDENCIES) -c $< -o $@

$(O)/bench/bare.o $(O)/bench/bare-jump.o: bench/bare.c $(GENERATED) | $(O)/bench
	$(call say,CC)
	$(Q)$(CC) $(SHIM_FLAGS) $(GENERAL_REGISTERS) $(if $(findstring jump,$@),-DBARE_JUMP) $(DEPENDENCIES) -c $< -o $@

$(O)/bench/entry-bare.o: shim/interpose/entry_$(ARCH).S $(GENERATED) $(OFFSETS) | $(O)/bench
	$(call say,AS)
	$(Q)$(CC) -fPIC -g $(SEARCH) $(DEPENDENCIES) -DBARE -c $< -o $@

$(O)/bench/libflopshim-%.so: $(O)/bench/%.o $(BENCH_SHIM) shim/exports.map
	$(call say,LINK)
	$(Q)$(CC) $(CFLAGS) -shared $(SHIM_LINK) -o $@ $(filter %.o,$^) $(LDFLAGS)

$(O)/bench/libbenchblas.so: bench/callee.c | $(O)/bench
	$(call say,CC)
	$(Q)$(CC) $(PLAIN) -fPIC -shared -Wl,-soname,libbenchblas.so -o $@ $<

$(O)/bench/libswitch.so: bench/switch.c $(GENERATED) | $(O)/bench
	$(call say,CC)
	$(Q)$(CC) $(PLAIN) -fPIC -fcf-protection -I$(O)/gen -shared -o $@ $<

$(O)/bench/bench: $(BENCH_OBJECTS) $(O)/bench/libbenchblas.so
	$(call say,LINK)
	$(Q)$(CC) $(CFLAGS) -Wl,-z,now -Wl,-rpath,'$$ORIGIN' -o $@ $^ -lm -ldl -lpthread $(LDFLAGS)

$(O)/bench/bench-real: $(BENCH_OBJECTS)
	$(call say,LINK)
	$(Q)$(CC) $(CFLAGS) -Wl,-z,now -o $@ $^ -lopenblas -lm -ldl -lpthread $(LDFLAGS)

.PHONY: bench-build
bench-build: all $(addprefix $(O)/bench/,bench bench-real libflopshim-bare.so libflopshim-bare-jump.so)

bench: bench-build
	$(Q)$(O)/bench/bench $(BENCH_FLAGS)

bench-clients: all $(O)/bench/libswitch.so
	$(Q)bench/clients --build $(O) $(BENCH_CLIENTS_FLAGS)
