// SPDX-License-Identifier: BSD-3-Clause
/*
 * test_table.c - tests what must hold for every price of the routine table, on random shapes.
 * It must never state a price itself: tests/price does. It is linked with price/price.c and the tables that the build
 * makes.
 *
 *     test_table [--digest]      --digest prints a hash of many prices, which must be the same with every compiler
 */
#include <check.h>
#include <fenv.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#ifdef __SSE__
#include <xmmintrin.h>
#endif

#include "price/price.h"
#include "price/narrow.h"
#include "find_routine.h"
#include "run_suite.h"

/* The same functions once more, as the interpreter with 128 bits alone computes prices. It also gives is_complex. */
#define price_shape                          price_shape_wide
#define price_blocked                        price_blocked_wide
#define price_run_programs                   price_run_programs_wide
#define price_native(number, machine, price) false
#include "price/price.c"
#undef price_shape
#undef price_blocked
#undef price_run_programs
#undef price_native

enum { STEPS = 25 };

/* How many random shapes each price is tested with: the environment's TEST_SHAPES, or few enough for a quick check. */
static unsigned shapes = 50;

/* --- random shapes --------------------------------------------------------------------------- */

static uint64_t random_state = 88172645463325252;

static uint64_t random64(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state * 0x2545f4914f6cdd1d;
}

static const struct family *family_of(const struct routine *routine) { return &families[routine->family]; }

static bool is_priced(const struct routine *routine) { return family_of(routine)->muls != PROGRAM_NONE; }

/*
 * A random letter for an option of this name. It may be one that only other routines accept, since prices must be sane
 * for letters that the routine rejects too.
 */
static int64_t random_option(const char *name)
{
	/* clang-format off */
	static const struct {
		const char *start, *letters;
	} known[] = {
		{"trans", "NTC"}, {"uplo", "UL"},  {"side", "LR"},    {"diag", "NU"},    {"norm", "1OIFEM"}, {"range", "AVI"},
		{"job", "NVSAOIUBP"}, {"comp", "NIVPS"}, {"fact", "NEF"}, {"direct", "FB"}, {"storev", "CR"}, {"vect", "NVUQPB"},
		{"howmny", "ABS"}, {"order", "BECR"}, {"type", "GLUHBQZ"}, {"equed", "NYRCB"}, {"pivot", "VTB"}, {"", "NTFYVUL"},
	};
	/* clang-format on */
	size_t i = 0;

	while (strncmp(name, known[i].start, strlen(known[i].start)))
		i++;
	return known[i].letters[random64() % strlen(known[i].letters)];
}

/* A random dimension below 2^`bits`; all magnitudes are equally likely. */
static int64_t random_dimension(unsigned bits) { return (int64_t)(random64() >> (64 - 1 - random64() % bits)); }

static void random_shape(const struct family *family, unsigned bits, int64_t *shape)
{
	unsigned i = 0;

	for (; i < family->option_count; i++)
		shape[i] = random_option(family->shape_names[i]);
	for (; i < family->option_count + family->dim_count; i++)
		shape[i] = random_dimension(bits);
}

static const char *text_of(const struct routine *routine, const int64_t *shape)
{
	static char text[512];
	const struct family *family = family_of(routine);
	size_t length = (size_t)snprintf(text, sizeof(text), "%s", routine->name);

	for (unsigned i = 0; i < family->option_count + family->dim_count && length < sizeof(text); i++)
		length +=
			(size_t)(i < family->option_count ? snprintf(text + length, sizeof(text) - length, " %s=%c",
		                                                     family->shape_names[i], (int)shape[i])
		                                          : snprintf(text + length, sizeof(text) - length,
		                                                     " %s=%" PRId64, family->shape_names[i], shape[i]));
	return text;
}

/* --- types ----------------------------------------------------------------------------------- */

static const struct routine *of_type(const struct routine *routine, uint8_t type)
{
	for (const struct routine *other = routines; other < routines + routine_count; other++)
		if (other->family == routine->family && other->type == type)
			return other;
	return NULL;
}

