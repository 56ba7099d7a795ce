// SPDX-License-Identifier: BSD-3-Clause
/*
 * test_price.c - tests the price language, from the text of a row to the numbers, on the rows of price.tbl.
 * It must never take an expected value from the program under test: each is the mathematics of the row, written in C.
 *
 * It is linked with price/price.c and with the tables.c that the generator makes of price.tbl alone.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "price/price.h"
#include "find_routine.h"
#include "run_suite.h"

typedef unsigned __int128 uwide;

static struct price price_of(const char *name, const int64_t *shape)
{
	struct price price;

	memset(&price, 0xff, sizeof(price));
	price_shape(find_routine(name), shape, &price);
	return price;
}

#define SHAPE(...) ((const int64_t[]){__VA_ARGS__})

/* Compares the multiplications, additions and words of a routine on real numbers. */
#define CHECK_PRICE(name, shape, want_muls, want_adds, want_words)    \
	do {                                                          \
		struct price got = price_of(name, shape);             \
                                                                      \
		ck_assert_uint_eq(got.muls, (uint64_t)(want_muls));   \
		ck_assert_uint_eq(got.adds, (uint64_t)(want_adds));   \
		ck_assert_uint_eq(got.words, (uint64_t)(want_words)); \
		ck_assert(!got.saturated);                            \
	} while (0)

static void check_mixed(const char *name, uint64_t muls, uint64_t adds, uint64_t real_muls, uint64_t real_adds,
                        uint64_t flops, uint64_t words, const int64_t *shape)
{
	struct price got = price_of(name, shape);

	ck_assert_uint_eq(got.muls, muls);
	ck_assert_uint_eq(got.adds, adds);
	ck_assert_uint_eq(got.real_muls, real_muls);
	ck_assert_uint_eq(got.real_adds, real_adds);
	ck_assert_uint_eq(got.flops, flops);
	ck_assert_uint_eq(got.words, words);
}

START_TEST(weights_follow_the_type)
{
	const char *const names[] = {"sproduct", "dproduct", "cproduct", "zproduct"};

	for (int i = 0; i < 4; i++) {
		struct price got = price_of(names[i], SHAPE(3, 5, 7));

		ck_assert_uint_eq(got.muls, 105);
		ck_assert_uint_eq(got.adds, 105);
		ck_assert_uint_eq(got.real_muls, 0);
		ck_assert_uint_eq(got.real_adds, 0);
		ck_assert_uint_eq(got.flops, i < 2 ? 210 : 6 * 105 + 2 * 105);
		ck_assert_uint_eq(got.words, 15 + 35);
	}
}
END_TEST

START_TEST(operators_bind_as_in_mathematics)
{
	/* 2 + 3 m^2 - 2 n;  -(m^2) + 2 (-n) (-m);  2^(3^2) - (m - n) */
	CHECK_PRICE("dprecedence", SHAPE(4, 9), 2 + 48 - 18, -16 + 72, 512 + 5);
}
END_TEST

START_TEST(a_price_is_rounded_to_nearest_once)
{
	for (int64_t n = 0; n < 100; n++) {
		uint64_t third = (uint64_t)n / 3 + (n % 3 == 2);

		CHECK_PRICE("dhalf", SHAPE(n), (n + 1) / 2, third, (n + 1) / 2);
		CHECK_PRICE("donce", SHAPE(n), n, n, (n * n + 7) / 15);
		CHECK_PRICE("ddecimal", SHAPE(n), (10 * n * n + n + 2) / 4, (9 * n + 4) / 8, n);
	}
}
END_TEST

START_TEST(fractions_are_exact)
{
	uint64_t sum = 0;

	for (int64_t n = 0; n < 2000; n++) {
		sum += (uint64_t)(n * n);
		CHECK_PRICE("dsquares", SHAPE(n), sum, sum, n * n);
	}
}
END_TEST

START_TEST(powers_take_exponents_from_0_to_9)
{
	CHECK_PRICE("dpowers", SHAPE(7), 1 + 7, 40353607, (343 + 4) / 8);
	CHECK_PRICE("dpowers", SHAPE(0), 1, 0, 0);
}
END_TEST

