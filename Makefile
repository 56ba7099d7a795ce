# SPDX-License-Identifier: BSD-3-Clause
#
# make                     the shim, flopshim-report and the launcher, in $(O)
# make check               the quick tests            make check-long     soak, fuzz and matrix runs
# make check-prices        every price against measured instruction counts
# make bench               what a call costs          make bench-clients  what programs cost
# make install             PREFIX=/usr/local DESTDIR= LIBDIR=$(PREFIX)/lib
#
# DEBUG=1 without optimization, SANITIZE=address,undefined (for unit tests), V=1 shows commands, O=DIR builds elsewhere.

O ?= build
PREFIX ?= /usr/local
LIBDIR ?= $(PREFIX)/lib
BINDIR ?= $(PREFIX)/bin
INCLUDEDIR ?= $(PREFIX)/include
DATADIR ?= $(PREFIX)/share
MANDIR ?= $(DATADIR)/man

CC ?= cc
ARCH := $(shell $(CC) -dumpmachine | cut -d- -f1)
MULTIARCH := $(shell $(CC) -print-multiarch)
GPRS_x86_64 := 6
GPRS := $(GPRS_$(ARCH))
ifeq ($(GPRS),)
$(error flopshim has no entry body for $(ARCH) yet: shim/entry.h says what one must do)
endif

OPT := $(if $(DEBUG),-O0,-O2)
WARN := -Wall -Wextra
CFLAGS ?= $(OPT) -g
BASE := -std=gnu11 -D_GNU_SOURCE $(WARN) $(CFLAGS)
Q := $(if $(V),,@)
say = $(if $(V),,@printf '  %-8s %s\n' $(1) $(patsubst $(O)/%,%,$@))

.PHONY: all check check-long check-prices check-clients bench bench-clients install clean
all: $(O)/libflopshim.so $(O)/flopshim-report $(O)/flopshim

# ---- the routine table ----

