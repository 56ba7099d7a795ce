/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * intercept_slow.c - the part of the call path that few calls take: new sites and shapes, workspace queries, limits,
 * clocks, sampled stacks, rejected calls, calls that never came back.
 * It must never change errno. A signal handler's call may come at any instruction: all that such a call shares with
 * the interrupted one is consistent at any moment.
 */
#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>

#include "shim/charge/charge.h"
#include "shim/charge/namespace.h"
#include "shim/charge/weights.h"
#include "shim/dump/dump.h"
#include "shim/enforce/exceed.h"
#include "shim/guest/config.h"
#include "shim/guest/guest.h"
#include "shim/interpose/intercept.h"
#include "shim/record/frames.h"
#include "shim/record/record.h"
#include "shim/record/rows.h"
#include "shim/resolve/doubt.h"
#include "shim/resolve/resolve.h"
#include "shim/stacks/sample.h"
#include "shim/threads/lifecycle.h"

/* ---- entering ---- */

static struct known_site known_site_none; /* stands for the site of calls whose sites are not remembered */

struct entering {
	struct thread *thread;
	entry_frame frame;
	uint64_t caller;
	uint64_t slot;   /* address of the return address */
	void *enclosing; /* in a tail call, the function that it comes out of; NULL otherwise */
	struct site site;
	struct known_site *remembered;
};

static bool known_site_is(const struct known_site *known, uint64_t key)
{
	return known->key == key && known->epoch == flopshim_epoch;
}

/*
 * The place for a new site: its first place, or the second one if only that is free; if neither is, the two take
 * turns.
 */
static struct known_site *known_site_place(struct thread *thread, uint64_t key)
{
	uint32_t place = site_hash(key);
	struct known_site *own = &thread->sites[place], *other = &thread->sites[site_other(place)];

	if (own->epoch == flopshim_epoch && own->key && other->epoch != flopshim_epoch)
		return other;
	if (own->epoch == flopshim_epoch && own->key && (thread->turn ^= 1))
		return other;
	return own;
}

static RARE void site_remember(struct entering *call, uint32_t symbol)
{
	const struct family *family = &families[routines[call->site.form->routine].family];
	struct known_site *known;

	if (call->enclosing || call->site.flags & (SITE_DOUBTFUL | SITE_BY_VALUE) || call->caller >> MEMORY_BITS) {
		call->remembered =
			&known_site_none; /* the site is not remembered: each of its calls is looked up anew */
		return;
	}
	known = call->remembered = known_site_place(call->thread, site_key(call->caller, symbol));
	known->epoch = 0;
	__asm__ volatile("" ::: "memory"); /* a signal handler must not see it half filled */
	*known = (struct known_site){
		.key = site_key(call->caller, symbol),
		.real = call->site.real,
		.form = call->site.form,
		.site = call->site.number,
		.flags = (uint8_t)call->site.flags,
		.options = family->option_count,
		.dims = family->dim_count,
		.stack_words = call->site.form->stack_words,
		.row = &row_none,
	};
	known_site_prepare(known);
	__asm__ volatile("" ::: "memory");
	/* What the thread knows of limits and factors is of own_epoch; flopshim_epoch may have moved on. */
	known->epoch = call->thread->own_epoch;
}

static bool site_recall(struct entering *call, uint32_t symbol)
{
	uint64_t key = site_key(call->caller, symbol);
	struct known_site *known = &call->thread->sites[site_hash(key)];

	if (!known_site_is(known, key))
		known = &call->thread->sites[site_other(site_hash(key))];
	if (call->enclosing || !known_site_is(known, key))
		return false;
	call->remembered = known;
	call->site = (struct site){.caller = call->caller,
	                           .symbol = symbol,
	                           .number = known->site,
	                           .flags = known->flags,
	                           .form = known->form,
	                           .real = known->real};
	return true;
}

/* Finds out whether a function that may be no BLAS is one, before any argument is believed: see doubt.h. */
static RARE void site_settle(struct entering *call, uint32_t symbol)
{
	while (call->site.flags & SITE_DOUBTFUL) {
		switch (doubt_weigh(&call->site, call->frame)) {
		case DOUBT_NEWS: record_site(call->caller, symbol, call->enclosing, call->frame, &call->site); break;
		case DOUBT_OVER: call->site.flags &= ~(uint32_t)SITE_DOUBTFUL; return;
		case DOUBT_STAYS: return;
		}
	}
}

static struct entry_verdict jump(void *real) { return (struct entry_verdict){real, ACTION_JUMP}; }

