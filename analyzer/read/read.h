/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * read.h - reads one dump, whoever wrote it and however it ended.
 * It must never trust an offset, a count or a number that stands in the file.
 *
 * The descriptions in a dump (strings, sites, namespaces ...) are loaded when it is opened; the
 * counts (rows, samples, calls) are streamed, so that memory does not grow with them. Whatever is not
 * as flopshim_dump.h says is left out and listed in `damage`.
 */
#ifndef ANALYZER_READ_H
#define ANALYZER_READ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "flopshim_dump.h"

/* The operating system, as far as the reader needs it. */
struct dump_source {
	void *context;
	/* Copies up to `count` bytes from `offset` on; returns how many: fewer only at the end. */
	size_t (*read_at)(void *context, uint64_t offset, void *buffer, size_t count);
	uint64_t (*size)(void *context); /* of the file, now */
	/*
	 * The first offset from `offset` on that is in a hole of the file, or is in none; the file's end where there is none. NULL
	 * where nobody can tell: then nothing is a hole.
	 */
	uint64_t (*seek)(void *context, uint64_t offset, bool hole);
};

enum read_status {
	READ_OK,         /* all of it was as it should be */
	READ_DAMAGED,    /* some of it was; `damage` says what was not */
	READ_UNREADABLE, /* nothing of use; `damage` says why */
	READ_NEWER,      /* written in a later format than this reader knows; `damage` says which */
};

enum {
	READ_DAMAGE_TEXT = 160,
	READ_DAMAGE_MAX = 16, /* kinds of damage told apart; all are counted */
};

struct read_damage {
	char text[READ_DAMAGE_TEXT];
	uint64_t count; /* times that the same was met */
};

/* Entries of one type, by number; those that the file lacks have no `present`. */
struct read_table {
	unsigned char *entries;
	bool *present;
	size_t count;
};

/* Bytes of a DUMP_STRINGS or DUMP_STACKS block. */
struct read_span {
	uint64_t offset, size;
	unsigned char *bytes;
	uint16_t type;
};

struct read_block {
	uint64_t offset, size, address, used, content_check;
	uint32_t entry_size, first, lane;
	uint16_t type, header_size;
	bool left_out; /* its contents are damaged */
};

struct dump {
	struct dump_source source;
	struct dump_header header; /* its texts are terminated */
	bool header_damaged;       /* its numbers and texts may be wrong */
	uint64_t page;             /* where blocks may begin: at multiples of it */
	struct read_block *blocks; /* by offset */
	size_t block_count, block_capacity;
	struct read_span *spans; /* by offset */
	size_t span_count;
	struct read_table modules, routines, sites, namespaces;
	struct read_damage damage[READ_DAMAGE_MAX];
	size_t damage_count;
	uint64_t damage_total;
};

/* Reads everything but the counts. `dump` is to be closed whatever the result. */
enum read_status dump_open(struct dump *dump, const struct dump_source *source);
void dump_close(struct dump *dump);

/* The text behind a reference, terminated; NULL for 0 and for what is not there. */
const char *dump_text(struct dump *dump, uint64_t reference);

/* The stack behind a reference, all of its `count` addresses readable; NULL if it is not there. */
const struct dump_stack *dump_stack_at(struct dump *dump, uint64_t reference);

/* By number; NULL if it is not there. */
const struct dump_module *dump_module_at(const struct dump *dump, uint32_t number);
const struct dump_routine *dump_routine_at(const struct dump *dump, uint32_t number);
const struct dump_site *dump_site_at(const struct dump *dump, uint32_t number);
const struct dump_namespace *dump_namespace_at(const struct dump *dump, uint32_t number);

/* Finds the row of a call in flight in `lane`, by its address in the process, and its number in the lane. */
bool dump_row_of_frame(struct dump *dump, uint32_t lane, uint64_t address, struct dump_row *row, uint32_t *number);

/* Entries of one type of block, in the file's order. */
struct dump_cursor {
	struct dump *dump;
	unsigned char *buffer;
	size_t struct_size, buffered, taken; /* of the buffer: entries */
	size_t block, next_block;
	uint64_t position; /* of the next entry to read, in its block */
	uint32_t number, lane; /* of the entry that was handed out last */
	uint16_t type;
	uint64_t entry[sizeof(struct dump_lane) / 8]; /* for entries shorter than today's */
};

/* `struct_size` is that of the type's struct. */
void dump_cursor_open(struct dump_cursor *cursor, struct dump *dump, enum dump_block_type type, size_t struct_size);
/* The next entry, valid until the next call; NULL at the end. */
const void *dump_cursor_next(struct dump_cursor *cursor);
void dump_cursor_close(struct dump_cursor *cursor);

/* Notes one more piece of damage. */
void dump_damaged(struct dump *dump, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
