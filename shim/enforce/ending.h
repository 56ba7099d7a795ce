/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ending.h - the end of a process that a budget stops.
 */
#ifndef FLOPSHIM_ENDING_H
#define FLOPSHIM_ENDING_H

/*
 * From here on the process ends with `status` after a second at most, whatever it does, and the calling thread's signals
 * are blocked. Of several threads that call it the first one returns, and the others wait for the end here.
 */
void ending_begin(int status);

/* Closes the dump, writes out what the C library and Python have buffered, and ends the process. After ending_begin. */
void ending_finish(void) __attribute__((noreturn));

#endif
