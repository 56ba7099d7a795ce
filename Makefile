# SPDX-License-Identifier: BSD-3-Clause
#
# Makefile - builds flopshim; tests/tests.mk and bench/bench.mk, which it includes, test and measure it.
# It must never list the sources of a folder one by one: a new file is built without an edit here.
#
# make                     builds the shim, flopshim-report and the launcher in $(O)
# make check-quick         tests what a change breaks most often, in less than a minute
# make check               runs all quick tests       make check-long     runs the soak, fuzz and matrix tests too
# make check-prices        compares every price with measured instruction counts
# make bench               measures calls             make bench-clients  measures programs
# make docs                writes the table of options in README.md
# make slurm               builds the plugin for Slurm, too; it needs Debian's libslurm-dev
# make install             installs; PREFIX=/usr/local DESTDIR= LIBDIR=$(PREFIX)/lib are the defaults
#
# O=DIR builds in DIR, DEBUG=1 builds without optimization, V=1 shows commands.
# ENTRY=c builds an entry body that leaves all work to C, for tests; give it a folder of its own, such as O=build-c.

MAKEFLAGS += --no-builtin-rules
.SUFFIXES:
.DELETE_ON_ERROR:

O ?= build
PREFIX ?= /usr/local
LIBDIR ?= $(PREFIX)/lib
BINDIR ?= $(PREFIX)/bin
INCLUDEDIR ?= $(PREFIX)/include
SLURMDIR ?= $(LIBDIR)/slurm
DATADIR ?= $(PREFIX)/share
LDCONFIG ?= ldconfig
MANDIR ?= $(DATADIR)/man
MODULEDIR ?= $(DATADIR)/modulefiles

CC ?= cc
VERSION := $(shell sed -n 's/.*VERSION "\(.*\)"/\1/p' include/version.h)
ARCH := $(shell $(CC) -dumpmachine | cut -d- -f1)
MULTIARCH := $(shell $(CC) -print-multiarch)
# Number of integer argument registers; empty for a processor that price/slots.h does not know.
GPRS := $(shell $(CC) -E -dM -x c price/slots.h 2>/dev/null | sed -n 's/^.define ENTRY_GPR_COUNT //p')
ifeq ($(GPRS),)
$(error flopshim has no entry body for $(ARCH) yet: shim/state/entry.h says what one must do)
endif

OPT := $(if $(DEBUG),-O0,-O2)
WARN := -Wall -Wextra
CFLAGS ?= $(OPT) -g
# Every source but the generator's calls what an old glibc has, too: see there.
OLDEST := -include libc/oldest.h
PLAIN := -std=gnu11 -D_GNU_SOURCE $(WARN) $(CFLAGS)
BASE := $(PLAIN) $(OLDEST)
Q := $(if $(V),,@)
quiet := $(V)$(findstring s,$(filter-out --%,$(firstword -$(MAKEFLAGS))))
say = $(if $(quiet),,@printf '  %-8s %s\n' $(1) $(patsubst $(O)/%,%,$@))

.PHONY: all slurm check check-long check-prices check-clients bench bench-clients docs install clean
all: $(O)/libflopshim.so $(O)/flopshim-report $(O)/flopshim

# Each compilation also writes a .d file, which lists the headers that the object depends on.
DEPENDENCIES := -MMD -MP
# Sources include a header by its path from this folder; include/ holds the headers that are installed.
SEARCH := -I. -Iinclude -I$(O)/gen

# ---- functions of the oldest C library ----

# Not by link-time optimization, which may tear the directives of libc/versions.h away from the calls.
$(O)/pic/libc/%.o: libc/%.c
	$(call say,CC)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(BASE) -fPIC -fno-lto -fvisibility=hidden $(SEARCH) $(DEPENDENCIES) -c $< -o $@

