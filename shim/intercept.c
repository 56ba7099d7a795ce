/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * intercept.c - the part of the call path that every call takes.
 * It must never touch a vector register, take a lock, allocate, read a clock or make a system call
 * (built with -mgeneral-regs-only); whatever needs one of these is in intercept_slow.c.
 */
#include "intercept.h"

#include <stddef.h>

#include "charge.h"

/* CBLAS enums as the letters that Fortran has for them. */
static inline char enum_letter(uint64_t value)
{
	static const char letters[] = "RC........NTCR......UL........NU........LR";
	uint32_t index = (uint32_t)value - 101;

	return index < sizeof(letters) - 1 ? letters[index] : '?';
}

static inline uint64_t option_read(const struct shape_arg *arg, entry_frame frame)
{
	uint64_t word = *entry_slot(frame, arg->slot);
	unsigned char letter;

	switch (arg->fetch) {
	case FETCH_CHAR_REF:
		if (!word)
			return 0;
		word = *(const unsigned char *)word;
		/* fall through */
	case FETCH_CHAR:
		letter = (unsigned char)word;
		return (unsigned)(letter - 'a') < 26 ? letter - 32u : letter;
	case FETCH_ENUM:
		return (unsigned char)enum_letter(word);
	case FETCH_LOGICAL_REF:
		if (!word)
			return 'F';
		word = *(const uint32_t *)word; /* the low half, in both widths */
		/* fall through */
	case FETCH_LOGICAL:
		return (uint32_t)word ? 'T' : 'F';
	default:
		return 0;
	}
}

static inline int64_t dim_read(const struct shape_arg *arg, entry_frame frame, bool ilp64)
{
	uint64_t word = *entry_slot(frame, arg->slot);

	if (likely(arg->fetch == FETCH_INT_REF)) {
		if (unlikely(!word))
			return 0;
		return ilp64 ? *(const int64_t *)word : *(const int32_t *)word;
	}
	if (arg->fetch == FETCH_INT)
		return ilp64 ? (int64_t)word : (int32_t)word;
	return 0;
}

/* `letters` lists the values of an earlier option under which LAPACK references an argument. */
static inline bool condition_holds(uint16_t number, const struct shape *shape)
{
	const struct condition *condition;
	char letter;

	if (likely(number == CONDITION_NONE))
		return true;
	condition = &conditions[number];
	letter = (char)(shape->options >> (8 * condition->arg));
	for (unsigned i = 0; i < sizeof(condition->letters) && condition->letters[i]; i++)
		if (condition->letters[i] == letter)
			return true;
	return false;
}

static inline __attribute__((always_inline)) void
shape_read_inline(const struct form *form, unsigned options, unsigned dims, bool ilp64, entry_frame frame,
		  struct shape *shape)
{
	const struct shape_arg *arg = &shape_args[form->shape];

	shape->options = 0;
	for (unsigned i = 0; i < options; i++, arg++)
		if (condition_holds(arg->condition, shape))
			shape->options |= option_read(arg, frame) << (8 * i);
	for (unsigned i = 0; i < dims; i++, arg++)
		shape->dims[i] = condition_holds(arg->condition, shape) ? dim_read(arg, frame, ilp64) : 0;
}

void shape_read(const struct form *form, unsigned options, unsigned dims, bool ilp64, entry_frame frame,
		struct shape *shape)
{
	shape_read_inline(form, options, dims, ilp64, frame, shape);
}

static inline bool row_has(const struct dump_row *row, const struct shape *shape, unsigned dims)
{
	if (row->options != shape->options)
		return false;
	for (unsigned i = 0; i < dims; i++)
		if (row->dims[i] != shape->dims[i])
			return false;
	return true;
}

/* The options as they stand, so that the next call need not turn them into letters. */
static void options_remember(struct site_slot *slot, entry_frame frame)
{
	for (unsigned i = 0; i < slot->options; i++) {
		uint64_t word = *(const uint64_t *)(frame + slot->offsets[i]);

		if (slot->reading != READING_VALUES && slot->reading != READING_VALUES_64)
			word = word ? *(const uint8_t *)word : 0;
		slot->raw_options[i] = (uint8_t)word;
	}
}

void site_slot_remember(struct site_slot *slot, entry_frame frame, struct dump_row *row, uint32_t row_number,
			const struct scope *scope)
{
	slot->row = &row_none; /* until the rest belongs to it: a signal handler may call from the same place */
	__asm__ volatile("" ::: "memory");
	slot->row_number = row_number;
	slot->scope = scope;
	if (slot->reading != READING_OTHER)
		options_remember(slot, frame);
	__asm__ volatile("" ::: "memory");
	slot->row = row;
}

