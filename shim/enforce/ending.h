/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ending.h - the end of a process that a budget stops.
 * It must never let such a process run on.
 */
#ifndef FLOPSHIM_ENDING_H
#define FLOPSHIM_ENDING_H

/*
 * From here on the process ends with `status` after a second at most, whatever it does, and the calling thread's
 * signals are blocked. If several threads call this, the first one returns, and the others wait here for the end. In
 * a confined process nothing watches the time.
 */
void ending_begin(int status);

/* Closes the dump, flushes what the C library and Python have buffered, and ends the process. After ending_begin. */
void ending_finish(void) __attribute__((noreturn));

#endif
