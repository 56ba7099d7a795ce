/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * price.h - computes the price of a call from its shape, exactly, by the programs made of the routine table.
 * It must never touch a floating-point register, since these still hold arguments of the call.
 */
#ifndef FLOPSHIM_PRICE_H
#define FLOPSHIM_PRICE_H

#include <stdbool.h>
#include <stdint.h>

#include "price/routines.h"

/*
 * The price of a call. In real types flops == muls + adds; in complex types
 * flops == 6 * muls + 2 * adds + real_muls + real_adds. Work on real numbers, which is real(x) in the table, counts in
 * real_muls and real_adds in complex types, and in muls and adds in real ones. Each member saturates at INT64_MAX.
 */
struct price {
	uint64_t muls, adds, real_muls, real_adds;
	uint64_t flops;
	uint64_t words; /* least memory traffic, in elements of the routine's type */
	bool saturated; /* some member did not fit in 63 bits */
};

/*
 * Computes the price of one call of a routine. `shape` holds the options of the family (upper-case letters as numbers),
 * then its dimensions. The price is 0 for exempt and unpriced families.
 * It may be called from any thread and from signal handlers, and allocates nothing.
 */
void price_shape(const struct routine *routine, const int64_t *shape, struct price *price);

/*
 * Returns the FLOPs that the blocked algorithm does beyond the price; 0 if the table does not say. `shape` is as above.
 */
uint64_t price_blocked(const struct routine *routine, const int64_t *shape);

#endif
