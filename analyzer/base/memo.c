/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * memo.c - a map from 64-bit keys to 32-bit numbers.
 * It must never take one key for another: keys are compared, and not their hashes alone.
 */
#include "analyzer/base/memo.h"

#include <stdlib.h>

#include "analyzer/base/memory.h"

static uint32_t hash_of(uint64_t key) { return (uint32_t)hash_word(0, key); }

uint32_t memo_find(const struct memo *memo, uint64_t key)
{
	uint32_t hash = hash_of(key), found;
	size_t bucket;

	if (!memo->count)
		return MEMO_NONE;
	bucket = hash_begin(&memo->index, hash);
	while ((found = hash_next(&memo->index, hash, &bucket)) != HASH_NONE)
		if (memo->entries[found].key == key)
			return memo->entries[found].number;
	return MEMO_NONE;
}

void memo_put(struct memo *memo, uint64_t key, uint32_t number)
{
	uint32_t hash = hash_of(key);
	size_t bucket;

	hash_reserve(&memo->index);
	bucket = hash_begin(&memo->index, hash);
	while (hash_next(&memo->index, hash, &bucket) != HASH_NONE)
		; /* another key with the same hash */
	memo->entries = memory_grow(memo->entries, memo->count, &memo->capacity, sizeof *memo->entries);
	memo->entries[memo->count] = (struct memo_entry){key, number};
	hash_put(&memo->index, bucket, hash, (uint32_t)memo->count++);
}

void memo_free(struct memo *memo)
{
	hash_free(&memo->index);
	free(memo->entries);
	*memo = (struct memo){0};
}
