/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * sample.c - clocks and stacks: which calls are timed, and which leave their stack.
 * It must never read a clock where that would cost more than a hundredth of the call.
 */
#include "sample.h"

#include "config.h"
#include "guest.h"

/* A call of CREDIT_QUANTUM FLOPs takes some 10 us at the least, two clock reads less than 0.1 us. */
static bool is_timed(int64_t cost)
{
	return config.time == TIME_ALL || (config.time == TIME_AUTO && cost >= CREDIT_QUANTUM);
}

void sample_enter(struct thread *thread, entry_frame frame, int64_t cost)
{
	bool limited = thread->scope->limited;

	thread->until_sample = INT64_MAX;
	thread->credit = limited || config.time == TIME_ALL ? -1 : CREDIT_QUANTUM - 1;
	if (!is_timed(cost))
		return;
	*entry_flags(frame) |= ENTRY_TIMED;
	*entry_start(frame) = guest_clock();
}

void sample_leave(struct thread *thread, entry_frame frame, struct dump_row *row)
{
	(void)thread;
	if (!(*entry_flags(frame) & ENTRY_TIMED))
		return;
	row->time_ns += guest_clock() - *entry_start(frame);
	row->timed_calls++;
}
