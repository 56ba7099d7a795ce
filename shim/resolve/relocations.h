/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * relocations.h - the references that the dynamic linker fills in for an object.
 */
#ifndef FLOPSHIM_RELOCATIONS_H
#define FLOPSHIM_RELOCATIONS_H

#include <link.h>
#include <stdbool.h>

struct module;

/* How an object comes to have the address of a symbol. */
enum use {
	USE_NONE,
	USE_CALLS, /* in a GOT entry that its calls go by */
	USE_TAKES, /* as data */
};

enum use relocation_use(const ElfW(Rela) *relocation);

/*
 * Calls `visit` with one of an object's tables, part by part: that of the GOT entries to call by, or that of all else.
 * `in_memory`: it can be read without the kernel. With record_lock held.
 */
enum relocation_table { RELOCATIONS_OF_DATA, RELOCATIONS_OF_CALLS };
typedef void relocations_visit(const ElfW(Rela) *relocations, unsigned count, void *context);
void relocations_each(const struct module *module, enum relocation_table table, bool in_memory, relocations_visit *visit,
		      void *context);

/* Whether any of them is for a symbol that the object defines itself, and whose name is one of those wanted. */
bool relocations_name_own(const struct module *module, bool (*is_wanted)(const char *name));

#endif
