/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * leb128.h - numbers in as few bytes as they need: unsigned LEB128, and zigzag for those that may be negative.
 * It must never read beyond the end of the bytes.
 */
#ifndef ANALYZER_LEB128_H
#define ANALYZER_LEB128_H

#include <stdbool.h>

#include "analyzer/base/number.h"
#include "analyzer/base/text.h"

/* Appends a number, seven bits a byte, the lowest first; the high bit of a byte says that more follow. */
static inline void leb128_add(struct text *text, u128 number)
{
	for (; number >= 0x80; number >>= 7)
		text_add_byte(text, (char)(number | 0x80));
	text_add_byte(text, (char)number);
}

/* A difference modulo 2^128 as a small number if it is near 0 from either side: 0, -1, 1, -2 ... become 0, 1, 2, 3 ... */
static inline u128 zigzag(u128 difference) { return difference << 1 ^ (difference >> 127 ? ~(u128)0 : 0); }

/* Takes a number below 2^64 from *at. Returns false if it ends at `end`, or is larger. */
static inline bool leb128_take(const unsigned char **at, const unsigned char *end, uint64_t *number)
{
	*number = 0;
	for (unsigned shift = 0; shift < 64 && *at < end; shift += 7) {
		unsigned char byte = *(*at)++;

		if (shift == 63 && byte > 1)
			return false;
		*number |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80))
			return true;
	}
	return false;
}

#endif
