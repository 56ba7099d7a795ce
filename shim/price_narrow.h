/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * price_narrow.h - the steps of price programs in 64 bits, for price.c and for the short programs that the generator
 * turns into C.
 * They must never round or wrap: a step that does not fit returns false.
 */
#ifndef FLOPSHIM_PRICE_NARROW_H
#define FLOPSHIM_PRICE_NARROW_H

#include <stdbool.h>
#include <stdint.h>

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

static inline int64_t log2_narrow(int64_t x) { return x < 1 ? 0 : 63 - __builtin_clzll((unsigned long long)x); }

#endif
