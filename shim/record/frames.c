/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * frames.c - the calls in flight, for the slow paths.
 * It must never read the stack of a coroutine without asking the kernel whether it is still there.
 */
#include "shim/record/frames.h"

#include <string.h>
#include <sys/uio.h>

#include "shim/guest/guest.h"
#include "shim/record/record.h"
#include "shim/record/rows.h"
#include "shim/state/registry.h"
#include "symbols.h"

_Static_assert(SYMBOL_COUNT <= THUNK_FIRST, "the numbers of thunks are no symbol's");

enum {
	LOOKS_BEFORE_REST = 4096, /* then calls on other stacks are taken out of the list: they slow down each call */
	NEAR = 1 << 20, /* most bytes of stack between the entry of a routine and a call that is nested in it */
};

static struct guest_lock frames_lock; /* taken before record_lock */

/* ---- what can be seen of a stack ---- */

static bool on_same_stack(uint64_t a, uint64_t b) { return on_own_stack(a) == on_own_stack(b); }

/* Whether memory is a part of the thread's own stack that is in use: it lies above the stack pointer. */
static bool is_in_use(uint64_t address, size_t size)
{
	uint64_t here = (uint64_t)__builtin_frame_address(0);

	return on_own_stack(here) && address >= here && address <= thread_head.stack_high - size;
}

static bool stack_read(uint64_t address, void *to, size_t size)
{
	struct iovec here = {to, size}, there = {(void *)address, size};

	if (!is_in_use(address, size))
		return guest_copy(&here, &there, 1) == COPY_DONE;
	memcpy(to, (const void *)address, size);
	return true;
}

/* Copies an element of the list, each word read once, since others can write the dump. */
static struct dump_frame frame_read(const struct dump_frame *record)
{
	const volatile struct dump_frame *shared = record;

	return (struct dump_frame){shared->slot, shared->return_address, shared->row};
}

void *frames_function(const struct dump_frame *record)
{
	void *function;

	if (!stack_read((uint64_t)entry_real((entry_frame)(frame_read(record).slot - 8)), &function, sizeof(function)))
		return NULL;
	return function;
}

/* Whether the return address of a call in flight is still in its slot. */
static bool is_living(const struct dump_frame *record)
{
	uint64_t word;

	if (guest_confined && !is_in_use(record->slot, sizeof(word)))
		return true; /* the kernel cannot be asked */
	return stack_read(record->slot, &word, sizeof(word)) && word == record->return_address;
}

/*
 * The slot of the return address that the entry body's call of the function has left, below the frame and the stack
 * words.
 */
static uint64_t callee_return_slot(uint64_t frame, const struct form *form)
{
	return ((frame - ENTRY_SIZE) & ~(uint64_t)15) - 8 * ((form->stack_words + 1u) & ~1u) - 8;
}

/* Whether the frame of a call in flight lies on the stack there; *record gets what the list would have of it. */
static bool frame_is_there(uint64_t slot, struct dump_frame *record)
{
	uint64_t frame = slot - 8, words[ENTRY_SIZE / 8 + 2], inner;
	const char *form;

	if (!stack_read(frame - ENTRY_SIZE, words, sizeof(words)))
		return false;
	form = (const char *)words[(ENTRY_SIZE + ENTRY_FORM) / 8];
	if (form < (const char *)forms || form >= (const char *)(forms + FORM_COUNT) ||
	    (size_t)(form - (const char *)forms) % sizeof(struct form) ||
	    !stack_read(callee_return_slot(frame, (const struct form *)form), &inner, sizeof(inner)) ||
	    !entry_is_body(inner))
		return false;
	*record = (struct dump_frame){slot, words[ENTRY_SIZE / 8 + 1], words[(ENTRY_SIZE + ENTRY_ROW) / 8]};
	return record->row;
}

/* ---- the list; with the lock held ---- */

static uint32_t list_depth(const struct dump_lane *lane)
{
	uint32_t depth = __atomic_load_n(&lane->depth, __ATOMIC_RELAXED);

	return depth < DUMP_FRAMES_MAX ? depth : DUMP_FRAMES_MAX;
}

static void list_remove(struct dump_lane *lane, uint32_t place)
{
	uint32_t depth = list_depth(lane);

	for (uint32_t i = place; i + 1 < depth; i++)
		lane->frames[i] = lane->frames[i + 1];
	__atomic_store_n(&lane->depth, depth ? depth - 1 : 0, __ATOMIC_RELEASE);
}

