/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * blocks.h - the blocks of a dump: where they are, and how many entries of each can be believed.
 * It must never be included outside of analyzer/read: read.h is what the rest of the analyzer uses.
 */
#ifndef ANALYZER_BLOCKS_H
#define ANALYZER_BLOCKS_H

#include "analyzer/read/read.h"

enum { READ_BUFFER = DUMP_ENTRY_MOST }; /* bytes that are read at a time, which any entry fits in */

static inline size_t minimum(uint64_t a, uint64_t b) { return (size_t)(a < b ? a : b); }

/* Reads up to `count` bytes of the file; returns how many. */
static inline size_t dump_read_at(struct dump *dump, uint64_t offset, void *buffer, size_t count)
{
	return dump->source.read_at(dump->source.context, offset, buffer, count);
}

/* Returns the plural name of the entries of such a block, "unknown" for a type that this layout does not have. */
const char *block_type_name(unsigned type);

/* Whether the entries of this type vary in size. `used` of the block counts bytes then. */
bool block_type_is_bytes(unsigned type);

/* Whether blocks may begin at multiples of this number of bytes. */
bool block_page_is_sound(uint64_t page);

/*
 * Returns the first possible page size at whose offset a sound block stands, which is where the blocks begin; 0 if there is
 * none. It does not ask the header.
 */
uint64_t blocks_first(struct dump *dump);

/*
 * Fills dump->blocks, once the header has been read. What is wrong with a block is noted by dump_damaged; a block of counts
 * that is damaged or doubled is marked as left out.
 */
void blocks_find(struct dump *dump);

#endif