START_TEST(steps_may_need_128_bits)
{
	int64_t m = INT64_C(1) << 40;
	uwide product = (uwide)m * (uwide)m;
	uint64_t quotient = (uint64_t)((2 * product + 1000000007) / (2 * (uwide)1000000007));

	CHECK_PRICE("dlarge", SHAPE(m, m, 0), quotient, 0, 0);
}
END_TEST

START_TEST(large_constants) { CHECK_PRICE("dlarge", SHAPE(0, 0, 10), 0, INT64_C(1234567890120), 699990); }
END_TEST

START_TEST(negative_dimensions_and_prices_are_0)
{
	CHECK_PRICE("dbelow", SHAPE(9, 4), 5, 13, 36);
	CHECK_PRICE("dbelow", SHAPE(4, 9), 0, 13, 36);
	CHECK_PRICE("dbelow", SHAPE(-4, 9), 0, 9, 0);
	CHECK_PRICE("dbelow", SHAPE(9, -1), 9, 9, 0);
	CHECK_PRICE("dbelow", SHAPE(INT64_MIN, -1), 0, 0, 0);
}
END_TEST

START_TEST(floor_and_ceil_round_towards_their_sides)
{
	CHECK_PRICE("drounded", SHAPE(9, 1), 102, 102, 2 + 1);
	CHECK_PRICE("drounded", SHAPE(10, 1), 102, 103, 2 + 1);
	CHECK_PRICE("drounded", SHAPE(1, 10), 97, 98, 0 + 3); /* -9/4 is -2.25 */
	CHECK_PRICE("drounded", SHAPE(2, 10), 98, 98, 0 + 3);
	CHECK_PRICE("dconstant", SHAPE(10), 30, 40, 6);
}
END_TEST

START_TEST(ilog2_rounds_down)
{
	int64_t n = 1;

	for (unsigned exponent = 0; exponent < 31; exponent++, n *= 2) {
		CHECK_PRICE("dlogarithm", SHAPE(n), exponent, exponent ? exponent - 1 : 0, 2 * exponent + 3);
		CHECK_PRICE("dlogarithm", SHAPE(2 * n - 1), exponent, exponent ? exponent - 1 : 0,
		            (exponent ? 2 * exponent + 1 : 0) + 3);
	}
	CHECK_PRICE("dlogarithm", SHAPE(0), 0, 0, 3);
}
END_TEST

START_TEST(quotients_count_whole_blocks)
{
	for (int64_t m = 0; m < 40; m++)
		for (int64_t n = 0; n < 20; n++) {
			int64_t whole = 0, less = 0, parts = 0;

			while (n && (whole + 1) * n <= m)
				whole++;
			while (n > 10 && (less + 1) * (n - 10) <= m - 20)
				less++;
			while (n && (parts + 1) * 2 * n <= 3 * m) /* parts * n/3 <= m/2 */
				parts++;
			CHECK_PRICE("dquotients", SHAPE(m, n), whole, less, parts);
			if (n)
				CHECK_PRICE("dblocks", SHAPE(m, n, 3), 3 * ((m + n - 1) / n), m / 7, 1000 / n);
		}
	CHECK_PRICE("dblocks", SHAPE(INT64_MAX, 2, 1), INT64_C(1) << 62, INT64_MAX / 7,
	            500); /* m + n - 1 needs 64 bits */
	CHECK_PRICE("dblocks", SHAPE(-3, 5, 1), 0, 0, 200);
}
END_TEST

START_TEST(extremes_compare_fractions)
{
	CHECK_PRICE("dextremes", SHAPE(3, 8, 5), 3, 8, 2); /* 3/2 rounded */
	CHECK_PRICE("dextremes", SHAPE(8, 3, 9), 3, 9, 1);
	CHECK_PRICE("dextremes", SHAPE(100, 100, 1), 100, 100, 5);
}
END_TEST

START_TEST(options_choose)
{
	for (int l = 0; l < 2; l++)
		for (int u = 0; u < 2; u++)
			for (int t = 0; t < 2; t++) {
				uint64_t words = l ? 2 : 1;
				uint64_t adds = l && !u ? 10 : !l || t ? 20 : 30;

				CHECK_PRICE("doptions", SHAPE(l ? 'L' : 'R', u ? 'U' : 'L', t ? 'T' : 'F', 10, 20),
				            l ? 10 : 20, adds, words);
			}
	/* A missing option equals no letter. */
	CHECK_PRICE("doptions", SHAPE(0, 0, 0, 10, 20), 20, 30, 1);
}
END_TEST

