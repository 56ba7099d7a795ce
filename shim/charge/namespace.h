/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * namespace.h - the tree of namespaces, and the scopes that threads open on it.
 * Every function is called with record_lock held, but for those that say otherwise.
 */
#ifndef FLOPSHIM_NAMESPACE_H
#define FLOPSHIM_NAMESPACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shim/state/state.h"

struct opened;

/*
 * A thread as others see it: who made it, and what it has open. It outlives the thread as long as a thread that it made
 * may still ask.
 */
struct origin {
	struct opened *opened;  /* innermost, NULL if none */
	struct origin *creator; /* NULL for the main thread and those that were not made by pthread_create */
	uint32_t uses;          /* the thread itself and the origins that name it */
};

/* The scope that is open when no marker has been called: the namespace of the process, under the budgets of the environment. */
extern struct scope namespace_base;

/* Raised when a factor changes: rows were priced with those of their generation. */
extern uint32_t namespace_factors;

/* Makes the namespaces that the environment names. Once, before any call. */
void namespace_start(void);

/* The number of an absolute path, made if need be; DUMP_NONE when there are too many. */
uint32_t namespace_number(const char *name, size_t length);

/*
 * The number of a name as markers give it, relative to namespace `open`. DUMP_NONE if it does not exist and `make` is
 * false; an enum flopshim_error if it is not a name.
 */
int64_t namespace_find(const char *name, uint32_t open, bool make);

/* Writes the tree into a dump that has just been opened. */
void namespace_record(void);

/* In a forked child: the tree and what is open stay, their places in the dump do not. */
void namespace_forked(void);

/* Dotted path of a namespace; empty for the root. Needs no lock. */
const char *namespace_name(uint32_t namespace_id);
uint32_t namespace_parent(uint32_t namespace_id);
uint32_t namespace_count(void);
/* Its own limit, NULL if it has none. */
struct limit *namespace_limit(uint32_t namespace_id);
/* Whether it is `outer` or inside of it. */
bool namespace_is_inside(uint32_t namespace_id, uint32_t outer);

/*
 * Multiplier of a namespace times 2^32, its ancestors' and the process's included; never 0. UINT64_MAX where the product
 * does not fit: then no price does.
 */
uint64_t namespace_multiplier(uint32_t namespace_id);
/* Whether there is any multiplier but 1: else nobody need ask for one. */
extern bool namespace_multiplies __attribute__((visibility("hidden")));

/* ---- scopes: in scopes.c ---- */

/* Opens a scope, with a budget unless it is FLOPSHIM_UNLIMITED. Its handle, or an enum flopshim_error. */
int64_t namespace_open(struct origin *origin, const char *name, int64_t budget);
/* Ends it and those inside it. How many ended, or FLOPSHIM_NOT_OPEN. */
int64_t namespace_close(struct origin *origin, int64_t handle);
void namespace_close_all(struct origin *origin);

/*
 * ---- blocks: scopes of a language whose refused calls raise exceptions ----
 *
 * A block ends alone, in whatever order, since blocks of coroutines in one thread overlap. It keeps the first refusal of
 * those that could not be raised where they happened, in threads that the language knows nothing of.
 */

enum block_flags {
	BLOCK_BUDGET = 1 << 0, /* for a budget, of the scope's own or of its namespace */
	BLOCK_LOUD = 1 << 1,   /* refusals are said as well */
};

enum block_ending {
	BLOCK_REFUSED = 1 << 0,   /* it kept a refusal, which has not been raised */
	BLOCK_OVERTAKEN = 1 << 1, /* a block around it ended first, or it ended in another thread than it began in */
};

/* A refused call, as it is kept until it is raised. */
struct refusal {
	char operation[256]; /* "dgemm", or the name given to flopshim_charge */
	char call[512];      /* with its arguments */
	const char *namespace_name; /* of the limit; it stays for ever */
	int64_t cost, remaining, limit;
	int32_t loud;        /* some open block wants refusals to be said */
};

/* What blocks are open in the process. */
struct block_counts {
	uint32_t budgets, loud;
};
extern struct block_counts namespace_blocks;

/* namespace_open, of a block: the limit that belongs to it raises. */
int64_t namespace_open_block(struct origin *origin, const char *name, int64_t budget, unsigned flags);
/*
 * Ends a block of any thread, and scopes inside it that are no blocks; flags of enum block_ending, or FLOPSHIM_NOT_OPEN. What
 * it kept is in *refusal.
 */
int namespace_close_block(struct origin *origin, int64_t handle, struct refusal *refusal);
/*
 * The block where a refusal in a thread is to be raised: that of the limit, or the innermost one where the thread charges if
 * the limit is a namespace's. 0 if there is none.
 */
int64_t namespace_block(const struct origin *origin, const struct limit *limit);
/* Has a block raise at its end, unless it does so already. False if it does, or if it is not open. */
bool namespace_keep_refusal(int64_t block, const struct refusal *refusal);
/* It has raised: what it kept is forgotten. */
void namespace_forget_refusal(int64_t block);

/* The scope of a handle, NULL if it is open in no thread. */
const struct scope *namespace_scope(struct origin *origin, int64_t handle);

/* Its own limit, NULL if it has no budget. */
struct limit *namespace_scope_limit(struct origin *origin, int64_t handle);

/* Where a thread charges: its own innermost scope, or its creator's, or the creator's of that. */
const struct scope *origin_scope(const struct origin *origin);

/*
 * Sets a namespace's budget. If it had none, what was charged there and what is running there count as used: `begun` says
 * how much that is, between charge_hold and charge_release. See summary_begun.
 */
int namespace_set_budget(uint32_t namespace_id, int64_t flops, uint64_t (*begun)(uint32_t namespace_id));
/* Sets its factor, times 2^32. */
void namespace_set_multiplier(uint32_t namespace_id, uint64_t factor);

#endif
