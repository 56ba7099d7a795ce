/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * intercept.c - the part of the call path that every call takes.
 * It must never touch a vector register, take a lock, allocate, read a clock or make a system call (built with
 * -mgeneral-regs-only); whatever needs one of these is in intercept_slow.c.
 */
#include "shim/interpose/intercept.h"

#include "shim/charge/charge.h"
#include "shim/charge/weights.h"
#include "shim/guest/config.h"
#include "shim/guest/guest.h"
#include "shim/interpose/arguments.h"
#include "shim/record/rows.h"

/*
 * What each function has tested. The columns say what is known of a call when the function begins: `yes` and `known`
 * are not tested again, `last` is the same as at the last call from this site, `other` differs from it, and "-" is
 * not known. Each function tests something more and passes the call on to the one for which that is known, at last to
 * run(). The verdict SLOW sends the call through the slow path.
 *
 *                             site  scope  credit's  options  dimensions  row   paid
 *                                   last   scope
 *  intercept_enter           yes   -      -         -        -           -     -     called by the entry body
 *  intercept_enter_displaced -     -      -         -        -           -     -     the same, to look in the second place
 *  enter_site                yes   -      -         -        -           -     -     scope or options are not the last
 *  enter_scope               yes   yes    yes       -        -           -     -     has several arguments to compare
 *  enter_following           yes   yes    yes       -        -           -     -     expects the row that came next before
 *  enter_options             yes   yes    yes       last     other       -     -     decides whether rows are searched
 *  enter_options_searching   yes   yes    yes       last     other       -     -     they are
 *  enter_rowless             yes   -      -         known    -           none  -     shares a coarse row if the lane is full
 *  enter_row                 yes   -      yes       known    known       yes   -     takes its price from the credit
 *  enter_row_unproven        yes   -      -         known    known       yes   -     from credit, another portion or lease
 *  enter_row_unpaid          yes   -      -         known    known       yes   no    is timed, or costs more than any credit
 *  run                       yes   known  known     known    known       yes   yes   is recorded as in flight
 *
 *  intercept_enter_nested    -     while a call is in flight: nothing is known, and only the site is looked up
 *  enter_nested              yes   the same, once the site is known
 *  intercept_enter_timed     -     called by the slow path, for a thread whose calls are all timed or logged
 *
 * "site": key and epoch of the known site are those of the call. "scope last": thread->scope, where the call charges,
 * is known->scope, so that known->row may be its row. "credit's scope": thread->scope is thread->credit_scope, so that
 * credit and lease may be spent on it. The entry body does the work of intercept_enter and enter_row for level-1
 * BLAS, and that of enter_nested: see entry.h.
 */

void shape_read(const struct form *form, unsigned options, unsigned dims, bool ilp64, entry_frame frame, uint64_t group,
                struct shape *shape)
{
	shape_read_inline(form, options, dims, ilp64, frame, group, shape);
}

void known_site_remember(struct known_site *known, struct dump_row *row, const struct scope *scope)
{
	known->row = &row_none; /* until the new scope is in: a signal handler may call from the same site */
	__asm__ volatile("" ::: "memory");
	known->scope = scope;
	__asm__ volatile("" ::: "memory");
	known->row = row;
}

/* Returns how a site's only dimension is read: `first` if the entry body can read it, else `otherwise`. */
static enum reading reading_of_one(const struct known_site *known, enum reading first, enum reading otherwise)
{
	return known->offset == ENTRY_SLOT(0) && !known->stack_words && !(known->flags & SITE_INFO) ? first : otherwise;
}

static enum reading pointer_reading(const struct known_site *known)
{
	return reading_of_one(known, READING_FIRST, READING_POINTER);
}

static enum reading value_reading(const struct known_site *known)
{
	return reading_of_one(known, READING_FIRST_VALUE, READING_VALUE);
}