/* The element with this slot, -1 if there is none. */
static int list_place(const struct dump_lane *lane, uint64_t slot)
{
	int place = (int)list_depth(lane) - 1;

	while (place >= 0 && lane->frames[place].slot != slot)
		place--;
	return place;
}

/*
 * Counts a call that was left, and remembers it. Without room the one that was remembered first is forgotten: it was
 * counted.
 */
static void left_add(struct thread *thread, struct dump_frame record)
{
	struct dump_row *row = (struct dump_row *)record.row;
	struct left_call *left;

	if (row && record_row_number(thread, row) == DUMP_NONE)
		row = NULL; /* a row that is none of the lane's has been lost */
	if (row) {
		row->calls++;
		thread->lane->abandoned_calls++;
	}
	for (uint32_t i = 0; i < LEFT_CALLS; i++) {
		left = &thread->left[i];
		if (left->count && left->slot == record.slot && left->row == row) {
			left->count++;
			return;
		}
	}
	left = &thread->left[thread->left_next++ % LEFT_CALLS];
	thread->left_count += !left->count;
	*left = (struct left_call){record.slot, row, 1};
}

static void list_leave(struct thread *thread, uint32_t place)
{
	left_add(thread, frame_read(&thread->lane->frames[place]));
	list_remove(thread->lane, place);
}

static void list_add(struct thread *thread, struct dump_frame frame)
{
	struct dump_lane *lane = thread->lane;
	uint32_t depth = list_depth(lane);

	if (depth == DUMP_FRAMES_MAX) {
		list_leave(thread, 0);
		depth--;
	}
	lane->frames[depth] = frame;
	__atomic_store_n(&lane->depth, depth + 1, __ATOMIC_RELEASE);
}

/* ---- calls that turn up again; with the lock held ---- */

struct wanted {
	uint64_t slot; /* of the call itself, or of one that is nested in it */
	bool is_nested;
	struct thread *finder, *owner;
	struct dump_frame found; /* its slot is 0 until there is one */
};

/*
 * Keeps the call at `slot` as found if it is the wanted one. Where wanted->slot is a nested call's, that is the nearest
 * call further out on the same stack, so a nearer one replaces what was found before.
 */
static void wanted_consider(struct wanted *wanted, struct thread *owner, uint64_t slot)
{
	struct dump_frame record;

	if (wanted->is_nested ? slot <= wanted->slot || !on_same_stack(slot, wanted->slot) || slot - wanted->slot > NEAR
	                      : slot != wanted->slot)
		return;
	if ((wanted->found.slot && slot >= wanted->found.slot) || !frame_is_there(slot, &record))
		return;
	wanted->found = record;
	wanted->owner = owner;
}

static void wanted_among(struct thread *owner, void *context)
{
	struct wanted *wanted = context;

	if (owner != wanted->finder)
		for (uint32_t i = 0; i < list_depth(owner->lane); i++)
			wanted_consider(wanted, owner, frame_read(&owner->lane->frames[i]).slot);
	for (uint32_t i = 0; owner->left_count && i < LEFT_CALLS; i++)
		if (owner->left[i].count)
			wanted_consider(wanted, owner, owner->left[i].slot);
}

/* Takes one call out of an element of `left`. */
static void left_forget(struct thread *owner, struct left_call *left)
{
	owner->left_count -= !--left->count;
	if (left->row)
		owner->lane->abandoned_calls--;
}

/* Takes a call out of those left, and takes back what it was counted as. False if it is not there. */
static bool left_take(struct thread *owner, struct thread *finder, struct dump_frame *found)
{
	for (uint32_t i = 0; owner->left_count && i < LEFT_CALLS; i++) {
		struct left_call *left = &owner->left[i];

		if (!left->count || left->slot != found->slot)
			continue;
		left_forget(owner, left);
		if (left->row && owner == finder)
			left->row->calls--;
		else
			found->row =
				0; /* another thread or the parent process has counted it: it stays counted there */
		return true;
	}
	return false;
}

/* Does what left_take does, for a call of this thread on this row that was taken for left just before it returned. */
static void left_undo(struct thread *thread, uint64_t slot, const struct dump_row *row)
{
	for (uint32_t i = 0; thread->left_count && i < LEFT_CALLS; i++) {
		struct left_call *left = &thread->left[i];

		if (!left->count || left->slot != slot || left->row != row)
			continue;
		left_forget(thread, left);
		if (left->row)
			left->row->calls--;
		return;
	}
}