/*
 * Whether a call has the shape that the last one from its site had: the common case, and the reason why a call costs what
 * it costs. An enum or letter out of range differs in its low byte too, or was as wrong the last time.
 */
static inline __attribute__((always_inline)) bool pointers_same(const struct site_slot *slot, const struct dump_row *row,
								 entry_frame frame, bool ilp64)
{
	const int16_t *offset = slot->offsets;

	for (unsigned i = 0; i < slot->options; i++) {
		const uint8_t *letter = *(const uint8_t *const *)(frame + *offset++);

		if (unlikely(!letter || *letter != slot->raw_options[i]))
			return false;
	}
	for (unsigned i = 0; i < slot->dims; i++) {
		const int32_t *dim = *(const int32_t *const *)(frame + *offset++);

		if (unlikely(!dim || (ilp64 ? *(const int64_t *)dim : *dim) != row->dims[i]))
			return false;
	}
	return true;
}

static inline __attribute__((always_inline)) bool values_same(const struct site_slot *slot, const struct dump_row *row,
							       entry_frame frame, bool ilp64)
{
	const int16_t *offset = slot->offsets;

	for (unsigned i = 0; i < slot->options; i++)
		if (unlikely(*(const uint32_t *)(frame + *offset++) != slot->raw_options[i]))
			return false;
	for (unsigned i = 0; i < slot->dims; i++, offset++)
		if (unlikely((ilp64 ? *(const int64_t *)(frame + *offset) : *(const int32_t *)(frame + *offset)) !=
			     row->dims[i]))
			return false;
	return true;
}

static inline bool pointer_same(const struct site_slot *slot, const struct dump_row *row, entry_frame frame)
{
	const int32_t *dim = *(const int32_t *const *)(frame + slot->offsets[0]);

	return likely(dim) && *dim == row->dims[0];
}

static inline bool value_same(const struct site_slot *slot, const struct dump_row *row, entry_frame frame)
{
	return *(const int32_t *)(frame + slot->offsets[0]) == row->dims[0];
}

static __attribute__((noinline)) bool shape_is_same(const struct site_slot *slot, const struct dump_row *row,
						    entry_frame frame)
{
	if (likely(slot->reading == READING_POINTERS))
		return pointers_same(slot, row, frame, false);
	if (likely(slot->reading == READING_VALUES))
		return values_same(slot, row, frame, false);
	if (slot->reading == READING_POINTERS_64)
		return pointers_same(slot, row, frame, true);
	if (slot->reading == READING_VALUES_64)
		return values_same(slot, row, frame, true);
	if (slot->reading == READING_POINTER)
		return pointer_same(slot, row, frame);
	if (slot->reading == READING_VALUE)
		return value_same(slot, row, frame);
	return false;
}

/* Finds the row of a shape that this site did not have last time. */
static __attribute__((noinline)) struct dump_row *
row_lookup(struct thread *thread, struct site_slot *slot, entry_frame frame, const struct scope *scope)
{
	struct shape shape;
	uint32_t hash;

	shape_read_inline(slot->form, slot->options, slot->dims, slot->flags & SITE_ILP64, frame, &shape);
	hash = shape_hash(&shape, slot->dims, slot->site, scope->namespace_id);

	for (uint32_t i = hash & thread->index_mask;; i = (i + 1) & thread->index_mask) {
		const struct row_entry *entry = &thread->index[i];

		if (!entry->row)
			return NULL;
		if (entry->hash == hash && entry->row->site == slot->site && entry->row->kind == DUMP_ROW_CALL &&
		    entry->row->namespace_id == scope->namespace_id && !entry->row->flags &&
		    row_has(entry->row, &shape, slot->dims)) {
			site_slot_remember(slot, frame, entry->row, entry->number, scope);
			return entry->row;
		}
	}
}

static inline bool is_query(const struct form *form, entry_frame frame)
{
	for (unsigned i = 0; i < form->query_count; i++) {
		uint64_t word = *entry_slot(frame, form->query_slots[i]);
		int32_t size;

		if (form->query_is_ref && !word)
			continue;
		size = form->query_is_ref ? *(const int32_t *)word : (int32_t)word;
		if (size == -1 || (size == -2 && form->query_minus_two))
			return true;
	}
	return false;
}

struct dump_row row_none = {.dims = {INT64_MIN, INT64_MIN, INT64_MIN, INT64_MIN, INT64_MIN, INT64_MIN, INT64_MIN, INT64_MIN}};

