/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * spaces.h - what namespace.c, the tree, and scopes.c, what is open on it, know of each other.
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
	uint64_t multiplier;   /* its own, times 2^32 */
	struct limit *limit;   /* its own, NULL if it has none */
	struct open_scope *scopes; /* those without a budget that are open on it */
	uint64_t begun;        /* scopes */
	struct dump_namespace *record;
};

struct space *space_at(uint32_t number);

/* Has a scope be of this namespace, and under these limits of scopes beside those of the namespace. */
void scope_fill(struct scope *scope, uint32_t number, struct limit *scope_limits);

/* Of all open scopes: the same again, after namespaces have other limits; puts their limits into a dump; after a fork. */
void scopes_fill(void);
void scopes_record(void);
void scopes_forked(void);

#endif
