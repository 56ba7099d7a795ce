/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * number.h - exact counts: sums of 64-bit prices over 64-bit calls need 128 bits, and saturate.
 * It must never round what goes into JSON or CSV.
 */
#ifndef ANALYZER_NUMBER_H
#define ANALYZER_NUMBER_H

#include <stdint.h>

typedef unsigned __int128 u128;

#define U128_MAX (~(u128)0)

enum { NUMBER_TEXT = 64 }; /* bytes that every text below fits in */

static inline u128 u128_add(u128 a, u128 b)
{
	u128 sum = a + b;

	return sum < a ? U128_MAX : sum;
}

static inline uint64_t u64_saturate(u128 value)
{
	return value > UINT64_MAX ? UINT64_MAX : (uint64_t)value;
}

/* a * b / c, rounded down, whatever size the product has; U128_MAX where the result does not fit. c > 0. */
u128 u128_scale(u128 a, u128 b, u128 c);

/* Each writes a terminated text and returns it. */
char *number_exact(u128 value, char text[NUMBER_TEXT]);   /* 48000000 */
char *number_grouped(u128 value, char text[NUMBER_TEXT]); /* 48,000,000 */
char *number_short(u128 value, char text[NUMBER_TEXT]);   /* 48.00 M */
char *number_time(double ns, char text[NUMBER_TEXT]);     /* 12.3 ms */

#endif
