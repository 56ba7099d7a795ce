/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * blocks.h - what the rest of the dump must know of its blocks; what others use of them is in dump.h.
 * Every function is called with record_lock held.
 */
#ifndef FLOPSHIM_BLOCKS_H
#define FLOPSHIM_BLOCKS_H

#include "shim/dump/dump.h"

/* The first block is to begin at `offset`; the first `in_memory` bytes of the file are in memory from dump_header on. */
void blocks_begin(uint64_t offset, uint64_t in_memory);

/* The blocks, in the order in which they were made; NULL past the last. */
struct dump_part *blocks_part(uint32_t number);

/* In a forked child: unmaps the parent's blocks and empties the tables. */
void blocks_forked(void);

#endif