/* Compares the fields only, not the padding between them. */
static bool same_price(const struct price *a, const struct price *b)
{
	return !memcmp(a, b, offsetof(struct price, saturated)) && a->saturated == b->saturated;
}

START_TEST(single_and_double_precision_cost_the_same)
{
	for (unsigned i = 0; i < routine_count; i++) {
		const struct routine *doubled = of_type(&routines[i], TYPE_D);

		if (routines[i].type != TYPE_S || !doubled)
			continue;
		for (unsigned j = 0; j < shapes; j++) {
			int64_t shape[SHAPE_ARGS_MAX] = {0};
			struct price s, d;

			random_shape(family_of(doubled), j % 3 ? 12 : 40, shape);
			price_shape(&routines[i], shape, &s);
			price_shape(doubled, shape, &d);
			ck_assert_msg(same_price(&s, &d), "%s differs from single precision", text_of(doubled, shape));
			ck_assert_uint_eq(price_blocked(&routines[i], shape), price_blocked(doubled, shape));
		}
	}
}
END_TEST

/* Short price programs are compiled as C, longer ones interpreted with 64 bits: both give what 128 bits give. */
START_TEST(programs_in_c_are_what_the_machine_runs)
{
	unsigned in_c = 0;

	for (unsigned i = 0; i < routine_count; i++) {
		const struct family *family = family_of(&routines[i]);

		in_c += is_priced(&routines[i]) && family->native;
		for (unsigned j = 0; j < shapes; j++) {
			static const unsigned bits[] = {3, 12, 20, 40, 62};
			int64_t shape[SHAPE_ARGS_MAX];
			struct price price, wide;

			random_shape(family, bits[j % 5], shape);
			price_shape(&routines[i], shape, &price);
			price_shape_wide(&routines[i], shape, &wide);
			ck_assert_msg(same_price(&price, &wide), "%s costs %" PRIu64 " or %" PRIu64, routines[i].name,
			              price.flops, wide.flops);
			ck_assert_uint_eq(price_blocked(&routines[i], shape), price_blocked_wide(&routines[i], shape));
		}
	}
	ck_assert_uint_gt(in_c, 500);
}
END_TEST

START_TEST(flops_are_the_weighted_parts)
{
	for (unsigned i = 0; i < routine_count; i++)
		for (unsigned j = 0; j < shapes; j++) {
			unsigned muls = is_complex(&routines[i]) ? 6 : 1, adds = is_complex(&routines[i]) ? 2 : 1;
			int64_t shape[SHAPE_ARGS_MAX] = {0};
			struct price got;

			random_shape(family_of(&routines[i]), 12, shape);
			price_shape(&routines[i], shape, &got);
			if (got.saturated)
				continue;
			ck_assert_msg(got.flops == muls * got.muls + adds * got.adds + got.real_muls + got.real_adds,
			              "%s", text_of(&routines[i], shape));
			if (!is_complex(&routines[i]))
				ck_assert_uint_eq(got.real_muls + got.real_adds, 0);
		}
}
END_TEST

/* --- forms ----------------------------------------------------------------------------------- */

static bool depends_on(const struct routine *routine, unsigned argument)
{
	const struct family *family = family_of(routine);

	for (unsigned i = 0; i < shapes; i++) {
		int64_t shape[SHAPE_ARGS_MAX] = {0};
		struct price a, b;

		random_shape(family, 10, shape);
		price_shape(routine, shape, &a);
		shape[argument] = argument < family->option_count ? random_option(family->shape_names[argument])
		                                                  : random_dimension(10);
		price_shape(routine, shape, &b);
		if (!same_price(&a, &b))
			return true;
	}
	return false;
}

/*
 * All forms of a routine have the same price: a form may lack an argument only if the price does not depend on it. The
 * matrix layout is in no shape, so that row-major and column-major calls cost the same.
 */
START_TEST(every_form_has_what_the_price_needs)
{
	unsigned missing = 0;

	for (unsigned i = 0; i < form_count; i++) {
		const struct routine *routine = &routines[forms[i].routine];
		const struct family *family = family_of(routine);

		for (unsigned j = 0; is_priced(routine) && j < family->option_count + family->dim_count; j++)
			if (shape_args[forms[i].shape + j].fetch == FETCH_ABSENT && depends_on(routine, j)) {
				printf("%s: a form of interface %u has no %s\n", routine->name, forms[i].interface,
				       family->shape_names[j]);
				missing++;
			}
	}
	ck_assert_uint_eq(missing, 0);
}
END_TEST

