/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * charge.h - limits, and the leases on them that keep threads off shared counters.
 *
 * Of every limit: committed + in flight + leased == used <= amount (but for `warn`). A thread's lease is reserved
 * on every limit of its scope at once, and a call takes its price from the lease. Before anything is refused
 * all leases are called back, so that what is refused really does not fit.
 */
#ifndef FLOPSHIM_CHARGE_H
#define FLOPSHIM_CHARGE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "state.h"

struct limit {
	uint64_t amount, used;
	uint64_t refused_calls, refused_flops, over_calls;
	uint32_t namespace_id;
	bool is_scope;              /* of a begin marker, not of the namespace */
	bool warned;
	bool raises;                /* what it refuses becomes an exception, where there is a language for that */
	struct limit *parent;       /* the next one of its kind on the way up */
	struct dump_limit *record;  /* in the dump, NULL while there is none */
};

/* Takes `cost` out of the thread's lease, if it is that large. */
static inline bool charge_lease_spend(struct thread *thread, int64_t cost)
{
	int64_t lease = atomic_load_explicit(&thread->lease, memory_order_relaxed);

	do {
		if (lease < cost)
			return false;
	} while (!atomic_compare_exchange_weak_explicit(&thread->lease, &lease, lease - cost, memory_order_relaxed,
							memory_order_relaxed));
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
 * Reserves `cost` on every limit of the scope. NULL if that was possible, or the limit that does not allow it, of which
 * `*remaining` is left. Counts nothing as refused.
 */
struct limit *charge_reserve(struct thread *thread, const struct scope *scope, int64_t cost, uint64_t *remaining);

/* Reserves it all the same, for the `warn` action. */
void charge_reserve_over(const struct scope *scope, int64_t cost);

/* Gives back what a call that did nothing had reserved. */
void charge_refund(const struct scope *scope, int64_t cost);

/* Gives back all leases, before limits change. */
void charge_call_back_all(void);

/* Gives back the thread's lease: it ends, or changes its scope. */
void charge_settle(struct thread *thread);

/* Counts a refusal, or a call that ran over the limit, and copies it to the dump. */
void charge_count_refused(struct limit *limit, int64_t cost);
void charge_uncount_refused(struct limit *limit, int64_t cost);
void charge_count_over(struct limit *limit);

/* Charged FLOPs of a limit, committed and in flight; and what is left. Calls all leases back. */
uint64_t charge_used(struct limit *limit);
uint64_t charge_left(const struct scope *scope);

/* Sets a limit's amount; `used` counts too if it is new. All threads look again. */
void charge_set(struct limit *limit, uint64_t amount);

/* Ends a limit: its place in the dump says so. */
void charge_end(struct limit *limit);

/* Puts the limit into the dump. With record_lock held. */
void charge_record(struct limit *limit);

/*
 * In a forked child, first of all: the lock may be another thread's, and leases are the parent's. Then for each
 * limit: it is what the parent had left.
 */
void charge_forked(void);
void charge_forked_limit(struct limit *limit);

#endif
