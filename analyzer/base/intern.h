/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * intern.h - gives equal byte strings equal small numbers (interning), so that the keys of many dumps are compared as
 * integers.
 * It must never free or move what it has stored before intern_free.
 */
#ifndef ANALYZER_INTERN_H
#define ANALYZER_INTERN_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "analyzer/base/hash.h"
#include "analyzer/base/memory.h"

#define INTERN_NONE HASH_NONE /* no such byte string */

struct intern_entry {
	const void *bytes; /* `size` bytes and a terminating 0, aligned to 16 bytes */
	size_t size;
};

/* A table of byte strings; one that is all zeros is empty. It owns copies of the strings. */
struct intern {
	struct arena arena;
	struct intern_entry *entries; /* by number */
	size_t count, capacity;
	struct hash_index index; /* of the entries, by a hash of their bytes */
};

/*
 * Returns the number of these bytes, and stores a copy of them if they are new. Numbers are given from 0 on, in the order of
 * first appearance. `bytes` must not be NULL, not even with a size of 0. Ends the program if memory runs out.
 */
uint32_t intern_bytes(struct intern *intern, const void *bytes, size_t size);

/* Returns the number that intern_bytes gave these bytes, or INTERN_NONE if it has never got them. It stores nothing. */
uint32_t intern_find(const struct intern *intern, const void *bytes, size_t size);

/* Frees all copies. The table is empty then, and may be used again. */
void intern_free(struct intern *intern);

/* Returns the number of a terminated text, as intern_bytes does. */
static inline uint32_t intern_text(struct intern *intern, const char *text)
{
	return intern_bytes(intern, text, strlen(text));
}

/* Returns the bytes with this number, which must exist. They are valid until intern_free. */
static inline const void *intern_at(const struct intern *intern, uint32_t number)
{
	return intern->entries[number].bytes;
}

#endif
