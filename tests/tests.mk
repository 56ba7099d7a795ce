# SPDX-License-Identifier: BSD-3-Clause
# tests.mk - the tests: `make check`, its parts, and the longer ones. The Makefile includes it.
# It must never install anything: a part whose tools are missing is left out, by name.

T := $(O)/tests
# The heading that each part of `make check` prints.
part = $(Q)echo "== $@$(shell printf '%s\n' $(PARTS) | grep -nx $@ | sed 's/:.*/ of $(words $(PARTS))/; s/^/, part /')"
CHECK_LIBS := -lcheck_pic -lsubunit -lrt -lm -lpthread
# Removes the variables of the caller that would change what is tested: those of flopshim, and the width of its terminal.
CLEAN := env -u COLUMNS $(foreach variable,$(filter-out FLOPSHIM_BUILD FLOPSHIM_LONG,$(filter FLOPSHIM_%,$(.VARIABLES))),-u $(variable))
# The objects of flopshim-report without main: as they are, and built with the address sanitizer.
REPORT_OBJECTS := $(filter-out $(O)/analyzer/commands/main.o,$(ANALYZER_OBJECTS)) $(LIBC_ARCHIVE)
REPORT_ADDRESS := $(patsubst $(O)/%,$(T)/address/%,$(filter-out $(LIBC_ARCHIVE),$(REPORT_OBJECTS))) $(LIBC_ARCHIVE)

# ---- unit tests: plain, and under the sanitizers ----

UNIT_FLAGS := $(BASE) -Itests/unit $(SEARCH) $(if $(ZLIB),-DHAVE_ZLIB)
FLAGS_address := -O1 -fsanitize=address,undefined -fno-sanitize-recover=undefined
FLAGS_thread := -O1 -fsanitize=thread
# The objects that each test is linked with, beside its own.
LINK_libc :=
LINK_config := $(CONFIG_OBJECTS)
LINK_guest := shim/guest/guest shim/guest/machine shim/guest/speak
LINK_blas_name := shim/resolve/blas_name
LINK_charge := shim/charge/charge shim/guest/config shim/guest/guest shim/guest/machine shim/guest/speak
LINK_price := tests/unit/price/tables price/price
LINK_generate :=
LINK_stack_words := gen/tables
LINK_table := gen/tables price/price
LINK_read := tests/unit/dump_writer
LINK_page := tests/unit/dump_writer
LINK_aggregate := tests/unit/dump_writer
LINK_hostile := tests/unit/dump_writer
LINK_runs := tests/unit/dump_writer
LINK_tree :=
LINK_tables := tests/unit/dump_writer
LINK_code := tests/unit/dump_writer
LINK_redact := tests/unit/dump_writer
LINK_symbolize := tests/unit/dump_writer
# Tests of flopshim-report, linked with all of it.
REPORT_TESTS := page read aggregate runs tree hostile tables code redact render fit catalog symbolize lock patterns ci
UNIT := libc config guest blas_name charge price generate stack_words table page read aggregate runs tree hostile tables code redact render fit catalog symbolize lock patterns ci
UNIT_ADDRESS := config blas_name charge price table page read aggregate runs tree hostile tables code redact render fit catalog lock patterns ci
UNIT_THREAD := charge

# Rules for the objects of tests, which have a folder for each way to compile. Each way has a rule of its own, since a pattern
# rule with several targets would make all of them at once. Tables are data only, and are compiled without sanitizers.
define test_objects
$(T)/$(1)/%.o: %.c $(GENERATED)
	$$(Q)mkdir -p $$(@D)
	$$(Q)$$(CC) $$(UNIT_FLAGS) $$(FLAGS_$(1)) $$(DEPENDENCIES) -c $$< -o $$@

$(T)/$(1)/gen/%.o: $(GENERATED)
	$$(Q)mkdir -p $$(@D)
	$$(Q)$$(CC) $$(UNIT_FLAGS) $$(DEPENDENCIES) -c $(O)/gen/$$*.c -o $$@
endef
$(foreach kind,plain address thread,$(eval $(call test_objects,$(kind))))
$(foreach kind,plain address,$(T)/$(kind)/gen/template.o): $(O)/gen/template.c