/* --- size ------------------------------------------------------------------------------------ */

/* Whether an argument of this name is a size: a larger one must not cost less. */
static bool is_size(const char *name)
{
	static const char *const sizes[] = {"m", "n", "k", "p", "nrhs", "kl", "ku", "kd", "nru", "ncvt", "ncc", "qsiz"};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++)
		if (!strcmp(sizes[i], name))
			return true;
	return false;
}

/*
 * Where a larger argument may cost less, and why: from some size on another algorithm is used that takes less work, or
 * the argument says how much is already done.
 */
static const struct exception {
	const char *families, *arguments, *reason;
} exceptions[] = {
	{"stedc stevd syevd/heevd spevd/hpevd sbevd/hbevd sygvd/hegvd spgvd/hpgvd sbgvd/hbgvd laed0 bdsdc lasda lalsd",
         "n", "divide and conquer begins at n = 26"},
	{"syevx/heevx spevx/hpevx sbevx/hbevx stevx sygvx/hegvx spgvx/hpgvx sbgvx/hbgvx syevr/heevr stevr stegr stemr",
         "n iu", "all eigenvalues are found in another way than all but one"},
	{"gesvd gesdd gesvdx gelss gelsd gedmd gedmdq", "m n",
         "where one side is much longer, a QR factorisation comes first"},
	{"gelsd gelss", "nrhs",
         "the workspace that more right-hand sides leave makes blocks narrower, and these take less"},
	{"gelst getsls", "m", "an LQ factorisation in blocks of one row takes more than a QR factorisation"},
	{"ormbr/unmbr", "k", "from k = m on there is one reflector less"},
	{"orgbr/ungbr", "k m n", "from k = n on there is one reflector less"},
	{"larfx", "m n", "to order 10 the code is unrolled, and does not skip the first product"},
	{"laqr1", "n", "n is 2 or 3"},
	{"tzrzf tzrqf latrz gelsy gelsx", "m", "n - m columns are annihilated"},
	{"lahr2 lahrd", "k", "the panel begins behind k columns"},
	{"larfb_gett", "k", "the first k columns are triangular"},
	{"lasyf lasyf_rook lasyf_rk lahef lahef_rook lahef_rk", "n",
         "to n = nb all columns are eliminated, then nb - 1"},
	{"lagge latms", "kl ku", "all beyond the band is annihilated"},
	{"lagsy laghe", "k", "all beyond the band is annihilated"},
	{"sytrd_sy2sb/hetrd_he2hb", "kd", "all beyond the band is annihilated"},
	{"tgsja", "k", "the triangles that are left are smaller"},
	{"ggsvd ggsvd3 ggsvp ggsvp3", "m n p", "the expected ranks of random matrices are differences of their sizes"},
	{"orcsd/uncsd orcsd2by1/uncsd2by1 orbdb2/unbdb2 orbdb3/unbdb3", "m p",
         "the shorter of p and m - p rows are reduced"},
};

static bool stands_in(const char *word, const char *list)
{
	size_t length = strlen(word);

	if (!strcmp(list, "*"))
		return true;
	for (const char *at = list; (at = strstr(at, word)); at++)
		if ((at == list || at[-1] == ' ') && (!at[length] || at[length] == ' '))
			return true;
	return false;
}

static bool is_exception(const struct family *family, const char *argument)
{
	for (size_t i = 0; i < sizeof(exceptions) / sizeof(*exceptions); i++)
		if (stands_in(family->name, exceptions[i].families) && stands_in(argument, exceptions[i].arguments))
			return true;
	return false;
}

/*
 * What LAPACK demands of dimensions: `a<=b` or `a<=b-1`, with `side=L:` before it if it holds only for that option.
 * Other shapes have prices too, but need not fulfil what is tested below.
 */
