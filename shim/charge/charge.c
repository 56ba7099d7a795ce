/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * charge.c - limits, and the leases on them.
 * It must never let `used` exceed `amount` without `warn`, and never refuse what would have fitted.
 */
#include "shim/charge/charge.h"

#include <stdatomic.h>
#include <string.h>

#include "shim/dump/dump.h"
#include "shim/guest/guest.h"
#include "shim/state/epoch.h"
#include "shim/state/registry.h"
#include "count.h"

/*
 * A lease is a LEASE_SHARE-th of what is left, but at most LEASE_MAX FLOPs, or LEASE_CALLS calls like the one that
 * asks for it.
 */
enum { LEASE_MAX = 1 << 24, LEASE_SHARE = 16, LEASE_CALLS = 1024 };

static struct guest_lock charge_lock; /* protects every limit */

/* The change that the holder of the lock is making. */
static struct {
	enum { CHANGE_NONE, CHANGE_BEGUN, CHANGE_DONE /* all but the lease */ } state;
	uint64_t number;
	const struct scope *scope;
	struct thread *thread; /* whose lease the change sets, NULL if it sets none */
	int64_t lease;         /* what the lease is set to */
} change;

/* A lease that is being given back is negative. It cannot be spent, and a forked child can tell how large it was. */
static int64_t lease_leaving(int64_t lease) { return -1 - lease; }
static int64_t lease_amount(int64_t lease) { return lease < 0 ? -1 - lease : lease; }

/*
 * Keeps writes in order: a forked child sees what another thread wrote up to some moment, and nothing of what
 * followed.
 */
static void in_order(void) { atomic_thread_fence(memory_order_release); }

/*
 * The number, plus 1, of the first limit of a chain that is in the dump; 0 if there is none. An ended limit has no
 * number.
 */
static uint32_t chain_number(const struct limit *limit)
{
	while (limit && !limit->number)
		limit = limit->parent;
	return limit ? limit->number : 0;
}

static void limit_publish(struct limit *limit)
{
	if (!limit->record)
		return;
	limit->record->used = limit->used;
	limit->record->refused_calls = limit->refused_calls;
	limit->record->refused_flops = limit->refused_flops;
	limit->record->over_calls = limit->over_calls;
	limit->record->parent = chain_number(limit->parent);
}

/*
 * Adds `flops` to what is used of each limit in a chain, or subtracts them, in such an order that a fork can undo it.
 */
static void chain_change(struct limit *limit, uint64_t flops, bool takes)
{
	for (; limit; limit = limit->parent) {
		limit->before = limit->used;
		in_order();
		limit->change = change.number;
		in_order();
		limit->used = takes ? count_plus(limit->used, flops) : count_minus(limit->used, flops);
		limit_publish(limit);
	}
}

/*
 * Sets a thread's lease, and tells the dump on which limits it is reserved. The thread itself may be writing an older
 * value into the dump at this moment, which means nothing while no limits are named.
 */
static void lease_set(struct thread *thread, const struct scope *scope, int64_t lease)
{
	volatile struct dump_lane *lane = thread->lane;

	if (lease) {
		lane->lease = lease;
		lane->lease_limits[0] = chain_number(scope->namespace_limits);
		lane->lease_limits[1] = chain_number(scope->scope_limits);
	} else {
		lane->lease_limits[0] = lane->lease_limits[1] = 0;
	}
	atomic_store_explicit(&thread->lease, lease, memory_order_relaxed);
}

/*
 * Takes `flops` from all limits of a scope, or gives them back. If `thread` is not NULL, its lease becomes `lease` in
 * the same change. With the lock held.
 */
static void change_limits(const struct scope *scope, uint64_t flops, bool takes, struct thread *thread, int64_t lease)
{
	change.scope = scope;
	change.thread = thread;
	change.lease = lease;
	change.number++;
	in_order();
	change.state = CHANGE_BEGUN;
	in_order();
	chain_change(scope->namespace_limits, flops, takes);
	chain_change(scope->scope_limits, flops, takes);
	in_order();
	change.state = CHANGE_DONE;
	in_order();
	if (thread)
		lease_set(thread, scope, lease);
	in_order();
	change.state = CHANGE_NONE;
}

static uint64_t limit_left(const struct limit *limit)
{
	return limit->ended ? UINT64_MAX : count_minus(limit->amount, limit->used);
}