/*
 * Moves a call that another thread has begun to a row of this thread's, since this thread must not write the other
 * one's.
 */
static void row_take_over(struct thread *thread, struct dump_frame *found)
{
	entry_frame frame = (entry_frame)(found->slot - 8);
	const struct dump_row *row = (const struct dump_row *)found->row;

	found->row = (uint64_t)record_row_like(thread, row, *entry_form(frame), row->kind, row->flags);
	*entry_row(frame) = (struct dump_row *)found->row;
}

/* Moves the wanted call into the thread's list. False if it is not in its owner's list any more. */
static bool bring_back(struct thread *thread, struct wanted *wanted, struct dump_frame *found)
{
	int place;

	*found = wanted->found;
	if (!left_take(wanted->owner, thread, found)) {
		place = list_place(wanted->owner->lane, found->slot);
		if (place < 0)
			return false;
		found->row = wanted->owner->lane->frames[place].row ? found->row : 0;
		list_remove(wanted->owner->lane, (uint32_t)place);
		if (found->row)
			row_take_over(thread, found);
	}
	list_add(thread, *found);
	return true;
}

/*
 * Looks for a call among the thread's own, and then among those of other threads, but for calls on a thread's own
 * stack: those do not change hands.
 */
static bool find_again(struct thread *thread, uint64_t slot, bool is_nested, struct dump_frame *found)
{
	struct wanted wanted = {.slot = slot, .is_nested = is_nested, .finder = thread};

	wanted_among(thread, &wanted);
	if (!wanted.found.slot && !on_own_stack(slot))
		registry_each_place(wanted_among, &wanted);
	return wanted.found.slot && bring_back(thread, &wanted, found);
}

/* ---- calls begin ---- */

/*
 * Whether a call in flight has been left, now that a call begins with its return address at `slot`. It has been if
 * its own slot lies between the stack pointer and `slot`: no other call can be using that memory. With `rest`, calls
 * on other stacks are taken for left too, once the thread is on its own.
 */
static bool is_left(const struct dump_frame *record, uint64_t slot, bool rest)
{
	bool own = on_own_stack(slot);

	if (on_own_stack(record->slot) && !own)
		return false; /* a handler on a stack of its own, or a coroutine, has interrupted it */
	if (rest && own && !on_own_stack(record->slot))
		return true;
	if (record->slot <= slot &&
	    ((on_own_stack(record->slot) && own) || record->slot >= (uint64_t)__builtin_frame_address(0)))
		return true;
	return !is_living(record);
}

/* Takes the calls that have been left out of the list. */
static void drop_left(struct thread *thread, uint64_t slot)
{
	bool rest = ++thread->looks % LOOKS_BEFORE_REST == 0;

	for (uint32_t i = list_depth(thread->lane); i--;) {
		struct dump_frame record = frame_read(&thread->lane->frames[i]);

		if (is_left(&record, slot, rest))
			list_leave(thread, i);
	}
}

/* The nearest call in flight above `slot` on the same stack. */
static bool innermost(const struct dump_lane *lane, uint64_t slot, struct dump_frame *found)
{
	uint64_t nearest = UINT64_MAX;

	for (uint32_t i = 0; i < list_depth(lane); i++) {
		struct dump_frame outer = frame_read(&lane->frames[i]);

		if (outer.slot > slot && on_same_stack(outer.slot, slot) && outer.slot < nearest) {
			nearest = outer.slot;
			*found = outer;
		}
	}
	return nearest != UINT64_MAX;
}

/*
 * Whether the first element holds parts of two calls: a call was interrupted by a signal handler while it was being put
 * there, and a call of an earlier handler had taken the place before. The interrupted call notices that, and begins
 * again.
 */
static bool is_half_written(const struct dump_lane *lane)
{
	uint64_t open = *(const volatile uint64_t *)&thread_head.open_slot;

	return lane->depth == 1 && open != OPEN_NONE && open != OPEN_MANY && open != lane->frames[0].slot;
}

bool frames_enclosing(struct thread *thread, uint64_t slot, struct dump_frame *outer)
{
	bool found;

	if (is_half_written(thread->lane))
		*(volatile uint32_t *)&thread->lane->depth = 0;
	if (!thread->lane->depth) {
		head_settle(thread->lane);
		return false;
	}
	guest_lock(&frames_lock);
	drop_left(thread, slot);
	found = innermost(thread->lane, slot, outer);
	head_settle(thread->lane);
	guest_unlock(&frames_lock);
	return found;
}

