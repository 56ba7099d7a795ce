/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * sample.h - clocks and stacks: which calls are timed, and which leave their stack.
 */
#ifndef FLOPSHIM_SAMPLE_H
#define FLOPSHIM_SAMPLE_H

#include "intercept.h"

/* On the slow path, just before and after a top-level call of `cost` FLOPs; refills the thread's credit. */
void sample_enter(struct thread *thread, entry_frame frame, int64_t cost);
void sample_leave(struct thread *thread, entry_frame frame, struct dump_row *row);

#endif
