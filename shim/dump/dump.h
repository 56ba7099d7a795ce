/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * dump.h - the dump file as memory: creation, growth, strings and tables.
 * Every function is called with record_lock held, but for those that say otherwise.
 */
#ifndef FLOPSHIM_DUMP_INTERNAL_H
#define FLOPSHIM_DUMP_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "flopshim_dump.h"

/*
 * The header of this process's dump; in memory that nobody reads until dump_open has made one. What is written there
 * before is taken over: losses, lost calls and the threshold of stacks.
 */
extern struct dump_header *dump_header;

/* Creates the dump, if that has not been tried. A dump that cannot be a file is kept in memory, and that is said. */
void dump_open(void);

bool dump_is_open(void);

/* Whether the file could not grow when it should have. */
bool dump_is_cut(void);

/* Absolute path of the file, NULL while there is none. */
const char *dump_path(void);

/*
 * A block as this process knows it. Whoever may write the file can write anything there at any time: what says where
 * something is, or how much of it, is kept here, and what stands in the file is for readers alone. Never moves.
 */
struct dump_part {
	struct dump_block *block;  /* in the file */
	char *entries;
	uint64_t used;             /* valid entries, or bytes where they vary in size */
	uint64_t taken;            /* of rows: entries begun */
	uint64_t capacity;         /* entries, or bytes */
	uint32_t entry_size;       /* 0 where they vary */
	uint32_t first;            /* number of the first entry */
	uint64_t offset, size;     /* in the file */
	enum dump_block_type type;
	bool in_file;              /* mapped from it, or to be written to it by dump_flush_due */
} __attribute__((aligned(64)));

/*
 * A new block of at least `bytes` bytes in all for entries of `entry_size` bytes, the first of them numbered
 * `first`. NULL when there is neither disk space nor memory. A block that is only in memory is counted as lost space.
 */
struct dump_part *dump_block_add(enum dump_block_type type, uint32_t entry_size, uint64_t bytes, uint32_t lane,
				 uint32_t first);

static inline void *dump_entry(const struct dump_part *part, uint64_t position)
{
	return part->entries + position * part->entry_size;
}

/* Says that so many entries, or bytes, are valid. */
static inline void dump_part_use(struct dump_part *part, uint64_t used)
{
	part->used = used;
	__atomic_store_n(&part->block->used, used, __ATOMIC_RELEASE);
}


/* Tables whose entries all have one size and are added one by one. */
struct dump_table {
	enum dump_block_type type;
	uint32_t entry_size;
	uint32_t bytes;            /* of a new block */
	uint32_t count;            /* entries so far */
	struct dump_part *part;    /* the last block */
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

/* Whether the string at a place that was read from the dump is this one. */
bool dump_text_is(uint64_t place, const char *text);

/* Copies it, cutting what does not fit; empty if there is none at that place. */
void dump_text_copy(uint64_t place, char *text, size_t size);

/* Adds to what the dump says of the process. Under record_lock. */
void dump_tell(const char *key, const char *value);

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
