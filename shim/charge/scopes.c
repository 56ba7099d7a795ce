/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * scopes.c - the scopes that threads have open on the tree of namespaces.
 * It must never use a scope's memory again while a thread may still compare with its address.
 */
#include <stddef.h>
#include <string.h>
#include <sys/uio.h>

#include "shim/charge/charge.h"
#include "shim/charge/namespace.h"
#include "shim/charge/spaces.h"
#include "shim/dump/dump.h"
#include "shim/guest/guest.h"
#include "shim/state/entry.h"
#include "shim/state/epoch.h"
#include "shim/state/registry.h"
#include "flopshim.h"

/*
 * A scope that some thread has open. Threads that open one with the same namespace and limits share it, unless it has
 * a budget.
 */
struct open_scope {
	struct scope scope;
	struct limit limit;        /* its own, if has_limit */
	struct open_scope *around; /* the nearest scope around it with a limit, NULL if there is none */
	bool has_limit;
	struct opened *block; /* the block that its limit belongs to, NULL if there is none */
	uint32_t uses;        /* begins without an end */
	uint32_t holds;       /* scopes inside of it, ended ones too, whose chains of limits lead through its own */
	uint32_t named;       /* `scopes.collection` when ended_collect last found it in use */
	struct open_scope *next, *previous; /* in the list of open ones; `next` also in those of free and ended ones */
	struct open_scope *next_shared;     /* the next one without a budget on the same namespace */
};

/* One begin without an end: an element of its thread's stack of them. */
struct opened {
	struct open_scope *open;
	int64_t handle;
	struct origin *origin; /* of the thread that began it */
	struct opened *outer;
	struct opened *next, *previous; /* in the list of those of all threads */
	bool is_block, overtaken;
	uint8_t flags;           /* enum block_flags */
	struct refusal *refusal; /* what the block is to raise at its end, NULL for nothing */
};

enum { SCOPES_BATCH = 1024, SPARE_RECORDS = 1024 };

/*
 * An entry of the dump for the limit of a scope that has ended without refusing a call or letting one run over: the
 * next scope may have it.
 */
struct spare_record {
	struct dump_limit *record;
	uint32_t number;
};

struct batch {
	struct batch *next;
	struct open_scope scopes[SCOPES_BATCH];
};

static struct {
	struct open_scope *open, *free, *ended;
	struct batch *batches;
	struct opened *opened; /* all begins without an end */
	unsigned ended_count;
	unsigned collect_at; /* ended_collect runs when so many have ended */
	uint32_t collection;
	bool unreadable; /* some call in flight could not be read */
	int64_t handles;
	struct guest_pool opened_pool, refusal_pool;
	struct spare_record spare_records[SPARE_RECORDS];
	unsigned spare_record_count;
} scopes = {.collect_at = SCOPES_BATCH,
            .opened_pool = {.size = sizeof(struct opened)},
            .refusal_pool = {.size = sizeof(struct refusal)}};

/* ---- scopes that have ended ---- */

/* Marks a scope as in use. The address may be any: one that is no scope's is ignored. */
static void scope_name(const struct scope *scope)
{
	for (struct batch *batch = scopes.batches; batch; batch = batch->next) {
		uint64_t distance = (uint64_t)scope - (uint64_t)batch->scopes;

		if (distance < sizeof(batch->scopes))
			batch->scopes[distance / sizeof(struct open_scope)].named = scopes.collection;
	}
}

/* Marks the scope that a call in flight charges to. It stands in the call's frame, on a stack that may be gone. */
static void frame_name(uint64_t slot)
{
	const struct scope *scope = NULL;
	struct iovec here = {&scope, sizeof(scope)}, there = {entry_scope((entry_frame)slot - 8), sizeof(scope)};
	enum guest_copied copied = guest_copy(&here, &there, 1);

	if (copied == COPY_DONE)
		scope_name(scope);
	else if (copied == COPY_REFUSED)
		scopes.unreadable = true;
}

/* Marks the scopes of calls that seem to have been left, and may return all the same. */
static void left_name(const struct thread *thread)
{
	for (uint32_t i = 0; *(const volatile uint32_t *)&thread->left_count && i < LEFT_CALLS; i++)
		if (thread->left[i].count)
			frame_name(thread->left[i].slot);
}

/*
 * Marks all scopes that a thread still uses, or one that has ended. `held` has a scope until it is in the frame of a
 * call in flight, and again while that call returns. `left` is read before and after the calls in flight, since a
 * call may move from one to the other meanwhile.
 */