/* Runs a call without counting it. */
static struct entry_verdict pass_on(uint64_t caller, uint32_t symbol, entry_frame frame)
{
	return jump(record_callee(caller, symbol, frame));
}

/*
 * Runs a call that cannot be counted for want of memory: its thread has no lane, or nobody can tell what serves it.
 * It is counted as lost; but if a limit should hold, the process ends. A call out of a BLAS is a part of another one,
 * and just runs.
 */
static __attribute__((noinline)) struct entry_verdict enter_without_memory(uint64_t caller, uint32_t symbol,
                                                                           entry_frame frame)
{
	static _Atomic bool said;

	if (record_caller_is_blas(caller))
		return pass_on(caller, symbol, frame);
	if (lifecycle_is_limited() && config.on_exceed != EXCEED_WARN)
		exceed_without_memory();
	if (!said && !atomic_exchange(&said, true))
		guest_say("no memory to count some calls: they run uncounted%s",
		          lifecycle_is_limited() ? ", and without a limit" : "");
	record_call_lost();
	return pass_on(caller, symbol, frame);
}

/* Adds the price of a call, which is in its frame, to the coarse row that it shares. */
static void coarse_add(struct dump_row *row, entry_frame frame)
{
	row_add_share(row, *entry_raw(frame), *entry_cost(frame), *entry_words(frame));
}

static void coarse_subtract(struct dump_row *row, entry_frame frame)
{
	row_add_share(row, -*entry_raw(frame), -*entry_cost(frame), -*entry_words(frame));
}

/* Puts the price of a call into its frame. Returns true if it does not fit into the numbers. */
static RARE bool price_into(struct entering *call, struct shape *shape, uint32_t namespace_id)
{
	struct price price;

	*entry_cost(call->frame) = weights_price(&routines[call->site.form->routine], shape, namespace_id, &price);
	*entry_raw(call->frame) = price.flops;
	*entry_words(call->frame) = price.words;
	return price.saturated;
}

/* Which of a batch's dimensions is the number of its groups. */
static unsigned groups_place(const struct form *form, const struct family *family)
{
	unsigned place = 0;

	while (shape_args[form->shape + family->option_count + place].fetch == FETCH_INT_GROUPS)
		place++;
	return place;
}

/* Prices a batch as the sum of its groups. Its only row has the largest of each dimension. */
static RARE bool price_batch(struct entering *call, struct shape *shape, uint32_t namespace_id)
{
	const struct family *family = &families[routines[call->site.form->routine].family];
	unsigned groups = groups_place(call->site.form, family);
	uint64_t cost = 0, flops = 0, words = 0;
	bool saturated = false;

	for (uint64_t g = 0; (int64_t)g < shape->dims[groups]; g++) {
		struct shape group;

		shape_read(call->site.form, family->option_count, family->dim_count, call->site.flags & SITE_ILP64,
		           call->frame, g, &group);
		group.dims[groups] = 1;
		saturated |= price_into(call, &group, namespace_id);
		cost = saturating_add(cost, *entry_cost(call->frame), &saturated);
		flops = saturating_add(flops, *entry_raw(call->frame), &saturated);
		words = saturating_add(words, *entry_words(call->frame), &saturated);
		for (unsigned i = 0; i < family->dim_count; i++)
			if (i != groups && group.dims[i] > shape->dims[i])
				shape->dims[i] = group.dims[i];
	}
	*entry_cost(call->frame) = cost;
	*entry_raw(call->frame) = flops;
	*entry_words(call->frame) = words;
	return saturated;
}

static bool has_groups(const struct entering *call, const struct shape *shape)
{
	const struct form *form = call->site.form;

	return call->site.flags & SITE_BATCH &&
	       shape->dims[groups_place(form, &families[routines[form->routine].family])] > 1;
}

/* Refuses a call that does not fit into `limit`. True if it runs all the same, and is then recorded as over budget. */
static RARE bool refuse(struct entering *call, struct shape *shape, const struct scope *scope, uint8_t coarse,
                        struct limit *limit, uint64_t remaining)
{
	struct exceeding_call exceeding = {
		.routine = &routines[call->site.form->routine],
		.form = call->site.form,
		.shape = shape,
		.frame = call->frame,
		.ilp64 = call->site.flags & SITE_ILP64,
		.caller = call->caller,
		.cost = (int64_t)*entry_cost(call->frame),
		.limit = limit,
		.remaining = remaining,
		.thread = call->thread,
	};
	struct dump_row *refused;
	bool over;