void known_site_prepare(struct known_site *known)
{
	unsigned count = known->options + known->dims;
	bool pointers = true, values = true;

	known->args = &shape_args[known->form->shape];
	known->offset = known->args->offset;
	known->reading = READING_OTHER;
	for (unsigned i = 0; i < count; i++) {
		uint8_t fetch = known->args[i].fetch;

		pointers &= fetch == (i < known->options ? FETCH_CHAR_REF : FETCH_INT_REF);
		values &= fetch == (i < known->options ? FETCH_ENUM : FETCH_INT);
		if (known->args[i].condition != CONDITION_NONE)
			return;
	}
	/* Without dimensions it would seem to match row_none. */
	if (!known->dims || known->flags & (SITE_QUERIES | SITE_PASS | SITE_NESTED))
		return;
	if (pointers)
		known->reading = known->flags & SITE_ILP64 ? READING_POINTERS_64
		                 : count == 1              ? pointer_reading(known)
		                                           : READING_POINTERS;
	else if (values)
		known->reading = known->flags & SITE_ILP64 ? READING_VALUES_64
		                 : count == 1              ? value_reading(known)
		                                           : READING_VALUES;
}

bool intercept_is_query(const struct form *form, entry_frame frame) { return is_query(form, frame); }

/*
 * Whether the call in flight at `frame` is an outer call of one with its return address at `slot`. The stack is read
 * only where it is known to be this thread's own and still in use.
 */
static inline bool frame_lives(const volatile struct dump_frame *frame, uint64_t slot)
{
	uint64_t outer = frame->slot; /* read once: others can write the dump */

	return slot < outer && slot >= thread_head.stack_low && outer < thread_head.stack_high &&
	       outer % sizeof(uint64_t) == 0 && *(const uint64_t *)outer == frame->return_address;
}

#define SLOW ((struct entry_verdict){NULL, ACTION_SLOW})

/* Records the call as in flight, and has the entry body run it. */
static inline __attribute__((always_inline)) struct entry_verdict run(struct dump_lane *lane,
                                                                      const struct known_site *known,
                                                                      struct dump_row *row, const struct scope *scope,
                                                                      entry_frame frame, uint64_t flags)
{
	uint64_t return_slot = (uint64_t)entry_return_slot(frame), return_address = *entry_return_slot(frame);
	volatile struct dump_frame *record = lane->frames;
	volatile struct thread_head *head = &thread_head;

	*entry_form(frame) = known->form;
	*entry_row(frame) = row;
	*entry_real(frame) = known->real;
	*entry_scope(frame) = scope;
	*entry_flags(frame) = flags | (known->flags & SITE_INFO);
	do {
		record->slot = return_slot;
		record->return_address = return_address;
		record->row = (uint64_t)row;
		*(volatile uint32_t *)&lane->depth = 1;
		head->open_return = return_address;
		head->open_slot = return_slot;
		/* Again if a signal handler's call took the place before all of this was written. */
	} while (unlikely(record->slot != return_slot));
	return (struct entry_verdict){known->real, known->stack_words};
}

/* Takes a price from the thread's credit or lease; false where the slow path must look. */
static inline bool pay(struct thread *thread, const struct scope *scope, uint64_t charged)
{
	if (unlikely(scope != thread->credit_scope))
		return false;
	if (likely((int64_t)charged <= thread->credit)) {
		thread->credit -= (int64_t)charged;
		return true;
	}
	return charge_from_lease(thread, (int64_t)charged);
}

/*
 * Gives the thread another portion of credit where the slow path would do no more. This is worth it: a 30x30x30
 * product uses up a portion in two or three calls.
 */
static inline bool credit_renew(struct thread *thread)
{
	int64_t until_sample = thread->until_sample - (thread->credit_given - thread->credit);

	if (thread->credit < 0 || !thread->renewals || until_sample < CREDIT_QUANTUM)
		return false;
	thread->renewals--;
	thread->until_sample = until_sample;
	thread->credit = thread->credit_given = CREDIT_QUANTUM - 1;
	return true;
}

