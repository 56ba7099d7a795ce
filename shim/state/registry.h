/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * registry.h - the threads that there are, and the places of those that have ended.
 * Its lock is its own, and the functions that it calls must never ask it anything.
 */
#ifndef FLOPSHIM_REGISTRY_H
#define FLOPSHIM_REGISTRY_H

#include <stdbool.h>

#include "shim/state/state.h"

/* Calls `visit` for every living thread. */
void registry_each_thread(void (*visit)(struct thread *));

/* The same, and for those whose threads have ended. */
void registry_each_place(void (*visit)(struct thread *, void *), void *context);

/*
 * A place for another thread: that of one that has ended, with all that it knew, or a new one, zeroed; *is_new says which.
 * NULL without memory.
 */
struct thread *registry_place(bool *is_new);

/* The thread in this place lives, and has ended: then its place waits for another one. */
void registry_add(struct thread *thread);
void registry_retire(struct thread *thread);

/* Whether no other thread than the calling one lives. */
bool registry_is_alone(void);

/* In a forked child: its lock is free, whoever held it in the parent; and, later, none of the parent's threads is there. */
void registry_forked(void);
void registry_clear(void);

#endif
