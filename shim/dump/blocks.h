/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * blocks.h - the blocks of the dump, for the other files of this folder; what other folders use is in dump.h.
 * Callers hold record_lock. It must never be included outside of this folder.
 */
#ifndef FLOPSHIM_BLOCKS_H
#define FLOPSHIM_BLOCKS_H

#include "shim/dump/dump.h"

/*
 * Sets where the first block begins: `offset` bytes into the file. The first `in_memory` bytes of the file are mapped
 * from dump_header on; blocks that end within them are not mapped anew. Called once, before the first block is added.
 */
void blocks_begin(uint64_t offset, uint64_t in_memory);

/* Returns the first block, from which `next` leads to those that were made after it; NULL if there is none. */
struct dump_part *blocks_first(void);

/* In a forked child: unmaps the parent's blocks and empties the tables. */
void blocks_forked(void);

#endif