static void thread_name(struct thread *thread, void *unused)
{
	const struct dump_lane *lane = thread->lane;
	uint32_t depth;

	(void)unused;
	left_name(thread);
	scope_name(atomic_load(&thread->held));
	scope_name(thread->credit_scope);
	depth = lane ? *(const volatile uint32_t *)&lane->depth : 0;
	for (uint32_t i = 0; i < depth && i < DUMP_FRAMES_MAX; i++)
		frame_name(lane->frames[i].slot);
	left_name(thread);
}

/* Moves the ended scopes that nothing uses any more to the free ones. True if there were any. */
static bool ended_free(void)
{
	bool freed = false;

	for (struct open_scope **link = &scopes.ended, *open; (open = *link);) {
		if (open->named == scopes.collection || open->holds) {
			link = &open->next;
			continue;
		}
		*link = open->next;
		open->next = scopes.free;
		scopes.free = open;
		scopes.ended_count--;
		if (open->around)
			open->around->holds--;
		freed = true;
	}
	return freed;
}

/* Frees ended scopes that no thread uses any more. They are taken again only in a later epoch. */
static void ended_collect(void)
{
	scopes.collection++;
	scopes.unreadable = false;
	registry_each_place(thread_name, NULL);
	while (!scopes.unreadable && ended_free())
		; /* a scope inside may have held the one around it */
	scopes.collect_at = scopes.ended_count + SCOPES_BATCH;
	epoch_next();
}

static struct open_scope *open_scope_take(void)
{
	struct open_scope *open;

	if (!scopes.free && scopes.ended_count >= scopes.collect_at)
		ended_collect();
	if (!scopes.free) {
		struct batch *batch = guest_pages(sizeof(struct batch));

		if (batch) {
			batch->next = scopes.batches;
			scopes.batches = batch;
		}
		for (unsigned i = 0; batch && i < SCOPES_BATCH; i++) {
			batch->scopes[i].next = scopes.free;
			scopes.free = &batch->scopes[i];
		}
	}
	open = scopes.free;
	if (open)
		scopes.free = open->next;
	return open;
}

/* ---- scopes that begin and end ---- */

/* The open scope that a scope's limit is part of. */
static struct open_scope *holder_of(struct limit *limit)
{
	return (struct open_scope *)((char *)limit - offsetof(struct open_scope, limit));
}

/* The open scope without a budget for this namespace and chain of limits; NULL if there is none. */
static struct open_scope *shared_scope(uint32_t number, struct limit *scope_limits)
{
	struct open_scope *open;

	for (open = space_at(number)->scopes; open; open = open->next_shared)
		if (open->scope.scope_limits == scope_limits)
			return open;
	return NULL;
}

/* Gives a scope its limit, and a spare entry of the dump if there is one. */
static void limit_start(struct open_scope *open, uint32_t number, struct limit *around, int64_t budget)
{
	struct dump_limit *record = NULL;
	uint32_t spare = 0;

	if (scopes.spare_record_count) {
		spare = --scopes.spare_record_count;
		record = scopes.spare_records[spare].record;
	}
	open->has_limit = true;
	open->limit =
		(struct limit){.amount = (uint64_t)budget, .namespace_id = number, .is_scope = true, .parent = around};
	if (record) {
		*record = (struct dump_limit){
			.amount = (uint64_t)budget, .namespace_id = number, .flags = DUMP_LIMIT_SCOPE};
		open->limit.record = record;
		open->limit.number = scopes.spare_records[spare].number;
		charge_link(&open->limit, around);
	} else if (dump_is_open()) {
		charge_record(&open->limit);
	}
}