/*
 * The limit of the chain that has the least left, if that is less than *least, which is set to it; otherwise `found`.
 */
static struct limit *chain_least(struct limit *limit, struct limit *found, uint64_t *least)
{
	for (; limit; limit = limit->parent)
		if (limit_left(limit) < *least) {
			*least = limit_left(limit);
			found = limit;
		}
	return found;
}

/*
 * The limit of the scope that has the least left, if that is less than `flops`; NULL otherwise. *least is what it has
 * left.
 */
static struct limit *scope_fault(const struct scope *scope, uint64_t flops, uint64_t *least)
{
	struct limit *found;

	*least = UINT64_MAX;
	found = chain_least(scope->scope_limits, NULL, least);
	found = chain_least(scope->namespace_limits, found, least);
	return *least < flops ? found : NULL;
}

/* Gives a thread's lease back to its limits. With the lock held. */
static void lease_call_back(struct thread *thread)
{
	int64_t lease = atomic_load_explicit(&thread->lease, memory_order_relaxed);

	/* A lease grows, or becomes negative, only under the lock. */
	while (lease > 0 && !atomic_compare_exchange_weak_explicit(&thread->lease, &lease, lease_leaving(lease),
	                                                           memory_order_acq_rel, memory_order_relaxed))
		;
	if (lease > 0)
		change_limits(thread->credit_scope, (uint64_t)lease, false, thread, 0);
}

void charge_hold(void) { guest_lock(&charge_lock); }
void charge_release(void) { guest_unlock(&charge_lock); }

void charge_call_back_all_held(void) { registry_each_thread(lease_call_back); }

void charge_call_back_all(void)
{
	charge_hold();
	charge_call_back_all_held();
	charge_release();
}

void charge_settle(struct thread *thread)
{
	if (!thread->credit_scope || !thread->credit_scope->limited)
		return;
	guest_lock(&charge_lock);
	lease_call_back(thread);
	guest_unlock(&charge_lock);
}

/*
 * Makes `scope` the one where the thread may spend credit and lease. With the lock held: without it, credit_scope
 * changes only while the thread has no lease.
 */
static void scope_take(struct thread *thread, const struct scope *scope)
{
	if (thread->credit_scope == scope)
		return;
	lease_call_back(thread);
	credit_settle(thread);
	thread->credit = CREDIT_NONE; /* until sample_enter hands out credit */
	thread->credit_scope = scope;
}

static void count_refused(struct limit *limit, int64_t cost)
{
	limit->refused_calls++;
	limit->refused_flops = count_plus(limit->refused_flops, (uint64_t)cost);
	limit_publish(limit);
}

struct limit *charge_reserve(struct thread *thread, const struct scope *scope, int64_t cost, uint64_t *remaining)
{
	struct limit *fault;
	uint64_t left;
	int64_t lease;

	if (!scope->limited && (!thread->credit_scope || !thread->credit_scope->limited)) {
		thread->credit_scope = scope;
		return NULL;
	}
	/* A lease saves most calls from walking the chain, which is as long as the scopes are nested. */
	if (scope->limited && scope == thread->credit_scope && cost && charge_lease_spend(thread, cost))
		return NULL;
	guest_lock(&charge_lock);
	scope_take(thread, scope);
	lease_call_back(thread);
	fault = scope_fault(scope, (uint64_t)cost, &left);
	if (fault) {
		charge_call_back_all_held();
		fault = scope_fault(scope, (uint64_t)cost, &left);
	}
	if (!fault && scope->limited) {
		/*
		 * What is left is leased in smaller and smaller parts, so that the limit is exact at its end without
		 * much calling back.
		 */
		lease = (int64_t)((left - (uint64_t)cost) / LEASE_SHARE);
		if (lease > LEASE_MAX && lease / LEASE_CALLS > cost)
			lease = cost * LEASE_CALLS > LEASE_MAX ? cost * LEASE_CALLS : LEASE_MAX;
		change_limits(scope, (uint64_t)cost + (uint64_t)lease, true, thread, lease);
	}
	if (fault && thread->raising)
		count_refused(fault, cost);
	*remaining = left;
	guest_unlock(&charge_lock);
	return fault;
}

void charge_reserve_over(const struct scope *scope, int64_t cost)
{
	guest_lock(&charge_lock);
	change_limits(scope, (uint64_t)cost, true, NULL, 0);
	guest_unlock(&charge_lock);
}

