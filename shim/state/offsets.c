/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * offsets.c - the offsets and values of C structures that an entry body uses, from which the build makes
 * gen/offsets.h.
 * It must never be linked or run: it is compiled to assembly only, where the build finds a line for each value. So
 * the values are those of the processor that the shim is for.
 */
#include <stddef.h>

#include "shim/state/state.h"

#define VALUE(name, value)         __asm__ volatile("\n.ascii \"->" #name " %0\"" : : "i"(value))
#define OFFSET(name, type, member) VALUE(name, offsetof(type, member))

void offsets(void)
{
	OFFSET(HEAD_THREAD, struct thread_head, thread);
	OFFSET(HEAD_LANE, struct thread_head, lane);
	OFFSET(HEAD_STACK_LOW, struct thread_head, stack_low);
	OFFSET(HEAD_STACK_HIGH, struct thread_head, stack_high);
	OFFSET(HEAD_SERVED_START, struct thread_head, served_start);
	OFFSET(HEAD_SERVED_SIZE, struct thread_head, served_size);
	OFFSET(HEAD_OPEN_SLOT, struct thread_head, open_slot);
	OFFSET(HEAD_OPEN_RETURN, struct thread_head, open_return);

	OFFSET(THREAD_CREDIT, struct thread, credit);
	OFFSET(THREAD_SCOPE, struct thread, scope);
	OFFSET(THREAD_CREDIT_SCOPE, struct thread, credit_scope);
	OFFSET(THREAD_LANE, struct thread, lane);
	OFFSET(THREAD_SERVED, struct thread, served);
	OFFSET(THREAD_SITES, struct thread, sites);
	OFFSET(THREAD_LEASE, struct thread, lease);
	OFFSET(THREAD_UNTIL_SAMPLE, struct thread, until_sample);

	OFFSET(SITE_KEY, struct known_site, key);
	OFFSET(SITE_EPOCH, struct known_site, epoch);
	OFFSET(SITE_READING, struct known_site, reading);
	OFFSET(SITE_REAL, struct known_site, real);
	OFFSET(SITE_ROW, struct known_site, row);
	OFFSET(SITE_SCOPE, struct known_site, scope);
	OFFSET(SITE_FORM, struct known_site, form);
	VALUE(SITE_SIZE_SHIFT, __builtin_ctz(sizeof(struct known_site)));
	VALUE(SITE_READING_FIRST, READING_FIRST);

	OFFSET(SERVED_KEY, struct served, key);
	OFFSET(SERVED_REAL, struct served, real);

	OFFSET(LANE_NESTED, struct dump_lane, nested_calls);
	OFFSET(LANE_DEPTH, struct dump_lane, depth);
	OFFSET(LANE_SLOT, struct dump_lane, frames[0].slot);
	OFFSET(LANE_RETURN, struct dump_lane, frames[0].return_address);
	OFFSET(LANE_ROW, struct dump_lane, frames[0].row);
	OFFSET(LANE_LEASE, struct dump_lane, lease);

	OFFSET(ROW_CALLS, struct dump_row, calls);
	OFFSET(ROW_CHARGED, struct dump_row, charged);
	OFFSET(ROW_DIMENSION, struct dump_row, dims[0]);
}

/* What the entry body takes for granted beside the values. */
_Static_assert(READING_FIRST_VALUE == 0 && READING_FIRST == 1, "one comparison tells these two from all others");
_Static_assert((sizeof(struct known_site) & (sizeof(struct known_site) - 1)) == 0, "a place is found by a shift");
