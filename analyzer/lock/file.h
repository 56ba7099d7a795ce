/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * file.h - the text of a lockfile, which people review: reads it into a lock, and writes a lock as text.
 * It must never accept a text that it would not have written itself, but for comments, tolerances and skips.
 */
#ifndef ANALYZER_LOCK_FILE_H
#define ANALYZER_LOCK_FILE_H

#include "analyzer/lock/lock.h"

/* Why a lockfile cannot be read. */
struct lock_fault {
	size_t line;     /* from 1 on; 0 if it is the file as a whole */
	struct text why; /* what is wrong, and what was expected; to be freed by text_free */
};

/*
 * Reads the text of a lockfile into an empty lock, which lock_free frees in any case. Returns false, with *fault set, which is
 * to be empty before, if the text is not a lock.
 */
bool lock_read(struct lock *lock, const char *bytes, size_t length, struct lock_fault *fault);

/* Adds the text of a lockfile. The rows of the lock must be settled. The text depends on nothing but the lock. */
void lock_write(const struct lock *lock, struct text *text);

/*
 * Adds a line of skip to a lock, which then leaves the namespaces of the pattern out, unless it does so already. The pattern
 * must live as long as the lock.
 */
void lock_keep_skip(struct lock *lock, const char *pattern);

#endif
