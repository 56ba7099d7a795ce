/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * sample.h - clocks, stacks and the ordered record: what single calls leave beside their row.
 *
 * Stacks in `auto` are sampled by FLOPs. A call of f FLOPs, f below the threshold T, leaves its stack with
 * probability p = 1 - exp(-f/T), whatever the calls around it do: the thread counts down an exponentially distributed
 * number of FLOPs with mean T, and the call that uses it up is taken. It stands for f/p FLOPs, so the sum over a site
 * estimates the site's total without bias (Horvitz and Thompson). Calls of T and more are all taken and stand for
 * themselves. T doubles when stacks stand for THRESHOLDS_BEFORE_NEXT of it: a program that runs for long pays less and less.
 * Since such a countdown has no memory, it can be drawn anew at any time.
 *
 * A stack costs some 10 us where a large call has emptied the caches, and the hundredth from a place that is always
 * called from the same one says nothing new. Once SAME_BEFORE_FEWER of a site in a row have been the same, its thread
 * takes them by a larger threshold of the site's own, twice the last call to begin with and doubling after as many
 * more: of the calls below it, the one with which their FLOPs pass the next multiple stands for the threshold. Where
 * the multiples lie is drawn, so the estimate stays without bias, and the site's is off by less than one threshold of
 * it. A stack that differs ends that.
 */
#ifndef FLOPSHIM_SAMPLE_H
#define FLOPSHIM_SAMPLE_H

#include "shim/state/entry.h"
#include "shim/state/state.h"

/*
 * On the slow path, just before and after a top-level call of `cost` FLOPs; refills the thread's credit. `is_new`:
 * its row has just been made, and what it takes is not typical. A call that is to be timed gets ENTRY_TIMED: the
 * caller starts the clock. What reading it takes is not in a call's time.
 */
void sample_enter(struct thread *thread, entry_frame frame, int64_t cost, uint32_t site, uint32_t namespace_id,
		  bool is_new);
void sample_leave(struct thread *thread, entry_frame frame, struct dump_row *row);

/* The same for work charged by hand, which takes no time that is known. */
void sample_manual(struct thread *thread, uint64_t cost, const struct dump_row *row);

/* Finds the pace of the processor's counter: known some 50 us after it was first called. Takes record_lock. */
void sample_calibrate(void);

/* Before any call: has the dump know from which FLOPs on stacks are taken. */
void sample_start(void);

/* In a forked child: stacks are stored anew, and its first calls are timed as those of any process. */
void sample_forked(void);

#endif
