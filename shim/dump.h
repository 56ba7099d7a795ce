/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * dump.h - the dump file as memory: creation, growth, strings and tables.
 * Every function is called with record_lock held, but for those that say otherwise.
 */
#ifndef FLOPSHIM_DUMP_INTERNAL_H
#define FLOPSHIM_DUMP_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "flopshim_dump.h"

/* The header of this process's dump; in memory that nobody reads until dump_open has made one. */
extern struct dump_header *dump_header;

/* Creates the dump, if that has not been tried. A dump that cannot be a file is kept in memory, and that is said. */
void dump_open(void);

bool dump_is_open(void);

/* Whether the file could not grow when it should have. */
bool dump_is_cut(void);

/* Absolute path of the file, NULL while there is none. */
const char *dump_path(void);

/*
 * A new block of at least `bytes` bytes in all for entries of `entry_size` bytes, the first of them numbered
 * `first`. NULL when there is neither disk space nor memory. A block that is only in memory is counted as lost space.
 */
struct dump_block *dump_block_add(enum dump_block_type type, uint32_t entry_size, uint64_t bytes, uint32_t lane,
				  uint32_t first);

/* How many entries fit into the block. */
static inline uint64_t dump_capacity(const struct dump_block *block)
{
	return (block->size - block->header_size) / block->entry_size;
}

static inline void *dump_entry(const struct dump_block *block, uint64_t position)
{
	return (char *)block + block->header_size + position * block->entry_size;
}

/* Tables whose entries all have one size and are added one by one. */
struct dump_table {
	enum dump_block_type type;
	uint32_t entry_size;
	uint32_t bytes;            /* of a new block */
	uint32_t count;            /* entries so far */
	struct dump_block *block;  /* the last one */
};

extern struct dump_table dump_meta, dump_modules, dump_routines, dump_sites, dump_namespaces, dump_limits, dump_lanes,
	dump_notes, dump_samples;

/* A new zeroed entry and its number; NULL if there is no room. It becomes valid with dump_commit. */
void *dump_append(struct dump_table *table, uint32_t *number);
void dump_commit(struct dump_table *table);

/* Puts a string into the dump and returns its place, 0 if there is no room. */
uint64_t dump_string(const char *text, uint64_t length);

/* Stores a stack, returns its place, 0 if there is no room. */
uint64_t dump_stack_add(const uint64_t *addresses, uint32_t count, uint64_t python);

/* Calls `visit` with every row that is in the dump or only in memory, always in the same order. */
void dump_each_row(void (*visit)(const struct dump_row *, uint64_t place, void *), void *context);

/* An entry of a table by its number, NULL past the last. */
void *dump_entry_numbered(enum dump_block_type type, uint32_t number);

/* Text of a string that dump_string has put there. */
const char *dump_text(uint64_t place);

/* Adds to the note of this kind and text, making it if need be. */
void dump_note(enum dump_note_kind kind, const char *text, uint64_t count);

/*
 * Notes the messages that are kept, and writes out what lives in memory, once a second; called from the slow path. Under no
 * lock.
 */
void dump_flush_due(void);

/* With no lock held: the program is about to give up system calls, and nothing can be written out afterwards. */
void dump_prepare_confined(void);

/* Notes that something is missing from the dump. */
void dump_lose(enum dump_loss loss);

/* Ends the dump. `quiet` says that no other thread goes on writing rows, so that their check words can be written. */
void dump_close(enum dump_state state, int exit_status, bool quiet);

/*
 * Before something changes that a closed dump has check words for: they no longer hold. Threads go on while the process
 * ends, and destructors call too. What is added to a table, or noted, does it by itself.
 */
void dump_unseal(void);

/* The same two under no lock; what changed the header comes before the second. */
void dump_lose_unlocked(enum dump_loss loss);
void dump_unseal_unlocked(void);

/* In a forked child: forgets the parent's dump, whose name the child's will carry. */
void dump_forked(void);

#endif
