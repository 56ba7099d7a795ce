/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * memo.h - remembers a small number for a large one, such as what has become of a reference in a dump.
 * It must never be asked for more than 2^32 - 1 of them.
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

/* Zeroed, it is empty. */
struct memo {
	struct hash_index index;
	struct memo_entry *entries;
	size_t count, capacity;
};

#define MEMO_NONE UINT32_MAX

/* MEMO_NONE for what has not been put. */
uint32_t memo_find(const struct memo *memo, uint64_t key);
/* The key must not be there yet. */
void memo_put(struct memo *memo, uint64_t key, uint32_t number);
void memo_free(struct memo *memo);

#endif