/* Whether a call in a thread whose calls are all timed needs nothing but that; takes its cost if so. */
static inline bool clock_goes_on(struct thread *thread, int64_t cost)
{
	if (cost >= CREDIT_QUANTUM || cost > thread->until_sample || cost + BURST_CALL > thread->until_clock)
		return false;
	if (thread->credit_scope->limited && !charge_lease_spend(thread, cost))
		return false;
	thread->until_sample -= cost;
	thread->until_clock -= cost + BURST_CALL;
	return true;
}

/*
 * Whether a call that costs more than any credit needs nothing but to be timed: no stack is due for it, and its
 * limits have room. Takes its cost if so. A small part of it comes from the credit, so that from time to time such a
 * call takes the slow path: some things are due there once a second.
 */
static inline bool expensive_goes_on(struct thread *thread, int64_t cost)
{
	int64_t taken = EXPENSIVE_CALL + (cost >> EXPENSIVE_SHIFT);

	if (cost < CREDIT_QUANTUM || (uint64_t)cost >= thread->stack_threshold)
		return false;
	if (thread->credit == CREDIT_LEASE) {
		if (cost > EXPENSIVE_LEASE_MAX || cost > thread->until_sample || !charge_lease_spend(thread, cost))
			return false;
		thread->until_sample -= cost;
		return true;
	}
	if ((thread->credit < taken && !(credit_renew(thread) && thread->credit >= taken)) ||
	    thread->until_sample - cost < thread->credit_given)
		return false;
	thread->credit -= taken;
	thread->until_sample -= cost - taken; /* the rest is taken when the credit is settled */
	return true;
}

/* Whether a call of a burst needs nothing but to be timed, by the processor's counter. Takes its cost if so. */
static inline bool burst_goes_on(struct thread *thread, int64_t cost)
{
	return flopshim_tick_scale && thread->credit == CREDIT_TIMED && clock_goes_on(thread, cost);
}

/* Reads the counter at the beginning or the end of a call of a burst; the cheaper way if the user times all calls. */
static inline uint64_t burst_ticks(void) { return config.time == TIME_AUTO ? entry_ticks_in_order() : entry_ticks(); }

/*
 * Neither credit nor lease pays for the call: it runs if it needs nothing more than a time by the processor's
 * counter.
 */
static inline struct entry_verdict enter_row_unpaid(struct thread *thread, entry_frame frame,
                                                    const struct known_site *known, struct dump_row *row,
                                                    const struct scope *scope)
{
	int64_t cost = (int64_t)row->charged;
	uint64_t flags = ENTRY_TICKS;

	if (scope != thread->credit_scope)
		return SLOW;
	if ((flopshim_tick_scale || config.time == TIME_OFF) && expensive_goes_on(thread, cost))
		flags = config.time == TIME_OFF ? 0 : ENTRY_TICKS | ENTRY_EXPENSIVE;
	else if (!burst_goes_on(thread, cost))
		return SLOW;
	if (flags)
		*entry_start(frame) = flags & ENTRY_EXPENSIVE ? entry_ticks() : burst_ticks();
	return run(thread->lane, known, row, scope, frame, flags);
}

/* The row is known, but not yet whether credit or lease can pay for the call. */
static __attribute__((noinline)) struct entry_verdict enter_row_unproven(entry_frame frame, struct known_site *known,
                                                                         struct dump_row *row,
                                                                         const struct scope *scope)
{
	struct thread *thread = thread_self;
	bool paid = pay(thread, scope, row->charged);

	if (!paid && scope == thread->credit_scope && row->charged < CREDIT_QUANTUM && credit_renew(thread))
		paid = pay(thread, scope, row->charged);
	if (!paid)
		return enter_row_unpaid(thread, frame, known, row, scope);
	return run(thread->lane, known, row, scope, frame, 0);
}

/* The row is known, and the thread's credit is for this scope: most calls end here. */
static inline __attribute__((always_inline)) struct entry_verdict enter_row(struct thread *thread, entry_frame frame,
                                                                            struct known_site *known,
                                                                            struct dump_row *row,
                                                                            const struct scope *scope)
{
	if (unlikely((int64_t)row->charged > thread->credit))
		return enter_row_unproven(frame, known, row, scope);
	thread->credit -= (int64_t)row->charged;
	return run(thread->lane, known, row, scope, frame, 0);
}