	/* Counted first: the program may leave the refusal by longjmp. */
	refused = record_row(call->thread, &call->site, shape, scope->namespace_id, DUMP_ROW_REFUSED, coarse);
	if (refused->flags & DUMP_ROW_COARSE)
		coarse_add(refused, call->frame);
	refused->calls++;
	call->thread->busy = 0; /* the program's code that runs now may leave by longjmp */
	over = exceed(&exceeding);
	call->thread->busy = 1;
	if (!over)
		return false;
	refused->calls--;
	if (refused->flags & DUMP_ROW_COARSE)
		coarse_subtract(refused, call->frame);
	return true;
}

/*
 * Reserves the price, or refuses the call. True if it may run; if that is over its budget, the price is not yet
 * reserved.
 */
static bool enter_charged(struct entering *call, struct shape *shape, const struct scope *scope, uint8_t coarse,
                          bool *over)
{
	uint64_t remaining;
	struct limit *limit = charge_reserve(call->thread, scope, (int64_t)*entry_cost(call->frame), &remaining);

	*over = limit && refuse(call, shape, scope, coarse, limit, remaining);
	return !limit || *over;
}

static RARE struct entry_verdict enter_top_level(struct entering *call)
{
	struct thread *thread = call->thread;
	const struct family *family = &families[routines[call->site.form->routine].family];
	const struct scope *scope = charge_scope(thread);
	bool query = intercept_is_query(call->site.form, call->frame), over = false, saturated = false;
	struct dump_row *row;
	struct shape shape = {0};
	uint8_t coarse = 0;

	if (call->remembered != &known_site_none)
		call->remembered->flags |= SITE_OUTERMOST;
	shape_read(call->site.form, family->option_count, family->dim_count, call->site.flags & SITE_ILP64, call->frame,
	           0, &shape);
	*entry_flags(call->frame) = call->site.flags & SITE_INFO;
	*entry_cost(call->frame) = *entry_raw(call->frame) = *entry_words(call->frame) = 0;
	if (has_groups(call, &shape)) {
		saturated = price_batch(call, &shape, scope->namespace_id);
		coarse = DUMP_ROW_COARSE;
	}
	row = record_row(thread, &call->site, &shape, scope->namespace_id, query ? DUMP_ROW_QUERY : DUMP_ROW_CALL,
	                 coarse);
	if (row->flags & DUMP_ROW_COARSE && !query && !coarse)
		saturated = price_into(call, &shape, scope->namespace_id);
	if (row->flags & DUMP_ROW_COARSE)
		*entry_flags(call->frame) |= ENTRY_COARSE;
	if (!(row->flags & DUMP_ROW_COARSE)) {
		*entry_cost(call->frame) = row->charged;
		*entry_raw(call->frame) = row->flops; /* needed if it is refused, and counted in a coarse row */
		*entry_words(call->frame) = row->words;
	}
	if (row->flags & DUMP_ROW_SATURATED || saturated)
		record_saturated();
	if (!query && !enter_charged(call, &shape, scope, coarse, &over))
		return (struct entry_verdict){call->site.real, ACTION_DENY};
	if (over) {
		row = record_row(thread, &call->site, &shape, scope->namespace_id, DUMP_ROW_CALL,
		                 DUMP_ROW_OVER | coarse);
		/* From here until the call is in flight nothing may wait: see namespace_set_budget. */
		charge_reserve_over(scope, (int64_t)*entry_cost(call->frame));
	}
	if (!query && !row->flags && call->remembered != &known_site_none)
		known_site_remember(call->remembered, row, scope);
	if (unlikely(thread->lost_calls))
		__atomic_fetch_add(thread->lost_calls, 1, __ATOMIC_RELAXED);
	*entry_form(call->frame) = call->site.form;
	*entry_row(call->frame) = row;
	*entry_real(call->frame) = call->site.real;
	*entry_scope(call->frame) = scope;
	if (*entry_flags(call->frame) & ENTRY_COARSE) {
		share_note(thread->lane, call->slot, *entry_raw(call->frame), *entry_cost(call->frame),
		           *entry_words(call->frame));
		coarse_add(row, call->frame);
	}
	frames_push(thread, (struct dump_frame){call->slot, call->caller, (uint64_t)row});
	sample_enter(thread, call->frame, (int64_t)*entry_cost(call->frame), call->site.number, scope->namespace_id,
	             row);
	return (struct entry_verdict){call->site.real, call->site.form->stack_words};
}

