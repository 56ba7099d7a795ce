/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * settle.h - waits until other threads have done what they are in the middle of.
 * It must never need a lock that those threads would have to take.
 */
#ifndef FLOPSHIM_SETTLE_H
#define FLOPSHIM_SETTLE_H

/*
 * Waits until every other thread that has called BLAS has finished any step that takes some instructions and no wait:
 * the thread has run for a while since, or it sleeps. Gives up after half a second. With record_lock held, so that no
 * thread ends.
 */
void settle(void);

#endif
