/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * writer.h - the thread that writes the dump where mappings are not trusted, for the other files of this folder.
 * Callers hold record_lock. It must never be included outside of this folder.
 */
#ifndef FLOPSHIM_WRITER_H
#define FLOPSHIM_WRITER_H

#include <stdbool.h>

/*
 * Makes the thread, unless it is there, the file system needs none, the process is confined, or the dump is closed.
 * dump_header->write_ms says from then on whether it is there. Keeps errno.
 */
void writer_start(void);

/*
 * Has the thread, which must be there, write what has changed, and waits for that. Called without record_lock, which the
 * thread needs. Returns false if it does not answer, as where the file server does not. Keeps errno.
 */
bool writer_ask(void);

/*
 * Ends the thread, if this process has it. Returns whether it has ended, and so writes no more; it has not if it waits for
 * a file server that does not answer. Keeps errno.
 */
bool writer_stop(void);

/* Waits until the thread has written what it is writing. It begins nothing new before record_lock is free. */
void writer_wait(void);

/* Whether this process has the thread. May be asked without the lock. */
bool writer_is_there(void);

/* Returns the number of the error that kept the thread from writing; 0 if there was none. May be asked without the lock. */
int writer_error(void);

/* In a forked child: forgets the parent's thread. */
void writer_forked(void);

#endif
