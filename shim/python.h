/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * python.h - the Python functions and lines that the calling thread is in.
 */
#ifndef FLOPSHIM_PYTHON_H
#define FLOPSHIM_PYTHON_H

#include <stddef.h>

/*
 * Writes "function (file:line)", innermost first, one a line, for the frames of CPython that this thread is in; nothing
 * if it is in none. Returns the length. Reads only this thread's own frames, without the GIL and without waiting; notes
 * in the dump when there were frames that could not be read. With record_lock held.
 */
size_t python_frames(char *text, size_t size);

/* Fetches what python_frames read last time into the caches, without waiting for it. With record_lock held. */
void python_prefetch(void);

/*
 * Flushes sys.stdout and sys.stderr, if this is a thread of Python's. Takes the GIL, and so may wait for ever: only for
 * a process that is about to end, under a watchdog.
 */
void python_flush(void);

#endif
