/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * unwind.h - return addresses of the thread that calls, by libunwind.
 */
#ifndef FLOPSHIM_UNWIND_H
#define FLOPSHIM_UNWIND_H

#include <stdbool.h>
#include <stdint.h>

enum { UNWIND_MAX = 128 };

/* Opens libunwind, if stacks are asked for. Once, in the constructor: a dlopen later may wait for a lock for ever. */
void unwind_start(void);

/* Why no stack can be taken; NULL if some can, or none are asked for. */
const char *unwind_problem(void);

/* Where a thread starts, before the program's code: it may allocate. A thread without this takes no stack. */
void unwind_thread_start(void);

/*
 * The return addresses from `caller` on, innermost first, at most UNWIND_MAX. Returns how many, 0 if it cannot be done
 * here. With record_lock held; not for signal handlers that interrupted it.
 */
unsigned unwind_from(uint64_t caller, uint64_t *addresses);

/* In a forked child. What another thread was in the middle of stays locked in libunwind: then there are no more stacks. */
void unwind_forked(void);

#endif
