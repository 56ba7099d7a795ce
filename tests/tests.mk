# SPDX-License-Identifier: BSD-3-Clause
# The tests: `make check` and the longer ones. Included by the Makefile.

T := $(O)/tests
CHECK_LIBS := -lcheck_pic -lsubunit -lrt -lm -lpthread
# FLOPSHIM_ variables of the caller would change what is tested.
CLEAN := env -u FLOPSHIM_BUDGET -u FLOPSHIM_OUT -u FLOPSHIM_QUIET -u FLOPSHIM_STACKS -u FLOPSHIM_TIME
# flopshim-report without its main: as it is, and under the address sanitizer.
REPORT_OBJECTS := $(filter-out $(O)/analyzer/main.o,$(ANALYZER_OBJECTS))
REPORT_ADDRESS := $(patsubst $(O)/analyzer/%.o,$(T)/address/report/%.o,$(REPORT_OBJECTS))
ADDRESS := -O1 -fsanitize=address,undefined -fno-sanitize-recover=undefined

# ---- unit tests: plain, and under the sanitizers ----

UNIT_FLAGS := $(BASE) -Ishim -Ishim/include -Ianalyzer -Itests/unit -I$(O)/gen
# What each test is linked with, beside itself.
LINK_config := shim/config.c shim/guest.c shim/speak.c
LINK_guest := shim/guest.c shim/speak.c
LINK_charge := shim/charge.c shim/config.c shim/guest.c shim/speak.c
LINK_price := $(T)/price/tables.c shim/price.c
LINK_generate :=
LINK_stack_words := $(GENERATED)
LINK_table := $(GENERATED) shim/price.c
LINK_read := tests/unit/dump_writer.c
LINK_symbolize := tests/unit/dump_writer.c
REPORT_TESTS := read render catalog symbolize
LIBS_read := $(ANALYZER_LIBS)
LIBS_render := $(ANALYZER_LIBS)
LIBS_catalog := $(ANALYZER_LIBS)
LIBS_symbolize := $(ANALYZER_LIBS)
UNIT := config guest charge price generate stack_words table read render catalog symbolize
UNIT_ADDRESS := config charge price table read render catalog
UNIT_THREAD := charge
UNIT_READS := $(wildcard shim/*.[ch] analyzer/*.[ch] tests/unit/*.[ch]) $(GENERATED) $(T)/price/tables.c

$(T) $(T)/price $(T)/address $(T)/address/report $(T)/thread:
	$(Q)mkdir -p $@

$(T)/address/report/%.o: analyzer/%.c $(GENERATED) | $(T)/address/report
	$(Q)$(CC) $(ANALYZER_FLAGS) $(ADDRESS) -c $< -o $@

$(T)/address/report/price.o: shim/price.c $(GENERATED) | $(T)/address/report
	$(Q)$(CC) $(ANALYZER_FLAGS) $(ADDRESS) -c $< -o $@

$(T)/address/report/tables.o $(T)/address/report/formulas.o: $(T)/address/report/%.o: $(GENERATED) | $(T)/address/report
	$(Q)$(CC) $(ANALYZER_FLAGS) -c $(O)/gen/$*.c -o $@

$(REPORT_TESTS:%=$(T)/test_%): $(REPORT_OBJECTS)
$(REPORT_TESTS:%=$(T)/address/test_%) $(T)/fuzz_read: $(REPORT_ADDRESS)

$(T)/price/tables.c: $(O)/generate tests/unit/price.tbl | $(T)/price
	$(Q)$(O)/generate --gpr $(GPRS) tests/unit/price.tbl -o $(T)/price

$(T)/test_%: tests/unit/test_%.c $(UNIT_READS) | $(T)
	$(call say,CC)
	$(Q)$(CC) $(UNIT_FLAGS) -o $@ $< $(LINK_$*) $(if $(filter $*,$(REPORT_TESTS)),$(REPORT_OBJECTS)) $(CHECK_LIBS) $(LIBS_$*)

$(T)/address/test_%: tests/unit/test_%.c $(UNIT_READS) | $(T)/address
	$(call say,CC)
	$(Q)$(CC) $(UNIT_FLAGS) $(ADDRESS) -o $@ $< $(LINK_$*) $(if $(filter $*,$(REPORT_TESTS)),$(REPORT_ADDRESS)) \
		$(CHECK_LIBS) $(LIBS_$*)

$(T)/thread/test_%: tests/unit/test_%.c $(UNIT_READS) | $(T)/thread
	$(call say,CC)
	$(Q)$(CC) $(UNIT_FLAGS) -O1 -fsanitize=thread -o $@ $< $(LINK_$*) $(CHECK_LIBS) $(LIBS_$*)

# Runs tests of check's, and shows what they said on standard error only where one fails.
define run_unit
	$(Q)for test in $(1); do \
		GENERATE=$(O)/generate $(CLEAN) $(T)/$$test 2>$(T)/$$test.err || { cat $(T)/$$test.err >&2; exit 1; }; done
endef

check-unit: all $(UNIT:%=$(T)/test_%)
	$(call run_unit,$(UNIT:%=test_%))

check-sanitizers: $(UNIT_ADDRESS:%=$(T)/address/test_%) $(UNIT_THREAD:%=$(T)/thread/test_%)
	$(call run_unit,$(UNIT_ADDRESS:%=address/test_%) $(UNIT_THREAD:%=thread/test_%))

# Every source without a warning, by both compilers.
check-warnings: $(GENERATED)
	$(Q)for compiler in $(CC) clang; do \
		command -v $$compiler >/dev/null || continue; \
		for file in shim/*.c analyzer/*.c launcher/*.c bench/*.c; do \
			$$compiler -std=gnu11 -D_GNU_SOURCE -Wall -Wextra -Werror -fsyntax-only -Ishim -Ishim/include \
				-Ianalyzer -Ibench -I$(O)/gen -DLIBDIR='""' $$file || exit 1; \
		done; \
	done
	$(Q)echo "No warning from $(CC) and clang"

# The same integers from both compilers at every optimization.
check-compilers: $(GENERATED)
	$(Q)tests/unit/test_compilers $(O)

# ---- the table against what is installed ----

check-symbols: all
	$(Q)FLOPSHIM_BUILD=$(O) tests/unit/test_symbols.py

check-forms: all
	$(Q)FLOPSHIM_BUILD=$(O) $(CLEAN) tests/unit/test_forms.py

# ---- flopshim-report ----

$(T)/make_dump: tests/golden/make_dump.c tests/unit/dump_writer.c tests/unit/dump_writer.h shim/include/flopshim_dump.h | $(T)
	$(call say,CC)
	$(Q)$(CC) $(UNIT_FLAGS) -o $@ $< tests/unit/dump_writer.c

check-golden: all $(T)/make_dump
	$(Q)tests/golden/run $(O)/flopshim-report $(T)/make_dump

$(T)/fuzz_read: tests/fuzz/fuzz_read.c $(UNIT_READS) | $(T)
	$(call say,CC)
	$(Q)$(CC) $(UNIT_FLAGS) $(ADDRESS) -DFUZZ_STANDALONE -o $@ $< $(REPORT_ADDRESS) $(ANALYZER_LIBS) -lm

$(T)/fuzz_read_libfuzzer: tests/fuzz/fuzz_read.c $(UNIT_READS) | $(T)
	$(call say,CC)
	$(Q)clang $(UNIT_FLAGS) -O1 -fsanitize=fuzzer,address,undefined -o $@ $< $(filter-out analyzer/main.c,$(ANALYZER_SOURCES)) shim/price.c \
		$(GENERATED) $(O)/gen/formulas.c $(ANALYZER_LIBS) -lm

$(T)/seeds: $(T)/make_dump
	$(Q)mkdir -p $@
	$(Q)for scenario in simple budget weights killed troubled sampled ordered untimed; do $(T)/make_dump $$scenario $@/$$scenario.dump; done

check-fuzz: $(T)/fuzz_read $(T)/seeds
	$(Q)$(T)/fuzz_read 300 $(T)/seeds/*.dump

# ---- programs ----

check-clients: all
	$(Q)$(CLEAN) tests/clients/run --build $(O) --quick

check-markers: all
	$(Q)$(CLEAN) tests/markers/run --build $(O)

# ---- prices ----

check-price-samples: all
	$(Q)FLOPSHIM_REPORT=$(abspath $(O))/flopshim-report tests/price/run

check-prices: all
	$(Q)FLOPSHIM_REPORT=$(abspath $(O))/flopshim-report tests/price/run --full

# ---- speed ----

check-call-path: bench-build
	$(Q)tests/bench/call_path --build $(O)

check-bench-clients: all $(O)/bench/libswitch.so
	$(Q)tests/bench/clients --build $(O)

# ---- all of it ----

CHECKS := warnings unit sanitizers compilers symbols forms golden fuzz call-path bench-clients price-samples markers clients
.PHONY: $(CHECKS:%=check-%)
check:
	$(Q)passed=0; failed=""; for part in $(CHECKS); do \
		echo "== check-$$part"; \
		if $(MAKE) --no-print-directory check-$$part; then passed=$$((passed + 1)); else failed="$$failed check-$$part"; fi; \
	done; \
	set -- $$failed; [ $$# = 0 ] || echo "FAILED:$$failed"; \
	echo "$$passed passed, $$# failed"; [ $$# = 0 ]

# Hours rather than minutes: every BLAS, all prices measured again, 200 kills, libFuzzer for ten minutes.
check-long: check-prices $(T)/fuzz_read_libfuzzer $(T)/seeds
	$(Q)tests/unit/test_prototypes.py
	$(Q)$(CLEAN) FLOPSHIM_LONG=1 tests/clients/run --build $(O)
	$(Q)$(CLEAN) FLOPSHIM_LONG=1 tests/markers/run --build $(O)
	$(Q)FLOPSHIM_LONG=1 $(T)/test_charge
	$(Q)TEST_SHAPES=1500 $(T)/test_table
	$(Q)mkdir -p $(T)/corpus
	$(Q)$(T)/fuzz_read_libfuzzer -max_total_time=600 -max_len=65536 $(T)/corpus $(T)/seeds
