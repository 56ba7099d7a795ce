/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * narrow.h - the steps of price programs in 64 bits, for price.c and for the short prices that the generator
 * turns into C.
 * They must never round or wrap: a step that does not fit returns false.
 */
#ifndef FLOPSHIM_PRICE_NARROW_H
#define FLOPSHIM_PRICE_NARROW_H

#include <stdbool.h>
#include <stdint.h>

#include "price/price.h"

/* What a program may ask for. */
struct price_machine {
	const int64_t *shape;
	bool complex, is_double;
	bool real_is_one; /* the indeterminate of real() is 1; else 0 */
};

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

static inline int64_t floor_divide_narrow(int64_t x, int64_t by)
{
	return x / by - (x % by < 0);
}

static inline int64_t ceil_divide_narrow(int64_t x, int64_t by)
{
	return floor_divide_narrow(x, by) + (x % by != 0);
}

static inline int64_t quotient_narrow(int64_t y, int64_t x) { return y > 0 && x > 0 ? y / x : 0; }

/* x / by to the nearest integer, halves up; 0 for negative x. */
static inline uint64_t round_narrow(int64_t x, int64_t by)
{
	return x <= 0 ? 0 : (uint64_t)(x / by) + (2 * (uint64_t)(x % by) >= (uint64_t)by);
}

static inline int64_t log2_narrow(int64_t x) { return x < 1 ? 0 : 63 - __builtin_clzll((unsigned long long)x); }

/* ---- prices that the generator has written as C ---- */

/*
 * The parts of the price with this number; leaves flops and saturated alone. False if there is none, or a step does not
 * fit into 64 bits: then it has written nothing.
 */
bool price_native(unsigned number, struct price_machine *machine, struct price *price);

/* A column that knows real work: in complex types the program runs once with it and once without. */
static inline __attribute__((always_inline)) bool
parted(bool (*program)(const struct price_machine *, uint64_t *), struct price_machine *machine, uint64_t *rest,
       uint64_t *real)
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

static inline bool adds_are_muls(struct price *price)
{
	price->adds = price->muls;
	price->real_adds = price->real_muls;
	return true;
}

#endif
