/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * python.h - the Python functions and lines that the calling thread is in.
 * It must never wait for the GIL, but in python_flush.
 */
#ifndef FLOPSHIM_PYTHON_H
#define FLOPSHIM_PYTHON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Writes "function (file:line)", innermost first, one a line, for the frames of CPython that this thread is in.
 * Returns the length, 0 if it is in none. Reads only this thread's own frames, without the GIL and without waiting.
 * If there were frames that could not be read, the dump gets a note. With record_lock held.
 */
size_t python_frames(char *text, size_t size);

/*
 * Writes the innermost of these frames that is not one of the module flopshim, in the same way, but notes nothing in the dump.
 */
enum { PYTHON_CALLER_BYTES = 400 };
size_t python_caller(char *text, size_t size);

/* Where the interpreter says that a thread's innermost frame is: see python_is_at. */
struct python_place {
	uint64_t frame;  /* 0: not known */
	uint64_t state;  /* the thread's PyThreadState */
	uint16_t holder; /* these two as in struct layout of python.c */
	int16_t held;
};

/*
 * The innermost frame of the calling thread, if it runs `code`; otherwise one that is not known. With record_lock held.
 */
struct python_place python_place(const void *code);

/*
 * Whether that is still the innermost frame. Only in the thread that it is of, and while the frame lives. Needs no
 * lock and no system call.
 */
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
 * Flushes sys.stdout and sys.stderr, if this is a thread of Python's. It takes the GIL, and so may wait for ever:
 * only for a process that is about to end, under a watchdog.
 */
void python_flush(void);

#endif
