/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * charge.h - limits, and the leases on them that keep threads off shared counters.
 *
 * Of every limit: committed + in flight + leased == used <= amount (but for `warn`). A thread's lease is reserved
 * on every limit of its scope at once, and a call takes its price from the lease. Before anything is refused
 * all leases are called back, so that what is refused really does not fit.
 *
 * Each change of `used` is noted before it is made, since another thread may fork in the middle of it: the child undoes
 * what it finds half done, and gets back what was leased.
 */
#ifndef FLOPSHIM_CHARGE_H
#define FLOPSHIM_CHARGE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "shim/state/state.h"

struct limit {
	uint64_t amount, used;
	uint64_t before, change;    /* `used` before the change with this number */
	uint64_t refused_calls, refused_flops, over_calls;
	uint32_t namespace_id;
	uint32_t number;            /* of `record` in the dump, plus 1 */
	bool is_scope;              /* of a begin marker, not of the namespace */
	bool warned;
	_Atomic uint32_t said;      /* lines about what it refused */
	bool raises;                /* what it refuses becomes an exception, where there is a language for that */
	bool ended;                 /* its scope: other threads may still charge through it, but it binds no more */
	bool opening;               /* what is charged to it already is being counted */
	struct limit *parent;       /* the next one of its kind on the way up */
	struct dump_limit *record;  /* in the dump, NULL while there is none */
};

/* Takes `cost` out of the thread's lease, if it is that large. The dump is told what is left. */
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
 * Takes `cost` from the thread's lease, for calls under a limit that need nothing else. False sends the call through
 * the slow path. Its scope must be credit_scope. The one locked instruction is there because leases can be called
 * back by other threads.
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
 * Where the thread charges just now. Until it asks again, or puts back what `held` was, the scope's memory is not used
 * for another one, even if it ends meanwhile.
 */
static inline const struct scope *charge_scope(struct thread *thread)
{
	const struct scope *scope;

	do {
		scope = thread->scope;
		atomic_store(&thread->held, scope); /* before it is compared: whoever ends it looks there afterwards */
	} while (scope != thread->scope);
	return scope;
}

/*
 * Reserves `cost` on every limit of the scope. NULL if that was possible, or the limit that does not allow it, of which
 * `*remaining` is left. Counts nothing as refused, but in a thread whose Python statement has to raise already: compiled
 * code that goes on after a refusal is refused so often that a second lock for that would be most of what it takes.
 */
struct limit *charge_reserve(struct thread *thread, const struct scope *scope, int64_t cost, uint64_t *remaining);

/* Reserves it all the same, for the `warn` action. */
void charge_reserve_over(const struct scope *scope, int64_t cost);

/*
 * Between these no limit changes, and none is set for the first time: whoever has to change what a limit holds together
 * with what is in flight or counted does it here.
 */
void charge_hold(void);
void charge_release(void);

/* Gives back what a call that did nothing had reserved. Between charge_hold and charge_release. */
void charge_refund(const struct scope *scope, int64_t cost);

/* Gives back all leases: for the dump's sake, or, between charge_hold and charge_release, before limits change. */
void charge_call_back_all(void);
void charge_call_back_all_held(void);

/* Gives back the thread's lease: it ends, or changes its scope. */
void charge_settle(struct thread *thread);

/* Counts a refusal, or a call that ran over the limit, and copies it to the dump. */
void charge_count_refused(struct limit *limit, int64_t cost);
void charge_uncount_refused(struct limit *limit, int64_t cost);
void charge_count_over(struct limit *limit);

/* Charged FLOPs of a limit, committed and in flight; and what is left. Calls all leases back. */
uint64_t charge_used(struct limit *limit);
uint64_t charge_left(const struct scope *scope);

/* Sets a limit's amount. All threads look again. */
void charge_set(struct limit *limit, uint64_t amount);

/* Has the chain of a limit go on with another one. Between charge_hold and charge_release, or before any call. */
void charge_link(struct limit *limit, struct limit *parent);

/* Ends a limit: its place in the dump says so. */
void charge_end(struct limit *limit);

/* Puts the limit into the dump. With record_lock held. */
void charge_record(struct limit *limit);

/*
 * In a forked child, first of all: whatever the parent's threads had leased goes back, and what one of them was changing
 * stays as it was. Then for each limit: it is what the parent had left.
 */
void charge_forked(void);
void charge_forked_limit(struct limit *limit);

#endif
