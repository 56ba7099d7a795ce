/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * weights.h - what a call is charged: its price times multiplier and weights.
 */
#ifndef FLOPSHIM_WEIGHTS_H
#define FLOPSHIM_WEIGHTS_H

#include <stdbool.h>
#include <stdint.h>

#include "price/inline.h"
#include "price/routines.h"
#include "shim/charge/namespace.h"
#include "shim/state/shape.h"
#include "shim/state/state.h"

/*
 * Reads the file of weights, or the lines themselves: a value with a newline. A fault in it ends the process with status 2, file
 * and line. Programs that this one starts find the same weights, wherever they begin. Once, in the constructor.
 */
void weights_start(const char *given);

/*
 * flops * weight * multiplier, the multiplier times 2^32, rounded to the nearest integer; never from something to
 * nothing but by a weight of 0. A routine of NULL has no weight. Sets *saturated where it does not fit into 63 bits, and
 * where the multiplier is UINT64_MAX.
 */
uint64_t weights_apply(const struct routine *routine, uint64_t multiplier, uint64_t flops, bool *saturated);

/*
 * What one call of this shape is charged in a namespace; *price is its raw price, whose `saturated` says for both if
 * they did not fit. Makes the letters of the shape. On the call path: uses no vector register.
 */
uint64_t weights_price(const struct routine *routine, struct shape *shape, uint32_t namespace_id, struct price *price);

#define WEIGHT_ONE ((uint64_t)1 << 32)

/* Factor of each routine, times WEIGHT_ONE; NULL while all are 1. */
extern uint64_t *weights_factors __attribute__((visibility("hidden")));

/* weights_price of a routine with so many options, for the call path to inline. */
static inline __attribute__((always_inline)) uint64_t
weights_price_inline(const struct routine *routine, struct shape *shape, unsigned option_count, uint32_t namespace_id,
		     struct price *price)
{
	int64_t *values = &shape->values[SHAPE_OPTIONS_MAX - option_count];
	uint64_t options = shape->options;

	for (int64_t *letter = values; letter < shape->dims; letter++, options >>= 8)
		*letter = (unsigned char)options;
	price_inline(routine, values, price);
	return likely(!weights_factors && !namespace_multiplies)
		       ? price->flops
		       : weights_apply(routine, namespace_multiplier(namespace_id), price->flops, &price->saturated);
}

#endif
