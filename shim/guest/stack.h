/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * stack.h - a stack of the shim's own, for what takes more than a coroutine may have left.
 * It must never be used by two threads at a time.
 */
#ifndef FLOPSHIM_STACK_H
#define FLOPSHIM_STACK_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Calls work(argument) on that stack; on the caller's where there is no memory for it, or the caller is on it
 * already. With record_lock held: no other thread uses it then. A signal handler runs on it only where signals cannot
 * be blocked: see confine.h.
 */
void stack_run(void (*work)(void *), void *argument);

/* Whether an address is on the alternate stack that a signal handler runs on just now. */
bool stack_is_signals(uint64_t address);

/*
 * Calls function(argument) on the stack whose end is `top`, a multiple of 16, so that an unwinder finds the way back
 * to this one. No signal handler may leave the function by longjmp. In assembly, one for each processor.
 */
void stack_call(void (*function)(void *), void *argument, void *top);

#endif
