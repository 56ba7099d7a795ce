/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * deflate.h - compresses bytes and gets them back, in the zlib format (RFC 1950), by zlib where the build has found it.
 * It must never give back bytes whose check sum is wrong.
 */
#ifndef ANALYZER_DEFLATE_H
#define ANALYZER_DEFLATE_H

#include "analyzer/base/text.h"

/* Why the functions below do nothing; NULL if they work. */
const char *deflate_missing(void);

/* Appends the bytes, compressed. Equal bytes become equal bytes. There must be zlib: see deflate_missing. */
void deflate_add(struct text *text, const void *bytes, size_t size);

/*
 * Gets back compressed bytes, to be freed, with a 0 behind them, and sets *length. Returns NULL if they are damaged or cut, or
 * if there is no memory, or no zlib; or if they are more than `most`, in which case *length is more, too. A few bytes can stand for
 * a thousand times as many.
 */
unsigned char *inflate_bytes(const void *bytes, size_t size, size_t most, size_t *length);

#endif
