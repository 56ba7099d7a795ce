# SPDX-License-Identifier: BSD-3-Clause
#
# Makefile - builds flopshim; tests/tests.mk and bench/bench.mk, which it includes, test and measure it.
# It must never list the sources of a folder one by one: a new file is built without an edit here.
#
# make                     builds the shim, flopshim-report and the launcher in $(O)
# make check-quick         tests what a change breaks most often, in less than a minute
# make check               runs all quick tests       make check-long     runs the soak, fuzz and matrix tests too
# make check-builds        builds with other compilers, flags and libraries
# make check-distributions tries fresh systems of Debian 11, 12 and 13, as root, for hours
# make check-prices        compares every price with measured instruction counts
# make bench               measures calls             make bench-clients  measures programs
# make docs                writes the table of options in README.md
# make slurm               builds the plugin for Slurm, too; it needs Debian's libslurm-dev
# make install             installs; PREFIX=/usr/local DESTDIR= LIBDIR=$(PREFIX)/lib are the defaults; more stand below
# make uninstall           removes what `make install` with the same folders has installed
#
# O=DIR builds in DIR, DEBUG=1 builds without optimization, V=1 shows commands.
# ENTRY=c builds an entry body that leaves all work to C, for tests; give it a folder of its own, such as O=build-c.

MAKEFLAGS += --no-builtin-rules
.SUFFIXES:
.DELETE_ON_ERROR:

O ?= build
# Where `make install` puts things. If the prefix is moved later, nothing breaks but the line for Slurm's plugstack.conf.
PREFIX ?= /usr/local
EXEC_PREFIX ?= $(PREFIX)
LIBDIR ?= $(EXEC_PREFIX)/lib
BINDIR ?= $(EXEC_PREFIX)/bin
INCLUDEDIR ?= $(PREFIX)/include
SLURMDIR ?= $(LIBDIR)/slurm
DATADIR ?= $(PREFIX)/share
MANDIR ?= $(DATADIR)/man
MODULEDIR ?= $(DATADIR)/modulefiles
PKGCONFIGDIR ?= $(LIBDIR)/pkgconfig
CMAKEDIR ?= $(LIBDIR)/cmake/flopshim
BASHDIR ?= $(DATADIR)/bash-completion/completions
ZSHDIR ?= $(DATADIR)/zsh/site-functions
FISHDIR ?= $(DATADIR)/fish/vendor_completions.d
# The folder of this prefix where python3 looks for modules; for a prefix that it does not know, the usual one.
PYTHON ?= python3
ifeq ($(origin PYTHONDIR),undefined) # asked for when it is needed first
PYTHONDIR = $(eval PYTHONDIR := $(PYTHON_FOLDER))$(PYTHONDIR)
PYTHON_FOLDER = $(or $(shell $(PYTHON) scripts/python-folder $(PREFIX) 2>/dev/null),$(PREFIX)/lib/python3/dist-packages)
endif
INSTALL ?= install
LDCONFIG ?= ldconfig

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
# No file of the build holds the path of the folder that it was built in, so that two builds give the same bytes.
NAMELESS := $(shell $(CC) -ffile-prefix-map=a=b -E -x c /dev/null > /dev/null 2>&1 \
	&& echo '-ffile-prefix-map=$(CURDIR)=. -ffile-prefix-map=$(abspath $(O))=build')
PLAIN := -std=gnu11 -D_GNU_SOURCE $(WARN) $(NAMELESS) $(CPPFLAGS) $(CFLAGS)
BASE := $(PLAIN) $(OLDEST)
Q := $(if $(V),,@)
quiet := $(V)$(findstring s,$(filter-out --%,$(firstword -$(MAKEFLAGS))))
say = $(if $(quiet),,@printf '  %-8s %s\n' $(1) $(patsubst $(O)/%,%,$@))

.PHONY: all slurm check check-long check-prices check-clients bench bench-clients docs install uninstall filled clean
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
	$(Q)rm -f $@ && $(AR) rcD $@ $^

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

