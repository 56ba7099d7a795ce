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
 * A thread as others see it: who created it, and which scopes it has open. It outlives its thread as long as a thread
 * that it created may ask for them.
 */
struct origin {
	struct opened *opened;  /* innermost, NULL if none */
	struct origin *creator; /* NULL for the main thread, and for threads that pthread_create has not made */
	uint32_t uses;          /* the thread itself, and the origins that have it as their creator */
};

/*
 * The scope of a thread that is inside of no marker: the namespace of the process, under the budgets of the
 * environment.
 */
extern struct scope namespace_base;

/* Changes whenever a multiplier changes: a row was priced with the multipliers of one such generation. */
extern uint32_t namespace_factors;

/*
 * Makes the namespaces that the environment names. Called once, before any call. Without memory it ends the process
 * with status 2.
 */
void namespace_start(void);

/*
 * The number of a namespace by its absolute, valid path; it is made if need be, with its ancestors. DUMP_NONE when
 * there are too many.
 */
uint32_t namespace_number(const char *name, size_t length);

/*
 * The number of a namespace by its name as markers give it: relative to namespace `open`, or absolute after a leading
 * dot; NULL and "" mean `open` itself. DUMP_NONE if there is no such namespace and `make` is false; an enum
 * flopshim_error if the name is not valid, or there are too many.
 */
int64_t namespace_find(const char *name, uint32_t open, bool make);

/* Writes the tree and all limits into a dump that has just been opened. */
void namespace_record(void);

/* In a forked child: keeps the tree and the open scopes, and forgets their places in the parent's dump. */
void namespace_forked(void);

/* The dotted path of a namespace; empty for the root. Needs no lock. */
const char *namespace_name(uint32_t namespace_id);
uint32_t namespace_parent(uint32_t namespace_id);
uint32_t namespace_count(void);
/* The namespace's own limit, NULL if it has none. */
struct limit *namespace_limit(uint32_t namespace_id);
/* Whether a namespace is `outer` or inside of it. */
bool namespace_is_inside(uint32_t namespace_id, uint32_t outer);

/*
 * The multiplier that holds in a namespace, times 2^32: its own, its ancestors' and the process's multiplied. Never
 * 0; UINT64_MAX where the product does not fit, and then no price fits.
 */
uint64_t namespace_multiplier(uint32_t namespace_id);
/* False while all multipliers are 1: then nobody need ask for one. */
extern bool namespace_multiplies __attribute__((visibility("hidden")));

/* ---- scopes: in scopes.c ---- */

/*
 * Opens a scope in the thread of `origin`, with a budget in FLOPs unless that is FLOPSHIM_UNLIMITED. Returns the
 * scope's handle, or an enum flopshim_error.
 */
int64_t namespace_open(struct origin *origin, const char *name, int64_t budget);
/*
 * Ends a scope, and those that the thread has opened inside of it. Returns how many have ended, or FLOPSHIM_NOT_OPEN.
 */
int64_t namespace_close(struct origin *origin, int64_t handle);
void namespace_close_all(struct origin *origin);

/*
 * ---- blocks: scopes of a language whose refused calls raise exceptions ----
 *
 * A block ends alone and in any order, since blocks of several coroutines in one thread may overlap. It keeps the
 * first refusal that could not be raised where it happened, in a thread that the language does not know.
 */

enum block_flags {
	BLOCK_BUDGET = 1 << 0, /* it is for a budget: one of its own, or of its namespace */
	BLOCK_LOUD = 1 << 1,   /* refusals are said on standard error as well */
};

enum block_ending {
	BLOCK_REFUSED = 1 << 0,   /* it has kept a refusal that has not been raised */
	BLOCK_OVERTAKEN = 1 << 1, /* a block around it ended first, or it ends in another thread than it began in */
};

/* A refused call, as it is kept until it is raised. */
struct refusal {
	char operation[256];        /* "dgemm", or the name given to flopshim_charge */
	char call[512];             /* with its arguments */
	const char *namespace_name; /* of the limit; never freed */
	int64_t cost, remaining, limit;
	int32_t loud; /* some open block wants refusals to be said */
};

/* How many blocks are open in the process: with BLOCK_BUDGET, and with BLOCK_LOUD. */
struct block_counts {
	uint32_t budgets, loud;
};
extern struct block_counts namespace_blocks;

/* Does what namespace_open does, for a block: what the scope's own limit refuses raises an exception. */
int64_t namespace_open_block(struct origin *origin, const char *name, int64_t budget, unsigned flags);
/*
 * Ends a block of any thread, and the scopes inside of it that are no blocks. `origin` is that of the calling thread.
 * Returns flags of enum block_ending, or FLOPSHIM_NOT_OPEN. With BLOCK_REFUSED, what the block has kept is in
 * *refusal.
 */
int namespace_close_block(struct origin *origin, int64_t handle, struct refusal *refusal);
/*
 * The handle of the block that is to raise what `limit` refuses in a thread: the block of the limit, or for a
 * namespace's limit the innermost block where the thread charges. 0 if there is none.
 */
int64_t namespace_block(const struct origin *origin, const struct limit *limit);
/* Has a block keep a refusal, to raise it at its end. False if it keeps one already, or is not open. */
bool namespace_keep_refusal(int64_t block, const struct refusal *refusal);
/* Forgets what a block keeps, since it has been raised. */
void namespace_forget_refusal(int64_t block);

/* The scope of a handle, in whatever thread; NULL if it is not open. */
const struct scope *namespace_scope(struct origin *origin, int64_t handle);

/* The scope's own limit; NULL if it has no budget, or is not open. */
struct limit *namespace_scope_limit(struct origin *origin, int64_t handle);

/*
 * Where a thread charges: its own innermost scope, or its creator's if it has none open, and so on; at last
 * namespace_base.
 */
const struct scope *origin_scope(const struct origin *origin);

/*
 * Sets a namespace's budget. If it had none, what was charged there and what is in flight there count as used:
 * `begun` returns how much that is, and is called between charge_hold and charge_release. See summary_begun. Returns
 * FLOPSHIM_OK or FLOPSHIM_NO_MEMORY.
 */
int namespace_set_budget(uint32_t namespace_id, int64_t flops, uint64_t (*begun)(uint32_t namespace_id));
/* Sets a namespace's own multiplier, times 2^32. */
void namespace_set_multiplier(uint32_t namespace_id, uint64_t factor);

#endif
