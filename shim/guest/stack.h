/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * stack.h - a stack of the shim's own, for what takes more than a coroutine may have left.
 */
#ifndef FLOPSHIM_STACK_H
#define FLOPSHIM_STACK_H

/*
 * Calls work(argument) on it; on the caller's where there is no memory for it, or the caller is on it. With record_lock
 * held: no other thread uses it then. A signal handler runs on it only where signals cannot be blocked: see confine.h.
 */
void stack_run(void (*work)(void *), void *argument);

#endif
