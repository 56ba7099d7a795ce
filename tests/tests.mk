# SPDX-License-Identifier: BSD-3-Clause
# The tests: `make check` and the longer ones. Included by the Makefile.

T := $(O)/tests
CHECK_LIBS := -lcheck_pic -lsubunit -lrt -lm -lpthread
# FLOPSHIM_ variables of the caller would change what is tested.
CLEAN := env -u FLOPSHIM_BUDGET -u FLOPSHIM_OUT -u FLOPSHIM_QUIET

# ---- unit tests: plain, and under the sanitizers ----

UNIT_FLAGS := $(BASE) -Ishim -Ishim/include -Ianalyzer -Itests/unit -I$(O)/gen
# What each test is linked with, beside itself.
LINK_test_config := shim/config.c shim/guest.c
LINK_test_charge := shim/charge.c shim/config.c shim/guest.c
LINK_test_price := $(T)/price/tables.c shim/price.c
LINK_test_generate :=
LINK_test_stack_words := $(GENERATED)
LINK_test_table := $(GENERATED) shim/price.c
LINK_test_read := tests/unit/dump_writer.c $(filter-out analyzer/main.c,$(ANALYZER_SOURCES)) shim/price.c \
	$(GENERATED) $(O)/gen/formulas.c
LIBS_test_read := $(ANALYZER_LIBS)
UNIT := test_config test_charge test_price test_generate test_stack_words test_table test_read
# Without threads there is nothing for the thread sanitizer to see.
UNIT_THREAD := test_charge
UNIT_ADDRESS := test_config test_charge test_price test_table test_read

$(T) $(T)/price $(T)/address $(T)/thread:
	$(Q)mkdir -p $@

$(T)/price/tables.c: $(O)/generate tests/unit/price.tbl | $(T)/price
	$(Q)$(O)/generate --gpr $(GPRS) tests/unit/price.tbl -o $(T)/price

$(T)/test_%: tests/unit/test_%.c $(wildcard shim/*.[ch] analyzer/*.[ch] tests/unit/*.[ch]) $(GENERATED) $(T)/price/tables.c | $(T)
	$(call say,CC)
	$(Q)$(CC) $(UNIT_FLAGS) -o $@ $< $(LINK_test_$*) $(CHECK_LIBS) $(LIBS_test_$*)

$(T)/address/test_%: tests/unit/test_%.c $(wildcard shim/*.[ch] analyzer/*.[ch] tests/unit/*.[ch]) $(GENERATED) $(T)/price/tables.c | $(T)/address
	$(call say,CC)
	$(Q)$(CC) $(UNIT_FLAGS) -O1 -fsanitize=address,undefined -fno-sanitize-recover=undefined -o $@ $< $(LINK_test_$*) $(CHECK_LIBS) $(LIBS_test_$*)

$(T)/thread/test_%: tests/unit/test_%.c $(wildcard shim/*.[ch]) $(GENERATED) | $(T)/thread
	$(call say,CC)
	$(Q)$(CC) $(UNIT_FLAGS) -O1 -fsanitize=thread -o $@ $< $(LINK_test_$*) $(CHECK_LIBS) $(LIBS_test_$*)

.PHONY: check-unit check-sanitizers check-golden check-markers check-symbols check-warnings
check-unit: all $(UNIT:%=$(T)/%)
	$(Q)for test in $(UNIT); do GENERATE=$(O)/generate $(CLEAN) $(T)/$$test 2>$(T)/$$test.err || { cat $(T)/$$test.err >&2; exit 1; }; done

check-sanitizers: $(UNIT_ADDRESS:%=$(T)/address/%) $(UNIT_THREAD:%=$(T)/thread/%)
	$(Q)for test in $(UNIT_ADDRESS:%=address/%) $(UNIT_THREAD:%=thread/%); do \
		$(CLEAN) $(T)/$$test 2>$(T)/$$test.err || { cat $(T)/$$test.err >&2; exit 1; }; done

# Every source without a warning, by both compilers.
check-warnings: $(GENERATED)
	$(Q)for compiler in $(CC) clang; do \
		command -v $$compiler >/dev/null || continue; \
		for file in shim/*.c analyzer/*.c launcher/*.c; do \
			$$compiler -std=gnu11 -D_GNU_SOURCE -Wall -Wextra -Werror -fsyntax-only -Ishim -Ishim/include -Ianalyzer \
				-I$(O)/gen -DLIBDIR='""' $$file || exit 1; \
		done; \
	done
	$(Q)echo "No warning from $(CC) and clang"

check-symbols: all
	$(Q)FLOPSHIM_BUILD=$(O) tests/unit/test_symbols.py

# ---- flopshim-report ----

$(T)/make_dump: tests/golden/make_dump.c tests/unit/dump_writer.c shim/include/flopshim_dump.h | $(T)
	$(call say,CC)
	$(Q)$(CC) $(UNIT_FLAGS) -o $@ $< tests/unit/dump_writer.c

check-golden: all $(T)/make_dump
	$(Q)tests/golden/run $(O)/flopshim-report $(T)/make_dump

# ---- programs ----

check-clients: all
	$(Q)$(CLEAN) tests/clients/run --build $(O)

check-markers: all
	$(Q)$(CLEAN) tests/markers/run --build $(O)

# ---- prices ----

check-price-samples: all
	$(Q)FLOPSHIM_REPORT=$(O)/flopshim-report tests/price/run

check-prices: all
	$(Q)FLOPSHIM_REPORT=$(O)/flopshim-report tests/price/run --full
