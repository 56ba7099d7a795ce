/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * list.h - the shim's list of loaded objects, which module.c and opened.c share.
 * Callers hold record_lock. It must never be needed outside of this folder.
 */
#ifndef FLOPSHIM_LIST_H
#define FLOPSHIM_LIST_H

#include <stdbool.h>
#include <stdint.h>

#include "shim/resolve/object.h"

struct list {
	struct node *nodes;
	struct module **modules, **globals; /* all, in load order; what joined the global scope later, in that order */
	struct module **order;              /* result of list_closure, valid until its next call */
	unsigned node_count, count, global_count, room;
	uint32_t events; /* how many calls of dlopen and dlclose there were when it was made */
	bool settled;    /* the linker was not in the middle of a change when it was made */
};

/*
 * Puts the object and all that it needs into list->order, breadth first, which is the order that dlopen of it
 * searches. Sets `seen` of each to `mark`. Returns how many there are.
 */
unsigned list_closure(const struct list *list, struct module *root, uint32_t mark);

/* Whether module_start has run. */
bool list_has_started(void);
/* Notes that objects are about to be loaded or unloaded, so that module_refresh makes a new list. */
void list_expect_change(void);

/* ---- opened.c ---- */

/* Reads LD_BIND_NOW. Called once, before anything else. */
void opened_init(void);
/*
 * Finds out which call of dlopen has loaded each new object of a list, and what has joined the global scope. Objects
 * that are global already have `joined` equal to `mark`. The calls are remembered until opened_forget.
 */
void opened_settle(struct list *list, uint32_t mark);
/*
 * Forgets the calls of dlopen whose objects were found, after the list was published. Others are kept for a number of
 * lists, since their objects may still be on the way.
 */
void opened_forget(void);

#endif