TABLES := $(wildcard shim/routines/*.tbl)
GENERATED := $(O)/gen/tables.c
HEADERS := $(O)/gen/cblas.i $(O)/gen/lapack.i $(O)/gen/lapacke.i

$(O)/gen $(O)/shim $(O)/analyzer:
	$(Q)mkdir -p $@

$(O)/generate: $(wildcard shim/generate*.c shim/generate*.h) shim/routines.h shim/price_program.h | $(O)/gen
	$(call say,CC)
	$(Q)$(CC) $(BASE) -Ishim -o $@ shim/generate*.c

# What the installed headers declare, for the generator to check the table against.
$(O)/gen/%.i: | $(O)/gen
	$(Q)printf '#include <%s.h>\n' $* | $(CC) -E -P -DLAPACK_FORTRAN_STRLEN_END -I/usr/include/$(MULTIARCH) -x c - > $@ \
		|| { rm -f $@; echo "$*.h is not installed: ./scripts/check installs what the build needs" >&2; exit 1; }

$(GENERATED): $(O)/generate $(TABLES) $(HEADERS)
	$(call say,GENERATE)
	$(Q)$(O)/generate --gpr $(GPRS) $(TABLES) -o $(O)/gen --headers $(HEADERS)

$(O)/gen/stubs.inc $(O)/gen/symbols.h $(O)/gen/formulas.c $(O)/gen/formulas.h: $(GENERATED)

# ---- the shim ----

# Code on the call path uses no vector register: the program's arguments are in them.
SHIM_PLAIN := intercept price tables weights namespace
SHIM_SOURCES := $(filter-out $(wildcard shim/generate*.c),$(wildcard shim/*.c))
SHIM_OBJECTS := $(patsubst shim/%.c,$(O)/shim/%.o,$(SHIM_SOURCES)) $(O)/shim/tables.o $(O)/shim/entry.o
SHIM_FLAGS := $(BASE) -fPIC -fvisibility=hidden -Ishim -Ishim/include -I$(O)/gen
$(patsubst %,$(O)/shim/%.o,$(SHIM_PLAIN)): SHIM_EXTRA := -mgeneral-regs-only
# gcc would make calls of memset out of its loops; clang has no such option, and does not with -fno-builtin.
LOOPS_STAY := $(shell $(CC) -fno-tree-loop-distribute-patterns -E -x c /dev/null > /dev/null 2>&1 \
	&& echo -fno-tree-loop-distribute-patterns)
$(O)/shim/memory.o: SHIM_EXTRA := -fno-builtin $(LOOPS_STAY)

$(O)/shim/%.o: shim/%.c $(GENERATED) | $(O)/shim
	$(call say,CC)
	$(Q)$(CC) $(SHIM_FLAGS) $(SHIM_EXTRA) -MMD -MP -c $< -o $@

$(O)/shim/tables.o: $(GENERATED) | $(O)/shim
	$(call say,CC)
	$(Q)$(CC) $(SHIM_FLAGS) $(SHIM_EXTRA) -c $< -o $@

$(O)/shim/entry.o: shim/entry_$(ARCH).S shim/entry.h $(GENERATED) | $(O)/shim
	$(call say,AS)
	$(Q)$(CC) -fPIC -g -Ishim -I$(O)/gen -c $< -o $@

SHIM_LINK := -Wl,-soname,libflopshim.so -Wl,-z,now -Wl,-z,relro -Wl,-z,defs -Wl,--hash-style=gnu -Wl,-Bsymbolic

$(O)/libflopshim.so: $(SHIM_OBJECTS)
	$(call say,LINK)
	$(Q)$(CC) $(CFLAGS) -shared $(SHIM_LINK) -o $@.new $^ $(LDFLAGS)
	$(Q)mv $@.new $@ # programs under test may have the old one mapped

# ---- the analyzer ----

ANALYZER_SOURCES := $(wildcard analyzer/*.c)
ANALYZER_OBJECTS := $(patsubst analyzer/%.c,$(O)/analyzer/%.o,$(ANALYZER_SOURCES)) \
	$(O)/analyzer/price.o $(O)/analyzer/tables.o $(O)/analyzer/formulas.o
ANALYZER_FLAGS := $(BASE) -Ianalyzer -Ishim -Ishim/include -I$(O)/gen
ANALYZER_LIBS := -ldw -lelf -lncursesw -ltinfo

$(O)/analyzer/%.o: analyzer/%.c $(GENERATED) | $(O)/analyzer
	$(call say,CC)
	$(Q)$(CC) $(ANALYZER_FLAGS) -MMD -MP -c $< -o $@

$(O)/analyzer/price.o: shim/price.c $(GENERATED) | $(O)/analyzer
	$(Q)$(CC) $(ANALYZER_FLAGS) -MMD -MP -c $< -o $@

$(O)/analyzer/tables.o $(O)/analyzer/formulas.o: $(O)/analyzer/%.o: $(GENERATED) | $(O)/analyzer
	$(Q)$(CC) $(ANALYZER_FLAGS) -c $(O)/gen/$*.c -o $@

$(O)/flopshim-report: $(ANALYZER_OBJECTS)
	$(call say,LINK)
	$(Q)$(CC) $(CFLAGS) -o $@ $^ $(ANALYZER_LIBS) $(LDFLAGS)

# ---- the launcher ----

$(O)/flopshim: launcher/flopshim.c $(wildcard launcher/*.h) shim/version.h | $(O)/shim
	$(call say,CC)
	$(Q)$(CC) $(BASE) -Ishim -DLIBDIR='"$(LIBDIR)"' -o $@ $<

# ---- installation ----

install: all
	install -d $(DESTDIR)$(LIBDIR) $(DESTDIR)$(BINDIR) $(DESTDIR)$(INCLUDEDIR)
	install -m 755 $(O)/libflopshim.so $(DESTDIR)$(LIBDIR)/
	install -m 755 $(O)/flopshim-report $(O)/flopshim $(DESTDIR)$(BINDIR)/
	install -m 644 shim/include/flopshim.h shim/include/flopshim_dump.h $(DESTDIR)$(INCLUDEDIR)/
	install -d $(DESTDIR)$(DATADIR)/flopshim
	install -m 644 shim/bindings/flopshim.py shim/bindings/flopshim.f90 $(DESTDIR)$(DATADIR)/flopshim/
	$(if $(DESTDIR),,-ldconfig)

clean:
	rm -rf $(O)

-include $(wildcard $(O)/shim/*.d $(O)/analyzer/*.d $(O)/tests/*.d)
include tests/tests.mk bench/bench.mk
