/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * charge.h - limits, and the leases on them that keep threads off shared counters.
 * Between charge_hold and charge_release only the inline functions and those that say so may be called.
 *
 * For every limit, used == charged by calls that have ended + in flight + leased. `used` exceeds `amount` only where
 * the action is `warn`, or a smaller amount was set. A thread's lease is reserved on all limits of its scope at once,
 * and a call takes its price from the lease. Before a call is refused, all leases are called back, so that it really
 * does not fit.
 *
 * Each change of `used` is noted before it is made, since another thread may fork in the middle of it. The child
 * undoes a change that it finds half done, and gives back what was leased.
 */
#ifndef FLOPSHIM_CHARGE_H
#define FLOPSHIM_CHARGE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "shim/state/state.h"

struct limit {
	uint64_t amount, used;
	uint64_t before, change; /* number of the last change, and `used` before it */
	uint64_t refused_calls, refused_flops, over_calls;
	uint32_t namespace_id;
	uint32_t number; /* of `record` in the dump, plus 1; 0 while there is none */
	bool is_scope;   /* of a scope's begin marker, not of a namespace */
	bool warned;
	_Atomic uint32_t said; /* lines about what it refused */
	bool raises;           /* what it refuses becomes an exception, where there is a language for that */
	bool ended;           /* its scope has ended: other threads may still charge through it, but it binds no more */
	bool opening;         /* being set for the first time: what was charged before is being counted */
	struct limit *parent; /* the next limit of the chain: of a namespace or scope around this one's */
	struct dump_limit *record; /* in the dump, NULL while there is none */
};

/*
 * Takes `cost` from the thread's lease, and writes into the dump what is left of it. False, with no change, if the
 * lease is smaller.
 */
static inline bool charge_lease_spend(struct thread *thread, int64_t cost)
{
	int64_t lease = atomic_load_explicit(&thread->lease, memory_order_relaxed);

	do {
		if (lease < cost)
			return false;
	} while (!atomic_compare_exchange_weak_explicit(&thread->lease, &lease, lease - cost, memory_order_relaxed,
	                                                memory_order_relaxed));
	thread->lane->lease = lease - cost;
	return true;
}

/*
 * Pays for a call from the thread's lease. False sends the call through the slow path. The call's scope must be
 * credit_scope. The lease is changed by a locked instruction, since other threads may call it back.
 */
static inline bool charge_from_lease(struct thread *thread, int64_t cost)
{
	if (thread->credit != CREDIT_LEASE || cost >= CREDIT_QUANTUM || cost > thread->until_sample ||
	    !charge_lease_spend(thread, cost))
		return false;
	thread->until_sample -= cost;
	return true;
}

/*
 * Where the thread charges now. The scope is held: until the thread asks again, or puts back what `held` was before,
 * its memory is not used for another scope, even if it ends meanwhile.
 */
static inline const struct scope *charge_scope(struct thread *thread)
{
	const struct scope *scope;

	do {
		scope = thread->scope;
		atomic_store(&thread->held, scope); /* before the comparison: whoever ends it reads `held` later */
	} while (scope != thread->scope);
	return scope;
}

/*
 * Reserves `cost` on every limit of the scope. Returns NULL if it fits. Otherwise nothing is reserved; it returns the
 * limit that has the least left, and sets *remaining to what is left of it. Counts the refusal only in a thread whose
 * Python statement is to raise already: compiled code that goes on after a refusal is refused so often that a second
 * lock would dominate its cost.
 */
struct limit *charge_reserve(struct thread *thread, const struct scope *scope, int64_t cost, uint64_t *remaining);

/* Reserves `cost` although it does not fit, for the `warn` action. */
void charge_reserve_over(const struct scope *scope, int64_t cost);

/*
 * Between these two no limit changes, and none is set for the first time. They are for changes of what a limit holds
 * that must come together with changes of what is in flight or counted.
 */
void charge_hold(void);
void charge_release(void);

/* Gives back what was reserved for a call that did nothing. Only between charge_hold and charge_release. */
void charge_refund(const struct scope *scope, int64_t cost);

/* Gives back the leases of all threads. The second one is for use between charge_hold and charge_release. */
void charge_call_back_all(void);
void charge_call_back_all_held(void);

/* Gives back the thread's lease, before it ends or changes its scope. */
void charge_settle(struct thread *thread);

/* Counts a refused call of `cost` FLOPs, takes that back, or counts a call that ran over the limit; in the dump too. */
void charge_count_refused(struct limit *limit, int64_t cost);
void charge_uncount_refused(struct limit *limit, int64_t cost);
void charge_count_over(struct limit *limit);

/*
 * FLOPs charged to a limit, those in flight included; and FLOPs that a scope has left, UINT64_MAX without a limit.
 * Both call all leases back first.
 */
uint64_t charge_used(struct limit *limit);
uint64_t charge_left(const struct scope *scope);

/* Sets a limit's amount in FLOPs, and begins a new epoch. */
void charge_set(struct limit *limit, uint64_t amount);

/* Sets the next limit of a chain. Between charge_hold and charge_release, or before any call. */
void charge_link(struct limit *limit, struct limit *parent);

/* Ends a limit, and marks it as ended in the dump. */
void charge_end(struct limit *limit);

/* Puts a limit into the dump, if there is room. With record_lock held. */
void charge_record(struct limit *limit);

/*
 * In a forked child. charge_forked comes first: it undoes or completes what a thread of the parent was changing, and
 * gives back the leases of the parent's threads. Then charge_forked_limit makes what the parent had left of a limit
 * its amount.
 */
void charge_forked(void);
void charge_forked_limit(struct limit *limit);

#endif
