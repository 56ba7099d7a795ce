/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * python.h - the Python functions and lines that the calling thread is in.
 */
#ifndef FLOPSHIM_PYTHON_H
#define FLOPSHIM_PYTHON_H

#include <stdbool.h>
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

/* Where a thread's innermost frame is, as the interpreter says it: see python_is_at. */
struct python_place {
	uint64_t frame;  /* 0: not known */
	uint64_t state;  /* of the thread */
	uint16_t holder; /* as in a layout: python.c */
	int16_t held;
};

/*
 * The calling thread's, if it runs `code`; else one that is not known. With record_lock held.
 */
struct python_place python_place(const void *code);

/* Whether that is still the innermost frame, in the same thread while that frame lives. Needs no lock and no system call. */
static inline bool python_is_at(const struct python_place *place)
{
	uint64_t at;

	if (!place->frame)
		return false;
	at = *(const uint64_t *)(place->state + place->holder);
	return (place->held < 0 ? at : *(const uint64_t *)(at + (uint16_t)place->held)) == place->frame;
}

/* Fetches what python_frames read last time into the caches, without waiting for it. With record_lock held. */
void python_prefetch(void);

/*
 * Flushes sys.stdout and sys.stderr, if this is a thread of Python's. Takes the GIL, and so may wait for ever: only for
 * a process that is about to end, under a watchdog.
 */
void python_flush(void);

#endif
