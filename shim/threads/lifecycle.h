/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * lifecycle.h - threads begin and end, know who made them, and start over in a forked child.
 */
#ifndef FLOPSHIM_LIFECYCLE_H
#define FLOPSHIM_LIFECYCLE_H

#include <stdbool.h>
#include <stdint.h>

#include "shim/state/state.h"

/* Once, in the constructor: has forks and the ends of threads noticed, and finds out where their stacks lie. */
void lifecycle_start(void);

/*
 * The calling thread's state, made if need be; NULL without memory. Notices that the process is a forked child and
 * starts over then.
 */
struct thread *lifecycle_thread(void);

/*
 * Takes record_lock where the process may be a forked child that has not started over, and need not do so: there it may be
 * held by a thread that only the parent has.
 */
void lifecycle_lock(void);

/* Notices a fork and starts over then. False where the shim has not started: nothing may be counted. */
bool lifecycle_ready(void);

/* The calling thread as its children see it, made if need be; NULL without memory. */
struct origin *lifecycle_origin(void);

/* Whether limits hold where the calling thread charges; it need not have any state. */
bool lifecycle_is_limited(void);

/* After a scope was opened or ended: every thread that charges there takes note. With record_lock held. */
void lifecycle_scopes_changed(void);

/* The thread is in an epoch that it has not seen: limits and factors may be others. */
void lifecycle_look_again(struct thread *thread);

#endif
