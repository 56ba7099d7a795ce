/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * charge.c - limits, and the leases on them.
 * It must never let used exceed amount without `warn`, and never refuse what would have fitted.
 */
#include "charge.h"

#include <string.h>

#include "dump.h"
#include "guest.h"
#include "lifecycle.h"

/* A lease is a share of what is left, and at most so many FLOPs, or so many calls like the one that asked for it. */
enum { LEASE_MAX = 1 << 24, LEASE_SHARE = 16, LEASE_CALLS = 1024 };

static struct guest_lock charge_lock; /* of every limit */

static void limit_publish(struct limit *limit)
{
	if (!limit->record)
		return;
	limit->record->used = limit->used;
	limit->record->refused_calls = limit->refused_calls;
	limit->record->refused_flops = limit->refused_flops;
	limit->record->over_calls = limit->over_calls;
}

static void chain_give_back(struct limit *limit, uint64_t flops)
{
	for (; limit; limit = limit->parent) {
		limit->used -= flops < limit->used ? flops : limit->used;
		limit_publish(limit);
	}
}

static void chain_take(struct limit *limit, uint64_t flops)
{
	for (; limit; limit = limit->parent) {
		if (__builtin_add_overflow(limit->used, flops, &limit->used))
			limit->used = UINT64_MAX;
		limit_publish(limit);
	}
}

static void give_back(const struct scope *scope, uint64_t flops)
{
	chain_give_back(scope->namespace_limits, flops);
	chain_give_back(scope->scope_limits, flops);
}

static void take(const struct scope *scope, uint64_t flops)
{
	chain_take(scope->namespace_limits, flops);
	chain_take(scope->scope_limits, flops);
}

static uint64_t limit_left(const struct limit *limit)
{
	return limit->used < limit->amount ? limit->amount - limit->used : 0;
}

/* The limit of the chain that has less left than *least, if any, and how much that is. */
static struct limit *chain_least(struct limit *limit, struct limit *found, uint64_t *least)
{
	for (; limit; limit = limit->parent)
		if (limit_left(limit) < *least) {
			*least = limit_left(limit);
			found = limit;
		}
	return found;
}

/* The limit that has the least left, if that is less than `flops`. */
static struct limit *scope_fault(const struct scope *scope, uint64_t flops, uint64_t *least)
{
	struct limit *found;

	*least = UINT64_MAX;
	found = chain_least(scope->scope_limits, NULL, least);
	found = chain_least(scope->namespace_limits, found, least);
	return *least < flops ? found : NULL;
}

static void lease_call_back(struct thread *thread)
{
	int64_t lease = atomic_exchange_explicit(&thread->lease, 0, memory_order_acq_rel);

	if (lease && thread->credit_scope)
		give_back(thread->credit_scope, (uint64_t)lease);
}

void charge_call_back_all(void)
{
	guest_lock(&charge_lock);
	lifecycle_each_thread(lease_call_back);
	guest_unlock(&charge_lock);
}

void charge_settle(struct thread *thread)
{
	if (!thread->credit_scope || !thread->credit_scope->limited)
		return;
	guest_lock(&charge_lock);
	lease_call_back(thread);
	guest_unlock(&charge_lock);
}

/* Under the lock credit_scope of any thread holds still: it is only written here. */
static void scope_take(struct thread *thread, const struct scope *scope)
{
	if (thread->credit_scope == scope)
		return;
	lease_call_back(thread);
	credit_settle(thread);
	thread->credit = CREDIT_NONE; /* until sample_enter says otherwise */
	thread->credit_scope = scope;
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
	/* Walking the chain is for one call in many, however deep the scopes are nested. */
	if (scope->limited && scope == thread->credit_scope && cost && charge_lease_spend(thread, cost))
		return NULL;
	guest_lock(&charge_lock);
	scope_take(thread, scope);
	lease_call_back(thread);
	fault = scope_fault(scope, (uint64_t)cost, &left);
	if (fault) {
		lifecycle_each_thread(lease_call_back);
		fault = scope_fault(scope, (uint64_t)cost, &left);
	}
	if (!fault && scope->limited) {
		/* What is left is shared out in smaller and smaller parts, so that its end is exact without much
		 * calling back. */
		lease = (int64_t)((left - (uint64_t)cost) / LEASE_SHARE);
		if (lease > LEASE_MAX && lease / LEASE_CALLS > cost)
			lease = cost * LEASE_CALLS > LEASE_MAX ? cost * LEASE_CALLS : LEASE_MAX;
		take(scope, (uint64_t)cost + (uint64_t)lease);
		atomic_store_explicit(&thread->lease, lease, memory_order_relaxed);
	}
	*remaining = left;
	guest_unlock(&charge_lock);
	return fault;
}

void charge_reserve_over(const struct scope *scope, int64_t cost)
{
	guest_lock(&charge_lock);
	take(scope, (uint64_t)cost);
	guest_unlock(&charge_lock);
}

void charge_refund(const struct scope *scope, int64_t cost)
{
	if (!scope->limited || !cost)
		return;
	guest_lock(&charge_lock);
	give_back(scope, (uint64_t)cost);
	guest_unlock(&charge_lock);
}

void charge_count_refused(struct limit *limit, int64_t cost)
{
	guest_lock(&charge_lock);
	limit->refused_calls++;
	if (__builtin_add_overflow(limit->refused_flops, (uint64_t)cost, &limit->refused_flops))
		limit->refused_flops = UINT64_MAX;
	limit_publish(limit);
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
	lifecycle_each_thread(lease_call_back);
	used = limit->used;
	guest_unlock(&charge_lock);
	return used;
}

uint64_t charge_left(const struct scope *scope)
{
	uint64_t left;

	guest_lock(&charge_lock);
	lifecycle_each_thread(lease_call_back);
	scope_fault(scope, 0, &left);
	guest_unlock(&charge_lock);
	return left;
}

void charge_set(struct limit *limit, uint64_t amount)
{
	guest_lock(&charge_lock);
	limit->amount = amount;
	limit->warned = false;
	if (limit->record)
		limit->record->amount = amount;
	guest_unlock(&charge_lock);
	lifecycle_epoch_next();
}

void charge_end(struct limit *limit)
{
	guest_lock(&charge_lock);
	lifecycle_each_thread(lease_call_back);
	limit_publish(limit);
	if (limit->record)
		limit->record->flags |= DUMP_LIMIT_ENDED;
	limit->record = NULL;
	limit->amount = UINT64_MAX; /* other threads may still charge through it, but it binds no more */
	guest_unlock(&charge_lock);
}

void charge_record(struct limit *limit)
{
	struct dump_limit *record = dump_append(&dump_limits, NULL);

	if (!record)
		return;
	record->amount = limit->amount;
	record->namespace_id = limit->namespace_id;
	record->flags = limit->is_scope ? DUMP_LIMIT_SCOPE : 0;
	guest_lock(&charge_lock);
	limit->record = record;
	limit_publish(limit);
	guest_unlock(&charge_lock);
	dump_commit(&dump_limits);
}

void charge_forked(void)
{
	memset(&charge_lock, 0, sizeof(charge_lock));
	lease_call_back(thread_self);
}

void charge_forked_limit(struct limit *limit)
{
	limit->amount = limit->used < limit->amount ? limit->amount - limit->used : 0;
	limit->used = limit->refused_calls = limit->refused_flops = limit->over_calls = 0;
	limit->warned = false;
	limit->record = NULL;
}
