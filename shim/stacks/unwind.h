/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * unwind.h - return addresses of the calling thread, by libunwind.
 * It must never be used in a signal handler that has interrupted it.
 */
#ifndef FLOPSHIM_UNWIND_H
#define FLOPSHIM_UNWIND_H

#include <stdbool.h>
#include <stdint.h>

enum { UNWIND_MAX = 128 };

/*
 * Opens libunwind, if stacks are asked for. Called once, in the constructor: a later dlopen may wait for a lock for
 * ever.
 */
void unwind_start(void);

/* Why no stack can be taken; NULL if some can, or none are asked for. */
const char *unwind_problem(void);

/*
 * Prepares a thread to take stacks. Called where it starts, before the program's code, since it may allocate. A
 * thread that was not prepared takes no stack.
 */
void unwind_thread_start(void);

/*
 * Writes the return addresses from `caller` on, innermost first, at most UNWIND_MAX. Returns how many, 0 if no stack
 * can be taken here. With record_lock held.
 */
unsigned unwind_from(uint64_t caller, uint64_t *addresses);

/*
 * In a forked child. If another thread of the parent was taking a stack, libunwind stays locked: then there are no
 * more stacks.
 */
void unwind_forked(void);

#endif
