/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * hash.h - an index from hashes to the numbers of entries that somebody else keeps. The hash stands beside the
 * number, so that neither a search nor growing touches the entries of other keys.
 * It must never look into an entry: whoever keeps them compares them.
 */
#ifndef ANALYZER_HASH_H
#define ANALYZER_HASH_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define HASH_NONE UINT32_MAX

struct hash_slot {
	uint32_t hash;
	uint32_t number; /* plus 1; 0: free */
};

struct hash_index {
	struct hash_slot *slots; /* a power of two of them, at most 3/4 used */
	size_t size, used;
};

/* Makes room for one more; to be called before a search that may end with hash_put. */
void hash_reserve(struct hash_index *index);
void hash_free(struct hash_index *index);

static inline size_t hash_begin(const struct hash_index *index, uint32_t hash)
{
	return hash & (index->size - 1);
}

/* The next entry with this hash from `*slot` on; HASH_NONE after the last, with `*slot` where one may be put. */
static inline uint32_t hash_next(const struct hash_index *index, uint32_t hash, size_t *slot)
{
	while (index->slots[*slot].number) {
		const struct hash_slot *found = &index->slots[*slot];

		*slot = (*slot + 1) & (index->size - 1);
		if (found->hash == hash)
			return found->number - 1;
	}
	return HASH_NONE;
}

static inline void hash_put(struct hash_index *index, size_t slot, uint32_t hash, uint32_t number)
{
	index->slots[slot] = (struct hash_slot){ hash, number + 1 };
	index->used++;
}

static inline uint64_t hash_word(uint64_t hash, uint64_t word)
{
	hash = (hash ^ word) * 0x9e3779b97f4a7c15u;
	return hash ^ hash >> 32;
}

static inline uint64_t hash_bytes(uint64_t hash, const void *bytes, size_t size)
{
	const unsigned char *byte = bytes;

	for (; size >= 8; size -= 8, byte += 8) {
		uint64_t word;

		memcpy(&word, byte, 8);
		hash = hash_word(hash, word);
	}
	if (size) {
		uint64_t word = 0;

		memcpy(&word, byte, size);
		hash = hash_word(hash, word);
	}
	return hash;
}

#endif
