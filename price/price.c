// SPDX-License-Identifier: BSD-3-Clause
/*
 * price.c - runs the price programs that generate/ wrote, first in 64 bits and, where that does not suffice, in 128.
 * It must never use floating point, allocate or recurse: it runs inside the caller's BLAS call.
 */
#include "price/price.h"

#include "price/inline.h"
#include "price/narrow.h"
#include "price/program.h"

typedef __int128 wide;
typedef unsigned __int128 uwide;

static int64_t read64(const uint16_t *at)
{
	return (int64_t)((uint64_t)at[0] | (uint64_t)at[1] << 16 | (uint64_t)at[2] << 32 | (uint64_t)at[3] << 48);
}

/* --- 64 bits: enough for nearly every call, and more than twice as fast ---------------------- */

#define NUMBER      int64_t
#define WIDTH(name) name##_narrow
#include "price/machine.h"
#undef NUMBER
#undef WIDTH

/* --- 128 bits -------------------------------------------------------------------------------- */

/* Not __builtin_mul_overflow: clang makes it a call of a function that libgcc does not have. */
static bool multiply_wide(wide a, wide b, wide *product)
{
	uwide x = a < 0 ? -(uwide)a : (uwide)a, y = b < 0 ? -(uwide)b : (uwide)b;
	uwide cross, low;

	if (x >> 64 && y >> 64)
		return false;
	cross = (x >> 64) * (uint64_t)y + (y >> 64) * (uint64_t)x;
	low = (uwide)(uint64_t)x * (uint64_t)y;
	if (cross >> 63 || __builtin_add_overflow(low, cross << 64, &low) || low >> 127)
		return false;
	*product = (a < 0) != (b < 0) ? -(wide)low : (wide)low;
	return true;
}

static bool power_wide(wide base, unsigned exponent, wide *result)
{
	wide x = base;

	while (--exponent)
		if (!multiply_wide(x, base, &x))
			return false;
	*result = x;
	return true;
}

static wide floor_divide_wide(wide x, int64_t by)
{
	wide quotient = x / by;

	return quotient - (quotient * by > x);
}

static wide ceil_divide_wide(wide x, int64_t by) { return floor_divide_wide(x, by) + (x % by != 0); }

static wide quotient_wide(wide y, wide x) { return y > 0 && x > 0 ? y / x : 0; }

static int log2_wide(wide x)
{
	if (x >> 64 > 0)
		return 127 - __builtin_clzll((unsigned long long)(x >> 64));
	return x < 1 ? 0 : 63 - __builtin_clzll((unsigned long long)x);
}

#define NUMBER      wide
#define WIDTH(name) name##_wide
#include "price/machine.h"
#undef NUMBER
#undef WIDTH

/* --- prices ---------------------------------------------------------------------------------- */

/* Returns x / by, rounded to the nearest integer, halves up; 0 for negative x, INT64_MAX if that does not fit. */
static uint64_t round_price(wide x, int64_t by, bool *saturated)
{
	wide quotient;

	if (x <= 0)
		return 0;
	quotient = x / by + (2 * (uint64_t)(x % by) >= (uint64_t)by);
	if (quotient > INT64_MAX) {
		*saturated = true;
		return INT64_MAX;
	}
	return (uint64_t)quotient;
}

/* Returns the result of a program. If a step does not even fit in 127 bits, that is INT64_MAX, and *saturated true. */
static uint64_t run(const struct price_machine *machine, const uint16_t *program, bool *saturated)
{
	int64_t narrow, den;
	wide result;

	if (run_narrow(machine, program + 1, &narrow, &den))
		return round_narrow(narrow, den);
	if (run_wide(machine, program + 1, &result, &den))
		return round_price(result, den, saturated);
	*saturated = true;
	return INT64_MAX;
}

/*
 * Runs a column of a complex type with and without work on real numbers. Returns the result without it, and stores the
 * difference in *real_work.
 */
static uint64_t run_parted(struct price_machine *machine, const uint16_t *program, uint64_t *real_work, bool *saturated)
{
	uint64_t all, rest;

	machine->real_is_one = true;
	all = run(machine, program, saturated);
	*real_work = 0;
	if (!(program[0] & PROGRAM_HAS_REAL))
		return all;
	machine->real_is_one = false;
	rest = run(machine, program, saturated);
	*real_work = all > rest ? all - rest : 0;
	return rest;
}

/*
 * Assigns each member by itself, since the shim is compiled without vector registers: a compiler then clears a whole
 * struct by `rep stos`, which takes 10 ns.
 */
static void price_clear(struct price *price)
{
	price->muls = 0;
	price->adds = 0;
	price->real_muls = 0;
	price->real_adds = 0;
	price->flops = 0;
	price->words = 0;
	price->saturated = false;
}

void price_run_programs(const struct family *family, struct price_machine *machine, struct price *price)
{
	price_clear(price);
	if (family->muls == PROGRAM_NONE)
		return;
	machine->real_is_one = true;
	price->words = run(machine, &programs[family->words], &price->saturated);
	if (!machine->complex) {
		price->muls = run(machine, &programs[family->muls], &price->saturated);
		price->adds = family->adds == family->muls ? price->muls
		                                           : run(machine, &programs[family->adds], &price->saturated);
		return;
	}
	price->muls = run_parted(machine, &programs[family->muls], &price->real_muls, &price->saturated);
	price->adds = price->muls;
	price->real_adds = price->real_muls;
	if (family->adds != family->muls)
		price->adds = run_parted(machine, &programs[family->adds], &price->real_adds, &price->saturated);
}

void price_shape(const struct routine *routine, const int64_t *shape, struct price *price)
{
	price_inline(routine, shape, price);
}

uint64_t price_blocked(const struct routine *routine, const int64_t *shape)
{
	const struct family *family = &families[routine->family];
	struct price_machine machine = {
		.shape = shape, .complex = is_complex(routine), .is_double = is_double(routine), .real_is_one = true};
	bool saturated = false;

	if (family->blocked == PROGRAM_NONE)
		return 0;
	return run(&machine, &programs[family->blocked], &saturated);
}