int64_t namespace_open(struct origin *origin, const char *name, int64_t budget)
{
	const struct scope *around = origin_scope(origin);
	int64_t number = namespace_find(name, around->namespace_id, true);
	struct opened *opened;
	struct open_scope *open;

	if (number < 0)
		return number;
	open = budget == FLOPSHIM_UNLIMITED ? shared_scope((uint32_t)number, around->scope_limits) : NULL;
	opened = guest_pool_take(&scopes.opened_pool);
	if (!opened)
		return FLOPSHIM_NO_MEMORY;
	if (!open) {
		open = open_scope_take();
		if (!open) {
			guest_pool_give(&scopes.opened_pool, opened);
			return FLOPSHIM_NO_MEMORY;
		}
		open->has_limit = false;
		open->block = NULL;
		open->uses = open->holds = 0;
		open->around = around->scope_limits ? holder_of(around->scope_limits) : NULL;
		if (open->around)
			open->around->holds++;
		if (budget != FLOPSHIM_UNLIMITED)
			limit_start(open, (uint32_t)number, around->scope_limits, budget);
		scope_fill(&open->scope, (uint32_t)number,
		           budget != FLOPSHIM_UNLIMITED ? &open->limit : around->scope_limits);
		if (budget == FLOPSHIM_UNLIMITED) {
			open->next_shared = space_at(number)->scopes;
			space_at(number)->scopes = open;
		}
		open->next = scopes.open;
		open->previous = NULL;
		if (scopes.open)
			scopes.open->previous = open;
		scopes.open = open;
	}
	open->uses++;
	space_at(number)->begun++;
	if (space_at(number)->record)
		space_at(number)->record->calls_begun = space_at(number)->begun;
	*opened = (struct opened){.open = open,
	                          .handle = ++scopes.handles,
	                          .origin = origin,
	                          .outer = origin->opened,
	                          .next = scopes.opened};
	if (scopes.opened)
		scopes.opened->previous = opened;
	scopes.opened = opened;
	origin->opened = opened;
	return opened->handle;
}

static void open_scope_end(struct open_scope *open)
{
	struct open_scope **link = &space_at(open->scope.namespace_id)->scopes;

	if (--open->uses)
		return;
	if (open->has_limit) {
		struct dump_limit *record = open->limit.record;
		uint32_t number_in_dump = open->limit.number;

		charge_end(&open->limit);
		if (record && !open->limit.refused_calls && !open->limit.over_calls &&
		    scopes.spare_record_count < SPARE_RECORDS)
			scopes.spare_records[scopes.spare_record_count++] =
				(struct spare_record){record, number_in_dump};
	} else {
		while (*link != open)
			link = &(*link)->next_shared;
		*link = open->next_shared;
	}
	if (open->previous)
		open->previous->next = open->next;
	else
		scopes.open = open->next;
	if (open->next)
		open->next->previous = open->previous;
	open->next = scopes.ended;
	scopes.ended = open;
	scopes.ended_count++;
}

static struct opened *opened_find(struct origin *origin, int64_t handle)
{
	struct opened *opened = origin->opened;

	while (opened && opened->handle > handle)
		opened = opened->outer;
	return opened && opened->handle == handle ? opened : NULL;
}

static void refusal_forget(struct opened *opened)
{
	if (opened->refusal)
		guest_pool_give(&scopes.refusal_pool, opened->refusal);
	opened->refusal = NULL;
}

/* Takes one begin out of its thread's stack, wherever it is there. */
static void opened_end(struct opened *opened)
{
	struct opened **link = &opened->origin->opened;

	while (*link != opened)
		link = &(*link)->outer;
	*link = opened->outer;
	if (opened->previous)
		opened->previous->next = opened->next;
	else
		scopes.opened = opened->next;
	if (opened->next)
		opened->next->previous = opened->previous;
	if (opened->is_block) {
		namespace_blocks.budgets -= !!(opened->flags & BLOCK_BUDGET);
		namespace_blocks.loud -= !!(opened->flags & BLOCK_LOUD);
		if (opened->open->block == opened)
			opened->open->block = NULL;
		refusal_forget(opened);
	}
	open_scope_end(opened->open);
	guest_pool_give(&scopes.opened_pool, opened);
}

int64_t namespace_close(struct origin *origin, int64_t handle)
{
	int64_t ended = 0;

	if (!opened_find(origin, handle))
		return FLOPSHIM_NOT_OPEN;
	for (; origin->opened && origin->opened->handle >= handle; ended++)
		opened_end(origin->opened);
	return ended;
}

void namespace_close_all(struct origin *origin)
{
	while (origin->opened)
		namespace_close(origin, origin->opened->handle);
}

static struct opened *opened_of_any(int64_t handle)
{
	struct opened *opened = scopes.opened;

	while (opened && opened->handle != handle)
		opened = opened->next;
	return opened;
}

static struct opened *opened_anywhere(struct origin *origin, int64_t handle)
{
	struct opened *opened = opened_find(origin, handle);

	return opened ? opened : opened_of_any(handle);
}

/* ---- blocks ---- */

struct block_counts namespace_blocks;

