// SPDX-License-Identifier: BSD-3-Clause
/*
 * rational.c - arithmetic on fractions of integers, the constants of prices.
 * It must never round: a result that does not fit ends the generator.
 */
#include "generate/compile.h"

uint64_t gcd(uint64_t a, uint64_t b)
{
	while (b) {
		uint64_t rest = a % b;

		a = b;
		b = rest;
	}
	return a;
}

uint64_t magnitude(int64_t value) { return value < 0 ? -(uint64_t)value : (uint64_t)value; }

uint64_t multiply_dens(const struct scope *scope, uint64_t a, uint64_t b)
{
	uint64_t product;

	if (__builtin_mul_overflow(a, b, &product) || product > INT64_MAX)
		fail_expression(&scope->location, "a denominator that does not fit in 63 bits");
	return product;
}

struct rational make_rational(const struct scope *scope, __int128 num, uint64_t den)
{
	uint64_t common = gcd((uint64_t)((num < 0 ? -num : num) % den), den);

	num /= (__int128)common;
	if (num > INT64_MAX || num < -INT64_MAX)
		fail_expression(&scope->location, "a constant that does not fit in 63 bits");
	return (struct rational){(int64_t)num, den / common};
}

struct rational add_rationals(const struct scope *scope, struct rational a, struct rational b)
{
	uint64_t common = gcd(a.den, b.den);
	__int128 left = (__int128)a.num * (int64_t)(b.den / common);
	__int128 right = (__int128)b.num * (int64_t)(a.den / common);

	return make_rational(scope, left + right, multiply_dens(scope, a.den / common, b.den));
}

struct rational multiply_rationals(const struct scope *scope, struct rational a, struct rational b)
{
	return make_rational(scope, (__int128)a.num * b.num, multiply_dens(scope, a.den, b.den));
}

int compare_rationals(struct rational a, struct rational b)
{
	__int128 difference = (__int128)a.num * (int64_t)b.den - (__int128)b.num * (int64_t)a.den;

	return difference < 0 ? -1 : difference > 0;
}

int64_t floor_rational(struct rational x)
{
	return x.num >= 0 ? x.num / (int64_t)x.den : -((-x.num + (int64_t)x.den - 1) / (int64_t)x.den);
}