/* The call has no row of its own. If the lane is full, it shares a coarse row with others, and adds its own price. */
static __attribute__((noinline)) struct entry_verdict enter_rowless(entry_frame frame, struct known_site *known,
                                                                    uint64_t options)
{
	struct thread *thread = thread_self;
	const struct scope *scope = thread->scope;
	const struct shape_arg *arg = known->args + known->options;
	uint64_t place = row_place(known->site, scope->namespace_id), hash, charged;
	struct shape exact, shape;
	struct dump_row *row;
	struct price price;
	uint64_t flags = 0;

	if (!thread->rows.coarse)
		return SLOW;
	thread->rows.misses++;
	if (likely(known->reading == READING_POINTERS)) {
		hash = hash_begin(options, place);
		for (unsigned i = 0; i < known->dims; i++, arg++) {
			exact.dims[i] = pointer_read(arg, frame);
			shape.dims[i] = dim_coarsen(exact.dims[i]);
			hash += hash_dim(i, shape.dims[i]);
		}
		hash = hash_end(hash, shape.dims[0]);
		exact.options = shape.options = options;
	} else {
		shape_read(known->form, known->options, known->dims, known->flags & SITE_ILP64, frame, 0, &exact);
		hash = shape_coarsen(&exact, known->dims, place, &shape);
	}
	row = row_find(thread->rows.index, hash, place, row_sort(DUMP_ROW_CALL, DUMP_ROW_COARSE), &shape, known->dims);
	if (!row)
		return SLOW;
	charged = weights_price_inline(&routines[known->form->routine], &exact, known->options, scope->namespace_id,
	                               &price);
	if (price.saturated)
		return SLOW;
	if (!pay(thread, scope, charged)) {
		if (scope != thread->credit_scope || !burst_goes_on(thread, (int64_t)charged))
			return SLOW;
		flags = ENTRY_TICKS;
		*entry_start(frame) = burst_ticks();
	}
	share_note(thread->lane, (uint64_t)entry_return_slot(frame), price.flops, charged, price.words);
	row_add_share(row, price.flops, charged, price.words);
	if (likely(!(known->flags & SITE_INFO)))
		return run(thread->lane, known, row, scope, frame, flags);
	*entry_cost(frame) = charged;
	*entry_raw(frame) = price.flops;
	*entry_words(frame) = price.words;
	return run(thread->lane, known, row, scope, frame, flags | ENTRY_COARSE);
}

/*
 * Makes the row for the first call of a shape, if there is room in block and index; NULL where the slow path must
 * look, or the lane is full.
 */
static __attribute__((noinline)) struct dump_row *row_new(struct thread *thread, const struct known_site *known,
                                                          const struct scope *scope, struct shape *shape)
{
	uint64_t hash = shape_hash(shape, known->dims, row_place(known->site, scope->namespace_id)), charged;
	struct dump_part *block;
	struct dump_row *row;
	struct price price;

	if (unlikely(thread->rows.coarse || thread->rows.overflow || guest_confined))
		return NULL;
	charged = weights_price_inline(&routines[known->form->routine], shape, known->options, scope->namespace_id,
	                               &price);
	if (unlikely(price.saturated))
		return NULL;
	row = row_begin(&thread->rows, &block);
	if (unlikely(!row))
		return NULL;
	row->site = known->site;
	row->namespace_id = scope->namespace_id;
	row->kind = DUMP_ROW_CALL;
	row->options = shape->options;
	for (unsigned i = 0; i < known->dims; i++)
		row->dims[i] = shape->dims[i];
	row->charged = charged;
	row->flops = price.flops;
	row->words = price.words;
	row_end(&thread->rows, block, row, hash, false);
	row_prefetch(row + 1);
	return row;
}

/*
 * Whether to search a row for this call. In a full lane whose last calls had none of their own, only one call in
 * MISSES_MAX is worth the search: the others are counted in coarse rows, which is correct there too.
 */
