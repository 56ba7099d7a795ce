/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * memo.h - a map from 64-bit keys to 32-bit numbers: for instance, from the offset of a string in a dump to the number
 * of that text in the aggregate.
 * It must never be given more than 2^32 - 1 keys.
 */
#ifndef ANALYZER_MEMO_H
#define ANALYZER_MEMO_H

#include <stddef.h>
#include <stdint.h>

#include "analyzer/base/hash.h"

struct memo_entry {
	uint64_t key;
	uint32_t number;
};

/* A map; one that is all zeros is empty. */
struct memo {
	struct hash_index index; /* of the entries, by a hash of their keys */
	struct memo_entry *entries;
	size_t count, capacity;
};

#define MEMO_NONE UINT32_MAX /* the key is not in the map */

/* Returns the number of a key, or MEMO_NONE if the key is not in the map. */
uint32_t memo_find(const struct memo *memo, uint64_t key);

/* Adds a key, which must not be in the map yet. Ends the program if memory runs out. */
void memo_put(struct memo *memo, uint64_t key, uint32_t number);

/* Frees the map, which is empty then and may be used again. */
void memo_free(struct memo *memo);

#endif