/* Where the arguments of a site are, if they can be read the quick way. */
void site_slot_prepare(struct site_slot *slot)
{
	const struct shape_arg *arg = &shape_args[slot->form->shape];
	unsigned count = slot->options + slot->dims;
	bool pointers = true, values = true, ilp64 = slot->flags & SITE_ILP64;

	slot->reading = READING_OTHER;
	for (unsigned i = 0; i < count; i++) {
		uint8_t fetch = arg[i].fetch;

		pointers &= fetch == (i < slot->options ? FETCH_CHAR_REF : FETCH_INT_REF);
		values &= fetch == (i < slot->options ? FETCH_ENUM : FETCH_INT);
		if (arg[i].condition != CONDITION_NONE)
			return;
		slot->offsets[i] = (int16_t)entry_offset(arg[i].slot);
	}
	if (!slot->dims)
		return; /* row_none would be its row */
	if (pointers)
		slot->reading = ilp64 ? READING_POINTERS_64 : READING_POINTERS;
	else if (values)
		slot->reading = ilp64 ? READING_VALUES_64 : READING_VALUES;
	if (!ilp64 && count == 1 && slot->reading != READING_OTHER)
		slot->reading = pointers ? READING_POINTER : READING_VALUE;
}

bool intercept_is_query(const struct form *form, entry_frame frame)
{
	return is_query(form, frame);
}

/* Its caller's frame may only be read while it is known to be on this thread's own, living stack. */
static inline bool frame_lives(const struct thread *thread, const struct dump_frame *frame, uint64_t slot)
{
	return slot < frame->slot && slot >= thread->stack_low && frame->slot < thread->stack_high &&
	       *(const uint64_t *)frame->slot == frame->return_address;
}

#define SLOW ((struct entry_verdict){NULL, 0})

/* The call is recorded as in flight, and runs. */
static inline __attribute__((always_inline)) struct entry_verdict
run(struct dump_lane *lane, const struct site_slot *slot, struct dump_row *row, const struct scope *scope,
    entry_frame frame)
{
	const uint64_t return_slot = (uint64_t)entry_return_slot(frame);
	volatile struct dump_frame *record = lane->frames;

	*entry_form(frame) = slot->form;
	*entry_row(frame) = row;
	*entry_real(frame) = slot->real;
	*entry_scope(frame) = scope;
	*entry_flags(frame) = 0;
	do {
		record->slot = return_slot;
		record->return_address = slot->caller;
		record->row = slot->row_number + 1;
		*(volatile uint32_t *)&lane->depth = 1;
		/* Or a signal handler's call took the place between the first and the last of these. */
	} while (unlikely(record->slot != return_slot));
	return (struct entry_verdict){slot->real, slot->stack_words};
}

/* A call that is not the same as the last one from its site, or not quite as simple. */
static __attribute__((noinline)) struct entry_verdict enter_other(entry_frame frame, struct site_slot *slot)
{
	struct thread *thread = thread_self;
	struct dump_lane *lane = thread->lane;
	const struct scope *scope = thread->scope;
	struct dump_row *row = slot->row;

	if (slot->flags & (SITE_PASS | SITE_NESTED) || lane->depth)
		return SLOW;
	if (!(slot->flags & SITE_PLAIN) && is_query(slot->form, frame))
		return SLOW;
	if (slot->scope != scope || !shape_is_same(slot, row, frame)) {
		row = row_lookup(thread, slot, frame, scope);
		if (!row)
			return SLOW;
	}
	if ((int64_t)row->charged <= thread->credit && scope == thread->credit_scope)
		thread->credit -= (int64_t)row->charged;
	else if (!charge_from_lease(thread, scope, (int64_t)row->charged))
		return SLOW;
	return run(lane, slot, row, scope, frame);
}

/* Level 2 and 3: what intercept_enter has tested holds. Apart, so that level 1 need not keep its registers. */
static __attribute__((noinline)) struct entry_verdict enter_larger(entry_frame frame, struct site_slot *slot)
{
	struct thread *thread = thread_self;
	struct dump_row *row = slot->row;

	if (likely(slot->reading == READING_POINTERS)) {
		if (unlikely(!pointers_same(slot, row, frame, false)))
			return enter_other(frame, slot);
	} else if (slot->reading != READING_VALUES || !values_same(slot, row, frame, false)) {
		return enter_other(frame, slot);
	}
	thread->credit -= (int64_t)row->charged;
	return run(thread->lane, slot, row, slot->scope, frame);
}

/* A call while another is in flight. */
static inline __attribute__((always_inline)) struct entry_verdict
enter_nested(const struct thread *thread, struct dump_lane *lane, const struct site_slot *slot, uint64_t return_slot)
{
	if (!(slot->flags & SITE_CALLER_SERVES) || !frame_lives(thread, &lane->frames[lane->depth - 1], return_slot))
		return SLOW;
	lane->nested_calls++;
	return (struct entry_verdict){slot->real, ACTION_JUMP};
}