static inline bool rows_are_searched(const struct thread *thread)
{
	return likely(thread->rows.misses < MISSES_MAX) || thread->rows.misses % MISSES_MAX == 0;
}

/* Reads the shape of a call, and finds its own row; NULL if it has none, or if rows are not searched now. */
static inline __attribute__((always_inline)) struct dump_row *row_of_call(const struct thread *thread,
                                                                          const struct known_site *known,
                                                                          entry_frame frame, const struct scope *scope,
                                                                          struct shape *shape)
{
	uint64_t place = row_place(known->site, scope->namespace_id);

	if (likely(reads_pointers(known)))
		pointers_read(known, frame, shape);
	else
		shape_read_inline(known->form, known->options, known->dims, known->flags & SITE_ILP64, frame, 0, shape);
	if (!rows_are_searched(thread))
		return NULL;
	return row_find(thread->rows.index, shape_hash(shape, known->dims, place), place, row_sort(DUMP_ROW_CALL, 0),
	                shape, known->dims);
}

/* Whether the slow path must see this call, whatever its shape is. */
static inline bool is_special(const struct known_site *known, entry_frame frame)
{
	return known->flags & (SITE_PASS | SITE_NESTED | SITE_BATCH) || known->site == DUMP_NONE ||
	       (known->flags & (SITE_CALLER_SERVES | SITE_OUTERMOST)) == SITE_CALLER_SERVES ||
	       (known->flags & SITE_QUERIES && is_query(known->form, frame));
}

/*
 * Only the site is known: options or scope differ from those of the last call, or its arguments have no quick
 * reading.
 */
static __attribute__((noinline)) struct entry_verdict enter_site(entry_frame frame, struct known_site *known)
{
	struct thread *thread = thread_self;
	const struct scope *scope = thread->scope;
	struct shape shape;
	struct dump_row *row;

	if (unlikely(is_special(known, frame)))
		return SLOW;
	row = row_of_call(thread, known, frame, scope, &shape);
	if (unlikely(!row) && !(row = row_new(thread, known, scope, &shape)))
		return enter_rowless(frame, known, shape.options);
	thread->rows.misses = 0;
	known_site_remember(known, row, scope);
	if (unlikely(scope != thread->credit_scope || (int64_t)row->charged > thread->credit))
		return enter_row_unproven(frame, known, row, scope);
	thread->credit -= (int64_t)row->charged;
	return run(thread->lane, known, row, scope, frame, 0);
}

/*
 * Lets the entry body find the function of a nested call next time. Called only with one call in flight: with more,
 * this may be a signal handler's call, which would change an entry that the entry body has just compared.
 */
static inline void served_remember(struct thread *thread, uint32_t symbol, const struct known_site *known)
{
	struct served *served = &thread->served[served_place(symbol)];

	served->key = SERVED_NONE;
	__asm__ volatile("" ::: "memory");
	served->real = known->real;
	__asm__ volatile("" ::: "memory");
	served->key = served_key(symbol, known->epoch); /* flopshim_epoch may have moved on */
}

/* A call while another one is in flight, which the entry body could not serve by itself. */
static inline __attribute__((always_inline)) struct entry_verdict enter_nested(struct thread *thread, uint32_t symbol,
                                                                               const struct known_site *known,
                                                                               uint64_t return_slot)
{
	struct dump_lane *lane = thread->lane;
	uint32_t place = *(volatile uint32_t *)&lane->depth - 1; /* read once: others can write the dump */

	/* In a signal handler, thread_head and the lane may contradict each other. */
	if (place >= DUMP_FRAMES_MAX || !(known->flags & SITE_CALLER_SERVES) ||
	    !frame_lives(&lane->frames[place], return_slot))
		return SLOW;
	if (place == 0) {
		if (thread->served_epoch == known->epoch &&
		    *(const uint64_t *)return_slot - thread_head.served_start < thread_head.served_size)
			served_remember(thread, symbol, known);
		else if (++thread->served_misses >= SERVED_MISSES)
			return SLOW;
	}
	lane->nested_calls++;
	return (struct entry_verdict){known->real, ACTION_JUMP};
}

