/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * dump_writer.h - makes dumps in memory, from flopshim_dump.h alone: for the analyzer's tests.
 * It must never share code with the shim or the reader: it is the third opinion on the format.
 */
#ifndef TESTS_DUMP_WRITER_H
#define TESTS_DUMP_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "flopshim_dump.h"

enum { WRITER_TYPES = DUMP_LOG + 1 };

/* A block that is being filled, per type; rows have one per lane that changes. */
struct writer_block {
	uint64_t offset; /* 0: none yet */
	uint32_t lane;
};

struct writer {
	unsigned char *bytes; /* the file */
	size_t size, capacity;
	struct writer_block open[WRITER_TYPES];
	uint32_t counts[WRITER_TYPES]; /* entries so far */
	uint32_t row_counts[64];       /* by lane */
	uint32_t page;                 /* bytes */
	uint32_t block_pages;          /* of new blocks */
	uint32_t extra_entry_bytes;    /* as a later version would have: entries longer than today's */
};

/* Begins a dump of process `pid` on "testhost", running, priced by table "table-1". */
void writer_open(struct writer *writer, uint32_t pid);
/* The same on a machine with pages of so many bytes. */
void writer_open_paged(struct writer *writer, uint32_t pid, uint32_t page);
void writer_free(struct writer *writer);

static inline struct dump_header *writer_header(struct writer *writer)
{
	return (struct dump_header *)(void *)writer->bytes;
}

uint64_t writer_string(struct writer *writer, const char *text);

/* Adds an entry of a fixed size and returns its number. */
uint32_t writer_add(struct writer *writer, enum dump_block_type type, const void *entry, size_t size);

void writer_meta(struct writer *writer, const char *key, const char *value);
void writer_note(struct writer *writer, enum dump_note_kind kind, const char *text, uint64_t count);
uint32_t writer_module(struct writer *writer, const char *path, uint64_t start, uint32_t flags, const void *build_id,
                       uint32_t build_id_size);
/* `shape`: names of options, a |, names of dimensions: "transa transb|m n k". */
uint32_t writer_routine(struct writer *writer, const char *name, enum dump_kind kind, const char *shape);
uint32_t writer_site(struct writer *writer, const char *symbol, uint32_t routine, uint64_t caller, uint32_t caller_module,
                     uint32_t callee_module);
uint32_t writer_namespace(struct writer *writer, const char *path, uint32_t parent);
uint32_t writer_lane(struct writer *writer, const struct dump_lane *lane);
uint32_t writer_row(struct writer *writer, uint32_t lane, const struct dump_row *row);
/* Says that call `frame` in flight in the lane is one of that row, by its number in the lane. */
void writer_frame(struct writer *writer, uint32_t lane, unsigned frame, uint32_t row);
void writer_log(struct writer *writer, uint32_t lane, const struct dump_call *call);
/* Returns the reference. */
uint64_t writer_stack(struct writer *writer, const uint64_t *addresses, uint32_t count, uint64_t python);

/* An unknown type of block, as a later version may have. */
void writer_unknown_block(struct writer *writer);

/* A dump of layout 1, of DUMP_PAGE_LEAST alone, which did not say what it is. */
void writer_first_layout(struct writer *writer);

/* The check words: the header's; at closing also those of all contents. */
void writer_check(struct writer *writer);
void writer_close(struct writer *writer, enum dump_state state);

/* The row of a call: options as letters ("NT"). */
struct dump_row writer_call(uint32_t site, uint64_t calls, uint64_t flops, const char *options, int64_t a, int64_t b,
                            int64_t c);

bool writer_save(const struct writer *writer, const char *path);

#endif