START_TEST(comparisons)
{
	CHECK_PRICE("dcompared", SHAPE(2, 3), 2 + 4, 1, 2); /* 2/2 and 3/3 are equal */
	CHECK_PRICE("dcompared", SHAPE(3, 3), 1, 1 + 4, 2);
	CHECK_PRICE("dcompared", SHAPE(4, 3), 2, 2 + 4, 2);
	CHECK_PRICE("dcompared", SHAPE(2, 4), 2 + 4, 1, 1);
}
END_TEST

START_TEST(complex_is_1_in_complex_types)
{
	CHECK_PRICE("dtyped", SHAPE(4), 28, 4, 2);
	CHECK_PRICE("styped", SHAPE(3), 21, 3, 2);
	CHECK_PRICE("ztyped", SHAPE(4), 20, 8, 1);
	CHECK_PRICE("ctyped", SHAPE(3), 15, 6, 2);
}
END_TEST

START_TEST(double_tells_z_from_c)
{
	CHECK_PRICE("zprecise", SHAPE(4), 68, 4, 4);
	CHECK_PRICE("cprecise", SHAPE(4), 16, 0, 4);
	CHECK_PRICE("zprecise", SHAPE(3), 51, 3, 3);
	CHECK_PRICE("cprecise", SHAPE(3), 12, 3, 3);
	for (int64_t n = 0; n < 6; n++) {
		CHECK_PRICE("sprecise", SHAPE(n), 2 * n, n, n);
		CHECK_PRICE("dprecise", SHAPE(n), 2 * n, n, n);
		CHECK_PRICE("snot_of", SHAPE(n), 3 * n, n, n);
		CHECK_PRICE("dnot_of", SHAPE(n), 3 * n, n, n);
		CHECK_PRICE("sby_type", SHAPE(n), 2 * n, n, n);
		CHECK_PRICE("dby_type", SHAPE(n), 2 * n, n, n);
	}
	check_mixed("cof_complex", 20, 0, 0, 20, 6 * 20 + 20, 5, SHAPE(5));
	check_mixed("zof_complex", 85, 0, 0, 85, 6 * 85 + 85, 5, SHAPE(5));
	/* A call inside real() means the routine's real type: n additions. */
	check_mixed("cby_type", 20, 0, 0, 5, 6 * 20 + 5, 5, SHAPE(5));
	check_mixed("zby_type", 85, 0, 0, 5, 6 * 85 + 5, 5, SHAPE(5));
}
END_TEST

START_TEST(let_names_a_value)
{
	CHECK_PRICE("dlets", SHAPE(3, 5), 9 * 5, 2 * 225 + 8, 5);
	CHECK_PRICE("dlets", SHAPE(5, 3), 9 * 5, 2 * 225 + 8, 3); /* 3/2 + 3/2 */
}
END_TEST

static int64_t shifted(int64_t a, int64_t b) { return (a + 1) * (a + 1) - b; }

START_TEST(definitions_are_expressions_with_parameters)
{
	int64_t m = 4, n = 3;

	CHECK_PRICE("ddefined", SHAPE(m, n), shifted(m * n, n), shifted(m, 1) * shifted(m, 1),
	            (m * m - n) * (m * m - n));
}
END_TEST

static uint64_t base(char side, int64_t m, int64_t n) { return (uint64_t)(side == 'L' ? m * m * n : m * n * n); }

START_TEST(calls_by_place)
{
	CHECK_PRICE("dby_place", SHAPE('L', 3, 5), base('L', 5, 3), 15, 15 + 1);
	CHECK_PRICE("dby_place", SHAPE('R', 3, 5), base('R', 5, 3), 15, 15 + 1);
}
END_TEST

START_TEST(calls_by_name) { CHECK_PRICE("dby_name", SHAPE(3, 5), base('L', 5, 3), 6, 1 + 5); }
END_TEST

