/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * object.h - reads one loaded object, for module.c and the other files of this folder.
 * Callers hold record_lock. It must never be needed outside of this folder.
 */
#ifndef FLOPSHIM_OBJECT_H
#define FLOPSHIM_OBJECT_H

#include <link.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shim/resolve/module.h"

#define NOT_OPENED UINT32_MAX /* module.opened of a new module, until opened_settle finds its dlopen */

/* A copy of an entry of the linker's list, and where the entry is. */
struct node {
	const struct link_map *at;
	struct link_map map;
};

/* Finds _dl_find_object of the C library: see module_init. */
void object_init(void);

/*
 * Returns the linker's entry for the object that has an address in its memory, and in *start where that object
 * begins. NULL if there is none, or the C library is older than 2.35, which has no _dl_find_object.
 */
const struct link_map *object_link(const void *address, uintptr_t *start);
/* Whether an object that was loaded is still there. */
bool object_is_there(const struct module *module);

/*
 * Copies `size` bytes, or a string of at most `size` bytes with its end. `in_memory` says that they cannot be gone,
 * and need no system call. Otherwise, if they are gone, returns false instead of faulting.
 */
bool object_peek(bool in_memory, const void *address, void *to, size_t size);
bool object_peek_text(bool in_memory, const char *address, char *to, size_t size);

/* Says that modules with `live` equal to `mark` stay in memory, until the next call; 0: none. See module_trust. */
void object_trust(uint32_t mark);

/*
 * Makes a module for an entry of the linker's list. `at_start`: it came with the program. UNREADABLE means that the
 * object is being unloaded.
 */
enum made { MADE, UNREADABLE, NO_MEMORY };
enum made object_make(const struct node *node, bool at_start, struct module **made);

/* Keeps the memory of a module whose object is gone for the next object of the same path. */
void object_retire(struct module *module);

/*
 * Stores in a module what an entry of its dynamic section says. If the entry is the module's name (DT_SONAME), *soname
 * becomes its offset in the string table, plus 1.
 */
void object_dynamic_entry(struct module *module, const ElfW(Dyn) * entry, ElfW(Xword) * soname);
/*
 * Calls `visit` with every entry of the module's dynamic section; false if it cannot be read. `visit` must not walk
 * over another dynamic section.
 */
bool object_each_dynamic(bool in_memory, const struct module *module, void (*visit)(const ElfW(Dyn) *, void *),
                         void *context);

/* Returns `size` bytes that are never freed: they stay with the module whose data they hold. NULL without memory. */
void *object_room(size_t size);

#endif