$(T)/unit/price/tables.c: $(O)/generate/generate tests/unit/price.tbl
	$(Q)mkdir -p $(@D)
	$(Q)$< --gpr $(GPRS) tests/unit/price.tbl -o $(@D)

$(T)/plain/tests/unit/price/tables.o $(T)/address/tests/unit/price/tables.o: $(T)/unit/price/tables.c
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(UNIT_FLAGS) $(DEPENDENCIES) -c $< -o $@

# $(call unit_test,TEST,KIND,REPORT OBJECTS)
define unit_test
$(T)/$(2)/test_$(1): $(T)/$(2)/tests/unit/test_$(1).o $(patsubst %,$(T)/$(2)/%.o,$(LINK_$(1))) $(if $(filter $(1),$(REPORT_TESTS)),$(3)) \
		$(LIBC_ARCHIVE)
	$$(call say,LINK)
	$$(Q)$$(CC) $(CFLAGS) $(FLAGS_$(2)) -o $$@ $$^ $$(CHECK_LIBS) $(if $(filter $(1),$(REPORT_TESTS)),$$(ANALYZER_LIBS),$$(LIBC_MOVED))
endef
$(foreach test,$(UNIT),$(eval $(call unit_test,$(test),plain,$(REPORT_OBJECTS))))
$(foreach test,$(UNIT_ADDRESS),$(eval $(call unit_test,$(test),address,$(REPORT_ADDRESS))))
$(foreach test,$(UNIT_THREAD),$(eval $(call unit_test,$(test),thread)))

# Results for CI systems: a file for each runner of tests.
JUNIT := $(O)/junit

# Goes before a command that runs tests: it prints each case with its time, and writes the results of the part.
RUN = tests/junit.py --run $(JUNIT)/$(patsubst check-%,%,$@).xml

# Runs tests that are written with Check, and prints the time of each case; prints a test's standard error only if it fails.
define run_unit
	$(Q)rm -f $(1:%=$(T)/%.xml) $(JUNIT)/$(patsubst check-%,%,$@).xml
	$(Q)failed=0; for test in $(1); do \
		GENERATE=$(O)/generate/generate CK_XML_LOG_FILE_NAME=$(T)/$$test.xml $(CLEAN) $(T)/$$test 2>$(T)/$$test.err || \
			{ cat $(T)/$$test.err >&2; failed=1; }; \
	done; tests/junit.py $(1:%=$(T)/%.xml) $(JUNIT)/$(patsubst check-%,%,$@).xml || failed=1; exit $$failed
endef

check-unit: $(O)/generate/generate $(UNIT:%=$(T)/plain/test_%)
	$(call part)
	$(call run_unit,$(UNIT:%=plain/test_%))

check-sanitizers: $(UNIT_ADDRESS:%=$(T)/address/test_%) $(UNIT_THREAD:%=$(T)/thread/test_%)
	$(call part)
	$(call run_unit,$(UNIT_ADDRESS:%=address/test_%) $(UNIT_THREAD:%=thread/test_%))

