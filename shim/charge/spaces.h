/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * spaces.h - what namespace.c (the tree) and scopes.c (what is open on it) know of each other.
 * It must never be needed by anyone else. Every function is called with record_lock held.
 */
#ifndef FLOPSHIM_SPACES_H
#define FLOPSHIM_SPACES_H

#include <stdint.h>

#include "shim/state/state.h"

struct open_scope;

struct space {
	const char *name;
	uint32_t length;
	uint32_t parent;
	uint32_t hash;
	uint64_t multiplier;       /* its own, times 2^32 */
	struct limit *limit;       /* its own, NULL if it has none */
	struct open_scope *scopes; /* open scopes on it that have no budget */
	uint64_t begun;            /* scopes begun on it so far */
	struct dump_namespace *record;
};

/* A namespace by its number, which must exist. Needs no lock. */
struct space *space_at(uint32_t number);

/* Fills in a scope: its namespace with that one's limits, and the limits of scopes beside these. */
void scope_fill(struct scope *scope, uint32_t number, struct limit *scope_limits);

/*
 * For all open scopes: takes over new limits of their namespaces; puts their limits into a dump; starts over in a
 * forked child.
 */
void scopes_fill(void);
void scopes_record(void);
void scopes_forked(void);

#endif
