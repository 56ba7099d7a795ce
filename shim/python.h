/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * python.h - the Python functions and lines that the calling thread is in.
 */
#ifndef FLOPSHIM_PYTHON_H
#define FLOPSHIM_PYTHON_H

#include <stddef.h>
#include <stdint.h>

/*
 * Writes "function (file:line)", innermost first, one a line, for the frames of CPython that this thread is in; nothing
 * if it is in none. Returns the length. Reads only this thread's own frames, without the GIL and without waiting; notes
 * in the dump when there were frames that could not be read. With record_lock held.
 */
size_t python_frames(char *text, size_t size);

/*
 * Writes the innermost of these frames that is not one of flopshim.py; the same holds. Of a stack that it is not the first
 * to read, and where the frames cannot be read, nothing is noted.
 */
enum { PYTHON_CALLER_BYTES = 400 };
size_t python_caller(char *text, size_t size);

/* Where the innermost of these frames is, 0 if there is none or it is not known. With record_lock held. */
uint64_t python_innermost(void);

/* Fetches what python_frames read last time into the caches, without waiting for it. With record_lock held. */
void python_prefetch(void);

/*
 * Flushes sys.stdout and sys.stderr, if this is a thread of Python's. Takes the GIL, and so may wait for ever: only for
 * a process that is about to end, under a watchdog.
 */
void python_flush(void);

#endif
