/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * price.h - evaluates the price programs of the routine table in exact integers.
 * It must never touch a floating-point register: the caller's flags and modes are the program's.
 */
#ifndef FLOPSHIM_PRICE_H
#define FLOPSHIM_PRICE_H

#include <stdbool.h>
#include <stdint.h>

#include "price/routines.h"

/*
 * flops == weight(muls, adds) + real_muls + real_adds, where weight is muls + adds in real types and
 * 6 muls + 2 adds in complex ones. In real types real_muls and real_adds are 0: real(x) is counted in
 * muls and adds. Every field saturates at INT64_MAX, and `saturated` says that one did.
 */
struct price {
	uint64_t muls, adds, real_muls, real_adds;
	uint64_t flops;
	uint64_t words; /* minimal traffic in elements of the routine's type */
	bool saturated;
};

/*
 * Prices one call of routine `routine`. `shape` holds the family's options (upper-case letters as
 * numbers), then its dimensions. Exempt and unpriced families give zeros.
 * Thread-safe, async-signal-safe, allocates nothing.
 */
void price_shape(const struct routine *routine, const int64_t *shape, struct price *price);

/* The FLOPs that the blocked algorithm adds to the price, 0 where the row does not say. */
uint64_t price_blocked(const struct routine *routine, const int64_t *shape);

#endif