void charge_refund(const struct scope *scope, int64_t cost)
{
	if (scope->limited)
		change_limits(scope, (uint64_t)cost, false, NULL, 0);
}

void charge_count_refused(struct limit *limit, int64_t cost)
{
	guest_lock(&charge_lock);
	count_refused(limit, cost);
	guest_unlock(&charge_lock);
}

void charge_uncount_refused(struct limit *limit, int64_t cost)
{
	guest_lock(&charge_lock);
	limit->refused_calls--;
	limit->refused_flops -= limit->refused_flops == UINT64_MAX ? 0 : (uint64_t)cost;
	limit_publish(limit);
	guest_unlock(&charge_lock);
}

void charge_count_over(struct limit *limit)
{
	guest_lock(&charge_lock);
	limit->over_calls++;
	limit_publish(limit);
	guest_unlock(&charge_lock);
}

uint64_t charge_used(struct limit *limit)
{
	uint64_t used;

	guest_lock(&charge_lock);
	charge_call_back_all_held();
	used = limit->used;
	guest_unlock(&charge_lock);
	return used;
}

uint64_t charge_left(const struct scope *scope)
{
	uint64_t left;

	guest_lock(&charge_lock);
	charge_call_back_all_held();
	scope_fault(scope, 0, &left);
	guest_unlock(&charge_lock);
	return left;
}

void charge_set(struct limit *limit, uint64_t amount)
{
	guest_lock(&charge_lock);
	charge_call_back_all_held(); /* more may be leased than the new amount allows */
	limit->amount = amount;
	limit->warned = false;
	limit->said = 0;
	if (limit->record)
		limit->record->amount = amount;
	guest_unlock(&charge_lock);
	epoch_next();
}

void charge_link(struct limit *limit, struct limit *parent)
{
	limit->parent = parent;
	limit_publish(limit);
}

void charge_end(struct limit *limit)
{
	guest_lock(&charge_lock);
	charge_call_back_all_held();
	limit_publish(limit);
	if (limit->record)
		limit->record->flags |= DUMP_LIMIT_ENDED;
	limit->record = NULL;
	limit->number = 0;
	limit->ended = true;
	guest_unlock(&charge_lock);
}

void charge_record(struct limit *limit)
{
	uint32_t number;
	struct dump_limit *record = dump_append(&dump_limits, &number);

	if (!record)
		return;
	record->amount = limit->amount;
	record->namespace_id = limit->namespace_id;
	record->flags = limit->is_scope ? DUMP_LIMIT_SCOPE : 0;
	guest_lock(&charge_lock);
	limit->record = record;
	limit->number = number + 1;
	limit_publish(limit);
	guest_unlock(&charge_lock);
	dump_commit(&dump_limits);
}

static void chain_undo(struct limit *limit)
{
	for (; limit; limit = limit->parent)
		if (limit->change == change.number)
			limit->used = limit->before;
}

static void chain_give_back(struct limit *limit, uint64_t flops)
{
	for (; limit; limit = limit->parent)
		limit->used = count_minus(limit->used, flops);
}

/* The dump is still the parent's, and nothing is written into it. */
static void lease_forked(struct thread *thread)
{
	uint64_t lease = (uint64_t)lease_amount(atomic_load_explicit(&thread->lease, memory_order_relaxed));

	if (lease) {
		chain_give_back(thread->credit_scope->namespace_limits, lease);
		chain_give_back(thread->credit_scope->scope_limits, lease);
	}
	atomic_store_explicit(&thread->lease, 0, memory_order_relaxed);
}

void charge_forked(void)
{
	memset(&charge_lock, 0, sizeof(charge_lock));
	if (change.state == CHANGE_BEGUN) {
		chain_undo(change.scope->namespace_limits);
		chain_undo(change.scope->scope_limits);
	} else if (change.state == CHANGE_DONE && change.thread) {
		atomic_store_explicit(&change.thread->lease, change.lease, memory_order_relaxed);
	}
	change.state = CHANGE_NONE;
	registry_each_thread(lease_forked);
}

void charge_forked_limit(struct limit *limit)
{
	limit->amount = limit->used < limit->amount ? limit->amount - limit->used : 0;
	limit->used = limit->refused_calls = limit->refused_flops = limit->over_calls = 0;
	limit->warned = false;
	limit->said = 0;
	limit->record = NULL;
	limit->number = 0;
}
