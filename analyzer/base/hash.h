/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * hash.h - a hash table that maps 32-bit hashes to the numbers of entries, which its owner keeps in an array.
 * It must never look into an entry: whoever keeps the entries compares their keys.
 *
 * A search reads all entries with one hash, in turn:
 *
 *     hash_reserve(&index);                        only if the entry is to be added where it is not found
 *     bucket = hash_begin(&index, hash);
 *     while ((number = hash_next(&index, hash, &bucket)) != HASH_NONE)
 *             if (the key of entry `number` is the one looked for)
 *                     return number;
 *     hash_put(&index, bucket, hash, new_number);
 *
 * Buckets hold the hash beside the number, so that a search compares only keys with the same hash, and growing the table
 * compares none.
 */
#ifndef ANALYZER_HASH_H
#define ANALYZER_HASH_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define HASH_NONE UINT32_MAX /* no entry */

/* A bucket of the table (open addressing with linear probing). */
struct hash_bucket {
	uint32_t hash;
	uint32_t number; /* number of the entry plus 1; 0 if the bucket is free */
};

/* A table; one that is all zeros is empty. */
struct hash_index {
	struct hash_bucket *buckets; /* the buckets; NULL until the first hash_reserve */
	size_t size;                 /* number of buckets: 0 or a power of two */
	size_t used;                 /* buckets that are not free, at most 3/4 of them */
};

/*
 * Makes room for one more entry. Call it before a search that may end with hash_put: it may move the buckets, so that
 * one found before is no longer valid. Ends the program if memory runs out.
 */
void hash_reserve(struct hash_index *index);

/* Frees the buckets. The table is empty then, and may be used again. */
void hash_free(struct hash_index *index);

/* Returns the bucket in which a search for this hash begins. The table must have buckets: see hash_reserve. */
static inline size_t hash_begin(const struct hash_index *index, uint32_t hash) { return hash & (index->size - 1); }

/*
 * Returns the number of the next entry with this hash, searching from bucket `*bucket` on, and sets `*bucket` to the bucket
 * behind it. Returns HASH_NONE after the last one; `*bucket` is then the free bucket for hash_put.
 */
static inline uint32_t hash_next(const struct hash_index *index, uint32_t hash, size_t *bucket)
{
	while (index->buckets[*bucket].number) {
		const struct hash_bucket *found = &index->buckets[*bucket];

		*bucket = (*bucket + 1) & (index->size - 1);
		if (found->hash == hash)
			return found->number - 1;
	}
	return HASH_NONE;
}

/* Adds an entry in the free bucket `bucket` that hash_next has found. `number` must be below HASH_NONE. */
static inline void hash_put(struct hash_index *index, size_t bucket, uint32_t hash, uint32_t number)
{
	index->buckets[bucket] = (struct hash_bucket){hash, number + 1};
	index->used++;
}

/* Returns `hash` with one more word mixed into it. The hashes are the same in every run, and not safe against attackers. */
static inline uint64_t hash_word(uint64_t hash, uint64_t word)
{
	hash = (hash ^ word) * 0x9e3779b97f4a7c15u;
	return hash ^ hash >> 32;
}

/* Returns `hash` with `size` bytes mixed into it; the last bytes, if fewer than 8, are padded with zeros. */
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
