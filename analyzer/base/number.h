/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * number.h - 128-bit counts, and numbers as text. A sum of 64-bit prices over 64-bit numbers of calls needs 128 bits, and
 * saturates beyond.
 * It must never round a number that goes into JSON or CSV: number_exact is for these.
 */
#ifndef ANALYZER_NUMBER_H
#define ANALYZER_NUMBER_H

#include <stdint.h>

typedef unsigned __int128 u128;

#define U128_MAX (~(u128)0)

enum { NUMBER_TEXT = 64 }; /* bytes of a buffer that every text below fits in */

/* Returns a + b, or U128_MAX if the sum does not fit. */
static inline u128 u128_add(u128 a, u128 b)
{
	u128 sum = a + b;

	return sum < a ? U128_MAX : sum;
}

/* These turn a number into two words, of which the lower one comes first, and back. */
static inline u128 u128_join(const uint64_t words[2]) { return (u128)words[1] << 64 | words[0]; }
static inline void u128_split(u128 value, uint64_t words[2])
{
	words[0] = (uint64_t)value;
	words[1] = (uint64_t)(value >> 64);
}

/* Returns the value, or UINT64_MAX if it does not fit. */
static inline uint64_t u64_saturate(u128 value) { return value > UINT64_MAX ? UINT64_MAX : (uint64_t)value; }

/*
 * Returns a * b / c, rounded down. The product may have up to 256 bits. Where the result does not fit, it is U128_MAX.
 * c must not be 0.
 */
u128 u128_scale(u128 a, u128 b, u128 c);

/* These write a terminated text into the caller's buffer and return the buffer. */
char *number_exact(u128 value, char text[NUMBER_TEXT]);   /* every digit: 48000000 */
char *number_grouped(u128 value, char text[NUMBER_TEXT]); /* every digit, in groups of three: 48,000,000 */
char *number_short(u128 value, char text[NUMBER_TEXT]);   /* four significant digits, if there are more: 48.00 M */
char *number_time(double ns, char text[NUMBER_TEXT]);     /* nanoseconds in a unit that suits them: 12.3 ms */

#endif
