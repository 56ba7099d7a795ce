/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * inline.h - price_inline, which is price_shape for the call path to inline.
 * It must never hold more than what is cheaper inline than as a function call.
 */
#ifndef FLOPSHIM_PRICE_INLINE_H
#define FLOPSHIM_PRICE_INLINE_H

#include "price/narrow.h"

/* Runs the price programs of `family` and fills all of *price but flops. `machine` has the shape and the type. */
void price_run_programs(const struct family *family, struct price_machine *machine, struct price *price);

/*
 * Sum and product of prices. A result above INT64_MAX becomes INT64_MAX, and *saturated true; else that stays as it is.
 */
static inline uint64_t saturating_add(uint64_t a, uint64_t b, bool *saturated)
{
	uint64_t sum;

	if (__builtin_add_overflow(a, b, &sum) || sum > INT64_MAX) {
		*saturated = true;
		return INT64_MAX;
	}
	return sum;
}

static inline uint64_t saturating_mul(uint64_t a, uint64_t b, bool *saturated)
{
	uint64_t product;

	if (__builtin_mul_overflow(a, b, &product) || product > INT64_MAX) {
		*saturated = true;
		return INT64_MAX;
	}
	return product;
}

static inline bool is_complex(const struct routine *routine)
{
	return routine->type == TYPE_C || routine->type == TYPE_Z;
}

static inline bool is_double(const struct routine *routine)
{
	return routine->type == TYPE_D || routine->type == TYPE_Z;
}

static inline uint64_t weigh_complex(const struct price *price, bool *saturated)
{
	uint64_t muls = saturating_mul(price->muls, 6, saturated), adds = saturating_mul(price->adds, 2, saturated);
	uint64_t real = saturating_add(price->real_muls, price->real_adds, saturated);

	return saturating_add(saturating_add(muls, adds, saturated), real, saturated);
}

/* Does what price_shape does. */
static inline __attribute__((always_inline)) void price_inline(const struct routine *routine, const int64_t *shape,
                                                               struct price *price)
{
	const struct family *family = &families[routine->family];
	struct price_machine machine = {
		.shape = shape, .complex = is_complex(routine), .is_double = is_double(routine), .real_is_one = true};

	price->saturated = false;
	if (!price_native(family->native, &machine, price))
		price_run_programs(family, &machine, price);
	price->flops = machine.complex ? weigh_complex(price, &price->saturated)
	                               : saturating_add(price->muls, price->adds, &price->saturated);
}

#endif