/*
 * Sets from which library the thread serves nested calls without looking at their sites: the first one that makes
 * any, until many come from another.
 */
static RARE void serve_from(struct thread *thread, uint64_t caller)
{
	uint64_t start, size;

	if (thread->served_epoch == flopshim_epoch && thread->served_misses < SERVED_MISSES)
		return;
	thread_head.served_size = thread->served_size = 0;
	__asm__ volatile("" ::: "memory");
	memset(thread->served, 0xff, sizeof(thread->served)); /* all keys become SERVED_NONE */
	thread->served_epoch = flopshim_epoch;
	thread->served_misses = 0;
	if (!record_module_bounds(caller, &start, &size))
		return;
	thread_head.served_start = start;
	__asm__ volatile("" ::: "memory");
	thread_head.served_size = size;
	thread->served_start = start;
	thread->served_size = size;
}

/*
 * Whether calls from this site are nested in another one even if the thread knows of none: they come from inside a
 * library.
 */
static bool is_never_outermost(const struct site *site)
{
	return (site->flags & (SITE_CALLER_SERVES | SITE_OUTERMOST)) == SITE_CALLER_SERVES;
}

/* Gives the site its number in the dump. Sites of nested calls need none. */
static void site_give_number(struct entering *call)
{
	if (call->site.number != DUMP_NONE)
		return;
	record_site_number(&call->site);
	if (call->remembered != &known_site_none)
		call->remembered->site = call->site.number;
}

static struct entry_verdict enter(struct entering *call, uint32_t symbol)
{
	struct dump_lane *lane = call->thread->lane;
	struct dump_frame around;
	bool is_inside = frames_enclosing(call->thread, call->slot, &around);
	/* A return address in the entry body means a tail jump out of the function that the body has called. */
	bool tail = entry_is_body(call->caller);

	if (tail && !is_inside)
		is_inside = frames_find_again(call->thread, call->slot, &around);
	if (tail && is_inside)
		call->enclosing = frames_function(&around);
	if (!site_recall(call, symbol)) {
		if (!record_site(call->caller, symbol, call->enclosing, call->frame, &call->site))
			return enter_without_memory(call->caller, symbol, call->frame);
		site_settle(call, symbol);
		site_remember(call, symbol);
	}
	if (call->site.flags & SITE_PASS) {
		lane->passed_calls++;
		return jump(call->site.real);
	}
	if (!is_inside && is_never_outermost(&call->site))
		is_inside = frames_find_again(call->thread, call->slot, &around);
	if (call->site.flags & SITE_NESTED || (is_inside && (tail || call->site.flags & SITE_CALLER_SERVES))) {
		if (lane->depth == 1 && call->site.flags & SITE_CALLER_SERVES)
			serve_from(call->thread, call->caller);
		lane->nested_calls++;
		return jump(call->site.real);
	}
	site_give_number(call);
	return enter_top_level(call);
}

static RARE struct entry_verdict enter_timed(entry_frame frame, uint32_t symbol)
{
	struct entry_verdict verdict = intercept_enter_timed(
		frame, symbol, ENTRY_TIMED | (config.records == RECORDS_CALLS ? ENTRY_LOGGED : 0));

	if (verdict.function) {
		sample_calibrate();
		*entry_start(frame) = guest_clock();
	}
	return verdict;
}

/*
 * Whether a call comes from a handler that has interrupted the shim while it held locks. `slot` has the call's return
 * address. Only in a confined process, where signals are not blocked. If what held the locks has been left by
 * longjmp, they are released.
 */
static bool is_interrupting(uint64_t slot)
{
	uint64_t holds;

	if (likely(!guest_confined) || !(holds = guest_holds()))
		return false;
	if (slot <= holds || !on_own_stack(slot) || !on_own_stack(holds))
		return true;
	guest_let_go();
	return false;
}

/*
 * Runs a call out of a handler that has interrupted the shim, without waiting for the locks that are held; it is
 * counted as lost.
 */
static struct entry_verdict enter_interrupted(struct entering *call, uint32_t symbol)
{
	call->thread = thread_self;
	call->thread->lane->lost_calls++;
	__atomic_fetch_or(&dump_header->losses, (uint32_t)DUMP_LOST_CALLS, __ATOMIC_SEQ_CST);
	if (site_recall(call, symbol))
		return jump(call->site.real);
	return jump(record_callee_unlocked(call->caller, symbol));
}

