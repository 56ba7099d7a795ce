/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * narrow.h - the steps of price programs in 64 bits, for price.c and for the short programs that the generator turns
 * into C.
 * They must never round or wrap: a step returns false if its result does not fit.
 */
#ifndef FLOPSHIM_PRICE_NARROW_H
#define FLOPSHIM_PRICE_NARROW_H

#include <stdbool.h>
#include <stdint.h>

#include "price/price.h"

/* The input of a price program. */
struct price_machine {
	const int64_t *shape;    /* options, then dimensions */
	bool complex, is_double; /* the type of the routine */
	bool real_is_one;        /* whether work inside real() counts: false leaves it out of the result */
};

/* Returns a shape argument; 0 if it is negative. */
static inline int64_t shape_value(const struct price_machine *machine, unsigned number)
{
	int64_t value = machine->shape[number];

	return value < 0 ? 0 : value;
}

static inline bool multiply_narrow(int64_t a, int64_t b, int64_t *product)
{
	return !__builtin_mul_overflow(a, b, product);
}

static inline bool power_narrow(int64_t base, unsigned exponent, int64_t *result)
{
	int64_t x = base;

	while (--exponent)
		if (!multiply_narrow(x, base, &x))
			return false;
	*result = x;
	return true;
}

static inline int64_t floor_divide_narrow(int64_t x, int64_t by) { return x / by - (x % by < 0); }

static inline int64_t ceil_divide_narrow(int64_t x, int64_t by) { return floor_divide_narrow(x, by) + (x % by != 0); }

static inline int64_t quotient_narrow(int64_t y, int64_t x) { return y > 0 && x > 0 ? y / x : 0; }

/* Returns x / by, rounded to the nearest integer, halves up; 0 for negative x. `by` is positive. */
static inline uint64_t round_narrow(int64_t x, int64_t by)
{
	return x <= 0 ? 0 : (uint64_t)(x / by) + (2 * (uint64_t)(x % by) >= (uint64_t)by);
}

static inline int64_t log2_narrow(int64_t x) { return x < 1 ? 0 : 63 - __builtin_clzll((unsigned long long)x); }

/* ---- programs that the generator has turned into C ---- */

/*
 * Computes price `number` (`native` of struct family) and fills all of *price but flops and saturated. Returns false,
 * and writes nothing to *price, if there is no such price or a step does not fit in 64 bits. The generator writes it.
 */
bool price_native(unsigned number, struct price_machine *machine, struct price *price);

/*
 * Runs a program that contains real(): stores work on real numbers in *real, and all other work in *rest. In complex
 * types the program runs once with real work and once without, and *real is the difference; in real types *rest is
 * everything and *real is left alone. Returns false if a step does not fit.
 */
static inline __attribute__((always_inline)) bool parted(bool (*program)(const struct price_machine *, uint64_t *),
                                                         struct price_machine *machine, uint64_t *rest, uint64_t *real)
{
	uint64_t all;

	machine->real_is_one = true;
	if (!machine->complex)
		return program(machine, rest);
	if (!program(machine, &all))
		return false;
	machine->real_is_one = false;
	if (!program(machine, rest))
		return false;
	*real = all > *rest ? all - *rest : 0;
	return true;
}

static inline void parts_copy(const struct price *parts, struct price *price)
{
	price->muls = parts->muls;
	price->adds = parts->adds;
	price->real_muls = parts->real_muls;
	price->real_adds = parts->real_adds;
	price->words = parts->words;
}

/* For a family whose additions are priced by the same program as its multiplications. Returns true. */
static inline bool adds_are_muls(struct price *price)
{
	price->adds = price->muls;
	price->real_adds = price->real_muls;
	return true;
}

#endif
