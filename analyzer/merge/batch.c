/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * batch.c - sorts entries and texts by their contents.
 * It must never compare addresses, or anything else that a second run would not have.
 */
#include "analyzer/merge/batch.h"

#include <stdlib.h>
#include <string.h>

#include "analyzer/base/memory.h"
#include "flopshim_dump.h"

void batch_add(struct batch *batch, const void *entry)
{
	batch->entries = memory_grow(batch->entries, batch->count, &batch->capacity, batch->size);
	memcpy(batch_at(batch, batch->count++), entry, batch->size);
}

/* What a comparison of entries, named by their numbers, needs. */
struct order {
	const struct batch *batch;
	int (*compare)(const void *a, const void *b, void *context);
	void *context;
};

static int compare_entries(const void *a, const void *b, void *context)
{
	const struct order *order = context;
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	int result = order->compare(batch_at(order->batch, x), batch_at(order->batch, y), order->context);

	return result ? result : x < y ? -1 : x > y; /* equal entries can be told apart by nobody in the end */
}

static int compare_bytes(const void *a, const void *b, void *context) { return memcmp(a, b, *(const size_t *)context); }

void batch_sort_by(struct batch *batch, int (*compare)(const void *a, const void *b, void *context), void *context)
{
	struct order order = {batch, compare, context};
	uint32_t *sorted = memory_new(batch->count, sizeof *sorted);
	unsigned char *entries = memory_new(batch->count, batch->size);
	size_t count = 0;

	for (size_t i = 0; i < batch->count; i++)
		sorted[i] = (uint32_t)i;
	qsort_r(sorted, batch->count, sizeof *sorted, compare_entries, &order);
	batch->numbers = memory_new(batch->count, sizeof *batch->numbers);
	for (size_t i = 0; i < batch->count; i++) {
		const void *entry = batch_at(batch, sorted[i]);

		if (!count || batch->keeps_equal || memcmp(entries + (count - 1) * batch->size, entry, batch->size))
			memcpy(entries + count++ * batch->size, entry, batch->size);
		batch->numbers[sorted[i]] = (uint32_t)count - 1;
	}
	free(sorted);
	free(batch->entries);
	batch->entries = entries;
	batch->count = count;
}

void batch_sort(struct batch *batch) { batch_sort_by(batch, compare_bytes, &batch->size); }

void batch_free(struct batch *batch)
{
	free(batch->entries);
	free(batch->numbers);
}

/* ---- texts ---- */

uint32_t pool_add(struct pool *pool, const void *bytes, size_t size)
{
	return intern_bytes(&pool->strings, bytes, size);
}

static int compare_strings(const void *a, const void *b, void *context)
{
	const struct intern *strings = context;
	const struct intern_entry *x = &strings->entries[*(const uint32_t *)a];
	const struct intern_entry *y = &strings->entries[*(const uint32_t *)b];
	int result = memcmp(x->bytes, y->bytes, x->size < y->size ? x->size : y->size);

	return result ? result : x->size < y->size ? -1 : x->size > y->size;
}

void write_string(struct text *contents, const void *bytes, size_t size)
{
	static const char zeros[8];
	struct dump_string head = {.length = (uint32_t)size};

	text_add_bytes(contents, &head, sizeof head);
	text_add_bytes(contents, bytes, size + 1);
	text_add_bytes(contents, zeros, -contents->length % 8);
}

void write_bytes(struct text *contents, const void *bytes, size_t size) { text_add_bytes(contents, bytes, size); }

void pool_write(struct pool *pool, uint64_t begin, pool_write_one *write, struct text *contents)
{
	size_t count = pool->strings.count;
	uint32_t *sorted = memory_new(count, sizeof *sorted);

	pool->references = memory_new(count, sizeof *pool->references);
	for (size_t i = 0; i < count; i++)
		sorted[i] = (uint32_t)i;
	qsort_r(sorted, count, sizeof *sorted, compare_strings, &pool->strings);
	for (size_t i = 0; i < count; i++) {
		const struct intern_entry *string = &pool->strings.entries[sorted[i]];

		pool->references[sorted[i]] = begin + contents->length;
		write(contents, string->bytes, string->size);
	}
	free(sorted);
}

uint64_t pool_reference(const struct pool *pool, const void *bytes, size_t size)
{
	return pool->references[intern_find(&pool->strings, bytes, size)];
}

void pool_free(struct pool *pool)
{
	intern_free(&pool->strings);
	free(pool->references);
}
