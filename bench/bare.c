/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * bare.c - the call path without counting: a lower bound of what any shim costs that passes calls on.
 * It is built in place of shim/interpose/intercept.c, with an entry body that returns at once (-DBARE). It finds the
 * real function as the call path does and calls it (with -DBARE_JUMP it jumps there), and must do nothing else.
 */
#define intercept_enter        counted_enter
#define intercept_enter_nested counted_enter_nested
#include "shim/interpose/intercept.c"
#undef intercept_enter
#undef intercept_enter_nested

struct entry_verdict intercept_enter(entry_frame frame, uint32_t symbol, struct thread *thread);
struct entry_verdict intercept_enter_nested(entry_frame frame, uint32_t symbol, struct thread *thread);

struct entry_verdict intercept_enter(entry_frame frame, uint32_t symbol, struct thread *thread)
{
	uint64_t key = site_key(*entry_return_slot(frame), symbol);
	struct known_site *known = &thread->sites[site_hash(key)];

	if (unlikely(known->key != key || known->epoch != flopshim_epoch))
		return SLOW;
#ifdef BARE_JUMP
	return (struct entry_verdict){known->real, ACTION_JUMP};
#else
	return (struct entry_verdict){known->real, known->stack_words};
#endif
}

/*
 * The few calls that took the slow path stay in flight forever, since nothing here takes them off the list. Emptying
 * the list keeps the next call from being taken for a nested one.
 */
struct entry_verdict intercept_enter_nested(entry_frame frame, uint32_t symbol, struct thread *thread)
{
	thread->lane->depth = 0;
	thread_head.open_slot = OPEN_NONE;
	return intercept_enter(frame, symbol, thread);
}
