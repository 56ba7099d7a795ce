/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * relocations.h - reads the relocations of an object: the references to symbols that the dynamic linker fills in.
 * Callers hold record_lock. It must never change one.
 */
#ifndef FLOPSHIM_RELOCATIONS_H
#define FLOPSHIM_RELOCATIONS_H

#include <link.h>
#include <stdbool.h>

struct module;

/* Where a relocation puts the address of a symbol. In the order of how much it says about who uses the address. */
enum use {
	USE_NONE,
	USE_CALLS, /* in a GOT entry that calls jump through */
	USE_TAKES, /* in data or a GOT entry that is read, so that the object may pass the address on */
};

/* Says what a relocation is for; USE_NONE if for no symbol, or for anything else. */
enum use relocation_use(const ElfW(Rela) * relocation);

/*
 * Calls `visit` with an object's table of relocations, part by part: that of GOT entries for calls (DT_JMPREL), or
 * that of all others (DT_RELA). `in_memory`: the dynamic section can be read without the kernel. Stops silently if
 * the object is gone.
 */
enum relocation_table { RELOCATIONS_OF_DATA, RELOCATIONS_OF_CALLS };
typedef void relocations_visit(const ElfW(Rela) * relocations, unsigned count, void *context);
void relocations_each(const struct module *module, enum relocation_table table, bool in_memory,
                      relocations_visit *visit, void *context);

/* Whether a relocation refers to a symbol that the object defines itself, and for whose name `is_wanted` is true. */
bool relocations_name_own(const struct module *module, bool (*is_wanted)(const char *name));

#endif