/* The row of the call that followed the last call of this row at its site, if it is near; else the row itself. */
static inline struct dump_row *row_next(struct dump_row *row) { return row + row->next; }

static inline bool row_is_in(const struct dump_part *part, const struct dump_row *row)
{
	return (uint64_t)row - (uint64_t)part->entries < part->capacity * sizeof(*row);
}

/* Looks for the block that holds the row, and keeps it in `near`. */
static __attribute__((noinline)) bool row_look(struct lane_rows *rows, const struct dump_row *row)
{
	for (uint32_t i = rows->block_count; i--;)
		if (row_is_in(rows->blocks[i], row)) {
			rows->near = rows->blocks[i];
			return true;
		}
	return false;
}

/*
 * Whether `row` is one of the lane's rows. That is not certain: row_next reads a hint in the dump, where others can
 * write anything.
 */
static inline bool row_is_near(struct lane_rows *rows, const struct dump_row *row)
{
	const struct dump_part *near = rows->near;

	return likely(near && row_is_in(near, row)) || row_look(rows, row);
}

/*
 * Keeps `next` as the row that followed `row`. Both must be of one site, namespace and set of options: where a call
 * differs from the next row in dimensions only, enter_following has enter_options take the options of `row` for it.
 */
static inline void row_followed_by(struct dump_row *row, struct dump_row *next, uint64_t place)
{
	int64_t bytes = (int64_t)((uint64_t)next - (uint64_t)row), distance = bytes / (int64_t)sizeof(*row);
	uint64_t own_place;

	__builtin_memcpy(&own_place, &row->site, sizeof(own_place));
	if (own_place == place && bytes % sizeof(*row) == 0 && distance == (int16_t)distance)
		row->next = (int16_t)distance;
}

/*
 * Programs repeat the same shapes in the same order. After STREAK_FOLLOWED calls in a row whose shape had followed
 * the one before them the last time too, each call is first compared with the row that is expected to come next.
 */
static inline void site_follow(struct known_site *known, struct dump_row *last, struct dump_row *row, uint64_t place)
{
	if (row_next(last) != row) {
		known->streak = 0;
		row_followed_by(last, row, place);
	} else if (++known->streak == STREAK_FOLLOWED) {
		/* The level-1 readings do not go through enter_following. */
		if (known->reading == READING_FIRST || known->reading == READING_POINTER)
			known->reading = READING_POINTERS;
		else if (known->reading == READING_FIRST_VALUE || known->reading == READING_VALUE)
			known->reading = READING_VALUES;
	}
}

static inline void site_unfollow(struct known_site *known)
{
	known->streak = 0;
	if (known->options + known->dims > 1)
		return;
	if (known->reading == READING_POINTERS)
		known->reading = pointer_reading(known);
	else if (known->reading == READING_VALUES)
		known->reading = value_reading(known);
}

/* The call differs from the last one of its site in dimensions only, and its row is searched for. */
static __attribute__((noinline)) struct entry_verdict enter_options_searching(entry_frame frame,
                                                                              struct known_site *known)
{
	struct thread *thread = thread_self;
	const struct scope *scope = known->scope;
	struct dump_row *last = known->row, *row;
	const struct shape_arg *arg = known->args + known->options;
	uint64_t place = row_place(known->site, scope->namespace_id), hash = hash_begin(last->options, place);
	struct shape shape;

	for (unsigned i = 0; i < known->dims; i++, arg++) {
		shape.dims[i] = quick_dim_read(known, arg, frame);
		hash += hash_dim(i, shape.dims[i]);
	}
	shape.options = last->options;
	row = row_find(thread->rows.index, hash_end(hash, shape.dims[0]), place, row_sort(DUMP_ROW_CALL, 0), &shape,
	               known->dims);
	if (unlikely(!row) && !(row = row_new(thread, known, scope, &shape)))
		return enter_rowless(frame, known, shape.options);
	thread->rows.misses = 0;
	site_follow(known, last, row, place);
	known_site_remember(known, row, scope);
	return enter_row(thread, frame, known, row, scope);
}