bool frames_find_again(struct thread *thread, uint64_t slot, struct dump_frame *outer)
{
	bool found;

	if (!thread->left_count && on_own_stack(slot))
		return false;
	guest_lock(&frames_lock);
	found = find_again(thread, slot, true, outer);
	head_settle(thread->lane);
	guest_unlock(&frames_lock);
	return found;
}

/*
 * Puts a call into an empty list. Until the entry body sees it in flight, a signal handler's call may take its place
 * and leave.
 */
static void push_first(volatile struct dump_lane *lane, const struct dump_frame *frame)
{
	do {
		lane->frames[0].slot = frame->slot;
		lane->frames[0].return_address = frame->return_address;
		lane->frames[0].row = frame->row;
		lane->depth = 1;
		head_open(frame);
	} while (lane->depth != 1 || lane->frames[0].slot != frame->slot);
}

void frames_push(struct thread *thread, struct dump_frame frame)
{
	if (!thread->lane->depth) {
		push_first(thread->lane, &frame);
		return;
	}
	guest_lock(&frames_lock);
	list_add(thread, frame);
	head_settle(thread->lane);
	guest_unlock(&frames_lock);
}

/* ---- calls return ---- */

static bool is_only(const struct dump_lane *lane, uint64_t slot)
{
	return lane->depth == 1 && lane->frames[0].slot == slot;
}

bool frames_returning(struct thread *thread, uint64_t slot)
{
	struct dump_lane *lane = thread->lane;
	struct dump_frame found;
	bool counts;
	int place;

	if (is_only(lane, slot))
		return lane->frames[0].row;
	guest_lock(&frames_lock);
	place = list_place(lane, slot);
	counts = place >= 0 ? lane->frames[place].row : find_again(thread, slot, false, &found) && found.row;
	head_settle(lane);
	guest_unlock(&frames_lock);
	return counts;
}

void frames_clear(struct thread *thread, uint64_t slot, const struct dump_row *row)
{
	int place;

	guest_lock(&frames_lock);
	place = list_place(thread->lane, slot);
	if (place >= 0)
		thread->lane->frames[place].row = 0;
	else
		left_undo(thread, slot, row);
	head_settle(thread->lane);
	guest_unlock(&frames_lock);
}

void frames_remove(struct thread *thread, uint64_t slot, const struct dump_row *row)
{
	struct dump_lane *lane = thread->lane;
	int place;

	if (is_only(lane, slot)) {
		*(volatile uint32_t *)&lane->depth = 0;
		head_settle(lane);
		return;
	}
	guest_lock(&frames_lock);
	place = list_place(lane, slot);
	if (place >= 0)
		list_remove(lane, (uint32_t)place);
	else
		left_undo(thread, slot, row);
	for (uint32_t i = list_depth(lane); i-- && on_own_stack(slot);)
		if (lane->frames[i].slot < slot && on_own_stack(lane->frames[i].slot))
			list_leave(thread, i);
	head_settle(lane);
	guest_unlock(&frames_lock);
}

/* ---- threads and forks ---- */

void frames_thread_end(struct thread *thread)
{
	if (!thread->lane->depth && !thread->left_count)
		return;
	guest_lock(&frames_lock);
	for (uint32_t i = list_depth(thread->lane); i--;)
		list_leave(thread, i);
	for (uint32_t i = 0; i < LEFT_CALLS; i++)
		if (thread->left[i].count && on_own_stack(thread->left[i].slot)) {
			thread->left[i].count = 0;
			thread->left_count--;
		}
	head_settle(thread->lane);
	guest_unlock(&frames_lock);
}

void frames_fork_begins(struct thread *thread)
{
	thread->forked.depth = list_depth(thread->lane);
	memcpy(thread->forked.frames, thread->lane->frames, thread->forked.depth * sizeof(struct dump_frame));
	thread->forked.is_forking = true;
}

void frames_fork_ended(struct thread *thread) { thread->forked.is_forking = false; }

void frames_forked(struct thread *thread, struct forked_frames *flying)
{
	memset(&frames_lock, 0, sizeof(frames_lock));
	if (!thread->forked.is_forking) /* forked by other means than the C library's fork */
		frames_fork_begins(thread);
	thread->forked.is_forking = false;
	*flying = thread->forked;
	for (uint32_t i = 0; i < flying->depth; i++)
		flying->frames[i].row = 0;
	for (uint32_t i = 0; thread->left_count && i < LEFT_CALLS; i++)
		thread->left[i].row = NULL; /* counted by the parent */
}