static const struct rule {
	const char *families, *demands;
} rules[] = {
	{"orgqr/ungqr org2r/ung2r orgql/ungql org2l/ung2l", "n<=m k<=n"},
	{"orglq/unglq orgl2/ungl2 orgrq/ungrq orgr2/ungr2", "m<=n k<=m"},
	{"ormqr/unmqr orm2r/unm2r ormql/unmql orm2l/unm2l ormlq/unmlq orml2/unml2 ormrq/unmrq ormr2/unmr2 larfb",
         "side=L:k<=m side=R:k<=n"},
	{"ormrz/unmrz ormr3/unmr3 larzb", "side=L:k<=m side=R:k<=n side=L:l<=m side=R:l<=n"},
	{"gemqrt gemlqt gemqr gemlq", "side=L:k<=m side=R:k<=n nb<=k mb<=k"},
	{"lamtsqr lamswlq", "side=L:k<=m side=R:k<=n nb<=k mb<=m k<=mb-1"},
	{"tpqrt tplqt tpqrt2 tplqt2", "l<=m l<=n nb<=n mb<=m"},
	{"tpmqrt tpmlqt tprfb", "l<=k side=L:l<=m side=R:l<=n nb<=k mb<=k"},
	{"geqrt2 geqrt3 orhr_col/unhr_col getsqrhrt orgtsqr/ungtsqr orgtsqr_row/ungtsqr_row latsqr",
         "n<=m n<=mb-1 n<=mb1-1"},
	{"laorhr_col_getrfnp launhr_col_getrfnp laorhr_col_getrfnp2 launhr_col_getrfnp2", "n<=m"},
	{"gelqt3 laswlq", "m<=n m<=nb-1"},
	{"gelqs", "m<=n"},
	{"geqrs gedmd", "n<=m"},
	{"tzrzf tzrqf latrz", "m<=n l<=n-m"},
	{"larft larft_lvl2 larfb_gett", "k<=n"},
	{"lahr2 lahrd", "k<=n-1 nb<=n-k"},
	{"labrd", "nb<=m nb<=n"},
	{"latrd", "nb<=n"},
	{"sbgst/hbgst sbgv/hbgv sbgvd/hbgvd sbgvx/hbgvx", "ka<=n-1 kb<=ka"},
	{"lagge latms gbtrf gbtf2 gbequ gbequb gbbrd gbmv lagb langb", "kl<=m-1 ku<=n-1"},
	{"ggglm", "m<=n"},
	{"gglse", "p<=n"},
	{"gesvdq gesvj gejsv", "n<=m"},
	{"*", "il<=iu iu<=n ihi<=n kd<=n-1 kl<=n-1 ku<=n-1 k2<=n"},
};

static int find_argument(const struct family *family, const char *name, size_t length)
{
	for (int i = 0; i < family->option_count + family->dim_count; i++)
		if (strlen(family->shape_names[i]) == length && !strncmp(family->shape_names[i], name, length))
			return i;
	return -1;
}

/*
 * Checks one demand such as `side=L:k<=n-1`. Returns the argument that is too large and sets its bound, or -1 if none
 * is.
 */
static int find_violation(const struct family *family, const int64_t *shape, const char *demand, int64_t *bound)
{
	const char *colon = strchr(demand, ':'), *space = strchr(demand, ' ');
	const char *less, *more, *minus;
	int small, large;

	if (colon && (!space || colon < space)) {
		int option = find_argument(family, demand, strcspn(demand, "="));

		if (option < 0 || shape[option] != colon[-1])
			return -1;
		demand = colon + 1;
	}
	less = strstr(demand, "<=");
	more = less + 2;
	minus = more + strcspn(more, "- ");
	small = find_argument(family, demand, (size_t)(less - demand));
	large = find_argument(family, more, (size_t)(minus - more));
	if (small < 0 || large < 0)
		return -1;
	*bound = shape[large];
	if (*minus == '-') {
		int other = find_argument(family, minus + 1, strcspn(minus + 1, " "));

		*bound -= other < 0 ? 1 : shape[other];
	}
	if (*bound < 0)
		*bound = 0;
	return shape[small] > *bound ? small : -1;
}