# Both compilers must compile every source without a warning.
WARNED := $(wildcard libc/*.c generate/*.c price/*.c shim/*/*.c analyzer/*/*.c analyzer/render/html/*.c analyzer/render/html/assemble/*.c launcher/*.c docs/*.c bench/*.c $(if $(wildcard /usr/include/slurm/spank.h),slurm/*.c))
COMPILERS := $(CC) $(if $(shell command -v clang),clang)
define warned
$(T)/warnings/$(1)/%.ok: %.c $(GENERATED) $(O)/gen/table_version.h
	$$(Q)mkdir -p $$(@D)
	$$(Q)$(1) -std=gnu11 -D_GNU_SOURCE -Wall -Wextra -Werror -fsyntax-only -Ibench $(OLDEST) $(SEARCH) $(DEPENDENCIES) \
		-MF $$(@:.ok=.d) -MT $$@ $$<
	$$(Q)touch $$@
endef
$(foreach compiler,$(COMPILERS),$(eval $(call warned,$(compiler))))

check-warnings: $(foreach compiler,$(COMPILERS),$(WARNED:%.c=$(T)/warnings/$(compiler)/%.ok))
	$(call part)
	$(Q)echo "No warning from $(COMPILERS) in $(words $(WARNED)) sources"

# No folder of sources may use one above it in tests/layers/order. tests/layers/test checks that the check finds it if one does.
check-layers: all
	$(call part)
	$(Q)$(RUN) tests/layers/check --build $(O)
	$(Q)$(RUN:.xml=-faults.xml) tests/layers/test --build $(O)

# Both compilers must compute the same prices at every level of optimization.
check-compilers: $(GENERATED)
	$(call part)
	$(Q)$(RUN) tests/price/test_compilers $(O)

# Every setting must be a row of options.def, and documents must agree with it.
check-options: $(O)/docs/options
	$(call part)
	$(Q)FLOPSHIM_BUILD=$(O) $(RUN) tests/interfaces/test_options.py

# The bindings for Fortran and Python must have the constants of flopshim.h.
check-bindings:
	$(call part)
	$(Q)$(RUN) tests/interfaces/test_bindings.py

# What runners of tests share, and tests/lint/run, must lose no failure.
check-runners:
	$(call part)
	$(Q)$(RUN) tests/interfaces/test_junit.py
	$(Q)$(RUN:.xml=-lint.xml) tests/lint/test

# ---- the routine table and the installed headers and libraries ----

# The installed headers, preprocessed. They are read each time, since a package may replace a file by an older one, which make
# would not notice.
.PHONY: read-again
$(O)/gen/%.i: read-again | $(GENERATED)
	$(Q)printf '#include <%s.h>\n' $* | $(CC) -E -P -DLAPACK_FORTRAN_STRLEN_END -I/usr/include/$(MULTIARCH) -x c - > $@.new \
		|| { rm -f $@.new; echo "$*.h is not installed: ./scripts/check installs what the tests need" >&2; exit 1; }
	$(Q)if cmp -s $@.new $@; then rm $@.new; else mv $@.new $@; fi

check-headers: $(O)/generate/generate $(HEADERS)
	$(call part)
	$(Q)$(RUN) $< --gpr $(GPRS) $(TABLES) --headers $(HEADERS)

check-symbols: all $(HEADERS)
	$(call part)
	$(Q)FLOPSHIM_BUILD=$(O) $(RUN) tests/interfaces/test_symbols.py

check-forms: all $(HEADERS)
	$(call part)
	$(Q)FLOPSHIM_BUILD=$(O) $(CLEAN) $(RUN) tests/interfaces/test_forms.py

# ---- flopshim-report ----

$(T)/make_dump: $(T)/plain/tests/golden/make_dump.o $(T)/plain/tests/unit/dump_writer.o
	$(call say,LINK)
	$(Q)$(CC) $(CFLAGS) -o $@ $^

check-golden: $(O)/flopshim-report $(T)/make_dump
	$(call part)
	$(Q)$(RUN) tests/golden/run $(O)/flopshim-report $(T)/make_dump

$(T)/address/tests/fuzz/fuzz_read.o: FLAGS_address += -DFUZZ_STANDALONE
$(T)/fuzz_read: $(T)/address/tests/fuzz/fuzz_read.o $(REPORT_ADDRESS)
	$(call say,LINK)
	$(Q)$(CC) $(CFLAGS) $(FLAGS_address) -o $@ $^ $(ANALYZER_LIBS) -lm

$(T)/fuzz_read_libfuzzer: tests/fuzz/fuzz_read.c $(ANALYZER_OBJECTS) $(LIBC_ARCHIVE)
	$(call say,CC)
	$(Q)clang $(UNIT_FLAGS) -O1 -fsanitize=fuzzer,address,undefined -o $@ $< $(filter-out analyzer/commands/main.c,$(ANALYZER_SOURCES)) \
		$(ANALYZER_GENERATED:%=$(O)/%.c) $(LIBC_ARCHIVE) $(ANALYZER_LIBS) -lm

# The same without sanitizers, which is some ten times as fast.
$(T)/mutants_plain: $(T)/plain/tests/fuzz/mutants.o $(REPORT_OBJECTS)
	$(call say,LINK)
	$(Q)$(CC) $(CFLAGS) -o $@ $^ $(ANALYZER_LIBS) -lm

$(T)/mutants: $(T)/address/tests/fuzz/mutants.o $(REPORT_ADDRESS)
	$(call say,LINK)
	$(Q)$(CC) $(CFLAGS) $(FLAGS_address) -o $@ $^ $(ANALYZER_LIBS) -lm

# NAME or NAME-PAGESIZE of the dumps that make_dump makes: the last two have larger pages.
MUTANTS := 30000
SEEDS := simple budget weights killed troubled sampled ordered untimed sampled-16384 killed-65536
$(T)/seeds/%.dump: $(T)/make_dump
	$(Q)mkdir -p $(@D)
	$(Q)$< $(firstword $(subst -, ,$*)) $@ $(word 2,$(subst -, ,$*))

# Dumps of a real program: a closed one, and one without check words, as it is while the program runs.
$(T)/seeds/real.dump: $(T)/dumps/program $(O)/libflopshim.so
	$(Q)mkdir -p $(@D)
	$(Q)rm -f $(T)/seeds/real.dump
	$(Q)$(CLEAN) LD_PRELOAD=$(abspath $(O))/libflopshim.so FLOPSHIM_RECORDS=calls FLOPSHIM_STACKS=all FLOPSHIM_ON_EXCEED=deny \
		FLOPSHIM_QUIET=1 FLOPSHIM_OUT=$(abspath $(T))/seeds/real.dump $(T)/dumps/program

$(T)/seeds/real-running.dump: $(T)/seeds/real.dump tests/fuzz/unclose
	$(Q)tests/fuzz/unclose $< $@

# A merged dump of most of them.
MERGED_SEEDS := simple budget weights killed sampled ordered untimed
$(T)/seeds/merged.dump: $(O)/flopshim-report $(MERGED_SEEDS:%=$(T)/seeds/%.dump)
	$(Q)$< merge -o $@ $(MERGED_SEEDS:%=$(T)/seeds/%.dump) >/dev/null 2>&1

SEED_FILES := $(patsubst %,$(T)/seeds/%.dump,$(SEEDS) real real-running merged)

check-fuzz: $(T)/fuzz_read $(T)/mutants $(SEED_FILES)
	$(call part)
	$(Q)$(RUN) $(T)/fuzz_read 300 $(SEEDS:%=$(T)/seeds/%.dump) $(T)/seeds/merged.dump
	$(Q)$(RUN:.xml=-mutants.xml) sh -c 'cd $(T) && ./mutants 400 seeds/*.dump'

check-mutants: $(T)/mutants_plain $(SEED_FILES)
	$(call part)
	$(Q)$(RUN) sh -c 'cd $(T) && ./mutants_plain $(MUTANTS) seeds/*.dump'

# Reads a dump of each layout, and compares docs/flopshim-dump.md with flopshim_dump.h.
$(T)/dumps/program: tests/dumps/program.c
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(PLAIN) -Iinclude $(DEPENDENCIES) -MF $@.d -o $@ $< -llapack -lblas -lpthread -ldl

check-dumps: all $(T)/dumps/program
	$(call part)
	$(Q)CC="$(CC)" $(CLEAN) $(RUN) tests/dumps/test_dumps.py $(O)

# ---- programs ----

check-clients: all
	$(call part)
	$(Q)$(CLEAN) tests/clients/run --build $(O) --quick --junit $(JUNIT)/clients.xml

check-markers: all
	$(call part)
	$(Q)$(CLEAN) tests/markers/run --build $(O) --junit $(JUNIT)/markers.xml

# Jobs under a Slurm that the test starts. Without Slurm or without root it is left out, by name, since it builds the plugin.
check-slurm: all
	$(call part)
	$(Q)if tests/needs $@ "$(CC)" $(NEEDS_slurm) > $(O)/needs-slurm; then \
		$(MAKE) --no-print-directory slurm O=$(O) && $(CLEAN) tests/slurm/run --build $(O) --junit $(JUNIT)/slurm.xml; \
	else sed 's/^/SKIPPED: /' $(O)/needs-slurm; fi

# Pages of flopshim-report html in chromium, driven by playwright-core, which ./scripts/check puts into $(O)/node. Without these
# or Node it is left out, by name.
export NODE_PATH ?= $(abspath $(O))/node/node_modules
check-pages: all $(T)/make_dump
	$(call part)
	$(Q)if tests/needs $@ "$(CC)" $(NEEDS_pages) > $(O)/needs-pages; then $(CLEAN) $(RUN) tests/pages/run --build $(O); \
	else sed 's/^/SKIPPED: /' $(O)/needs-pages; fi

# Tests with the shim of `make ENTRY=c`, where intercept.c does for every call what otherwise the entry body does for most.
C := $(T)/entry-c
$(C)/entry.o: shim/interpose/entry_$(ARCH).S $(GENERATED) $(OFFSETS)
	$(call say,AS)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(AS_FLAGS) -DENTRY_IN_C $(DEPENDENCIES) -c $< -o $@

$(C)/libflopshim.so: $(filter-out $(O)/pic/shim/interpose/entry_$(ARCH).o,$(SHIM_OBJECTS)) $(C)/entry.o shim/exports.map
	$(call say,LINK)
	$(Q)$(CC) $(CFLAGS) -shared $(SHIM_LINK) -o $@.new $(filter %.o,$^) $(LIBC_LOADER) $(LDFLAGS)
	$(Q)mv $@.new $@

check-entry-c: all $(C)/libflopshim.so
	$(call part)
	$(Q)ln -f $(O)/flopshim $(O)/flopshim-report $(C)
	$(Q)$(CLEAN) tests/clients/run --build $(C) --quick --junit $(JUNIT)/entry-c.xml budget control_flow

# ---- prices ----

check-price-samples: all
	$(call part)
	$(Q)FLOPSHIM_REPORT=$(abspath $(O))/flopshim-report $(RUN) tests/price/run

check-prices: all
	$(call part)
	$(Q)FLOPSHIM_REPORT=$(abspath $(O))/flopshim-report $(RUN) tests/price/run --full

# ---- speed ----

check-call-path: bench-build
	$(call part)
	$(Q)$(RUN) tests/bench/call_path --build $(O)

check-bench-clients: all $(O)/bench/libswitch.so
	$(call part)
	$(Q)$(RUN) tests/bench/clients --build $(O)

# ---- all of it ----

CHECKS := warnings layers options bindings runners unit sanitizers compilers headers symbols forms golden fuzz dumps call-path bench-clients price-samples markers entry-c pages clients
# What each part needs beside make and the compiler, in the words of tests/needs. `make check` leaves out a part, by name, if
# something that it needs is missing. Other programs that are missing leave out only the cases that run them.
NEEDS_layers := python3 nm
NEEDS_options := python3 bash
NEEDS_bindings := python3
NEEDS_runners := python3
NEEDS_golden := python3
NEEDS_unit := python3 check.h
NEEDS_sanitizers := python3 check.h -fsanitize=address,undefined -fsanitize=thread
NEEDS_compilers := python3 check.h
NEEDS_headers := python3 cblas.h lapack.h lapacke.h
NEEDS_symbols := python3 nm cblas.h lapack.h lapacke.h
NEEDS_forms := python3 cblas.h lapack.h lapacke.h
NEEDS_fuzz := python3 -lblas -llapack -fsanitize=address,undefined
NEEDS_dumps := python3 -lblas -llapack
NEEDS_call-path := python3 valgrind objdump -lblas
NEEDS_bench-clients := python3 -lblas
NEEDS_price-samples := python3 -lblas -llapack
NEEDS_markers := python3 gcc -lblas -llapack
NEEDS_entry-c := python3 gcc -lblas -llapack
NEEDS_clients := python3 gcc -lblas -llapack
NEEDS_pages := python3 node chromium node:playwright-core -lz
NEEDS_slurm := python3 gcc -lblas -llapack slurm/slurm.h srun slurmctld slurmd root
PARTS := $(CHECKS:%=check-%)
SKIPPED :=
.PHONY: check check-quick check-parts $(PARTS) check-prices check-mutants check-long
# With -j the parts run at the same time, and the output of each is printed in one piece.
check:
	$(Q)rm -rf $(T)/passed $(JUNIT)
	$(Q)mkdir -p $(T)
	$(Q){ $(foreach part,$(CHECKS),tests/needs check-$(part) "$(CC)" $(NEEDS_$(part));) true; } > $(T)/skipped
	$(Q)$(MAKE) --no-print-directory -k $(if $(filter -j%,$(MAKEFLAGS)),-Otarget) check-parts \
		SKIPPED="$$(cut -d: -f1 $(T)/skipped | tr '\n' ' ')" || true
	$(Q)passed=0; failed=""; skipped=$$(wc -l < $(T)/skipped); for part in $(PARTS); do \
		if [ -e $(T)/passed/$$part ]; then passed=$$((passed + 1)); \
		elif ! grep -q "^$$part:" $(T)/skipped; then failed="$$failed $$part"; fi; \
	done; \
	sed 's/^/SKIPPED: /' $(T)/skipped; \
	set -- $$failed; [ $$# = 0 ] || echo "FAILED:$$failed"; \
	echo "$$passed passed, $$# failed$$([ $$skipped = 0 ] || echo ", $$skipped skipped")"; [ $$# = 0 ]

check-parts: $(filter-out $(SKIPPED:%=$(T)/passed/%),$(PARTS:%=$(T)/passed/%))
$(T)/passed/%: %
	$(Q)mkdir -p $(@D)
	$(Q)[ $* = check-warnings ] || [ -e $(JUNIT)/$(*:check-%=%).xml ] || { echo "$* wrote no $(JUNIT)/$(*:check-%=%).xml"; exit 1; }
	$(Q)touch $@

# The tests that a change should pass first; after a change of one line they take less than a minute.
QUICK_CLIENTS := budget shapes weights
check-quick: check-warnings check-layers check-options check-bindings check-runners check-unit check-golden check-dumps all
	$(Q)$(CLEAN) tests/clients/run --build $(O) --quick --junit $(JUNIT)/quick.xml $(QUICK_CLIENTS)

# Runs the tests that measure time, or in which threads, processes and signals race, RUNS times while LOOPS busy loops run.
RUNS ?= 10
LOOPS ?= 2
RACING_CLIENTS := budget.threads control_flow ending faults live time unserved.slow_reader writer
RACING_MARKERS := limits threads
.PHONY: check-races check-races-once
check-races: all
	$(Q)tests/beside_load $(RUNS) $(LOOPS) $(MAKE) --no-print-directory check-races-once O=$(O)

check-races-once: all
	$(Q)$(CLEAN) tests/markers/run --build $(O) $(RACING_MARKERS)
	$(Q)$(CLEAN) tests/clients/run --build $(O) --quick $(RACING_CLIENTS)

# `./scripts/check --lint` installs them. LINT_GCC names another gcc, such as gcc-12, than `gcc` for gcc -fanalyzer.
# Static analyzers and linters, some four minutes on two cores: gcc -fanalyzer, clang-tidy, cppcheck, clang-format, shellcheck, flake8.
# What they find is written for the versions of Debian 12; tests/lint/accepted lists what is no fault, with reasons.
.PHONY: check-lint
check-lint: $(GENERATED)
	$(call part)
	$(Q)tests/lint/run --build $(O) --junit $(JUNIT)/lint.xml

# Builds with other compilers, flags and libraries, some twenty minutes; and fresh systems of Debian 11, 12 and 13, which take
# hours, root and debootstrap.
.PHONY: check-builds check-distributions
check-builds:
	$(call part)
	$(Q)$(CLEAN) $(RUN) tests/builds/run

check-distributions:
	$(call part)
	$(Q)$(RUN) tests/distributions/run

# The tests that take hours: every BLAS, all prices measured again, 200 kills, 30,000 mutated dumps, ten minutes of libFuzzer.
check-long: check-prices check-mutants check-lint check-slurm check-builds $(T)/fuzz_read_libfuzzer $(SEEDS:%=$(T)/seeds/%.dump) $(UNIT:%=$(T)/plain/test_%)
	$(Q)$(RUN:.xml=-prototypes.xml) tests/interfaces/test_prototypes.py
	$(Q)$(CLEAN) FLOPSHIM_LONG=1 tests/clients/run --build $(O) --junit $(JUNIT)/long-clients.xml
	$(Q)$(CLEAN) FLOPSHIM_LONG=1 tests/markers/run --build $(O) --junit $(JUNIT)/long-markers.xml
	$(Q)FLOPSHIM_LONG=1 $(RUN:.xml=-charge.xml) $(T)/plain/test_charge
	$(Q)TEST_SHAPES=1500 $(RUN:.xml=-table.xml) $(T)/plain/test_table
	$(Q)mkdir -p $(T)/corpus
	$(Q)$(RUN:.xml=-libfuzzer.xml) $(T)/fuzz_read_libfuzzer -max_total_time=600 -max_len=65536 $(T)/corpus $(T)/seeds