# What anything is linked with, what the shim is not, and what executables alone are.
LIBC_OBJECTS := $(O)/pic/libc/status.o $(O)/pic/libc/names.o
LIBC_ARCHIVE := $(O)/pic/libc/oldest.a
LIBC_EXECUTABLE := $(LIBC_ARCHIVE) $(O)/pic/libc/start.o
LIBC_START := -Wl,--wrap=__libc_start_main
# Parts of libc since glibc 2.34, which has empty libraries of these names. The shim needs dlsym in programs that do not load libdl.
LIBC_LOADER := -Wl,--push-state,--no-as-needed -l:libdl.so.2 -Wl,--pop-state
LIBC_MOVED := $(LIBC_LOADER) -Wl,--push-state,--no-as-needed -l:libpthread.so.0 -Wl,--pop-state

$(LIBC_ARCHIVE): $(LIBC_OBJECTS) $(O)/pic/libc/calls.o $(O)/pic/libc/moved.o
	$(call say,AR)
	$(Q)rm -f $@ && $(AR) rc $@ $^

# ---- the routine table ----

TABLES := $(wildcard routines/*.tbl)
GENERATED := $(O)/gen/tables.c
GENERATED_ALSO := $(O)/gen/stubs.inc $(O)/gen/symbols.h $(O)/gen/formulas.c $(O)/gen/formulas.h
HEADERS := $(O)/gen/cblas.i $(O)/gen/lapack.i $(O)/gen/lapacke.i
GENERATOR_OBJECTS := $(patsubst %.c,$(O)/%.o,$(wildcard generate/*.c))

# The generator runs on the machine that builds, which may have another processor than the one that the shim is built for.
HOSTCC ?= $(CC)
HOSTCFLAGS ?= $(OPT) -g
HOSTBASE := -std=gnu11 -D_GNU_SOURCE $(WARN) $(HOSTCFLAGS)

$(O)/generate/%.o: generate/%.c
	$(call say,HOSTCC)
	$(Q)mkdir -p $(@D)
	$(Q)$(HOSTCC) $(HOSTBASE) $(SEARCH) $(DEPENDENCIES) -c $< -o $@

$(O)/generate/generate: $(GENERATOR_OBJECTS)
	$(call say,HOSTLINK)
	$(Q)$(HOSTCC) $(HOSTCFLAGS) -o $@ $^

$(GENERATED): $(O)/generate/generate $(TABLES)
	$(call say,GENERATE)
	$(Q)mkdir -p $(@D)
	$(Q)$< --gpr $(GPRS) $(TABLES) -o $(@D)

$(GENERATED_ALSO): $(GENERATED) ;

# ---- the shim ----

# Code on the call path must not use vector registers, since they hold arguments of the program's call.
SHIM_PLAIN := shim/interpose/intercept shim/charge/weights shim/charge/namespace price/price gen/tables
SHIM_SOURCES := $(filter-out shim/state/offsets.c,$(wildcard shim/*/*.c)) price/price.c
SHIM_ASSEMBLY := $(wildcard shim/*/*_$(ARCH).S)
SHIM_OBJECTS := $(patsubst %.c,$(O)/pic/%.o,$(SHIM_SOURCES)) $(patsubst %.S,$(O)/pic/%.o,$(SHIM_ASSEMBLY)) $(O)/pic/gen/tables.o \
	$(LIBC_OBJECTS)
SHIM_FLAGS := $(BASE) -DOLDEST_IN_SHIM -fPIC -fvisibility=hidden $(SEARCH)
$(SHIM_PLAIN:%=$(O)/pic/%.o): SHIM_EXTRA := -mgeneral-regs-only
# memory.c defines the shim's own memset. gcc would turn its loops into calls of memset, which this option forbids; clang
# does not have the option, and leaves loops alone with -fno-builtin.
LOOPS_STAY := $(shell $(CC) -fno-tree-loop-distribute-patterns -E -x c /dev/null > /dev/null 2>&1 \
	&& echo -fno-tree-loop-distribute-patterns)
$(O)/pic/shim/guest/memory.o: SHIM_EXTRA := -fno-builtin $(LOOPS_STAY)

$(O)/pic/%.o: %.c $(GENERATED)
	$(call say,CC)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(SHIM_FLAGS) $(SHIM_EXTRA) $(DEPENDENCIES) -c $< -o $@

$(O)/pic/gen/tables.o: $(GENERATED)
	$(call say,CC)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(SHIM_FLAGS) $(SHIM_EXTRA) $(DEPENDENCIES) -c $< -o $@

# Offsets of structure members for the entry body. They are taken from assembly that the compiler writes, since a program
# that printed them might not run on the machine that builds.
OFFSETS := $(O)/gen/offsets.h
$(OFFSETS): shim/state/offsets.c $(GENERATED)
	$(call say,OFFSETS)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(SHIM_FLAGS) -fno-lto $(DEPENDENCIES) -MT $@ -S $< -o $(@:.h=.s)
	$(Q)sed -n 's/^[[:space:]]*\.ascii[[:space:]]*"->\([A-Z_]*\) [$$#]*\([0-9]*\)"$$/#define \1 \2/p' $(@:.h=.s) > $@.new
	$(Q)grep -q THREAD_CREDIT $@.new && mv $@.new $@

AS_FLAGS := -fPIC -g $(SEARCH) $(if $(filter c,$(ENTRY)),-DENTRY_IN_C)
$(O)/pic/%.o: %.S $(GENERATED) $(OFFSETS)
	$(call say,AS)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(AS_FLAGS) $(DEPENDENCIES) -c $< -o $@

SHIM_LINK := -Wl,-soname,libflopshim.so -Wl,-z,now -Wl,-z,relro -Wl,-z,defs -Wl,--hash-style=gnu -Wl,-Bsymbolic \
	-Wl,--version-script=shim/exports.map

$(O)/libflopshim.so: $(SHIM_OBJECTS) shim/exports.map
	$(call say,LINK)
	$(Q)$(CC) $(CFLAGS) -shared $(SHIM_LINK) -o $@.new $(SHIM_OBJECTS) $(LIBC_LOADER) $(LDFLAGS)
	$(Q)mv $@.new $@ # a running program may have the old file mapped, which must not change

# ---- the analyzer ----

# The analyzer reads files that others may have written. If one makes it write beyond the end of a buffer, it should
# end: _FORTIFY_SOURCE has the C library check lengths. It does so only in optimized code, and not every compiler knows
# level 3, so `fortified` gives the options of a level only if they compile without a warning.
fortified = $(shell printf '\043include <stdio.h>\n\043ifndef __OPTIMIZE__\n\043error\n\043endif\n' | $(CC) $(CFLAGS) -Werror -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=$(1) -c -x c -o /dev/null - \
	2> /dev/null && echo -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=$(1))
HARDENED := $(or $(call fortified,3),$(call fortified,2)) -fstack-protector-strong -fPIE
HARDENED_LINK := -pie -Wl,-z,relro -Wl,-z,now

ANALYZER_SOURCES := $(wildcard analyzer/*/*.c analyzer/render/html/*.c) price/price.c
ANALYZER_GENERATED := gen/tables gen/formulas gen/template
ANALYZER_OBJECTS := $(patsubst %.c,$(O)/%.o,$(ANALYZER_SOURCES)) $(ANALYZER_GENERATED:%=$(O)/%.o)
# zlib compresses the data in pages. `make ZLIB=` builds without it.
ifeq ($(origin ZLIB),undefined)
ZLIB := $(shell printf '\043include <zlib.h>\nint main(void) { return !zlibVersion(); }\n' | $(CC) -x c -o /dev/null - -lz \
	2> /dev/null && echo yes)
endif
$(if $(ZLIB),,$(info zlib and its header are not there: flopshim-report will neither write pages nor read them))
ANALYZER_FLAGS := $(BASE) $(SEARCH) $(HARDENED) $(if $(ZLIB),-DHAVE_ZLIB)
ANALYZER_LIBS := -ldw -lelf -lncursesw -ltinfo -lm $(LIBC_MOVED) $(if $(ZLIB),-lz)

$(O)/analyzer/%.o: analyzer/%.c $(GENERATED)
	$(call say,CC)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ANALYZER_FLAGS) $(DEPENDENCIES) -c $< -o $@

$(O)/price/%.o: price/%.c $(GENERATED)
	$(call say,CC)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ANALYZER_FLAGS) $(DEPENDENCIES) -c $< -o $@

# The page that `flopshim-report html` fills. Style sheets and scripts are joined in the order of their names.
PAGE_PARTS := analyzer/render/html/page.html $(sort $(wildcard analyzer/render/html/*.css) $(wildcard analyzer/render/html/*.js))

$(O)/analyzer/render/html/assemble/assemble: analyzer/render/html/assemble/assemble.c
	$(call say,HOSTCC)
	$(Q)mkdir -p $(@D)
	$(Q)$(HOSTCC) $(HOSTBASE) $(SEARCH) $(DEPENDENCIES) $< -o $@

$(O)/gen/template.c: $(O)/analyzer/render/html/assemble/assemble $(PAGE_PARTS)
	$(call say,PAGE)
	$(Q)mkdir -p $(@D)
	$(Q)$< $(PAGE_PARTS) > $@

$(O)/gen/template.o: $(O)/gen/template.c
$(ANALYZER_GENERATED:%=$(O)/%.o): $(O)/gen/%.o: $(GENERATED)
	$(call say,CC)
	$(Q)$(CC) $(ANALYZER_FLAGS) $(DEPENDENCIES) -c $(O)/gen/$*.c -o $@

$(O)/flopshim-report: $(ANALYZER_OBJECTS) $(LIBC_EXECUTABLE)
	$(call say,LINK)
	$(Q)$(CC) $(CFLAGS) $(HARDENED_LINK) $(LIBC_START) -o $@ $^ $(ANALYZER_LIBS) $(LDFLAGS)

# ---- the launcher ----

# The folder where the launcher looks for the shim. It is kept in a file, so that the launcher is compiled again if
# `make install` names another LIBDIR than `make` did.
.PHONY: libdir-again
$(O)/launcher/libdir: libdir-again
	$(Q)mkdir -p $(@D)
	$(Q)echo '$(LIBDIR)' | cmp -s - $@ || echo '$(LIBDIR)' > $@

$(O)/launcher/%.o: launcher/%.c $(O)/launcher/libdir
	$(call say,CC)
	$(Q)$(CC) $(BASE) $(SEARCH) -DLIBDIR='"$(LIBDIR)"' $(DEPENDENCIES) -c $< -o $@

$(O)/flopshim: $(patsubst %.c,$(O)/%.o,$(wildcard launcher/*.c)) $(LIBC_EXECUTABLE)
	$(call say,LINK)
	$(Q)$(CC) $(CFLAGS) $(LIBC_START) -o $@ $^ $(LDFLAGS)

# ---- the plugin for Slurm ----

# The shim's reader of variables, which the plugin and a unit test are linked with.
CONFIG_OBJECTS := shim/guest/config shim/guest/guest shim/guest/machine shim/guest/speak
SLURM_OBJECTS := $(patsubst %.c,$(O)/pic/%.o,$(wildcard slurm/*.c))
$(SLURM_OBJECTS): SHIM_EXTRA := -fvisibility=default

slurm: all $(O)/slurm/flopshim.so

$(O)/slurm/flopshim.so: $(SLURM_OBJECTS) $(O)/pic/launcher/reach.o $(CONFIG_OBJECTS:%=$(O)/pic/%.o) $(LIBC_OBJECTS) slurm/exports.map
	$(call say,LINK)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) -shared -Wl,-z,now -Wl,-z,relro -Wl,--version-script=slurm/exports.map -o $@.new $(filter %.o,$^) $(LDFLAGS)
	$(Q)mv $@.new $@ # a running daemon may have the old file mapped

# ---- documents ----

$(O)/docs/options: docs/options.c
	$(call say,HOSTCC)
	$(Q)mkdir -p $(@D)
	$(Q)$(HOSTCC) $(HOSTBASE) $(SEARCH) $(DEPENDENCIES) $< -o $@

# Replaces the table of options in README.md.
docs: $(O)/docs/options
	$(Q)$< readme > $<.md
	$(Q)sed -i -e '/^<!-- options: /r $<.md' -e '/^<!-- options: /,/^<!-- end of options/{/^<!-- /!d}' README.md

$(O)/docs/flopshim.1: docs/flopshim.1.in $(O)/docs/options include/version.h
	$(Q)$(O)/docs/options man > $@.options
	$(Q)sed -e '/^@OPTIONS@$$/{r $@.options' -e 'd}' -e 's/@VERSION@/$(VERSION)/' $< > $@

# Completions, with the file names that the shells expect.
COMPLETION_bash := bash-completion/completions/flopshim
COMPLETION_zsh := zsh/site-functions/_flopshim
COMPLETION_fish := fish/vendor_completions.d/flopshim.fish
SHELLS := bash zsh fish
$(SHELLS:%=$(O)/docs/completion.%): $(O)/docs/completion.%: $(O)/docs/options
	$(Q)$< $* > $@

all: $(O)/docs/flopshim.1 $(SHELLS:%=$(O)/docs/completion.%)

# ---- installation ----

# $(call filled,SOURCE,TARGET) installs a file that names the folders of this installation.
filled = install -d $(DESTDIR)$(dir $(2)) && sed -e 's|@BINDIR@|$(BINDIR)|' -e 's|@LIBDIR@|$(LIBDIR)|' \
	-e 's|@INCLUDEDIR@|$(INCLUDEDIR)|' -e 's|@DATADIR@|$(DATADIR)|' -e 's|@MANDIR@|$(MANDIR)|' -e 's|@SLURMDIR@|$(SLURMDIR)|' \
	-e 's|@VERSION@|$(VERSION)|' $(1) > $(DESTDIR)$(2) && chmod 644 $(DESTDIR)$(2)

# A plugin that was built is built again, if it is older than its sources.
install: all $(wildcard $(O)/slurm/flopshim.so)
	install -d $(DESTDIR)$(LIBDIR) $(DESTDIR)$(BINDIR) $(DESTDIR)$(INCLUDEDIR)
	install -m 755 $(O)/libflopshim.so $(DESTDIR)$(LIBDIR)/
	install -m 755 $(O)/flopshim-report $(O)/flopshim $(DESTDIR)$(BINDIR)/
	install -m 644 include/flopshim.h include/flopshim_dump.h $(DESTDIR)$(INCLUDEDIR)/
	install -d $(DESTDIR)$(DATADIR)/flopshim/flopshim
	install -m 644 bindings/flopshim_pytest.py bindings/flopshim.f90 $(DESTDIR)$(DATADIR)/flopshim/
	install -m 644 $(wildcard bindings/flopshim/*.py) $(DESTDIR)$(DATADIR)/flopshim/flopshim/
	$(call filled,bindings/METADATA.in,$(DATADIR)/flopshim/flopshim.dist-info/METADATA)
	$(call filled,bindings/entry_points.txt,$(DATADIR)/flopshim/flopshim.dist-info/entry_points.txt)
	install -d $(DESTDIR)$(DATADIR)/cmake/Flopshim
	install -m 644 cmake/Flopshim.cmake cmake/FlopshimConfig.cmake cmake/flopshim-test $(DESTDIR)$(DATADIR)/cmake/Flopshim/
	install -D -m 644 $(O)/docs/flopshim.1 $(DESTDIR)$(MANDIR)/man1/flopshim.1
	$(foreach shell,$(SHELLS),install -D -m 644 $(O)/docs/completion.$(shell) $(DESTDIR)$(DATADIR)/$(COMPLETION_$(shell)) &&) true
	$(call filled,modulefiles/flopshim.in,$(MODULEDIR)/flopshim/$(VERSION))
	$(call filled,modulefiles/flopshim.lua.in,$(MODULEDIR)/flopshim/$(VERSION).lua)
	if [ -e $(O)/slurm/flopshim.so ]; then \
		install -D -m 755 $(O)/slurm/flopshim.so $(DESTDIR)$(SLURMDIR)/flopshim.so && \
		$(call filled,slurm/plugstack.conf.in,$(DATADIR)/flopshim/plugstack.conf); fi
	$(if $(DESTDIR),,-$(LDCONFIG))

clean:
	rm -rf $(O)

-include $(shell find $(O) -name '*.d' 2>/dev/null)
include tests/tests.mk bench/bench.mk