/* The call differs in dimensions only. A function of its own, so that the callers need not save registers for it. */
static __attribute__((noinline)) struct entry_verdict enter_options(entry_frame frame, struct known_site *known)
{
	return rows_are_searched(thread_self) ? enter_options_searching(frame, known)
	                                      : enter_rowless(frame, known, known->row->options);
}

/* Does what enter_scope does, where the call is expected to have the shape of the next row. */
static __attribute__((noinline)) struct entry_verdict enter_following(entry_frame frame, struct known_site *known)
{
	struct thread *thread = thread_self;
	const struct scope *scope = known->scope;
	struct dump_row *row = row_next(known->row);
	enum likeness likeness = likely(row_is_near(&thread->rows, row)) ? compare(known, row, frame) : OTHER;

	if (unlikely(likeness != SAME)) {
		site_unfollow(known);
		return likeness == OTHER_DIMS ? enter_options(frame, known) : enter_site(frame, known);
	}
	__builtin_prefetch(row_next(row));
	known_site_remember(known, row, scope);
	return enter_row(thread, frame, known, row, scope);
}

/*
 * The call has more than one argument, none of them compared yet. A function of its own, so that level 1 need not
 * save its registers.
 */
static __attribute__((noinline)) struct entry_verdict enter_scope(entry_frame frame, struct known_site *known)
{
	struct thread *thread = thread_self;
	struct dump_row *row = known->row;
	enum likeness likeness = compare(known, row, frame);

	if (unlikely(likeness == OTHER_DIMS))
		return enter_options(frame, known);
	if (unlikely(likeness == OTHER))
		return enter_site(frame, known);
	return enter_row(thread, frame, known, row, known->scope);
}

struct entry_verdict intercept_enter(entry_frame frame, struct known_site *known, struct thread *thread)
{
	/* Read before the scope: a signal handler may change both meanwhile. */
	struct dump_row *row = *(struct dump_row *volatile *)&known->row;
	const struct scope *scope = thread->scope;

	if (unlikely(known->scope != scope || scope != thread->credit_scope))
		return enter_site(frame, known);
	switch (known->reading) {
	case READING_FIRST:
	case READING_POINTER:
		if (unlikely(!pointer_same(known, row, frame)))
			return enter_options(frame, known);
		break;
	case READING_FIRST_VALUE:
	case READING_VALUE:
		if (unlikely(!value_same(known, row, frame)))
			return enter_options(frame, known);
		break;
	default: return known->streak < STREAK_FOLLOWED ? enter_scope(frame, known) : enter_following(frame, known);
	}
	return enter_row(thread, frame, known, row, scope);
}

/* The first place of the site is taken by another one, or the site is new. */
struct entry_verdict intercept_enter_displaced(entry_frame frame, uint32_t symbol, struct thread *thread)
{
	uint64_t key = site_key(*entry_return_slot(frame), symbol);
	struct known_site *known = &thread->sites[site_other(site_hash(key))];

	if (known->key != key || known->epoch != flopshim_epoch)
		return SLOW;
	return intercept_enter(frame, known, thread);
}

struct entry_verdict intercept_enter_nested(entry_frame frame, uint32_t symbol, struct thread *thread)
{
	uint64_t *return_slot = entry_return_slot(frame), key = site_key(*return_slot, symbol);
	struct known_site *known = &thread->sites[site_hash(key)];

	if (known->key != key)
		known = &thread->sites[site_other(site_hash(key))];
	if (unlikely(known->key != key || known->epoch != flopshim_epoch))
		return SLOW;
	return enter_nested(thread, symbol, known, (uint64_t)return_slot);
}

static inline bool was_rejected(const struct form *form, entry_frame frame)
{
	if (form->info == INFO_RETURNED)
		return (int32_t)*entry_result(frame) < 0;
	/* The low half is right for both integer widths, since INFO is small. */
	return *(const int32_t *)*entry_slot(frame, form->info) < 0;
}

