/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * memory_source.h - lets the reader read a dump in memory instead of a file, for the tests and the fuzzer.
 * It must never return bytes past the end of the dump.
 */
#ifndef TESTS_MEMORY_SOURCE_H
#define TESTS_MEMORY_SOURCE_H

#include <string.h>

#include "analyzer/read/read.h"

struct memory_file {
	const unsigned char *bytes;
	uint64_t size;
};

static inline size_t memory_read_at(void *context, uint64_t offset, void *buffer, size_t count)
{
	const struct memory_file *file = context;

	if (offset >= file->size)
		return 0;
	if (count > file->size - offset)
		count = file->size - offset;
	memcpy(buffer, file->bytes + offset, count);
	return count;
}

static inline uint64_t memory_size(void *context) { return ((const struct memory_file *)context)->size; }

/* The source keeps a pointer to `file`, which must live as long as it. */
static inline struct dump_source memory_source(struct memory_file *file)
{
	return (struct dump_source){.context = file, .read_at = memory_read_at, .size = memory_size};
}

#endif