/* Returns whether a shape is valid. With `repair`, lowers arguments that are too large first. */
static bool is_valid(const struct family *family, int64_t *shape, bool repair)
{
	for (size_t i = 0; i < sizeof(rules) / sizeof(*rules); i++) {
		if (!stands_in(family->name, rules[i].families))
			continue;
		for (const char *demand = rules[i].demands; demand;
		     demand = strchr(demand, ' ') ? strchr(demand, ' ') + 1 : NULL) {
			int64_t bound;
			int violation = find_violation(family, shape, demand, &bound);

			if (violation < 0)
				continue;
			if (!repair)
				return false;
			shape[violation] = bound;
		}
	}
	return true;
}

static uint64_t flops_of(const struct routine *routine, const int64_t *shape)
{
	struct price got;

	price_shape(routine, shape, &got);
	return got.flops;
}

/* Whether a routine costs less anywhere if an argument is larger. Prints where. */
static bool find_descent(const struct routine *routine, unsigned argument)
{
	const struct family *family = family_of(routine);

	for (unsigned i = 0; i < shapes; i++) {
		bool is_small = i % 2; /* terms of lower order matter for small shapes: these grow by single steps */
		int64_t shape[SHAPE_ARGS_MAX] = {0};
		uint64_t before, now;

		random_shape(family, is_small ? 4 : 9, shape);
		for (int j = 0; j < 3; j++) /* lowering an argument for one demand may violate another */
			is_valid(family, shape, true);
		before = flops_of(routine, shape);
		for (unsigned j = 0; j < STEPS; j++) {
			shape[argument] += 1 + (int64_t)(is_small || random64() % 8 ? 0 : random64() % 16);
			if (!is_valid(family, shape, false))
				break;
			now = flops_of(routine, shape);
			if (now < before) {
				printf("%s: %" PRIu64 " FLOPs, and %" PRIu64 " for less %s\n", text_of(routine, shape),
				       now, before, family->shape_names[argument]);
				return true;
			}
			before = now;
		}
	}
	return false;
}

START_TEST(more_is_not_less)
{
	unsigned descents = 0;

	for (unsigned i = 0; i < routine_count; i++) {
		const struct family *family = family_of(&routines[i]);

		if (!is_priced(&routines[i]) || (routines[i].type != TYPE_D && routines[i].type != TYPE_Z))
			continue;
		for (unsigned j = family->option_count; j < family->option_count + family->dim_count; j++)
			if (is_size(family->shape_names[j]) && !is_exception(family, family->shape_names[j]))
				descents += find_descent(&routines[i], j);
	}
	ck_assert_msg(!descents, "%u prices descend", descents);
}
END_TEST

static unsigned count_families(const char *list)
{
	unsigned count = 0;

	for (unsigned i = 0; i < family_count; i++)
		count += stands_in(families[i].name, list);
	return count;
}

/* The lists above name only families that are in the table, since a misspelt name would exempt nothing. */
START_TEST(lists_name_families)
{
	for (size_t i = 0; i < sizeof(exceptions) / sizeof(*exceptions); i++) {
		unsigned words = 1;

		for (const char *at = exceptions[i].families; (at = strchr(at, ' ')); at++)
			words++;
		ck_assert_msg(count_families(exceptions[i].families) == words, "in: %s", exceptions[i].families);
	}
	for (size_t i = 0; i < sizeof(rules) / sizeof(*rules); i++)
		ck_assert_msg(count_families(rules[i].families) > 0, "none of: %s", rules[i].families);
}
END_TEST

/*
 * The price of a part of a driver, with the driver's arguments. Matrices are n by n; options that the driver lacks are
 * N.
 */
static uint64_t flops_of_part(const char *name, const struct family *driver, const int64_t *shape)
{
	const struct routine *part = find_routine(name);
	const struct family *family = family_of(part);
	int64_t of_part[SHAPE_ARGS_MAX] = {0};

	for (unsigned i = 0; i < family->option_count + family->dim_count; i++) {
		const char *argument = strcmp(family->shape_names[i], "m") ? family->shape_names[i] : "n";
		int at = find_argument(driver, argument, strlen(argument));

		of_part[i] = at >= 0 ? shape[at] : 'N';
	}
	return flops_of(part, of_part);
}