bool intercept_was_rejected(const struct form *form, entry_frame frame)
{
	return form->info != INFO_NONE && !form->info_after_work && was_rejected(form, frame);
}

struct entry_verdict intercept_enter_timed(entry_frame frame, uint32_t symbol, uint64_t flags)
{
	struct thread *thread = thread_self;
	uint64_t key = site_key(*entry_return_slot(frame), symbol);
	struct known_site *known = &thread->sites[site_hash(key)];
	const struct scope *scope = thread->scope;
	struct shape shape;
	struct dump_row *row;

	if (known->key != key)
		known = &thread->sites[site_other(site_hash(key))];
	if (known->key != key || known->epoch != flopshim_epoch || thread->lane->depth ||
	    thread->credit != CREDIT_TIMED || scope != thread->credit_scope || is_special(known, frame))
		return SLOW;
	row = row_of_call(thread, known, frame, scope, &shape);
	if (!row)
		return SLOW;
	if (!clock_goes_on(thread, (int64_t)row->charged))
		return SLOW;
	*entry_cost(frame) = row->charged;
	return run(thread->lane, known, row, scope, frame, flags);
}

bool intercept_leave_timed(entry_frame frame)
{
	struct dump_lane *lane = thread_self->lane;

	return flopshim_epoch && lane->depth == 1 && lane->frames[0].slot == (uint64_t)entry_return_slot(frame) &&
	       lane->frames[0].row && !intercept_was_rejected(*entry_form(frame), frame);
}

/*
 * A call of a burst took longer than flopshim_tick_limit. Most often its thread was off the processor meanwhile, and
 * such a moment must not stand for many calls; but some calls of few FLOPs do take long. So the time is counted if it
 * is at most LONG_TIMES_MEAN times the mean of the row. The first time of a row is kept in time_ns with timed_calls
 * 0, until the second one shows which case it was.
 */
static __attribute__((noinline)) void leave_long(struct dump_row *row, uint64_t ns)
{
	if (row->timed_calls) {
		if (ns / LONG_TIMES_MEAN > row->time_ns / row->timed_calls)
			return;
		row->timed_calls++;
		row->time_ns += ns;
	} else if (row->time_ns) {
		row->time_ns += ns;
		row->timed_calls = 2;
	} else {
		row->time_ns = ns;
	}
}

/* Adds the time of a call by the processor's counter. No other flag that comes here leaves anything to do. */
static inline void leave_other(entry_frame frame, struct dump_row *row, uint64_t flags)
{
	if (flags & ENTRY_TICKS) {
		uint64_t now = flags & ENTRY_EXPENSIVE ? entry_ticks() : burst_ticks(),
			 ticks = now - *entry_start(frame), ns;

		if (unlikely((int64_t)ticks < 0))
			return; /* the thread came to a processor whose counter is behind */
		ticks -= ticks < flopshim_tick_cost ? ticks : flopshim_tick_cost;
		ns = (uint64_t)((unsigned __int128)ticks * flopshim_tick_scale >> 32);
		if (unlikely(ticks > flopshim_tick_limit && !(flags & ENTRY_EXPENSIVE))) {
			leave_long(row, ns);
			return;
		}
		row_add_time(row, ns);
	}
}

/* See intercept.h. This is the whole return of most calls. */
int intercept_leave(entry_frame frame)
{
	struct dump_lane *lane = thread_self->lane;
	struct dump_row *row = *entry_row(frame);
	uint64_t flags = *entry_flags(frame);

	if (unlikely(flopshim_epoch == 0 || lane->depth != 1 ||
	             lane->frames[0].slot != (uint64_t)entry_return_slot(frame) || !lane->frames[0].row))
		return 1;
	if (unlikely(flags)) {
		if (flags & ENTRY_INFO && was_rejected(*entry_form(frame), frame))
			return 1;
		if (flags & (ENTRY_TIMED | ENTRY_LOGGED))
			return 1;
		leave_other(frame, row, flags);
	}
	row->calls++;
	*(volatile uint32_t *)&lane->depth = 0;
	thread_head.open_slot = OPEN_NONE;
	return 0;
}
