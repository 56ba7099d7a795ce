/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * epoch.h - the number by which threads know whether what they remember of call sites still holds.
 * It must never be the parent's in a forked child: there it is 0 until the child has started over.
 */
#ifndef FLOPSHIM_EPOCH_H
#define FLOPSHIM_EPOCH_H

#include <stdbool.h>
#include <stdint.h>

/* A page of its own that a forked child finds zeroed; never 0 otherwise. */
extern volatile uint32_t flopshim_epoch __attribute__((visibility("hidden")));

/* Has the kernel zero the page in forked children; and does it itself there, where the kernel cannot. */
void epoch_wipe_on_fork(void);
void epoch_forked(void);

/* From here on calls are counted, and a fork is noticed. */
void epoch_start(void);
bool epoch_has_started(void);

/* Whether the process is a forked child that has not started over. */
bool epoch_is_forked(void);
/* Whether calls are counted here: the shim has started, and the process is no forked child that has not started over. */
bool epoch_is_counting(void);

/* Makes every thread look again at what it remembers of call sites. Any thread, any lock. */
void epoch_next(void);
/* The same in a forked child that starts over, which has no epoch without. */
void epoch_start_over(void);

/* The number itself, where a fork keeps it. */
uint32_t epoch_kept(void);

#endif
