/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * lifecycle.h - start and end of the process, its threads and its forks.
 */
#ifndef FLOPSHIM_LIFECYCLE_H
#define FLOPSHIM_LIFECYCLE_H

#include <stdbool.h>
#include <stdint.h>

#include "shim/state/state.h"

/*
 * The calling thread's state, made if need be; NULL without memory. Notices that the process is a forked child and
 * starts over then.
 */
struct thread *lifecycle_thread(void);

/* Makes every thread look again at what it remembers of call sites. Any thread, any lock. */
void lifecycle_epoch_next(void);

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

/* Calls `visit` for every living thread. */
void lifecycle_each_thread(void (*visit)(struct thread *));

/* The same, and for those whose threads have ended. */
void lifecycle_each_place(void (*visit)(struct thread *, void *), void *context);

/*
 * Waits until each other thread that has called BLAS has done whatever takes it some instructions and no wait: it has run
 * for a while since, or it waits for something. Gives up after half a second. With record_lock held, so that none ends.
 */
void lifecycle_settle(void);

/* Absolute path of the running program. */
const char *lifecycle_program(void);

uint32_t lifecycle_thread_number(void);

/* Notes what binds past the shim: before objects are unloaded, and at the end. */
void lifecycle_note_deep(bool at_end);

/* Closes the dump as ended by a budget: no further call is counted. */
void lifecycle_end(int status);

#endif
