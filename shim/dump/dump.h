/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * dump.h - the dump file as memory: creation, growth, strings and tables.
 * Callers hold record_lock, but for the functions that say otherwise. It must never be needed to read a dump: the
 * format is in flopshim_dump.h.
 */
#ifndef FLOPSHIM_DUMP_INTERNAL_H
#define FLOPSHIM_DUMP_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "flopshim_dump.h"

/*
 * The header of this process's dump. Until dump_open has made one it points to a stand-in. dump_open copies the losses,
 * the lost calls and the threshold of stacks from the stand-in into the real header.
 */
extern struct dump_header *dump_header;

/*
 * Creates the dump, unless it was tried before. If no file can be made, says why and keeps the dump in memory. Keeps
 * errno.
 */
void dump_open(void);

/*
 * Called when the shim's destructor runs. If there is no dump by then, only a call of this thread may still make one.
 * With record_lock held.
 */
void dump_end(void);

/* Whether dump_open has run, with or without success in making a file. */
bool dump_is_open(void);

/* Whether the dump has a file and blocks are missing from it, for lack of space or because a write failed. */
bool dump_is_cut(void);

/* Returns the absolute path of the file; NULL while there is none. */
const char *dump_path(void);

/*
 * What the shim itself uses to find a block and its entries. Another process may write anything into the file at any
 * time, so the shim never reads places or sizes from the file; the copies there are for readers of the dump. An object
 * stays at its address as long as its block exists.
 */
struct dump_part {
	struct dump_block *block; /* the block's header, as the file has it */
	char *entries;
	uint64_t used;         /* valid entries, or bytes where they vary in size */
	uint64_t taken;        /* rows that were begun, of which `used` are valid; only in blocks of rows */
	uint64_t capacity;     /* entries that fit, or bytes where they vary in size */
	uint32_t entry_size;   /* 0 where entries vary in size */
	uint32_t first;        /* number of the first entry */
	uint64_t offset, size; /* bytes in the file, the block's header included */
	enum dump_block_type type;
	bool in_file; /* mapped from the file, or copied to it by writeout.c; false: only in memory */
	/* The rest is for the other files of shim/dump alone. */
	bool placed, sealed; /* the file has the block's header, and its check word; these five are writeout.c's */
	uint32_t
		final_pages; /* how many pages behind the first one are in the file and will not change before the end */
	uint64_t sampled;    /* `used` when the dump was last looked at */
	uint64_t *written;   /* what the file has of each page: see struct written in writeout.c; NULL: not known */
	struct dump_part *next; /* the block that was made after this one */
} __attribute__((aligned(64)));

/*
 * Adds a block of at least `bytes` bytes, its header included, for entries of `entry_size` bytes (0: they vary in
 * size). `first` is the number of its first entry. If the file cannot grow, the block is made in memory alone, which
 * is noted as DUMP_LOST_SPACE; a block of the record of calls is then not made. Returns NULL if there is no memory
 * either.
 */
struct dump_part *dump_block_add(enum dump_block_type type, uint32_t entry_size, uint64_t bytes, uint32_t lane,
                                 uint32_t first);

/* Returns the entry at `position` (from 0) of a block whose entries have one size. */
static inline void *dump_entry(const struct dump_part *part, uint64_t position)
{
	return part->entries + position * part->entry_size;
}

/* Publishes that the first `used` entries (or bytes) of the block are valid. */
static inline void dump_part_use(struct dump_part *part, uint64_t used)
{
	part->used = used;
	__atomic_store_n(&part->block->used, used, __ATOMIC_RELEASE);
}

/* A table whose entries all have one size and are added one by one. It grows by whole blocks. */
struct dump_table {
	enum dump_block_type type;
	uint32_t entry_size;
	uint32_t bytes;         /* size of the next block */
	uint32_t count;         /* entries so far */
	struct dump_part *part; /* the last block, which new entries go into */
};

extern struct dump_table dump_meta, dump_modules, dump_routines, dump_sites, dump_namespaces, dump_limits, dump_lanes,
	dump_notes, dump_samples;

/*
 * Returns a new zeroed entry, and its number in *number if that is not NULL; NULL if there is no room. The caller
 * fills the entry and calls dump_commit, which makes it valid. No other entry of the table may be begun in between.
 */
void *dump_append(struct dump_table *table, uint32_t *number);
void dump_commit(struct dump_table *table);

/* Copies `length` bytes of text into the dump. Returns their place in the file, 0 if there is no room. */
uint64_t dump_string(const char *text, uint64_t length);

/*
 * Copies a stack of `count` addresses into the dump. `python` is the place of its Python frames, 0 if it has none.
 * Returns the stack's place in the file, 0 if there is no room.
 */
uint64_t dump_stack_add(const uint64_t *addresses, uint32_t count, uint64_t python);

/*
 * Calls `visit` with every valid row, in the file or only in memory, in the order in which blocks were made. `place`
 * numbers the rows and stays the same for a row when others are added.
 */
void dump_each_row(void (*visit)(const struct dump_row *, uint64_t place, void *), void *context);

/* Returns the entry of a table with this number; NULL past the last one. */
void *dump_entry_numbered(enum dump_block_type type, uint32_t number);

/* Whether the string at `place` is `text`. The place may have been read from the file: a wrong one is no fault. */
bool dump_text_is(uint64_t place, const char *text);

/* Copies the string at `place` to the `size` bytes at `text`, cut if it is too long; an empty one if none is there. */
void dump_text_copy(uint64_t place, char *text, size_t size);

/* Adds a key and its value to the table that describes the process. Does nothing while there is no dump. */
void dump_tell(const char *key, const char *value);

/*
 * Adds `count` to the note of this kind and text, which is made if there is none. Does nothing while there is no
 * dump.
 */
void dump_note(enum dump_note_kind kind, const char *text, uint64_t count);

/*
 * Notes the messages that standard error could not take. Where the dump is not mapped from its file: says if the thread
 * that writes it could not, and writes it, at most once a second, where there is no such thread. Called on the slow path
 * of calls, with no lock held.
 */
void dump_flush_due(void);

/*
 * dump_write_now copies what is not mapped from the file to it. dump_stand_apart does so too, and ends the thread that does
 * it every second, until a call is due to write. Called with no lock held before the process may be over, does what one
 * with other threads may not do, or is confined. Nothing happens in a child that has no dump of its own yet.
 */
void dump_write_now(void);
void dump_stand_apart(void);

/* Notes in the header that something of this kind is missing from the dump. */
void dump_lose(enum dump_loss loss);

/*
 * Ends the dump: sets its state, end and exit status (-1: not known), and writes its check words. `quiet` says that
 * no other thread goes on counting; otherwise blocks that threads write to get no check word. Does nothing if the
 * dump is closed.
 */
void dump_close(enum dump_state state, int exit_status, bool quiet);

/*
 * Removes the check words of a closed dump. Must be called before anything in it is changed, since other threads and
 * destructors may still call BLAS after it was closed. dump_commit, dump_note and dump_lose call it themselves.
 */
void dump_unseal(void);

/*
 * The same for callers without record_lock. If the header is what changes, dump_unseal_unlocked must follow the
 * change.
 */
void dump_lose_unlocked(enum dump_loss loss);
void dump_unseal_unlocked(void);

/* In a forked child: forgets the parent's dump. The next dump_open makes one of the child's own. */
void dump_forked(void);

#endif
