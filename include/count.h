/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * count.h - sums of counts that stay at the end of 64 bits instead of beginning again.
 * It must never be for prices, which have 63 bits and say so where they do not fit: see price/inline.h.
 */
#ifndef FLOPSHIM_COUNT_H
#define FLOPSHIM_COUNT_H

#include <stdint.h>

static inline uint64_t count_plus(uint64_t a, uint64_t b)
{
	uint64_t sum;

	return __builtin_add_overflow(a, b, &sum) ? UINT64_MAX : sum;
}

static inline uint64_t count_minus(uint64_t a, uint64_t b) { return b < a ? a - b : 0; }

static inline uint64_t count_times(uint64_t a, uint64_t b)
{
	uint64_t product;

	return __builtin_mul_overflow(a, b, &product) ? UINT64_MAX : product;
}

#endif