# Code on the call path must not use vector registers, since they hold arguments of the program's call. gcc before 12 also refuses
# inline functions of the C library's headers that return a double, which __NO_INLINE__ leaves out.
GENERAL_REGISTERS := -mgeneral-regs-only -D__NO_INLINE__
SHIM_PLAIN := shim/interpose/intercept shim/charge/weights shim/charge/namespace price/price gen/tables
SHIM_SOURCES := $(filter-out shim/state/offsets.c,$(wildcard shim/*/*.c)) price/price.c
SHIM_ASSEMBLY := $(wildcard shim/*/*_$(ARCH).S)
SHIM_OBJECTS := $(patsubst %.c,$(O)/pic/%.o,$(SHIM_SOURCES)) $(patsubst %.S,$(O)/pic/%.o,$(SHIM_ASSEMBLY)) $(O)/pic/gen/tables.o \
	$(LIBC_OBJECTS)
SHIM_FLAGS := $(BASE) -DOLDEST_IN_SHIM -fPIC -fvisibility=hidden $(SEARCH)
$(SHIM_PLAIN:%=$(O)/pic/%.o): SHIM_EXTRA := $(GENERAL_REGISTERS)
# memory.c defines the shim's own memset. gcc would turn its loops into calls of memset, which this option forbids; clang
# does not have the option, and leaves loops alone with -fno-builtin. Link-time optimization would lose it, since the linker's part of gcc
# calls memset only after it has dropped what nobody calls.
LOOPS_STAY := $(shell $(CC) -fno-tree-loop-distribute-patterns -E -x c /dev/null > /dev/null 2>&1 \
	&& echo -fno-tree-loop-distribute-patterns)
$(O)/pic/shim/guest/memory.o: SHIM_EXTRA := -fno-builtin -fno-lto $(LOOPS_STAY)

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

AS_FLAGS := -fPIC -g $(NAMELESS) $(SEARCH) $(if $(filter c,$(ENTRY)),-DENTRY_IN_C)
$(O)/pic/%.o: %.S $(GENERATED) $(OFFSETS)
	$(call say,AS)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(AS_FLAGS) $(DEPENDENCIES) -c $< -o $@

# The library's name for the dynamic linker. It is installed under this name, and libflopshim.so is a link to it.
SONAME := libflopshim.so.$(firstword $(subst ., ,$(VERSION)))
SHIM_LINK := -Wl,-soname,$(SONAME) -Wl,-z,now -Wl,-z,relro -Wl,-z,defs -Wl,--hash-style=gnu -Wl,-Bsymbolic \
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

# Libraries of the analyzer that a machine may lack. `make LIBDW=`, `make NCURSES=` and `make ZLIB=` build without one of them.
has = $(shell printf '\043include <$(1)>\nint main(void) { return !$(2); }\n' | $(CC) -x c -o /dev/null - $(3) 2> /dev/null && echo yes)
LIBS_LIBDW := -ldw -lelf
LIBS_NCURSES := -lncursesw -ltinfo
LIBS_ZLIB := -lz
ifeq ($(origin LIBDW),undefined)
LIBDW := $(call has,elfutils/libdwfl.h,dwfl_version(0),$(LIBS_LIBDW))
endif
ifeq ($(origin NCURSES),undefined)
NCURSES := $(call has,ncurses.h,curses_version(),$(LIBS_NCURSES))
endif
ifeq ($(origin ZLIB),undefined)
ZLIB := $(call has,zlib.h,zlibVersion(),$(LIBS_ZLIB))
endif
$(if $(LIBDW),,$(info building without libdw (package libdw-dev): flopshim-report will not name functions and lines of C, C++ and Fortran))
$(if $(NCURSES),,$(info building without ncurses (package libncurses-dev): flopshim-report live will print lines, and draw no screen))
$(if $(ZLIB),,$(info building without zlib (package zlib1g-dev): flopshim-report will neither write pages nor read them))
# Of symbolize.c and symbolize_none.c, and of screen.c and screen_none.c, the build leaves out one.
LEFT_OUT := analyzer/tables/symbolize$(if $(LIBDW),_none).c analyzer/commands/screen$(if $(NCURSES),_none).c
ANALYZER_SOURCES := $(filter-out $(LEFT_OUT),$(wildcard analyzer/*/*.c analyzer/render/html/*.c)) price/price.c
ANALYZER_GENERATED := gen/tables gen/formulas gen/template
ANALYZER_OBJECTS := $(patsubst %.c,$(O)/%.o,$(ANALYZER_SOURCES)) $(ANALYZER_GENERATED:%=$(O)/%.o)
ANALYZER_FLAGS := $(BASE) $(SEARCH) $(HARDENED) $(if $(ZLIB),-DHAVE_ZLIB)
ANALYZER_LIBS := $(foreach library,LIBDW NCURSES ZLIB,$(if $($(library)),$(LIBS_$(library)))) -lm $(LIBC_MOVED)

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

# $(call relative,FROM,TO) is the path of a folder as seen from another one if both are in the prefix, by which a moved prefix
# works. Otherwise it is the path itself.
relative = $(if $(filter $(PREFIX)/%,$(1)),$(if $(filter $(PREFIX) $(PREFIX)/%,$(2)),$(shell realpath -m -s --relative-to=$(1) $(2)),$(2)),$(2))

# The folder where the launcher looks for the shim, as seen from its own and as a whole. They are kept in a file, so that the
# launcher is compiled again if `make install` names another LIBDIR than `make` did.
LIBDIR_FROM_BINDIR = $(call relative,$(BINDIR),$(LIBDIR))
.PHONY: libdir-again
$(O)/launcher/libdir: libdir-again
	$(Q)mkdir -p $(@D)
	$(Q)echo '$(LIBDIR) $(LIBDIR_FROM_BINDIR)' | cmp -s - $@ || echo '$(LIBDIR) $(LIBDIR_FROM_BINDIR)' > $@

# The version of the routine table, for --version.
$(O)/gen/table_version.h: $(GENERATED)
	$(Q)sed -n 's/.*table_version\[\] = \("[^"]*"\).*/#define TABLE_VERSION \1/p' $< > $@.new
	$(Q)grep -q TABLE_VERSION $@.new && mv $@.new $@

$(O)/launcher/%.o: launcher/%.c $(O)/launcher/libdir $(O)/gen/table_version.h
	$(call say,CC)
	$(Q)$(CC) $(BASE) $(SEARCH) -DLIBDIR='"$(LIBDIR)"' -DLIBDIR_FROM_BINDIR='"$(LIBDIR_FROM_BINDIR)"' $(DEPENDENCIES) -c $< -o $@

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

$(O)/docs/options $(O)/docs/report_options: $(O)/docs/%: docs/%.c
	$(call say,HOSTCC)
	$(Q)mkdir -p $(@D)
	$(Q)$(HOSTCC) $(HOSTBASE) $(SEARCH) $(DEPENDENCIES) $< -o $@

# Replaces the table of options in README.md.
docs: $(O)/docs/options
	$(Q)$< readme > $<.md
	$(Q)sed -i -e '/^<!-- options: /r $<.md' -e '/^<!-- options: /,/^<!-- end of options/{/^<!-- /!d}' README.md

# The pages of the manual. All but that of the launcher are made of Markdown, by pandoc, and left out without it. A page has the
# date of the release, so that two builds give the same bytes.
RELEASED := $(shell sed -n 's/^\#\# [0-9.]*, \([0-9-]*\)$$/\1/p' CHANGELOG.md | head -n 1)
MARKDOWN_PAGES := flopshim-report.1 flopshim.h.3 flopshim-dump.5 flopshim.7
ALL_PAGES := flopshim.1 $(MARKDOWN_PAGES)
PANDOC ?= $(shell command -v pandoc 2>/dev/null)
PAGES := $(if $(PANDOC),$(ALL_PAGES),flopshim.1)
$(if $(PANDOC),,$(info pandoc is not there: these pages of the manual will be missing: $(MARKDOWN_PAGES)))

$(O)/docs/flopshim.1: docs/flopshim.1.in $(O)/docs/options include/version.h
	$(Q)$(O)/docs/options man > $@.options
	$(Q)sed -e '/^@OPTIONS@$$/{r $@.options' -e 'd}' -e 's/@VERSION@/$(VERSION)/' \
		-e "s/@DATE@/$(RELEASED)/" $< > $@

markdown_of = $(firstword $(wildcard docs/$(1).md docs/$(basename $(1)).md))
define markdown_page
$(O)/docs/$(1): docs/manual $(call markdown_of,$(1)) $(wildcard docs/markers.md docs/limits.md) include/flopshim.h include/version.h \
		$(O)/docs/options
	$$(call say,MANUAL)
	$$(Q)docs/manual $$(PANDOC) $(O)/docs/options $(VERSION) $(RELEASED) $(basename $(1)) $(subst .,,$(suffix $(1))) $(call markdown_of,$(1)) > $$@
endef
$(foreach page,$(MARKDOWN_PAGES),$(eval $(call markdown_page,$(page))))

# Completions of the two programs.
SHELLS := bash zsh fish
$(SHELLS:%=$(O)/docs/completion.%): $(O)/docs/completion.%: $(O)/docs/options
	$(Q)$< $* > $@
$(SHELLS:%=$(O)/docs/report.%): $(O)/docs/report.%: $(O)/docs/report_options
	$(Q)$< $* > $@

all: $(PAGES:%=$(O)/docs/%) $(SHELLS:%=$(O)/docs/completion.%) $(SHELLS:%=$(O)/docs/report.%)

# ---- installation ----

# Files that name the folders of this installation: SOURCE:NAME in $(O)/filled.
FILL := packaging/flopshim.pc.in:flopshim.pc cmake/flopshim-config.cmake.in:flopshim-config.cmake \
	cmake/flopshim-config-version.cmake.in:flopshim-config-version.cmake \
	modulefiles/flopshim.in:module modulefiles/flopshim.lua.in:module.lua slurm/plugstack.conf.in:plugstack.conf \
	bindings/METADATA.in:METADATA
FOLDERS := PREFIX BINDIR LIBDIR INCLUDEDIR DATADIR MANDIR SLURMDIR PYTHONDIR PKGCONFIGDIR CMAKEDIR MODULEDIR
filled:
	$(Q)mkdir -p $(O)/filled
	$(Q)$(foreach file,$(FILL),sed $(foreach folder,$(FOLDERS),-e 's|@$(folder)@|$($(folder))|g') \
		$(foreach folder,LIBDIR INCLUDEDIR BINDIR DATADIR PREFIX,-e 's|@$(folder)_FROM_CMAKEDIR@|$(call relative,$(CMAKEDIR),$($(folder)))|' \
			-e 's|@$(folder)_FROM_PKGCONFIGDIR@|$(call from_pkgconfig,$($(folder)))|') \
		-e 's|@VERSION@|$(VERSION)|g' -e 's|@MODULEFILE@|$(MODULEDIR)/flopshim/$(VERSION)|g' \
		$(firstword $(subst :, ,$(file))) > $(O)/filled/$(lastword $(subst :, ,$(file))) &&) true
# A path for a file of pkg-config, which knows its own folder.
from_pkgconfig = $(patsubst ..%,$${pcfiledir}/..%,$(call relative,$(PKGCONFIGDIR),$(1)))

# What is installed, MODE:SOURCE:TARGET; links, OLD:NEW; and the folders that are flopshim's own. `make uninstall` removes these.
PUT = 755:$(O)/libflopshim.so:$(LIBDIR)/$(SONAME) \
	$(foreach program,flopshim flopshim-report,755:$(O)/$(program):$(BINDIR)/$(program)) \
	$(foreach header,flopshim.h flopshim_dump.h,644:include/$(header):$(INCLUDEDIR)/$(header)) \
	644:$(O)/filled/flopshim.pc:$(PKGCONFIGDIR)/flopshim.pc \
	$(foreach file,flopshim-config.cmake flopshim-config-version.cmake,644:$(O)/filled/$(file):$(CMAKEDIR)/$(file)) \
	$(foreach file,Flopshim.cmake flopshim-test,644:cmake/$(file):$(CMAKEDIR)/$(file)) \
	644:bindings/flopshim.f90:$(DATADIR)/flopshim/flopshim.f90 \
	$(filter $(PAGES:%=644:$(O)/docs/%:%),$(PUT_PAGES)) \
	644:$(O)/filled/module:$(MODULEDIR)/flopshim/$(VERSION) 644:$(O)/filled/module.lua:$(MODULEDIR)/flopshim/$(VERSION).lua \
	644:$(O)/docs/completion.bash:$(BASHDIR)/flopshim 644:$(O)/docs/report.bash:$(BASHDIR)/flopshim-report \
	644:$(O)/docs/completion.zsh:$(ZSHDIR)/_flopshim 644:$(O)/docs/report.zsh:$(ZSHDIR)/_flopshim-report \
	644:$(O)/docs/completion.fish:$(FISHDIR)/flopshim.fish 644:$(O)/docs/report.fish:$(FISHDIR)/flopshim-report.fish \
	$(PUT_PYTHON) $(if $(wildcard $(O)/slurm/flopshim.so),$(PUT_SLURM))
PUT_PAGES = $(foreach page,$(ALL_PAGES),644:$(O)/docs/$(page):$(MANDIR)/man$(lastword $(subst ., ,$(page)))/$(page))
PUT_SLURM = 755:$(O)/slurm/flopshim.so:$(SLURMDIR)/flopshim.so 644:$(O)/filled/plugstack.conf:$(DATADIR)/flopshim/plugstack.conf
LINKED = $(SONAME):$(LIBDIR)/libflopshim.so
OWN = $(DATADIR)/flopshim $(CMAKEDIR) $(MODULEDIR)/flopshim $(OWN_PYTHON)

# The modules for Python, with what makes pytest find its plugin. Python may leave compiled modules beside them.
PYTHON_MODULES := $(wildcard bindings/*.py bindings/flopshim/*.py)
PUT_PYTHON = $(foreach module,$(PYTHON_MODULES),644:$(module):$(PYTHONDIR)/$(module:bindings/%=%)) \
	644:$(O)/filled/METADATA:$(PYTHONDIR)/flopshim.dist-info/METADATA \
	644:bindings/entry_points.txt:$(PYTHONDIR)/flopshim.dist-info/entry_points.txt
COMPILED = $(foreach module,$(PYTHON_MODULES:bindings/%.py=$(PYTHONDIR)/%),$(dir $(module))__pycache__/$(notdir $(module)).*.pyc)
OWN_PYTHON = $(sort $(dir $(COMPILED))) $(PYTHONDIR)/flopshim $(PYTHONDIR)/flopshim.dist-info

part_of = $(word $(2),$(subst :, ,$(1)))
define put
$(INSTALL) -D -m $(call part_of,$(1),1) $(call part_of,$(1),2) $(DESTDIR)$(call part_of,$(1),3)

endef
define put_link
ln -sf $(call part_of,$(1),1) $(DESTDIR)$(call part_of,$(1),2)

endef

# A plugin that was built is built again, if it is older than its sources. The cache of the dynamic linker is root's; and
# packages, which use DESTDIR, update it themselves.
install: all filled $(wildcard $(O)/slurm/flopshim.so)
	$(foreach file,$(PUT),$(call put,$(file)))
	$(foreach link,$(LINKED),$(call put_link,$(link)))
	$(if $(DESTDIR),,@scripts/loader-knows '$(LDCONFIG)' $(LIBDIR) $(BINDIR))

# What a later run of `make` would not build is removed, too.
uninstall:
	rm -f $(sort $(foreach file,$(PUT) $(PUT_PAGES) $(PUT_SLURM) $(LINKED),$(DESTDIR)$(lastword $(subst :, ,$(file))))) \
		$(addprefix $(DESTDIR),$(COMPILED))
	$(Q)for folder in $(addprefix $(DESTDIR),$(OWN)); do \
		[ ! -d "$$folder" ] || rmdir --ignore-fail-on-non-empty "$$folder"; done
	$(if $(DESTDIR),,@scripts/loader-knows '$(LDCONFIG)')

clean:
	rm -rf $(O)

-include $(shell find $(O) -name '*.d' 2>/dev/null)
include tests/tests.mk bench/bench.mk