START_TEST(a_negative_dimension_of_a_call_is_0)
{
	CHECK_PRICE("dclamped", SHAPE(7, 5), base('L', 2, 3), 0, 2 * (2 + 5) + 1);
	CHECK_PRICE("dclamped", SHAPE(5, 7), 0, 6, 2 * (0 + 7) + 1);
}
END_TEST

START_TEST(definitions_call_the_column_of_their_row)
{
	/* base: m*m*n or m*n*n multiplications, m*n additions, m + n words */
	CHECK_PRICE("dsummed", SHAPE(3, 5), base('L', 3, 5) + base('R', 3, 5), 2 * 15, 2 * 8);
	CHECK_PRICE("dnested", SHAPE(9, 4), base('L', 5, 2) + base('R', 5, 2), 9 * 2 * 4, 9);
}
END_TEST

START_TEST(calls_in_calls)
{
	/* by_name(m, n) is base('L', n, m); by_place's adds are m*n; clamped's words as above */
	CHECK_PRICE("ddeeper", SHAPE(7, 5), base('L', 5, 7) + base('L', 7, 5), 7 * 25, 2 * (2 + 5) + 1);
}
END_TEST

START_TEST(exempt_and_unpriced_rows_give_zeros)
{
	CHECK_PRICE("dmoved", SHAPE(7, 5), 0, 0, 0);
	CHECK_PRICE("dunpriced", SHAPE(7, 5), 0, 0, 0);
	CHECK_PRICE("dfree", SHAPE(7, 5), 7, 7, 0);
	ck_assert_uint_eq(price_blocked(find_routine("dmoved"), SHAPE(7, 5)), 0);
}
END_TEST

START_TEST(real_work_weighs_1)
{
	/* n = 6, k = 4: 60 complex products, 48 real ones; n complex and n real words */
	check_mixed("zmixed", 60, 60, 48, 0, 6 * 60 + 2 * 60 + 48, 9, SHAPE(6, 4));
	check_mixed("cmixed", 60, 60, 48, 0, 6 * 60 + 2 * 60 + 48, 9, SHAPE(6, 4));
	check_mixed("dmixed", 108, 60, 0, 0, 168, 12, SHAPE(6, 4));
}
END_TEST

START_TEST(real_within_real_and_behind_let)
{
	check_mixed("zall_real", 0, 0, 10, 30, 40, 13, SHAPE(5)); /* 25 real words are 12.5 */
	check_mixed("dall_real", 10, 30, 0, 0, 40, 25, SHAPE(5));
}
END_TEST

START_TEST(a_call_inside_real_is_of_the_real_routine)
{
	/* typed: 7 n multiplications and n additions in real types, 5 n and 2 n in complex ones */
	check_mixed("zreal_call", 0, 10, 35, 0, 35 + 2 * 10, 5, SHAPE(5));
	check_mixed("dreal_call", 35, 5, 0, 0, 40, 5, SHAPE(5));
}
END_TEST

START_TEST(parts_add_up_to_the_whole)
{
	/* muls: 5/3 + 5/3; adds: max(5, 10); words: 5/2, and 5/2 real numbers */
	check_mixed("dpart_real", 3, 10, 0, 0, 13, 5, SHAPE(5));
	check_mixed("zpart_real", 2, 5, 1, 5, 6 * 2 + 2 * 5 + 1 + 5, 4, SHAPE(5));
}
END_TEST

START_TEST(saturation_is_flagged)
{
	int64_t n = INT64_C(1) << 40;
	struct price got = price_of("dproduct", SHAPE(n, n, n)); /* 2^120 */

	ck_assert(got.saturated);
	ck_assert_uint_eq(got.muls, INT64_MAX);
	ck_assert_uint_eq(got.adds, INT64_MAX);
	ck_assert_uint_eq(got.flops, INT64_MAX);
	ck_assert_uint_eq(got.words, INT64_MAX); /* 2^81 */

	got = price_of("dpowers", SHAPE(n)); /* n^9 does not fit in 128 bits */
	ck_assert(got.saturated);
	ck_assert_uint_eq(got.muls, (uint64_t)n + 1);
	ck_assert_uint_eq(got.adds, INT64_MAX);
}
END_TEST

