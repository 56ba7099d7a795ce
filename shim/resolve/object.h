/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * object.h - one loaded object, as it is read for module.h.
 * Every function is called with record_lock held. It must never be needed outside of this folder.
 */
#ifndef FLOPSHIM_OBJECT_H
#define FLOPSHIM_OBJECT_H

#include <link.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shim/resolve/module.h"

#define NOT_OPENED UINT32_MAX /* of a module that is new */

/* An entry of the linker's list, as it was read. */
struct node {
	const struct link_map *at;
	struct link_map map;
};

/* Finds what the C library has to find objects with: see module_init. */
void object_init(void);

/* The linker's entry of the object around an address, and where that begins; NULL if the C library cannot tell. */
const struct link_map *object_link(const void *address, uintptr_t *start);
/* Whether an object that was loaded is there yet. */
bool object_is_there(const struct module *module);

/* Copies memory that may be gone, but for what is in memory; false, and no fault, if it is. */
bool object_peek(bool in_memory, const void *address, void *to, size_t size);
bool object_peek_text(bool in_memory, const char *address, char *to, size_t size);

/* What has this mark is in memory until there is another one; 0: nothing. See module_trust. */
void object_trust(uint32_t mark);

/* A new module; `at_start`: it is there with the program. What cannot be read is being unloaded. */
enum made { MADE, UNREADABLE, NO_MEMORY };
enum made object_make(const struct node *node, bool at_start, struct module **made);

/* Its memory may be used again, for an object of the same path. */
void object_retire(struct module *module);

/* What an entry of its dynamic section says of the module; *soname is where the name is, plus 1. */
void object_dynamic_entry(struct module *module, const ElfW(Dyn) *entry, ElfW(Xword) *soname);
/* Calls `visit` with every entry of the dynamic section; false if it cannot be read. */
bool object_each_dynamic(bool in_memory, const struct module *module, void (*visit)(const ElfW(Dyn) *, void *), void *context);

/* Memory that is never given back: what is in it is used again with the module that has it. NULL without. */
void *object_room(size_t size);

#endif
