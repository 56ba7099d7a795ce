/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * epoch.h - the number by which threads tell whether what they know of call sites still holds.
 * It must never be the parent's in a forked child: there it is 0 until the child has started over.
 */
#ifndef FLOPSHIM_EPOCH_H
#define FLOPSHIM_EPOCH_H

#include <stdbool.h>
#include <stdint.h>

/* The epoch. It is alone on a page that a forked child finds zeroed, and is never 0 otherwise. */
extern volatile uint32_t flopshim_epoch __attribute__((visibility("hidden")));

/*
 * epoch_wipe_on_fork has the kernel zero the page in forked children. epoch_forked does so in a child where the
 * kernel cannot.
 */
void epoch_wipe_on_fork(void);
void epoch_forked(void);

/* From here on calls are counted, and a fork is noticed. */
void epoch_start(void);
bool epoch_has_started(void);

/* Whether the process is a forked child that has not started over. */
bool epoch_is_forked(void);
/* Whether calls are counted: the shim has started, and the process is no forked child that has yet to start over. */
bool epoch_is_counting(void);

/*
 * Begins a new epoch: every thread looks again at what it knows of call sites. Does nothing in a forked child that
 * has not started over. May be called under any lock.
 */
void epoch_next(void);
/* Begins the first epoch of a forked child that starts over. */
void epoch_start_over(void);

/* The number that a fork leaves as it is: in a forked child, that of the parent. */
uint32_t epoch_kept(void);

#endif
