/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * weights.h - what a call is charged: its price times multiplier and weights.
 * It must never use floating point or a vector register, since the call path prices calls.
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
 * Reads the weights: from the file of this name, or the lines themselves where the value has a newline. An error ends
 * the process with status 2, and a line that names file and line. Programs that this one starts find the same
 * weights, in whatever directory they begin. Called once, in the constructor.
 */
void weights_start(const char *given);

/*
 * Returns flops * weight * multiplier, rounded to the nearest integer; `multiplier` is times 2^32. What is not 0
 * becomes 0 only by a weight of 0. If `routine` is NULL, there is no weight. Sets *saturated where the result does
 * not fit into 63 bits, or the multiplier is UINT64_MAX.
 */
uint64_t weights_apply(const struct routine *routine, uint64_t multiplier, uint64_t flops, bool *saturated);

/*
 * What one call of this shape is charged in a namespace. *price is its price before weights, and its `saturated` says
 * that one of the two did not fit. Fills in the letters of the shape. For the call path too: uses no vector register.
 */
uint64_t weights_price(const struct routine *routine, struct shape *shape, uint32_t namespace_id, struct price *price);

#define WEIGHT_ONE ((uint64_t)1 << 32)

/* The weight of each routine, times WEIGHT_ONE; NULL while all are 1. */
extern uint64_t *weights_factors __attribute__((visibility("hidden")));

/* Does what weights_price does for a routine with so many options, inlined into the call path. */
static inline __attribute__((always_inline)) uint64_t weights_price_inline(const struct routine *routine,
                                                                           struct shape *shape, unsigned option_count,
                                                                           uint32_t namespace_id, struct price *price)
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
