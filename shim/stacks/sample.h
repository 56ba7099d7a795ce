/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * sample.h - clocks, stacks and the ordered record: what single calls leave beside their row.
 * It must never decide what is counted or charged.
 *
 * Stacks in `auto` are sampled by FLOPs. A call of f FLOPs, f below the threshold T, leaves its stack with
 * probability p = 1 - exp(-f/T), whatever the calls around it do: the thread counts down an exponentially distributed
 * number of FLOPs with mean T, and the call that uses it up is taken. It stands for f/p FLOPs, so the sum over a site
 * estimates the site's total without bias (Horvitz and Thompson). Calls of T FLOPs and more are all taken and stand
 * for themselves. T doubles once the stacks taken with it stand for THRESHOLDS_BEFORE_NEXT times T, so that a program
 * that runs for long pays less and less. Since such a countdown has no memory, it can be drawn anew at any time.
 *
 * A stack costs some 10 us where a large call has emptied the caches, and the hundredth of a site that is always
 * reached the same way says nothing new. Once SAME_BEFORE_FEWER stacks of a site in a row have been the same, its
 * thread takes them by a larger threshold of the site's own: at least twice what the last call stood for, and doubled
 * after as many more. Among the calls below it, the one with which their FLOPs pass the next multiple of it stands
 * for the threshold. Where the multiples lie is drawn at random, so the estimate stays without bias, and is off by
 * less than one threshold for the site. A stack that differs ends that.
 */
#ifndef FLOPSHIM_SAMPLE_H
#define FLOPSHIM_SAMPLE_H

#include "shim/state/entry.h"
#include "shim/state/state.h"

/*
 * sample_enter comes just before a top-level call of `cost` FLOPs on the slow path, and sample_leave just after it.
 * sample_enter refills the thread's credit, and gives ENTRY_TIMED to a call that is to be timed, whose caller then
 * starts the clock. `row` is the call's: the first call of a row has no typical time, and workspace queries take no
 * stack, since they do no work. What reading the clock takes is not in a call's time.
 */
void sample_enter(struct thread *thread, entry_frame frame, int64_t cost, uint32_t site, uint32_t namespace_id,
                  const struct dump_row *row);
void sample_leave(struct thread *thread, entry_frame frame, struct dump_row *row);

/* The same for work charged by hand, whose time is not known. */
void sample_manual(struct thread *thread, uint64_t cost, const struct dump_row *row);

/*
 * Finds the rate of the processor's counter, which is known some 50 us after the first call of this, and checks it
 * later on. Takes record_lock.
 */
void sample_calibrate(void);

/* Times no calls from now on, for a process that may read neither the clock nor the processor's counter. */
void sample_without_time(void);

/* Tells the dump from how many FLOPs on all stacks are taken. Before any call. */
void sample_start(void);

/* In a forked child: stacks are stored anew, and its first calls are timed as those of any process. */
void sample_forked(void);

#endif
