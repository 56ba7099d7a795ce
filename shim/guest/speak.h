/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * speak.h - where the shim's messages go: to standard error while that is what it was, else into the dump.
 * It must never have the program wait for a reader for long.
 */
#ifndef FLOPSHIM_SPEAK_H
#define FLOPSHIM_SPEAK_H

#include <stdbool.h>
#include <stddef.h>

enum { SPEAK_LINE_MAX = 1024 };
#define SPEAK_PREFIX "flopshim: " /* of every line on standard error */

/* Remembers what standard error is, before the program runs. */
void speak_start(void);

/* Whether a message would go to standard error. */
bool speak_is_heard(void);

/*
 * Says a sentence that stands between SPEAK_PREFIX and a newline, SPEAK_LINE_MAX bytes at most. Where it cannot go to
 * standard error, it is kept for the dump. May be called under any lock; keeps errno.
 */
void speak(const char *line, size_t length);

/* Whether there are sentences that wait for the dump. Takes no lock. */
bool speak_keeps(void);

/* Takes out the oldest sentence that waits for the dump; false if there is none. */
bool speak_take(char *sentence, size_t size);

/* In a forked child: forgets the sentences that its parent has kept. */
void speak_forked(void);

#endif
