/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * list.h - the list of loaded objects, for what module.c and opened.c do with it.
 * Every function is called with record_lock held. It must never be needed outside of this folder.
 */
#ifndef FLOPSHIM_LIST_H
#define FLOPSHIM_LIST_H

#include <stdbool.h>
#include <stdint.h>

#include "shim/resolve/object.h"

struct list {
	struct node *nodes;
	struct module **modules, **globals; /* in load order; in the order in which they became global */
	struct module **order;              /* of a closure: for one search at a time */
	unsigned node_count, count, global_count, room;
	uint32_t events;                    /* modules.events when it was made */
	bool settled;                       /* the linker was not in the middle of a change */
};

/* What dlopen of this object searches, breadth first, goes to list->order and has this mark; how many there are. */
unsigned list_closure(const struct list *list, struct module *root, uint32_t mark);

/* Whether what came with the program is known: see module_start. */
bool list_has_started(void);
/* Objects are about to be loaded or unloaded: the list is to be looked at again. */
void list_expect_change(void);

/*
 * ---- opened.c: what the program's calls of dlopen say of the objects in a list ----
 */

/* Before anything else: how objects are bound that are opened without a word on that. */
void opened_init(void);
/*
 * For a new list: which call has loaded what is new in it, and what has become global. Those that are global already have
 * the mark. Nothing is forgotten before the list is published.
 */
void opened_settle(struct list *list, uint32_t mark);
/* After that: calls that have been dealt with. One that matches nothing may be on its way, or has failed. */
void opened_forget(void);

#endif
