/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * hash.c - grows and frees hash tables; what a search does is in hash.h.
 * It must never lose or double an entry when it grows a table.
 */
#include "analyzer/base/hash.h"

#include <stdlib.h>

#include "analyzer/base/memory.h"

void hash_reserve(struct hash_index *index)
{
	struct hash_index grown = {.used = index->used};

	if (4 * (index->used + 1) <= 3 * index->size)
		return;
	grown.size = index->size ? 2 * index->size : 64;
	grown.buckets = memory_new(grown.size, sizeof *grown.buckets);
	for (size_t i = 0; i < index->size; i++) {
		size_t bucket = index->buckets[i].hash & (grown.size - 1);

		if (!index->buckets[i].number)
			continue;
		while (grown.buckets[bucket].number)
			bucket = (bucket + 1) & (grown.size - 1);
		grown.buckets[bucket] = index->buckets[i];
	}
	free(index->buckets);
	*index = grown;
}

void hash_free(struct hash_index *index)
{
	free(index->buckets);
	*index = (struct hash_index){0};
}
