/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * read.h - reads one dump, whoever wrote it and however it ended.
 * It must never trust an offset, a count or a number that stands in the file.
 *
 * dump_open loads what describes the counts (strings, stacks, modules, routines, sites, namespaces). A cursor reads the
 * counts themselves (rows, samples, calls and so on) entry by entry, so that memory does not grow with them. Whatever is
 * not as flopshim_dump.h says is left out and listed in `damage`.
 */
#ifndef ANALYZER_READ_H
#define ANALYZER_READ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "flopshim_dump.h"

/* Access to a file; tests and the fuzzer have their own. Offsets and sizes are in bytes. */
struct dump_source {
	void *context; /* first argument of the functions */
	/* Reads up to `count` bytes from `offset` on. Returns how many: fewer at the end, or where reading fails. */
	size_t (*read_at)(void *context, uint64_t offset, void *buffer, size_t count);
	/* Returns the size of the file, which may have grown. */
	uint64_t (*size)(void *context);
	/*
	 * Returns the first offset from `offset` on that is in a hole of the file (if `hole`) or in no hole (otherwise); the
	 * end of the file if there is none. This pointer may be NULL: the file is read as if it had no hole then.
	 */
	uint64_t (*seek)(void *context, uint64_t offset, bool hole);
};

enum read_status {
	READ_OK,         /* everything is as it should be */
	READ_DAMAGED,    /* some of it can be used; `damage` says what is wrong */
	READ_UNREADABLE, /* nothing of it can be used; `damage` says why */
	READ_NEWER,      /* the dump needs a reader of a later layout; `damage` says of which */
};

enum {
	READ_DAMAGE_TEXT = 160, /* bytes of a description of damage */
	READ_DAMAGE_MAX = 16,   /* most descriptions that are kept; damage beyond is only counted, in damage_total */
};

struct read_damage {
	char text[READ_DAMAGE_TEXT];
	uint64_t count; /* how often damage of this description was met */
};

/* The entries of one type, by number. Members that the dump's layout does not have are 0. */
struct read_table {
	unsigned char *entries;
	bool *present; /* whether the dump has the entry of this number */
	size_t count;
};

/* The contents of a DUMP_STRINGS or DUMP_STACKS block, in memory. */
struct read_span {
	uint64_t offset, size; /* of the contents in the file, in bytes */
	unsigned char *bytes;
	uint16_t type; /* enum dump_block_type */
};

/* A sound block: members as in struct dump_block, except where a comment says otherwise. */
struct read_block {
	uint64_t offset, size, address;
	uint64_t used;    /* at most what the block, and the file, have room for */
	uint64_t claimed; /* `used` as the block's header has it */
	uint64_t content_check;
	uint32_t entry_size, first, lane;
	uint16_t type, header_size;
	bool left_out; /* its entries are not read: they are damaged, or an earlier block has them */
};

/* A dump that was opened. */
struct dump {
	struct dump_source source;
	struct dump_header header; /* its texts are terminated */
	bool header_damaged;       /* members of the header may be wrong */
	uint64_t page;             /* blocks begin at multiples of it, in bytes */
	struct read_block *blocks; /* in the order of their offsets */
	size_t block_count, block_capacity;
	struct read_span *spans; /* in the order of their offsets */
	size_t span_count;
	struct read_table modules, routines, sites, namespaces;
	struct read_damage damage[READ_DAMAGE_MAX];
	size_t damage_count;   /* descriptions in `damage` */
	uint64_t damage_total; /* how often any damage was met */
};

/*
 * Opens a dump and loads everything but the counts. Whatever this returns, the caller calls dump_close. The source is copied;
 * its context must stay valid until then.
 */
enum read_status dump_open(struct dump *dump, const struct dump_source *source);

/* Frees what dump_open has loaded, and what the functions below have returned. It does not close the file. */
void dump_close(struct dump *dump);

/*
 * These return what a reference (a file offset) names: a terminated text; or a stack, of which all `count` addresses can be
 * read. They return NULL for the reference 0, and for a wrong one, which they note as damage.
 */
const char *dump_text(struct dump *dump, uint64_t reference);
const struct dump_stack *dump_stack_at(struct dump *dump, uint64_t reference);

/* These return the entry with a number, or NULL if the dump has none with it. */
const struct dump_module *dump_module_at(const struct dump *dump, uint32_t number);
const struct dump_routine *dump_routine_at(const struct dump *dump, uint32_t number);
const struct dump_site *dump_site_at(const struct dump *dump, uint32_t number);
const struct dump_namespace *dump_namespace_at(const struct dump *dump, uint32_t number);

/*
 * Reads the row of a call in flight: `address` is dump_frame.row of a frame of `lane`. Sets *row to the row and *number
 * to its number in the lane. Returns false if the dump has no such row; *row and *number mean nothing then.
 */
bool dump_row_of_frame(struct dump *dump, uint32_t lane, uint64_t address, struct dump_row *row, uint32_t *number);

/* Returns how many bytes of entries the dump has in blocks of a type whose entries vary in size. */
uint64_t dump_bytes(const struct dump *dump, enum dump_block_type type);

/* Whether the dump has a block of this type. */
bool dump_has(const struct dump *dump, enum dump_block_type type);

/* Whether it is a merged dump: its header says so or, if that is damaged, its blocks do. */
bool dump_is_merged(const struct dump *dump);

/* Sets *length to the bytes of a text without its terminator, and returns what dump_text does. */
const char *dump_text_sized(struct dump *dump, uint64_t reference, size_t *length);

/* Reads the entries of one type of block, in the order of the file. Only `number` and `lane` are for the caller. */
struct dump_cursor {
	struct dump *dump;
	unsigned char *buffer;
	size_t struct_size;       /* of the struct of the type */
	size_t buffered, taken;   /* entries in the buffer, and how many of them were returned */
	size_t block, next_block; /* index of the block that is read, and of the one to look at next */
	uint64_t position;        /* in the block, of the first entry in the buffer */
	uint32_t number, lane;    /* number and lane of the entry that was returned last */
	uint16_t type;
	uint64_t entry[sizeof(struct dump_lane) / 8]; /* an entry that is shorter than today's, with zeros behind it */
};

/* Begins to read. `type` has entries of a fixed size, and `struct_size` is the size of its struct. */
void dump_cursor_open(struct dump_cursor *cursor, struct dump *dump, enum dump_block_type type, size_t struct_size);

/* Returns the next entry, or NULL at the end. The entry is valid until the next call for this cursor. */
const void *dump_cursor_next(struct dump_cursor *cursor);

void dump_cursor_close(struct dump_cursor *cursor);

/* Notes damage. Damage with the same text is listed once, with a count. */
void dump_damaged(struct dump *dump, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
