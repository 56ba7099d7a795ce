/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * dump_writer.h - makes dumps in memory for the tests of flopshim-report.
 * It must never share code with the shim or the reader, so that it is an independent reading of flopshim_dump.h.
 */
#ifndef TESTS_DUMP_WRITER_H
#define TESTS_DUMP_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "flopshim_dump.h"

enum { WRITER_TYPES = DUMP_LOG + 1 };

/* The block of a type that is being filled. For rows it is a block of `lane`; another lane begins a new block. */
struct writer_block {
	uint64_t offset; /* 0: there is none yet */
	uint32_t lane;
};

struct writer {
	unsigned char *bytes; /* the file */
	size_t size, capacity;
	struct writer_block open[WRITER_TYPES];
	uint32_t counts[WRITER_TYPES]; /* entries so far */
	uint32_t row_counts[64];       /* rows so far, by lane */
	uint32_t page;                 /* size of a page, in bytes */
	uint32_t block_pages;          /* size of new blocks, in pages */
	uint32_t extra_entry_bytes;    /* by how much entries are longer than today's, as in a later version */
};

/* Begins the dump of a running process `pid` on "testhost", priced by table "table-1". writer_free ends it. */
void writer_open(struct writer *writer, uint32_t pid);
/* The same on a machine with pages of `page` bytes. */
void writer_open_paged(struct writer *writer, uint32_t pid, uint32_t page);
void writer_free(struct writer *writer);

static inline struct dump_header *writer_header(struct writer *writer)
{
	return (struct dump_header *)(void *)writer->bytes;
}

/* Adds a string and returns the reference to it. */
uint64_t writer_string(struct writer *writer, const char *text);

/* Adds an entry of a fixed size and returns its number. The functions below that return 32 bits return it too. */
uint32_t writer_add(struct writer *writer, enum dump_block_type type, const void *entry, size_t size);

void writer_meta(struct writer *writer, const char *key, const char *value);
void writer_note(struct writer *writer, enum dump_note_kind kind, const char *text, uint64_t count);
uint32_t writer_module(struct writer *writer, const char *path, uint64_t start, uint32_t flags, const void *build_id,
                       uint32_t build_id_size);
/* `shape` has the names of options, then a |, then the names of dimensions: "transa transb|m n k". */
uint32_t writer_routine(struct writer *writer, const char *name, enum dump_kind kind, const char *shape);
uint32_t writer_site(struct writer *writer, const char *symbol, uint32_t routine, uint64_t caller,
                     uint32_t caller_module, uint32_t callee_module);
uint32_t writer_namespace(struct writer *writer, const char *path, uint32_t parent);
uint32_t writer_lane(struct writer *writer, const struct dump_lane *lane);
uint32_t writer_row(struct writer *writer, uint32_t lane, const struct dump_row *row);
/* Sets the row of a call in flight: `frame` counts the lane's calls in flight, `row` its rows, both from 0. */
void writer_frame(struct writer *writer, uint32_t lane, unsigned frame, uint32_t row);
void writer_log(struct writer *writer, uint32_t lane, const struct dump_call *call);
/* Adds a stack and returns the reference to it. `python` refers to a string with its Python frames, or is 0. */
uint64_t writer_stack(struct writer *writer, const uint64_t *addresses, uint32_t count, uint64_t python);

/* Adds a block of a type that only a later version knows. */
void writer_unknown_block(struct writer *writer);

/* Makes it a dump of layout 1, whose header did not state its layout, and whose pages had DUMP_PAGE_LEAST bytes. */
void writer_first_layout(struct writer *writer);

/* Sets the check words of the header. It must be called again whenever the header has changed. */
void writer_check(struct writer *writer);
/* Sets the state, and the check words of the header and of the contents of all blocks. */
void writer_close(struct writer *writer, enum dump_state state);

/* Makes a row with the dimensions a, b and c. `flops` are those of one call; `options` has their letters ("NT"). */
struct dump_row writer_call(uint32_t site, uint64_t calls, uint64_t flops, const char *options, int64_t a, int64_t b,
                            int64_t c);

/* Writes the dump into a file. Returns false if that failed. */
bool writer_save(const struct writer *writer, const char *path);

#endif
