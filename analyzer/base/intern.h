/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * intern.h - gives equal byte strings equal small numbers, so that keys over many dumps are compared as
 * integers. It must never free or move what it has stored before intern_free.
 */
#ifndef ANALYZER_INTERN_H
#define ANALYZER_INTERN_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "analyzer/base/hash.h"
#include "analyzer/base/memory.h"

#define INTERN_NONE HASH_NONE

struct intern_entry {
	const void *bytes; /* with a 0 behind them */
	size_t size;
};

struct intern {
	struct arena arena;
	struct intern_entry *entries; /* by number */
	size_t count, capacity;
	struct hash_index index;
};

/* The number of these bytes, from 0 in the order of their first appearance. */
uint32_t intern_bytes(struct intern *intern, const void *bytes, size_t size);
/* The number of bytes that have appeared, INTERN_NONE for others. */
uint32_t intern_find(const struct intern *intern, const void *bytes, size_t size);
void intern_free(struct intern *intern);

static inline uint32_t intern_text(struct intern *intern, const char *text)
{
	return intern_bytes(intern, text, strlen(text));
}

static inline const void *intern_at(const struct intern *intern, uint32_t number)
{
	return intern->entries[number].bytes;
}

#endif