/* Ends such a call: counts it if it was in flight, and leaves out the rest of the slow path. */
static void leave_interrupted(entry_frame frame)
{
	struct dump_lane *lane = thread_self->lane;
	uint32_t place = *(volatile uint32_t *)&lane->depth - 1; /* read once: others can write the dump */

	if (place >= DUMP_FRAMES_MAX || lane->frames[place].slot != (uint64_t)entry_return_slot(frame))
		return;
	if (lane->frames[place].row)
		(*entry_row(frame))->calls++;
	lane->depth = place;
	head_settle(lane);
}

struct entry_verdict intercept_enter_slow(entry_frame frame, uint32_t symbol)
{
	int saved = errno;
	struct entering call = {
		.frame = frame,
		.caller = *entry_return_slot(frame),
		.slot = (uint64_t)entry_return_slot(frame),
	};
	const struct scope *held;
	struct entry_verdict verdict;
	bool own;

	if (unlikely(is_interrupting(call.slot)))
		return enter_interrupted(&call, symbol);
	own = record_is_probing(call.slot, call.caller, symbol);
	call.thread = own ? NULL : lifecycle_thread();
	if (call.thread && call.thread->credit == CREDIT_TIMED) {
		verdict = enter_timed(frame, symbol);
		if (verdict.function)
			return verdict;
	}
	if (!call.thread) {
		if (!own && !lifecycle_ready())
			dump_lose_unlocked(DUMP_LOST_CALLS);
		verdict = own || !lifecycle_ready() ? pass_on(call.caller, symbol, frame)
		                                    : enter_without_memory(call.caller, symbol, frame);
		errno = saved;
		return verdict;
	}
	held = call.thread->held; /* not NULL if this is a call from a signal handler, or from the exceed callback */
	call.thread->busy++;
	lifecycle_look_again(call.thread);
	verdict = enter(&call, symbol);
	dump_flush_due();
	call.thread->busy--;
	call.thread->held = held;
	errno = saved;
	if (verdict.function && verdict.action >= 0 && *entry_flags(frame) & ENTRY_TIMED)
		*entry_start(frame) = guest_clock(); /* as late as possible */
	return verdict;
}

/* ---- leaving ---- */

/* What was reserved for the call. */
static uint64_t call_cost(entry_frame frame)
{
	return *entry_flags(frame) & ENTRY_COARSE ? *entry_cost(frame) : (*entry_row(frame))->charged;
}

static void leave(struct thread *thread, entry_frame frame)
{
	uint64_t slot = (uint64_t)entry_return_slot(frame);
	bool counts = frames_returning(thread, slot);
	struct dump_row *row = *entry_row(frame); /* read after frames_returning, which may give it another row */

	if (!counts) {
		frames_remove(thread, slot, NULL);
		return; /* counted already, by another thread or by the parent process */
	}
	if (intercept_was_rejected(*entry_form(frame), frame)) {
		/*
		 * A budget that is set at this moment must count the call as in flight and get its price back, or
		 * neither.
		 */
		charge_hold();
		charge_refund(*entry_scope(frame), (int64_t)call_cost(frame));
		if (*entry_flags(frame) & ENTRY_COARSE)
			coarse_subtract(row, frame);
		frames_clear(thread, slot, row);
		charge_release();
		frames_remove(thread, slot, NULL);
		row = record_row_like(thread, row, *entry_form(frame), DUMP_ROW_REJECTED, 0);
		row->calls++;
	} else {
		sample_leave(thread, frame, row);
		row->calls++;
		frames_remove(thread, slot, row);
	}
}

static void leave_slowly(entry_frame frame)
{
	int saved = errno;
	struct thread *thread = lifecycle_thread();

	if (thread) {
		const struct scope *held = thread->held;

		thread->held = *entry_scope(frame); /* the scope is held while the call is moved between lists */
		thread->busy++;
		leave(thread, frame);
		head_settle(thread->lane);
		thread->busy--;
		thread->held = held;
	}
	errno = saved;
}

void intercept_leave_slow(entry_frame frame)
{
	if (unlikely(is_interrupting((uint64_t)entry_return_slot(frame)))) {
		leave_interrupted(frame);
		return;
	}
	if (intercept_leave_timed(frame)) {
		struct thread *self = thread_self;
		struct dump_row *row = *entry_row(frame);

		sample_leave(self, frame, row);
		row->calls++;
		self->lane->depth = 0;
		head_settle(self->lane);
		return;
	}
	leave_slowly(frame);
}