START_TEST(the_weighted_sum_saturates_too)
{
	int64_t n = INT64_C(1) << 31;
	struct price got = price_of("dproduct", SHAPE(n, n, 1)); /* 2^62 twice */

	ck_assert_uint_eq(got.muls, UINT64_C(1) << 62);
	ck_assert_uint_eq(got.flops, INT64_MAX);
	ck_assert(got.saturated);

	got = price_of("zproduct", SHAPE(n, n / 4, 1)); /* 6 * 2^60 + 2 * 2^60 */
	ck_assert_uint_eq(got.muls, UINT64_C(1) << 60);
	ck_assert_uint_eq(got.flops, INT64_MAX);
	ck_assert(got.saturated);

	got = price_of("dproduct", SHAPE(n, n - 1, 1));
	ck_assert_uint_eq(got.flops, 2 * (uint64_t)n * (uint64_t)(n - 1));
	ck_assert(!got.saturated);
}
END_TEST

START_TEST(the_largest_dimensions)
{
	struct price got = price_of("dbelow", SHAPE(INT64_MAX, INT64_MAX));

	ck_assert(got.saturated);
	ck_assert_uint_eq(got.muls, 0);
	ck_assert_uint_eq(got.adds, INT64_MAX);
	got = price_of("dhalf", SHAPE(INT64_MAX));
	ck_assert(!got.saturated);
	ck_assert_uint_eq(got.muls, UINT64_C(1) << 62); /* (2^63 - 1)/2 rounded */
}
END_TEST

START_TEST(blocking_is_in_flops)
{
	ck_assert_uint_eq(price_blocked(find_routine("dblocked"), SHAPE(10)), 55);
	ck_assert_uint_eq(price_blocked(find_routine("zblocked"), SHAPE(10)), 1055);
	ck_assert_uint_eq(price_blocked(find_routine("dreblocked"), SHAPE(10)), 110); /* product has no blocked price */
	ck_assert_uint_eq(price_blocked(find_routine("dhalf"), SHAPE(10)), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("price");
	TCase *language = tcase_create("language"), *types = tcase_create("types"), *bounds = tcase_create("bounds");

	tcase_add_test(language, operators_bind_as_in_mathematics);
	tcase_add_test(language, a_price_is_rounded_to_nearest_once);
	tcase_add_test(language, fractions_are_exact);
	tcase_add_test(language, powers_take_exponents_from_0_to_9);
	tcase_add_test(language, floor_and_ceil_round_towards_their_sides);
	tcase_add_test(language, ilog2_rounds_down);
	tcase_add_test(language, quotients_count_whole_blocks);
	tcase_add_test(language, extremes_compare_fractions);
	tcase_add_test(language, options_choose);
	tcase_add_test(language, comparisons);
	tcase_add_test(language, let_names_a_value);
	tcase_add_test(language, definitions_are_expressions_with_parameters);
	tcase_add_test(language, calls_by_place);
	tcase_add_test(language, calls_by_name);
	tcase_add_test(language, a_negative_dimension_of_a_call_is_0);
	tcase_add_test(language, definitions_call_the_column_of_their_row);
	tcase_add_test(language, calls_in_calls);
	tcase_add_test(language, exempt_and_unpriced_rows_give_zeros);
	tcase_add_test(language, blocking_is_in_flops);
	tcase_add_test(types, weights_follow_the_type);
	tcase_add_test(types, complex_is_1_in_complex_types);
	tcase_add_test(types, double_tells_z_from_c);
	tcase_add_test(types, real_work_weighs_1);
	tcase_add_test(types, real_within_real_and_behind_let);
	tcase_add_test(types, a_call_inside_real_is_of_the_real_routine);
	tcase_add_test(types, parts_add_up_to_the_whole);
	tcase_add_test(bounds, negative_dimensions_and_prices_are_0);
	tcase_add_test(bounds, steps_may_need_128_bits);
	tcase_add_test(bounds, large_constants);
	tcase_add_test(bounds, saturation_is_flagged);
	tcase_add_test(bounds, the_weighted_sum_saturates_too);
	tcase_add_test(bounds, the_largest_dimensions);
	suite_add_tcase(suite, language);
	suite_add_tcase(suite, types);
	suite_add_tcase(suite, bounds);
	return run_suite(suite, CK_FORK);
}
