/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * settle.h - waits for what other threads are just doing, without a lock that they would have to take.
 */
#ifndef FLOPSHIM_SETTLE_H
#define FLOPSHIM_SETTLE_H

/*
 * Waits until each other thread that has called BLAS has done whatever takes it some instructions and no wait: it has run
 * for a while since, or it waits for something. Gives up after half a second. With record_lock held, so that none ends.
 */
void settle(void);

#endif
