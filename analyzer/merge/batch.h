/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * batch.h - entries of one kind, which are numbered by their contents, and the texts that they refer to.
 * It must never number anything by the order in which it was added.
 */
#ifndef ANALYZER_BATCH_H
#define ANALYZER_BATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyzer/base/intern.h"
#include "analyzer/base/text.h"

/* Entries of one size. */
struct batch {
	unsigned char *entries;
	size_t size, count, capacity; /* bytes of an entry; number of entries */
	bool keeps_equal;             /* equal entries do not become one when they are sorted */
	uint32_t *numbers;            /* after batch_sort: by the order of addition, the numbers of the entries */
};

/* Adds a copy of an entry. `entry` has batch->size bytes, which are all compared, so that there must be no padding. */
void batch_add(struct batch *batch, const void *entry);

/* Sorts the entries by their bytes, makes equal ones one unless they are to be kept, and fills `numbers`. */
void batch_sort(struct batch *batch);

/*
 * Sorts the entries by `compare`, as for qsort_r, which must find no two equal unless their bytes are, and does what
 * batch_sort does.
 */
void batch_sort_by(struct batch *batch, int (*compare)(const void *a, const void *b, void *context), void *context);

static inline void *batch_at(const struct batch *batch, size_t number) { return batch->entries + number * batch->size; }

void batch_free(struct batch *batch);

/* Byte strings, which get references once all are known. */
struct pool {
	struct intern strings;
	uint64_t *references; /* by the numbers of `strings` */
};

/* Adds a string, and returns its number. */
uint32_t pool_add(struct pool *pool, const void *bytes, size_t size);

/*
 * Appends the strings, sorted by their bytes, each as `write` does, and gives each a reference: `begin` plus its place in
 * `contents`.
 */
typedef void pool_write_one(struct text *contents, const void *bytes, size_t size);
void pool_write(struct pool *pool, uint64_t begin, pool_write_one *write, struct text *contents);

pool_write_one write_string; /* as an entry of struct dump_string */
pool_write_one write_bytes;  /* as it is */

/* Returns the reference of a string that was added. */
uint64_t pool_reference(const struct pool *pool, const void *bytes, size_t size);

void pool_free(struct pool *pool);

#endif
