/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * pack.h - a dump in columns, which a compressor makes small: each member of its entries stands beside that of the entry
 * before, as the difference of the two.
 * It must never give back other bytes than those that were packed.
 */
#ifndef ANALYZER_PACK_H
#define ANALYZER_PACK_H

#include "analyzer/base/text.h"
#include "analyzer/read/read.h"

/* A dump in memory, as a source for dump_open. The source is valid as long as the bytes are, and is not moved. */
struct dump_memory {
	const unsigned char *bytes;
	size_t size;
};

struct dump_source dump_memory_source(struct dump_memory *memory);

/* Appends the packed dump to `packed`. Any bytes can be packed, but only those of a sound dump become smaller. */
void pack_dump(struct text *packed, const void *bytes, size_t size);

/* Unpacks a dump. Returns its bytes, to be freed, and sets *size; NULL if `packed` is damaged or there is no memory. */
unsigned char *unpack_dump(const void *packed, size_t length, size_t *size);

#endif