START_TEST(drivers_are_the_sum_of_their_parts)
{
	static const char *const sums[][3] = {
		{"dgesv", "dgetrf", "dgetrs"},          {"zgesv", "zgetrf", "zgetrs"},
		{"dposv", "dpotrf", "dpotrs"},          {"zposv", "zpotrf", "zpotrs"},
		{"dppsv", "dpptrf", "dpptrs"},          {"zpbsv", "zpbtrf", "zpbtrs"},
		{"dgbsv", "dgbtrf", "dgbtrs"},          {"zgbsv", "zgbtrf", "zgbtrs"},
		{"dsysv", "dsytrf", "dsytrs2"},         {"zhesv", "zhetrf", "zhetrs2"},
		{"dspsv", "dsptrf", "dsptrs"},          {"zhpsv", "zhptrf", "zhptrs"},
		{"dsysv_aa", "dsytrf_aa", "dsytrs_aa"}, {"dsysv_rook", "dsytrf_rook", "dsytrs_rook"},
		{"dptsv", "dpttrf", "dpttrs"},
	};

	for (size_t i = 0; i < sizeof(sums) / sizeof(*sums); i++)
		for (unsigned j = 0; j < shapes; j++) {
			const struct routine *driver = find_routine(sums[i][0]);
			const struct family *family = family_of(driver);
			int64_t shape[SHAPE_ARGS_MAX] = {0};
			uint64_t sum, whole;

			random_shape(family, 10, shape);
			is_valid(family, shape, true);
			whole = flops_of(driver, shape);
			sum = flops_of_part(sums[i][1], family, shape) + flops_of_part(sums[i][2], family, shape);
			/* Multiplications and additions are rounded, and a complex one counts 6 and 2 FLOPs. */
			ck_assert_msg(whole <= sum + 8 && sum <= whole + 8, "%s: %" PRIu64 " FLOPs, its parts %" PRIu64,
			              text_of(driver, shape), whole, sum);
		}
}
END_TEST

/* A routine costs nothing if all its dimensions are 0. Other arguments (itype, ijob) are 0 too. */
START_TEST(nothing_costs_nothing)
{
	unsigned count = 0;

	for (unsigned i = 0; i < routine_count; i++) {
		const struct family *family = family_of(&routines[i]);
		int64_t shape[SHAPE_ARGS_MAX] = {0};
		bool has_size = false;

		for (unsigned j = family->option_count; j < family->option_count + family->dim_count; j++)
			has_size |= is_size(family->shape_names[j]);
		for (unsigned j = 0; has_size && j < shapes; j++) {
			for (unsigned k = 0; k < family->option_count; k++)
				shape[k] = random_option(family->shape_names[k]);
			if (!flops_of(&routines[i], shape))
				continue;
			printf("%s costs %" PRIu64 " FLOPs\n", text_of(&routines[i], shape),
			       flops_of(&routines[i], shape));
			count++;
			break;
		}
	}
	ck_assert_msg(!count, "%u routines cost something though all dimensions are 0", count);
}
END_TEST

/* --- bounds ---------------------------------------------------------------------------------- */

/* A price either fits or is marked as saturated, so that no number has wrapped around. */
static void check_bounds(unsigned bits)
{
	for (unsigned i = 0; i < routine_count; i++)
		for (unsigned j = 0; j < shapes; j++) {
			int64_t shape[SHAPE_ARGS_MAX] = {0};
			struct price got;
			bool at_most;

			random_shape(family_of(&routines[i]), bits, shape);
			price_shape(&routines[i], shape, &got);
			at_most = got.flops == INT64_MAX || got.muls == INT64_MAX || got.adds == INT64_MAX ||
			          got.words == INT64_MAX || got.real_muls == INT64_MAX || got.real_adds == INT64_MAX;
			ck_assert_msg(got.flops <= INT64_MAX && got.words <= INT64_MAX, "%s",
			              text_of(&routines[i], shape));
			ck_assert_msg(!at_most || got.saturated, "%s: not flagged", text_of(&routines[i], shape));
		}
}

