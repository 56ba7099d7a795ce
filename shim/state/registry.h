/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * registry.h - the threads that there are, and the places (struct thread) of those that have ended.
 * It has a lock of its own: a function that it calls must never call it.
 */
#ifndef FLOPSHIM_REGISTRY_H
#define FLOPSHIM_REGISTRY_H

#include <stdbool.h>

#include "shim/state/state.h"

/* Calls `visit` for every living thread. */
void registry_each_thread(void (*visit)(struct thread *));

/* Calls `visit` for every living thread, and for the places of those that have ended. */
void registry_each_place(void (*visit)(struct thread *, void *), void *context);

/*
 * A place for another thread: that of one that has ended, with all that it knew, or a new one, zeroed; *is_new says
 * which. NULL without memory.
 */
struct thread *registry_place(bool *is_new);

/* registry_add: the thread in this place lives. registry_retire: it has ended, and its place is for another one. */
void registry_add(struct thread *thread);
void registry_retire(struct thread *thread);

/* Whether the calling thread is the only living one in the registry, or there is none. */
bool registry_is_alone(void);

/*
 * In a forked child: registry_forked unlocks the registry, whoever held the lock in the parent; registry_clear,
 * later, forgets the threads of the parent.
 */
void registry_forked(void);
void registry_clear(void);

#endif