/* A call whose site is not where it belongs: another has taken the place, or it is new. */
static __attribute__((noinline)) struct entry_verdict enter_displaced(entry_frame frame, uint32_t symbol)
{
	struct thread *thread = thread_self;
	uint64_t *return_slot = entry_return_slot(frame);
	struct site_slot *slot = &thread->sites[site_other(site_hash(*return_slot, symbol))];

	if (slot->caller != *return_slot || slot->symbol != symbol || slot->epoch != flopshim_epoch)
		return SLOW;
	if (thread->lane->depth)
		return enter_nested(thread, thread->lane, slot, (uint64_t)return_slot);
	return enter_other(frame, slot);
}

struct entry_verdict intercept_enter(entry_frame frame, uint32_t symbol)
{
	struct thread *thread = thread_self;
	uint64_t *return_slot = entry_return_slot(frame);
	struct site_slot *slot = &thread->sites[site_hash(*return_slot, symbol)];
	struct dump_lane *lane = thread->lane;
	const struct scope *scope = thread->scope;
	struct dump_row *row = slot->row;

	if (unlikely(slot->caller != *return_slot || slot->symbol != symbol || slot->epoch != flopshim_epoch))
		return enter_displaced(frame, symbol);
	if (unlikely(lane->depth))
		return enter_nested(thread, lane, slot, (uint64_t)return_slot);
	if (unlikely(!(slot->flags & SITE_PLAIN) || slot->scope != scope || scope != thread->credit_scope ||
		     (int64_t)row->charged > thread->credit))
		return enter_other(frame, slot);
	if (slot->reading == READING_POINTER) {
		if (unlikely(!pointer_same(slot, row, frame)))
			return enter_other(frame, slot);
	} else if (slot->reading == READING_VALUE) {
		if (unlikely(!value_same(slot, row, frame)))
			return enter_other(frame, slot);
	} else {
		return enter_larger(frame, slot);
	}
	thread->credit -= (int64_t)row->charged;
	return run(lane, slot, row, scope, frame);
}

static inline bool was_rejected(const struct form *form, entry_frame frame)
{
	if (form->info == INFO_RETURNED)
		return (int32_t)*entry_result(frame) < 0;
	/* The low half is safe in both integer widths, and INFO is small. */
	return *(const int32_t *)*entry_slot(frame, form->info) < 0;
}

bool intercept_was_rejected(const struct form *form, entry_frame frame)
{
	return form->info != INFO_NONE && !form->info_after_work && was_rejected(form, frame);
}

struct entry_verdict intercept_enter_timed(entry_frame frame, uint32_t symbol, uint64_t flags)
{
	struct thread *thread = thread_self;
	uint64_t caller = *entry_return_slot(frame);
	struct site_slot *slot = &thread->sites[site_hash(caller, symbol)];
	const struct scope *scope = thread->scope;
	struct entry_verdict verdict;
	struct dump_row *row;
	int64_t cost;

	if (slot->caller != caller || slot->symbol != symbol)
		slot = &thread->sites[site_other(site_hash(caller, symbol))];
	if (slot->caller != caller || slot->symbol != symbol || slot->epoch != flopshim_epoch || thread->lane->depth ||
	    thread->credit != CREDIT_TIMED || scope != thread->credit_scope || slot->flags & (SITE_PASS | SITE_NESTED) ||
	    (!(slot->flags & SITE_PLAIN) && is_query(slot->form, frame)))
		return SLOW;
	row = slot->row;
	if (slot->scope != scope || !shape_is_same(slot, row, frame)) {
		row = row_lookup(thread, slot, frame, scope);
		if (!row)
			return SLOW;
	}
	cost = (int64_t)row->charged;
	if (cost >= CREDIT_QUANTUM || cost > thread->until_sample)
		return SLOW;
	thread->until_sample -= cost;
	verdict = run(thread->lane, slot, row, scope, frame);
	*entry_flags(frame) = flags;
	*entry_cost(frame) = row->charged;
	return verdict;
}

bool intercept_leave_timed(entry_frame frame)
{
	struct dump_lane *lane = thread_self->lane;

	return flopshim_epoch && lane->depth == 1 && lane->frames[0].slot == (uint64_t)entry_return_slot(frame) &&
	       !(*entry_flags(frame) & ENTRY_COARSE) && !intercept_was_rejected(*entry_form(frame), frame);
}

/* 0, or 1 to have intercept_leave_slow called. */
int intercept_leave(entry_frame frame)
{
	struct dump_lane *lane = thread_self->lane;
	const struct form *form = *entry_form(frame);

	if (unlikely(flopshim_epoch == 0 || lane->depth != 1 || lane->frames[0].slot != (uint64_t)entry_return_slot(frame) ||
		     *entry_flags(frame)))
		return 1;
	if (unlikely(form->info != INFO_NONE) && was_rejected(form, frame))
		return 1;
	(*entry_row(frame))->calls++;
	lane->depth = 0;
	return 0;
}