START_TEST(dimensions_of_32_bits) { check_bounds(31); }
END_TEST

START_TEST(dimensions_of_64_bits)
{
	check_bounds(40);
	check_bounds(63);
}
END_TEST

START_TEST(a_product_beyond_63_bits_saturates)
{
	const struct routine *gemm = find_routine("dgemm");
	struct price got;

	for (unsigned bits = 0; bits < 42; bits++) {
		int64_t n = INT64_C(1) << bits;

		price_shape(gemm, (const int64_t[]){'N', 'N', n, n, n}, &got);
		ck_assert_int_eq(got.saturated, 3 * bits + 1 > 62);
		ck_assert_uint_eq(got.flops, 3 * bits + 1 > 62 ? (uint64_t)INT64_MAX : UINT64_C(1) << (3 * bits + 1));
	}
}
END_TEST

/* --- the same prices everywhere -------------------------------------------------------------- */

static uint64_t digest(void)
{
	uint64_t hash = 0xcbf29ce484222325;

	random_state = 88172645463325252;
	for (unsigned i = 0; i < routine_count; i++)
		for (unsigned j = 0; j < 60; j++) {
			int64_t shape[SHAPE_ARGS_MAX] = {0};
			struct price got;
			uint64_t fields[8];

			random_shape(family_of(&routines[i]), j % 2 ? 11 : 40, shape);
			price_shape(&routines[i], shape, &got);
			memcpy(fields,
			       (const uint64_t[]){got.muls, got.adds, got.real_muls, got.real_adds, got.flops,
			                          got.words, got.saturated, price_blocked(&routines[i], shape)},
			       sizeof(fields));
			for (unsigned k = 0; k < 8; k++)
				hash = (hash ^ fields[k]) * 0x100000001b3;
		}
	return hash;
}

static void flush_to_zero(void)
{
#ifdef __SSE__
	_mm_setcsr(_mm_getcsr() | 0x8040); /* flush denormal results and operands to zero */
#endif
}

/* Prices do not depend on the rounding mode, nor on flushing to zero, since they are integer arithmetic. */
START_TEST(the_floating_point_state_is_not_used)
{
	static const int modes[] = {FE_TONEAREST, FE_DOWNWARD, FE_UPWARD, FE_TOWARDZERO};
	uint64_t usual = digest();

	flush_to_zero();
	for (unsigned i = 0; i < 4; i++) {
		fesetround(modes[i]);
		feclearexcept(FE_ALL_EXCEPT);
		ck_assert_uint_eq(digest(), usual);
		ck_assert_int_eq(fetestexcept(FE_ALL_EXCEPT), 0);
	}
}
END_TEST

int main(int argc, char **argv)
{
	Suite *suite = suite_create("table");
	TCase *tests = tcase_create("prices");

	if (getenv("TEST_SHAPES"))
		shapes = (unsigned)atoi(getenv("TEST_SHAPES"));
	if (argc > 1 && !strcmp(argv[1], "--digest")) {
		printf("%016" PRIx64 "\n", digest());
		return EXIT_SUCCESS;
	}
	setvbuf(stdout, NULL, _IOLBF,
	        0); /* each test is a child process, which must not print the parent's buffer again */
	tcase_add_test(tests, single_and_double_precision_cost_the_same);
	tcase_add_test(tests, programs_in_c_are_what_the_machine_runs);
	tcase_add_test(tests, flops_are_the_weighted_parts);
	tcase_add_test(tests, every_form_has_what_the_price_needs);
	tcase_add_test(tests, more_is_not_less);
	tcase_add_test(tests, lists_name_families);
	tcase_add_test(tests, drivers_are_the_sum_of_their_parts);
	tcase_add_test(tests, nothing_costs_nothing);
	tcase_add_test(tests, dimensions_of_32_bits);
	tcase_add_test(tests, dimensions_of_64_bits);
	tcase_add_test(tests, a_product_beyond_63_bits_saturates);
	tcase_add_test(tests, the_floating_point_state_is_not_used);
	tcase_set_timeout(tests, 1200);
	suite_add_tcase(suite, tests);
	return run_suite(suite, CK_FORK);
}