int64_t namespace_open_block(struct origin *origin, const char *name, int64_t budget, unsigned flags)
{
	int64_t handle = namespace_open(origin, name, budget);
	struct opened *opened = origin->opened;

	if (handle < 0)
		return handle;
	opened->is_block = true;
	opened->flags = (uint8_t)flags;
	namespace_blocks.budgets += !!(flags & BLOCK_BUDGET);
	namespace_blocks.loud += !!(flags & BLOCK_LOUD);
	if (opened->open->has_limit) {
		opened->open->block = opened;
		opened->open->limit.raises = true;
	}
	return handle;
}

/* Returns the scope that its thread has opened directly inside of `outer`; NULL if `outer` is the innermost. */
static struct opened *opened_inside(const struct opened *outer)
{
	struct opened *opened = outer->origin->opened;

	if (opened == outer)
		return NULL;
	while (opened->outer != outer)
		opened = opened->outer;
	return opened;
}

int namespace_close_block(struct origin *origin, int64_t handle, struct refusal *refusal)
{
	struct opened *opened = opened_anywhere(origin, handle), *inside;
	int ending = 0;

	if (!opened)
		return FLOPSHIM_NOT_OPEN;
	/*
	 * Scopes that are no blocks cannot end by themselves any more, since the code that opened them has been left.
	 */
	while ((inside = opened_inside(opened)) && !inside->is_block)
		opened_end(inside);
	for (inside = opened->origin->opened; inside != opened; inside = inside->outer)
		inside->overtaken = true;
	if (opened->overtaken || opened->origin != origin)
		ending |= BLOCK_OVERTAKEN;
	if (opened->refusal) {
		ending |= BLOCK_REFUSED;
		*refusal = *opened->refusal;
	}
	opened_end(opened);
	return ending;
}

int64_t namespace_block(const struct origin *origin, const struct limit *limit)
{
	if (limit->is_scope) {
		const struct opened *block = holder_of((struct limit *)limit)->block;

		return block ? block->handle : 0;
	}
	for (; origin; origin = origin->creator)
		for (const struct opened *opened = origin->opened; opened; opened = opened->outer)
			if (opened->is_block)
				return opened->handle;
	return 0;
}

bool namespace_keep_refusal(int64_t block, const struct refusal *refusal)
{
	struct opened *opened = opened_of_any(block);

	if (!opened || opened->refusal)
		return false;
	opened->refusal = guest_pool_take(&scopes.refusal_pool);
	if (opened->refusal)
		*opened->refusal = *refusal;
	return true;
}

void namespace_forget_refusal(int64_t block)
{
	struct opened *opened = opened_of_any(block);

	if (opened)
		refusal_forget(opened);
}

const struct scope *namespace_scope(struct origin *origin, int64_t handle)
{
	struct opened *opened = opened_anywhere(origin, handle);

	return opened ? &opened->open->scope : NULL;
}

struct limit *namespace_scope_limit(struct origin *origin, int64_t handle)
{
	struct opened *opened = opened_anywhere(origin, handle);

	return opened && opened->open->has_limit ? &opened->open->limit : NULL;
}

const struct scope *origin_scope(const struct origin *origin)
{
	for (; origin; origin = origin->creator)
		if (origin->opened)
			return &origin->opened->open->scope;
	return &namespace_base;
}

/* ---- all that are open ---- */

void scopes_fill(void)
{
	for (struct open_scope *open = scopes.open; open; open = open->next)
		scope_fill(&open->scope, open->scope.namespace_id, open->scope.scope_limits);
}

void scopes_record(void)
{
	for (struct open_scope *open = scopes.open; open; open = open->next)
		if (open->has_limit)
			charge_record(&open->limit);
}

/*
 * Mends lists that another thread of the parent may have been changing: their forward links are complete at any
 * moment.
 */
static void lists_mend(void)
{
	struct open_scope *before = NULL;
	struct opened *opened_before = NULL;

	for (struct open_scope *open = scopes.open; open; before = open, open = open->next)
		open->previous = before;
	for (struct opened *opened = scopes.opened; opened; opened_before = opened, opened = opened->next)
		opened->previous = opened_before;
}

void scopes_forked(void)
{
	lists_mend();
	for (struct open_scope *open = scopes.open; open; open = open->next)
		if (open->has_limit)
			charge_forked_limit(&open->limit);
	for (struct opened *opened = scopes.opened; opened; opened = opened->next)
		refusal_forget(opened); /* the refused calls are the parent's */
	scopes.spare_record_count = 0;
}
