/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * intern.c - a table of byte strings with numbers.
 * It must never give one number to two different byte strings, not even if their hashes are the same.
 */
#include "analyzer/base/intern.h"

#include <stdlib.h>

static uint32_t key_hash(const void *bytes, size_t size) { return (uint32_t)hash_bytes(size, bytes, size); }

/* Returns the number of these bytes; or INTERN_NONE, with the bucket for them in `*bucket`. The table must have buckets. */
static uint32_t search(const struct intern *intern, const void *bytes, size_t size, uint32_t hash, size_t *bucket)
{
	uint32_t number;

	*bucket = hash_begin(&intern->index, hash);
	while ((number = hash_next(&intern->index, hash, bucket)) != HASH_NONE)
		if (intern->entries[number].size == size && !memcmp(intern->entries[number].bytes, bytes, size))
			break;
	return number;
}

uint32_t intern_find(const struct intern *intern, const void *bytes, size_t size)
{
	size_t bucket;

	return intern->count ? search(intern, bytes, size, key_hash(bytes, size), &bucket) : INTERN_NONE;
}

uint32_t intern_bytes(struct intern *intern, const void *bytes, size_t size)
{
	uint32_t hash = key_hash(bytes, size), number;
	size_t bucket;
	char *copy;

	hash_reserve(&intern->index);
	number = search(intern, bytes, size, hash, &bucket);
	if (number != INTERN_NONE)
		return number;
	copy = arena_take(&intern->arena, size + 1);
	memcpy(copy, bytes, size);
	intern->entries = memory_grow(intern->entries, intern->count, &intern->capacity, sizeof *intern->entries);
	intern->entries[intern->count] = (struct intern_entry){copy, size};
	hash_put(&intern->index, bucket, hash, (uint32_t)intern->count);
	return (uint32_t)intern->count++;
}

void intern_free(struct intern *intern)
{
	arena_free(&intern->arena);
	free(intern->entries);
	hash_free(&intern->index);
	*intern = (struct intern){0};
}
