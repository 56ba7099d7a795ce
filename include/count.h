/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * count.h - saturating arithmetic on counts: a result that does not fit in 64 bits is UINT64_MAX, a negative one 0.
 * It must never be used for prices, which saturate at 63 bits and report that they did: see price/inline.h.
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
