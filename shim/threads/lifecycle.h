/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * lifecycle.h - threads begin and end, know who created them, and start over in a forked child.
 * It must never let a forked child go on with what is its parent's.
 */
#ifndef FLOPSHIM_LIFECYCLE_H
#define FLOPSHIM_LIFECYCLE_H

#include <stdbool.h>
#include <stdint.h>

#include "shim/state/state.h"

/* Has forks and the ends of threads noticed, and finds out how large stacks are. Called once, in the constructor. */
void lifecycle_start(void);

/*
 * The calling thread's state, made if need be; NULL without memory, or if the shim has not started. Starts over first
 * in a forked child that has not done so.
 */
struct thread *lifecycle_thread(void);

/*
 * Takes record_lock in a process that may be a forked child which has not started over: there a thread that only the
 * parent has may have held it.
 */
void lifecycle_lock(void);

/*
 * Starts over in a forked child that has not done so. False if the shim has not started: then nothing may be counted.
 */
bool lifecycle_ready(void);

/* The calling thread as the threads that it creates see it, made if need be; NULL without memory. */
struct origin *lifecycle_origin(void);

/* Whether limits hold where the calling thread charges. It need not have any state. */
bool lifecycle_is_limited(void);

/* Has every thread charge where it should, after a scope was opened or ended. With record_lock held. */
void lifecycle_scopes_changed(void);

/* In an epoch that the thread has not seen: gives back its lease, and has it look at limits and multipliers again. */
void lifecycle_look_again(struct thread *thread);

#endif
