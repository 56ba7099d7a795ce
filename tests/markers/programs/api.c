/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * api.c - tests what flopshim.h promises, function by function. Every test runs in a process of its own, under the shim
 * and FLOPSHIM_ON_EXCEED=deny. No test may depend on what another one has done.
 */
#include <check.h>
#include <errno.h>
#include <flopshim.h>
#include <math.h>
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "work.h"

/* Replaces the BLAS's xerbla_, which may print a message or stop the program. */
void xerbla_(const char *routine, const int *argument, size_t length) { (void)routine, (void)argument, (void)length; }

void dpotrf_(const char *uplo, const int *n, double *a, const int *lda, int *info, size_t);

/* ---- scopes ---- */

START_TEST(scope_charges_its_namespace)
{
	int64_t scope = flopshim_begin("forward");

	ck_assert_int_gt(scope, 0);
	ck_assert(product(3, 4, 5));
	ck_assert_int_eq(flopshim_used(NULL), 120);
	ck_assert_int_eq(flopshim_used(""), 120);
	ck_assert_int_eq(flopshim_end(scope), 1);
	ck_assert(dot(10));
	ck_assert_int_eq(flopshim_used("forward"), 120);
	ck_assert_int_eq(flopshim_calls("forward"), 1);
	ck_assert_int_eq(flopshim_used("."), 140);
	ck_assert_int_eq(flopshim_calls("."), 2);
	ck_assert_int_eq(flopshim_used("never.opened"), 0);
}
END_TEST

START_TEST(names_are_relative_unless_they_begin_with_a_dot)
{
	int64_t outer = flopshim_begin("train"), inner = flopshim_begin("forward"), absolute;

	ck_assert(dot(10));
	absolute = flopshim_begin(".elsewhere");
	ck_assert(dot(20));
	ck_assert_int_eq(flopshim_end(absolute), 1);
	ck_assert_int_eq(flopshim_used(".train.forward"), 20);
	ck_assert_int_eq(flopshim_end(inner), 1);
	ck_assert_int_eq(flopshim_used("forward"), 20);
	ck_assert_int_eq(flopshim_end(outer), 1);
	ck_assert_int_eq(flopshim_used("train"), 20);
	ck_assert_int_eq(flopshim_used("train.forward"), 20);
	ck_assert_int_eq(flopshim_used("elsewhere"), 40);
	ck_assert_int_eq(flopshim_used("."), 60);
}
END_TEST

START_TEST(block_form_ends_however_it_is_left)
{
	for (int i = 0; i < 3; i++)
		FLOPSHIM_SCOPE("block")
		{
			ck_assert(dot(10));
			if (i == 1)
				break;
			FLOPSHIM_SCOPE("inner", 1000)
			ck_assert(dot(5));
		}
	ck_assert_int_eq(flopshim_used("block"), 3 * 20 + 2 * 10);
	ck_assert_int_eq(flopshim_used("block.inner"), 20);
	ck_assert(dot(1));
	ck_assert_int_eq(flopshim_used("."), 82);
	ck_assert_int_eq(flopshim_used(NULL), 82);
}
END_TEST

START_TEST(scope_budget_is_its_own)
{
	int64_t scope = flopshim_begin_budget("forward", 100);

	ck_assert_int_eq(flopshim_scope_remaining(scope), 100);
	ck_assert(dot(30));
	ck_assert_int_eq(flopshim_scope_used(scope), 60);
	ck_assert_int_eq(flopshim_scope_remaining(scope), 40);
	ck_assert_int_eq(flopshim_remaining(NULL), 40);
	ck_assert(!dot(21));
	ck_assert(dot(20));
	ck_assert(!dot(1));
	ck_assert_int_eq(flopshim_scope_used(scope), 100);
	ck_assert_int_eq(flopshim_end(scope), 1);
	ck_assert(dot(21));
	ck_assert_int_eq(flopshim_remaining(NULL), FLOPSHIM_UNLIMITED);

	scope = flopshim_begin_budget("forward",
	                              50); /* a new scope has used nothing, though the namespace has used 100 */
	ck_assert(dot(25));
	ck_assert(!dot(1));
	ck_assert_int_eq(flopshim_end(scope), 1);
	ck_assert_int_eq(flopshim_used("forward"), 150);
}
END_TEST

START_TEST(budget_is_rounded_up)
{
	int64_t scope = flopshim_begin_budget("forward", 99.5);

	ck_assert_int_eq(flopshim_scope_remaining(scope), 100);
	ck_assert_int_eq(flopshim_end(scope), 1);
	ck_assert_int_eq(flopshim_amount(0.25), 1);
	ck_assert_int_eq(flopshim_amount(1e18), 1000000000000000000);
}
END_TEST

/* ---- nesting ---- */

struct seen {
	int times;
	char operation[64], name[64], call[128];
	int64_t cost, remaining, limit;
	int is_scope;
	uint64_t caller;
	enum flopshim_action answer;
};

static enum flopshim_action see(const struct flopshim_exceeded *call, void *context)
{
	struct seen *seen = context;

	seen->times++;
	snprintf(seen->operation, sizeof(seen->operation), "%s", call->operation);
	snprintf(seen->name, sizeof(seen->name), "%s", call->namespace_name);
	snprintf(seen->call, sizeof(seen->call), "%s", call->call);
	seen->cost = call->cost;
	seen->remaining = call->remaining;
	seen->limit = call->limit;
	seen->is_scope = call->limit_is_scope;
	seen->caller = call->caller;
	return seen->answer;
}

START_TEST(every_limit_on_the_way_up_holds_and_the_tightest_is_named)
{
	struct seen seen = {.answer = FLOPSHIM_DENY};
	int64_t outer, inner;

	ck_assert_int_eq(flopshim_on_exceed(see, &seen), FLOPSHIM_OK);
	ck_assert_int_eq(flopshim_set_budget("train", 1000), FLOPSHIM_OK);
	outer = flopshim_begin_budget("train", 300);
	inner = flopshim_begin_budget("forward", 200);
	ck_assert(!dot(101));
	ck_assert_int_eq(seen.limit, 200);
	ck_assert_str_eq(seen.name, "train.forward");
	ck_assert_int_eq(seen.is_scope, 1);
	ck_assert(dot(75));
	ck_assert_int_eq(flopshim_end(inner), 1);

	inner = flopshim_begin_budget("forward", 200);
	ck_assert(!dot(80));
	ck_assert_int_eq(seen.limit, 300);
	ck_assert_int_eq(seen.remaining, 150);
	ck_assert_str_eq(seen.name, "train");
	ck_assert(dot(75));
	ck_assert_int_eq(flopshim_end(outer), 2);

	outer = flopshim_begin_budget("train", 5000);
	ck_assert(!dot(351));
	ck_assert_int_eq(seen.limit, 1000);
	ck_assert_int_eq(seen.remaining, 700);
	ck_assert_int_eq(seen.is_scope, 0);
	ck_assert(dot(350));
	ck_assert(!dot(1));
	ck_assert_int_eq(flopshim_end(outer), 1);
	ck_assert(dot(351)); /* nothing is limited outside of train */
	ck_assert_int_eq(seen.times, 4);
}
END_TEST

START_TEST(absolute_name_does_not_leave_the_scope_budget)
{
	int64_t outer = flopshim_begin_budget("train", 100), inner = flopshim_begin(".elsewhere");

	ck_assert(!dot(51));
	ck_assert(dot(50));
	ck_assert(!dot(1));
	ck_assert_int_eq(flopshim_end(inner), 1);
	ck_assert_int_eq(flopshim_scope_used(outer), 100);
	ck_assert_int_eq(flopshim_end(outer), 1);
	ck_assert_int_eq(flopshim_used("train"), 0);
	ck_assert_int_eq(flopshim_used("elsewhere"), 100);
}
END_TEST

START_TEST(ten_thousand_nested_scopes)
{
	enum { DEPTH = 10000 };
	static int64_t scopes[DEPTH];

	for (int i = 0; i < DEPTH; i++) {
		scopes[i] = i % 2 ? flopshim_begin("") : flopshim_begin_budget("", 1000000 - i);
		ck_assert_int_gt(scopes[i], 0);
	}
	ck_assert(dot(100));
	ck_assert_int_eq(flopshim_scope_used(scopes[0]), 200);
	ck_assert_int_eq(flopshim_scope_remaining(scopes[DEPTH - 2]), 1000000 - (DEPTH - 2) - 200);
	ck_assert_int_eq(flopshim_end(scopes[DEPTH / 2]), DEPTH / 2);
	ck_assert_int_eq(flopshim_end(scopes[0]), DEPTH / 2);
	ck_assert_int_eq(flopshim_remaining(NULL), FLOPSHIM_UNLIMITED);
}
END_TEST

/* ---- budgets of namespaces ---- */

START_TEST(namespace_budget_bounds_all_inside_over_the_process)
{
	ck_assert_int_eq(flopshim_set_budget("a", 100), FLOPSHIM_OK);
	FLOPSHIM_SCOPE("a.b")
	ck_assert(dot(20));
	FLOPSHIM_SCOPE("a")
	ck_assert(dot(20));
	ck_assert_int_eq(flopshim_used("a"), 80);
	ck_assert_int_eq(flopshim_remaining("a"), 20);
	ck_assert_int_eq(flopshim_remaining("a.b"), 20);
	ck_assert_int_eq(flopshim_remaining("a.new"), 20);
	ck_assert_int_eq(flopshim_remaining("."), FLOPSHIM_UNLIMITED);
	FLOPSHIM_SCOPE("a.c")
	{
		ck_assert(!dot(11));
		ck_assert(dot(10));
	}
	ck_assert_int_eq(flopshim_remaining("a"), 0);
	ck_assert(dot(100));
}
END_TEST

START_TEST(namespace_budget_can_be_set_late_and_changed)
{
	FLOPSHIM_SCOPE("a")
	{
		ck_assert(dot(50));
		ck_assert_int_eq(flopshim_set_budget(NULL, 120), FLOPSHIM_OK); /* 100 are used already */
		ck_assert_int_eq(flopshim_remaining(NULL), 20);
		ck_assert(!dot(11));
		ck_assert(dot(10));
		ck_assert_int_eq(flopshim_set_budget("", 130), FLOPSHIM_OK);
		ck_assert(dot(5));
		ck_assert_int_eq(flopshim_set_budget("", 10), FLOPSHIM_OK); /* less than what is used already */
		ck_assert_int_eq(flopshim_remaining(NULL), 0);
		ck_assert(!dot(1));
	}
	ck_assert_int_eq(flopshim_used("a"), 130);
}
END_TEST

START_TEST(process_budget_is_the_roots)
{
	ck_assert_int_eq(flopshim_set_budget(".", 100), FLOPSHIM_OK);
	FLOPSHIM_SCOPE("a.b.c")
	ck_assert(dot(25));
	FLOPSHIM_SCOPE("d")
	{
		ck_assert_int_eq(flopshim_remaining(NULL), 50);
		ck_assert(!dot(26));
		ck_assert(dot(25));
	}
}
END_TEST

/* ---- wrong arguments ---- */

START_TEST(wrong_amounts_are_refused_and_change_nothing)
{
	static const double wrong[] = {0, -1, -0.0, NAN, INFINITY, -INFINITY, 9223372036854775808.0, 1e300};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		ck_assert_int_eq(flopshim_begin_budget("a", wrong[i]), FLOPSHIM_BAD_AMOUNT);
		ck_assert_int_eq(flopshim_set_budget("a", wrong[i]), FLOPSHIM_BAD_AMOUNT);
		if (i != 6)
			ck_assert_int_eq(flopshim_set_multiplier("a", wrong[i]), FLOPSHIM_BAD_AMOUNT);
	}
	ck_assert_int_eq(flopshim_set_multiplier("a", 2147483648.0), FLOPSHIM_BAD_AMOUNT);
	ck_assert_int_eq(flopshim_set_multiplier("a", 1e-30),
	                 FLOPSHIM_BAD_AMOUNT); /* so small that every call would be free */
	ck_assert_int_eq(flopshim_remaining("a"), FLOPSHIM_UNLIMITED);
	FLOPSHIM_SCOPE("a")
	ck_assert(dot(10));
	ck_assert_int_eq(flopshim_used("a"), 20);
	ck_assert_str_eq(flopshim_error_text(FLOPSHIM_BAD_AMOUNT), "not a positive, finite number of FLOPs");
}
END_TEST

START_TEST(wrong_names_are_refused_and_charge_nothing_elsewhere)
{
	static char long_name[10241], longest[1024];
	static const char *const wrong[] = {"a..b", "a.",   "..",       ".a.", "a b", " ",
	                                    "a/b",  "a\nb", "\xc3\xa9", "a=1", "*",   long_name};

	memset(long_name, 'x', sizeof(long_name) - 1);
	memset(longest, 'y', sizeof(longest) - 1);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		int64_t scope = flopshim_begin(wrong[i]);

		ck_assert_msg(scope == FLOPSHIM_BAD_NAME, "'%.20s': %lld", wrong[i], (long long)scope);
		ck_assert_int_eq(flopshim_begin_budget(wrong[i], 10), FLOPSHIM_BAD_NAME);
		ck_assert_int_eq(flopshim_set_budget(wrong[i], 10), FLOPSHIM_BAD_NAME);
		ck_assert_int_eq(flopshim_set_multiplier(wrong[i], 2), FLOPSHIM_BAD_NAME);
		ck_assert_int_eq(flopshim_used(wrong[i]), FLOPSHIM_BAD_NAME);
		ck_assert_int_eq(flopshim_remaining(wrong[i]), FLOPSHIM_BAD_NAME);
		ck_assert_int_eq(flopshim_calls(wrong[i]), FLOPSHIM_BAD_NAME);
	}
	FLOPSHIM_SCOPE("a b", 10) /* the block runs, and is charged to the open scope */
	ck_assert(dot(10));
	ck_assert_int_eq(flopshim_used("."), 20);

	ck_assert_int_gt(flopshim_begin(longest), 0);
	ck_assert_int_eq(flopshim_begin("z"), FLOPSHIM_BAD_NAME); /* the path would be too long */
	ck_assert(dot(10));
	ck_assert_int_eq(flopshim_used(NULL), 20);
	ck_assert_int_gt(flopshim_begin(".Az09_-:.b"), 0);
}
END_TEST

START_TEST(hundred_thousand_namespaces)
{
	enum { COUNT = 100000 };
	char name[32];

	for (int i = 0; i < COUNT; i++) {
		int64_t scope;

		snprintf(name, sizeof(name), "n%d.x%d", i % 1000, i);
		scope = flopshim_begin(name);
		ck_assert_int_gt(scope, 0);
		if (i % 100 == 0)
			ck_assert(dot(1 + i % 7));
		ck_assert_int_eq(flopshim_end(scope), 1);
	}
	for (int i = 0; i < COUNT; i += 1000) {
		snprintf(name, sizeof(name), "n%d.x%d", i % 1000, i);
		ck_assert_int_eq(flopshim_used(name), dot_cost(1 + i % 7));
	}
	ck_assert_int_eq(flopshim_calls("."), COUNT / 100);
}
END_TEST

START_TEST(too_many_namespaces_are_an_error)
{
	char name[32];
	int64_t scope = 1;
	int made = 0;

	for (; scope > 0 && made < 1000000; made++) {
		snprintf(name, sizeof(name), "x%d", made);
		scope = flopshim_begin(name);
		if (scope > 0)
			ck_assert_int_eq(flopshim_end(scope), 1);
	}
	ck_assert_int_eq(scope, FLOPSHIM_TOO_MANY);
	ck_assert_int_ge(made, 100000);
	ck_assert(dot(10));
	ck_assert_int_eq(flopshim_used("."), 20);
	scope = flopshim_begin("x1"); /* known namespaces still work */
	ck_assert_int_gt(scope, 0);
	ck_assert(dot(10));
	ck_assert_int_eq(flopshim_end(scope), 1);
	ck_assert_int_eq(flopshim_used("x1"), 20);
}
END_TEST

/* ---- the check comes before the operation ---- */

START_TEST(exact_fit_runs_and_one_flop_less_does_not)
{
	FLOPSHIM_SCOPE("fits", 120)
	ck_assert(product(3, 4, 5));
	FLOPSHIM_SCOPE("misses", 119)
	{
		ck_assert(!product(3, 4, 5));
		ck_assert_int_eq(flopshim_used(NULL), 0); /* a refused call is neither run nor charged */
		ck_assert_int_eq(flopshim_calls(NULL), 0);
		ck_assert(dot(59)); /* a smaller call still fits */
	}
}
END_TEST

START_TEST(rejected_call_is_not_charged)
{
	double a[2500] = {0};
	int n = 50, lda = 1, info = 0; /* lda is too small: LAPACK rejects the call with INFO = -4 */

	for (int i = 0; i < 50; i++)
		a[i * 51] = 1;
	FLOPSHIM_SCOPE("a", 100000)
	{
		dpotrf_("U", &n, a, &lda, &info, 1);
		ck_assert_int_eq(info, -4);
		ck_assert_int_eq(flopshim_used(NULL), 0);
		ck_assert_int_eq(flopshim_remaining(NULL), 100000);
	}
	FLOPSHIM_SCOPE("b", 100)
	{ /* a call that does not fit is refused before LAPACK can reject it */
		dpotrf_("U", &n, a, &lda, &info, 1);
		ck_assert_int_eq(info, -1002);
	}
	FLOPSHIM_SCOPE("c", 100000)
	{
		int64_t flops = 0;

		lda = n;
		dpotrf_("U", &n, a, &lda, &info, 1);
		ck_assert_int_eq(info, 0);
		for (int i = 0; i < n; i++) /* row by row: i elements left of the diagonal, then a square root */
			flops += (int64_t)i * i + 2 * i + 1;
		ck_assert_int_eq(flopshim_used(NULL), flops);
	}
}
END_TEST

START_TEST(info_says_whose_limit_denied_the_call)
{
	double a[2500] = {0};
	int n = 50, info = 0;

	ck_assert_int_eq(flopshim_set_budget("a", 100), FLOPSHIM_OK);
	FLOPSHIM_SCOPE("a")
	dpotrf_("U", &n, a, &n, &info, 1);
	ck_assert_int_eq(info, -1001);
	FLOPSHIM_SCOPE("b", 100)
	dpotrf_("U", &n, a, &n, &info, 1);
	ck_assert_int_eq(info, -1002);
	ck_assert_int_eq(flopshim_set_budget(".", 100), FLOPSHIM_OK);
	dpotrf_("U", &n, a, &n, &info, 1);
	ck_assert_int_eq(info, -1003);
}
END_TEST

START_TEST(denied_function_returns_zero)
{
	double x[4] = {3, 4, 0, 0};

	FLOPSHIM_SCOPE("a", 1)
	{
		ck_assert_double_eq(cblas_ddot(4, x, 1, x, 1), 0);
		ck_assert_double_eq(cblas_dnrm2(4, x, 1), 0);
	}
	ck_assert_double_eq(cblas_ddot(4, x, 1, x, 1), 25);
}
END_TEST

/* ---- work charged by hand ---- */

START_TEST(charge_by_hand)
{
	struct flopshim_shape shapes[8] = {{2, {10, 20}}, {2, {20, 30}}, {8, {1, 2, 3, 4, 5, 6, 7, 8}}};

	FLOPSHIM_SCOPE("fft", 1000)
	{
		ck_assert_int_eq(flopshim_charge("einsum", 600, "ij,jk->ik", 3, shapes), FLOPSHIM_OK);
		ck_assert_int_eq(flopshim_charge("fft", 401, NULL, 0, NULL), FLOPSHIM_REFUSED);
		ck_assert_int_eq(flopshim_charge("fft", 400, NULL, 0, NULL), FLOPSHIM_OK);
		ck_assert_int_eq(flopshim_charge("free", 0, NULL, 0, NULL), FLOPSHIM_OK);
		ck_assert_int_eq(flopshim_used(NULL), 1000);
		ck_assert_int_eq(flopshim_calls(NULL), 3);
		ck_assert(!dot(1));
	}
}
END_TEST

START_TEST(wrong_charges_are_refused)
{
	struct flopshim_shape shapes[9] = {{0, {0}}};

	ck_assert_int_eq(flopshim_charge("a", -1, NULL, 0, NULL), FLOPSHIM_BAD_AMOUNT);
	ck_assert_int_eq(flopshim_charge(NULL, 1, NULL, 0, NULL), FLOPSHIM_BAD_ARGUMENT);
	ck_assert_int_eq(flopshim_charge("", 1, NULL, 0, NULL), FLOPSHIM_BAD_ARGUMENT);
	ck_assert_int_lt(flopshim_charge("a", 1, NULL, 9, shapes), 0);
	ck_assert_int_lt(flopshim_charge("a", 1, NULL, -1, shapes), 0);
	ck_assert_int_lt(flopshim_charge("a", 1, NULL, 1, NULL), 0);
	shapes[0].rank = 9;
	ck_assert_int_lt(flopshim_charge("a", 1, NULL, 1, shapes), 0);
	shapes[0].rank = -1;
	ck_assert_int_lt(flopshim_charge("a", 1, NULL, 1, shapes), 0);
	ck_assert_int_eq(flopshim_used("."), 0);
	ck_assert_int_eq(flopshim_charge("huge", INT64_MAX, NULL, 0, NULL), FLOPSHIM_OK);
	ck_assert_int_eq(flopshim_charge("huge", INT64_MAX, NULL, 0, NULL), FLOPSHIM_OK);
	ck_assert_int_eq(flopshim_used("."), INT64_MAX); /* sums saturate */
}
END_TEST

/* ---- multiplier ---- */

START_TEST(multiplier_scales_what_is_charged)
{
	ck_assert_int_eq(flopshim_set_multiplier("a", 2.5), FLOPSHIM_OK);
	ck_assert_int_eq(flopshim_set_multiplier("a.b", 2), FLOPSHIM_OK);
	FLOPSHIM_SCOPE("a", 1000)
	{
		ck_assert(dot(10));
		ck_assert_int_eq(flopshim_used(NULL), 50);
		ck_assert_int_eq(flopshim_cost("ddot", "n=10"), 50);
		ck_assert_int_eq(flopshim_charge("by hand", 10, NULL, 0, NULL), FLOPSHIM_OK);
		ck_assert_int_eq(flopshim_used(NULL), 75);
		FLOPSHIM_SCOPE("b")
		ck_assert(dot(10));
		ck_assert_int_eq(flopshim_used(NULL), 175);
		ck_assert(!dot(166)); /* costs 830, and 825 remain */
		ck_assert(dot(165));
	}
	ck_assert_int_eq(flopshim_set_multiplier("a", 1), FLOPSHIM_OK); /* holds for later calls */
	FLOPSHIM_SCOPE("a")
	ck_assert(dot(10));
	ck_assert_int_eq(flopshim_used("a"), 1020);
}
END_TEST

START_TEST(multiplier_never_makes_work_free)
{
	ck_assert_int_eq(flopshim_set_multiplier("a", 1e-9), FLOPSHIM_OK);
	FLOPSHIM_SCOPE("a")
	{
		for (int i = 0; i < 5; i++)
			ck_assert(dot(10));
		ck_assert_int_eq(flopshim_used(NULL), 5);
	}
}
END_TEST

/* ---- questions ---- */

START_TEST(cost_asks_without_charging)
{
	ck_assert_int_eq(flopshim_cost("dgemm", "m=300 n=400 k=200"), 48000000);
	ck_assert_int_eq(flopshim_cost("dgemm", " m=300, n=400,k=200 "), 48000000);
	ck_assert_int_eq(flopshim_cost("dgemm", "transa=T transb=n m=300 n=400 k=200"), 48000000);
	ck_assert_int_eq(flopshim_cost("zgemm", "m=3 n=4 k=2"), 192);
	ck_assert_int_eq(flopshim_cost("ddot", "n=7"), 14);
	ck_assert_int_eq(flopshim_cost("dgemm", "m=300 n=400"), 0);
	ck_assert_int_eq(flopshim_cost("dgemm", NULL), 0);
	ck_assert_int_eq(flopshim_cost("dgemm", "q=3"), FLOPSHIM_BAD_ARGUMENT);
	ck_assert_int_eq(flopshim_cost("dgemm", "m=three"), FLOPSHIM_BAD_ARGUMENT);
	ck_assert_int_eq(flopshim_cost("dgemm", "m"), FLOPSHIM_BAD_ARGUMENT);
	ck_assert_int_eq(flopshim_cost("dgemm", "m="), FLOPSHIM_BAD_ARGUMENT);
	ck_assert_int_eq(flopshim_cost("dgemm", "transa=NN"), FLOPSHIM_BAD_ARGUMENT);
	ck_assert_int_eq(flopshim_cost("dgemm", "m=99999999999999999999"), FLOPSHIM_BAD_ARGUMENT);
	ck_assert_int_eq(flopshim_cost("nonesuch", "m=1"), FLOPSHIM_NO_ROUTINE);
	ck_assert_int_eq(flopshim_cost(NULL, ""), FLOPSHIM_NO_ROUTINE);
	ck_assert_int_eq(flopshim_used("."), 0);
	ck_assert_int_eq(flopshim_calls("."), 0);
}
END_TEST

START_TEST(summary_is_terminated_whatever_the_buffer)
{
	char all[8192], some[16] = "unchanged";
	int64_t length;

	ck_assert(dot(10));
	length = flopshim_summary(all, sizeof(all), FLOPSHIM_TEXT);
	ck_assert_int_eq(length, (int64_t)strlen(all));
	ck_assert(strstr(all, "ddot") != NULL);
	ck_assert_int_eq(flopshim_summary(some, sizeof(some), FLOPSHIM_TEXT), length);
	ck_assert_int_eq(strlen(some), sizeof(some) - 1);
	ck_assert_int_eq(strncmp(some, all, sizeof(some) - 1), 0);
	ck_assert_int_eq(flopshim_summary(NULL, 0, FLOPSHIM_TEXT), length);
	ck_assert_int_eq(flopshim_summary(NULL, 1, FLOPSHIM_TEXT), FLOPSHIM_BAD_ARGUMENT);
	length = flopshim_summary(all, sizeof(all), FLOPSHIM_JSON | FLOPSHIM_BY_NAMESPACE);
	ck_assert_int_eq(length, (int64_t)strlen(all));
	ck_assert_int_eq(all[0], '{');
}
END_TEST

START_TEST(reset_clears_the_report_and_refunds_nothing)
{
	char text[4096];
	int64_t scope;

	ck_assert_int_eq(flopshim_set_budget("a", 100), FLOPSHIM_OK);
	scope = flopshim_begin_budget("a", 80);
	ck_assert(dot(30));
	ck_assert_int_eq(flopshim_reset(), FLOPSHIM_OK);
	ck_assert_int_eq(flopshim_used(NULL), 60);
	ck_assert_int_eq(flopshim_scope_used(scope), 60);
	ck_assert_int_eq(flopshim_scope_remaining(scope), 20);
	ck_assert(!dot(11));
	ck_assert_int_gt(flopshim_summary(text, sizeof(text), FLOPSHIM_TEXT), 0);
	ck_assert_msg(!strstr(text, "ddot") && !strstr(text, "60"), "%s", text);
	ck_assert(dot(10));
	ck_assert_int_gt(flopshim_summary(text, sizeof(text), FLOPSHIM_JSON), 0);
	ck_assert_msg(strstr(text, "\"charged\":20") != NULL && !strstr(text, "80"), "%s", text);
	ck_assert_int_eq(flopshim_end(scope), 1);
	ck_assert_int_eq(flopshim_remaining("a"), 20);
	ck_assert_int_eq(flopshim_used("."), 80);
}
END_TEST

START_TEST(shim_is_present) { ck_assert_int_eq(flopshim_present(), 1); }
END_TEST

/* ---- the exceed callback ---- */

START_TEST(callback_is_told_what_and_where)
{
	struct seen seen = {.answer = FLOPSHIM_DENY};
	int64_t scope = flopshim_begin_budget("forward", 100);

	flopshim_on_exceed(see, &seen);
	ck_assert(!product(3, 4, 5));
	ck_assert_int_eq(seen.times, 1);
	ck_assert_str_eq(seen.operation, "dgemm");
	ck_assert_msg(strstr(seen.call, "m=3") && strstr(seen.call, "n=4") && strstr(seen.call, "k=5"), "%s",
	              seen.call);
	ck_assert_int_eq(seen.cost, 120);
	ck_assert_int_eq(seen.remaining, 100);
	ck_assert_int_eq(seen.limit, 100);
	ck_assert_str_eq(seen.name, "forward");
	ck_assert_int_eq(seen.is_scope, 1);
	ck_assert_uint_ne(seen.caller, 0);

	ck_assert_int_eq(flopshim_charge("by hand", 101, NULL, 0, NULL), FLOPSHIM_REFUSED);
	ck_assert_int_eq(seen.times, 2);
	ck_assert_str_eq(seen.operation, "by hand");
	ck_assert_int_eq(seen.cost, 101);
	ck_assert_uint_eq(seen.caller, 0);
	ck_assert_int_eq(flopshim_end(scope), 1);
}
END_TEST

START_TEST(callback_may_let_it_run)
{
	struct seen seen = {.answer = FLOPSHIM_WARN};

	flopshim_on_exceed(see, &seen);
	FLOPSHIM_SCOPE("a", 100)
	{
		ck_assert(product(3, 4, 5));
		ck_assert_int_eq(flopshim_used(NULL), 120);
		ck_assert_int_eq(flopshim_remaining(NULL), 0);
		ck_assert_int_eq(flopshim_charge("by hand", 10, NULL, 0, NULL), FLOPSHIM_OK);
		ck_assert_int_eq(flopshim_used(NULL), 130);
	}
	flopshim_on_exceed(NULL, NULL);
	FLOPSHIM_SCOPE("a", 100)
	ck_assert(!product(3, 4, 5)); /* FLOPSHIM_ON_EXCEED=deny decides */
	ck_assert_int_eq(seen.times, 2);
	ck_assert_int_eq(flopshim_used("a"), 130);
}
END_TEST

static enum flopshim_action work_inside(const struct flopshim_exceeded *call, void *context)
{
	(void)call;
	*(bool *)context = dot(10) && !dot(2000); /* calls in the callback count; refusals do not call it again */
	return FLOPSHIM_DENY;
}

START_TEST(callback_may_call_blas)
{
	bool ran = false;

	flopshim_on_exceed(work_inside, &ran);
	FLOPSHIM_SCOPE("a", 100)
	{
		ck_assert(!product(3, 4, 5));
		ck_assert(ran);
		ck_assert_int_eq(flopshim_used(NULL), 20);
		ck_assert(dot(40));
		ck_assert_int_eq(flopshim_used(NULL), 100);
	}
}
END_TEST

static jmp_buf back;

static enum flopshim_action jump(const struct flopshim_exceeded *call, void *context)
{
	(void)call, (void)context;
	longjmp(back, 1);
}

START_TEST(callback_may_leave_by_longjmp)
{
	volatile int left = 0;

	flopshim_on_exceed(jump, NULL);
	for (volatile int i = 0; i < 1000; i++) {
		volatile int64_t scope = flopshim_begin_budget("a", 100);

		if (!setjmp(back))
			product(3, 4, 5);
		else
			left++;
		ck_assert_int_eq(flopshim_scope_used(scope), 0);
		ck_assert(dot(50));
		ck_assert_int_eq(flopshim_scope_used(scope), 100);
		ck_assert_int_eq(flopshim_end(scope), 1);
	}
	ck_assert_int_eq(left, 1000);
	ck_assert_int_eq(flopshim_used("a"), 100000);
	ck_assert_int_eq(flopshim_calls("a"), 1000);
}
END_TEST

START_TEST(errno_is_kept)
{
	int64_t scope;

	errno = 77;
	scope = flopshim_begin_budget("errno", 10);
	dot(6);
	flopshim_charge("by hand", 1, NULL, 0, NULL);
	flopshim_used(NULL);
	flopshim_set_budget("", 20);
	flopshim_reset();
	flopshim_end(scope);
	ck_assert_int_eq(errno, 77);
}
END_TEST

/* The number of lines that `body` writes to standard error. They go into a pipe, and must fit into it. */
static int lines_said(void (*body)(void))
{
	int ends[2], saved = dup(2), lines = 0;
	char c;

	ck_assert_int_eq(pipe(ends), 0);
	dup2(ends[1], 2);
	close(ends[1]);
	body();
	dup2(saved, 2);
	close(saved);
	while (read(ends[0], &c, 1) == 1)
		lines += c == '\n';
	close(ends[0]);
	return lines;
}

static void refuse_once(void)
{
	FLOPSHIM_SCOPE("a", 10)
	ck_assert(!dot(6));
}

static void refuse_often(void)
{
	FLOPSHIM_SCOPE("a", 10)
	for (int i = 0; i < 1000; i++)
		ck_assert(!dot(6));
}

START_TEST(refusals_are_said_once_each_for_the_first_few)
{
	int lines;

	ck_assert_int_eq(lines_said(refuse_once), 1);
	lines = lines_said(refuse_often);
	ck_assert_int_gt(lines, 1);
	ck_assert_int_lt(lines, 100);
	ck_assert_int_eq(flopshim_quiet(1), 0);
	ck_assert_int_eq(lines_said(refuse_often), 0);
	ck_assert_int_eq(flopshim_quiet(0), 1);
	ck_assert_int_eq(lines_said(refuse_once), 1);
}
END_TEST

static enum flopshim_action as_usual(const struct flopshim_exceeded *call, void *context)
{
	(void)call, (void)context;
	return FLOPSHIM_DEFAULT;
}

START_TEST(default_answer_is_as_without_a_callback)
{
	flopshim_on_exceed(as_usual, NULL);
	ck_assert_int_eq(lines_said(refuse_once), 1);
}
END_TEST

/* ---- ends ---- */

START_TEST(unbalanced_ends)
{
	int64_t a = flopshim_begin("a"), b = flopshim_begin("b"), c = flopshim_begin_budget("c", 100);

	ck_assert_int_eq(flopshim_end(a), 3); /* ends the scopes inside of it too */
	ck_assert_int_eq(flopshim_end(c), FLOPSHIM_NOT_OPEN);
	ck_assert_int_eq(flopshim_end(b), FLOPSHIM_NOT_OPEN);
	ck_assert_int_eq(flopshim_end(a), FLOPSHIM_NOT_OPEN);
	ck_assert_int_eq(flopshim_end(0), FLOPSHIM_NOT_OPEN);
	ck_assert_int_eq(flopshim_end(-1), FLOPSHIM_NOT_OPEN);
	ck_assert_int_eq(flopshim_end(INT64_MAX), FLOPSHIM_NOT_OPEN);
	ck_assert_int_eq(flopshim_end(FLOPSHIM_BAD_NAME),
	                 FLOPSHIM_NOT_OPEN); /* a failed flopshim_begin returned this */
	ck_assert_int_eq(flopshim_scope_used(c), FLOPSHIM_NOT_OPEN);
	ck_assert_int_eq(flopshim_scope_remaining(c), FLOPSHIM_NOT_OPEN);
	ck_assert(dot(100));
	ck_assert_int_eq(flopshim_used("."), 200);
	ck_assert_int_eq(flopshim_used("a"), 0);
}
END_TEST

static void leave_open(int depth)
{
	for (int i = 0; i < depth; i++) {
		flopshim_begin_budget("deep", 1000 - i);
		dot(1);
	}
	longjmp(back, 1);
}

START_TEST(longjmp_out_of_scopes)
{
	for (volatile int i = 0; i < 100; i++) {
		volatile int64_t scope = flopshim_begin("around");

		if (!setjmp(back))
			leave_open(10);
		ck_assert_int_eq(flopshim_end(scope), 11);
		ck_assert(dot(1));
	}
	ck_assert_int_eq(flopshim_used("."), 100 * 11 * 2);
	ck_assert_int_eq(flopshim_used("around"), 100 * 10 * 2);
}
END_TEST

/* ---- threads ---- */

static void *end_it(void *scope) { return (void *)(intptr_t)flopshim_end(*(int64_t *)scope); }

START_TEST(end_in_the_wrong_thread)
{
	int64_t scope = flopshim_begin("a");
	pthread_t thread;
	void *answer;

	ck_assert_int_eq(pthread_create(&thread, NULL, end_it, &scope), 0);
	pthread_join(thread, &answer);
	ck_assert_int_eq((intptr_t)answer, FLOPSHIM_NOT_OPEN);
	ck_assert(dot(10));
	ck_assert_int_eq(flopshim_end(scope), 1);
	ck_assert_int_eq(flopshim_used("a"), 20);
}
END_TEST

static void *leave_by_exit(void *kept)
{
	*(int64_t *)kept = flopshim_begin_budget("worker", 100);
	flopshim_begin("inner");
	dot(30);
	pthread_exit(NULL);
}

START_TEST(pthread_exit_out_of_scopes)
{
	int64_t around = flopshim_begin_budget("a", 100000), scope;

	for (int i = 0; i < 200; i++) {
		pthread_t thread;

		ck_assert_int_eq(pthread_create(&thread, NULL, leave_by_exit, &scope), 0);
		pthread_join(thread, NULL);
		ck_assert_int_eq(flopshim_end(scope), FLOPSHIM_NOT_OPEN);
	}
	ck_assert_int_eq(flopshim_used(NULL), 200 * 60);
	ck_assert_int_eq(flopshim_used("worker.inner"), 200 * 60);
	ck_assert_int_eq(flopshim_scope_remaining(around), 100000 - 200 * 60);
	ck_assert_int_eq(flopshim_end(around), 1);
}
END_TEST

struct worker {
	pthread_t thread;
	sem_t go, done;
	volatile bool stop;
	const char *own; /* name of a scope that the worker opens for each piece of work, or NULL */
	bool ran;
};

static void *worker_main(void *argument)
{
	struct worker *worker = argument;

	for (;;) {
		sem_wait(&worker->go);
		if (worker->stop)
			return NULL;
		if (worker->own) {
			int64_t scope = flopshim_begin(worker->own);

			worker->ran = dot(10);
			flopshim_end(scope);
		} else {
			worker->ran = dot(10);
		}
		sem_post(&worker->done);
	}
}

static void worker_start(struct worker *worker)
{
	sem_init(&worker->go, 0, 0);
	sem_init(&worker->done, 0, 0);
	ck_assert_int_eq(pthread_create(&worker->thread, NULL, worker_main, worker), 0);
}

static bool worker_work(struct worker *worker)
{
	sem_post(&worker->go);
	sem_wait(&worker->done);
	return worker->ran;
}

static void worker_stop(struct worker *worker)
{
	worker->stop = true;
	sem_post(&worker->go);
	pthread_join(worker->thread, NULL);
}

START_TEST(worker_charges_where_its_creator_stands_at_that_moment)
{
	struct worker worker = {.own = NULL};
	int64_t scope = flopshim_begin("a");

	worker_start(&worker);
	ck_assert(worker_work(&worker));
	ck_assert_int_eq(flopshim_end(scope), 1);
	ck_assert(worker_work(&worker)); /* the root */
	scope = flopshim_begin_budget("b", 25);
	ck_assert(worker_work(&worker));
	ck_assert(!worker_work(&worker)); /* budgets of its creator's scopes hold for the worker */
	worker.own = "own";
	ck_assert_int_eq(flopshim_end(scope), 1);
	scope = flopshim_begin("c");
	ck_assert(worker_work(&worker)); /* the worker's names are relative to its creator's scope */
	ck_assert_int_eq(flopshim_end(scope), 1);
	worker_stop(&worker);
	ck_assert_int_eq(flopshim_used("a"), 20);
	ck_assert_int_eq(flopshim_used("b"), 20);
	ck_assert_int_eq(flopshim_used("c.own"), 20);
	ck_assert_int_eq(flopshim_used("."), 80);
}
END_TEST

static void *make_worker(void *worker)
{
	flopshim_begin("middle");
	worker_start(worker);
	worker_work(worker);
	return NULL;
}

START_TEST(creator_that_has_ended_yields_to_its_own)
{
	struct worker worker = {.own = NULL};
	int64_t scope = flopshim_begin("a");
	pthread_t middle;

	pthread_create(&middle, NULL, make_worker, &worker);
	pthread_join(middle, NULL);
	ck_assert_int_eq(flopshim_used("middle"), 20);
	ck_assert(worker_work(&worker));
	ck_assert_int_eq(flopshim_used(NULL), 40);
	ck_assert_int_eq(flopshim_used("middle"), 20);
	ck_assert_int_eq(flopshim_end(scope), 1);
	ck_assert(worker_work(&worker));
	worker_stop(&worker);
	ck_assert_int_eq(flopshim_used("a"), 40);
	ck_assert_int_eq(flopshim_used("."), 60);
}
END_TEST

struct inside {
	sem_t opened, go;
	bool ran[3];
};

static void *stay_inside(void *argument)
{
	struct inside *inside = argument;
	int64_t scope = flopshim_begin_budget("inner", 1000);

	inside->ran[0] = dot(10);
	sem_post(&inside->opened);
	sem_wait(&inside->go);
	inside->ran[1] = dot(100);
	inside->ran[2] = dot(500);
	flopshim_end(scope);
	return NULL;
}

/* A worker's scope goes on and keeps its budget if the creator's scope around it ends first. */
START_TEST(scope_that_outlives_the_one_around_it)
{
	struct inside inside = {.ran = {false}};
	int64_t outer = flopshim_begin_budget("outer", 300);
	pthread_t thread;

	sem_init(&inside.opened, 0, 0);
	sem_init(&inside.go, 0, 0);
	pthread_create(&thread, NULL, stay_inside, &inside);
	sem_wait(&inside.opened);
	ck_assert_int_eq(flopshim_scope_used(outer), 20);
	ck_assert_int_eq(flopshim_end(outer), 1);
	for (int i = 0; i < 5000; i++) { /* the shim reuses the memory of scopes that have ended */
		int64_t scope = flopshim_begin_budget("other", 5);

		ck_assert(dot(1));
		ck_assert_int_eq(flopshim_scope_used(scope), 2);
		ck_assert_int_eq(flopshim_end(scope), 1);
	}
	sem_post(&inside.go);
	pthread_join(thread, NULL);
	ck_assert(inside.ran[0] && inside.ran[1]);
	ck_assert(!inside.ran[2]); /* 1,000 do not fit into the 780 that remain of the inner budget */
	ck_assert_int_eq(flopshim_used("outer.inner"), 220);
	ck_assert_int_eq(flopshim_used("other"), 10000);
}
END_TEST

enum lease_end { SLEEPS, ENDS, IS_CANCELLED };

struct lessee {
	enum lease_end how;
	sem_t worked;
};

static void *hold_a_lease(void *argument)
{
	struct lessee *lessee = argument;

	dot(10);
	sem_post(&lessee->worked);
	if (lessee->how != ENDS)
		for (;;)
			pause();
	return NULL;
}

/* The leases of other threads are called back before a call is refused, and end with their threads. */
START_TEST(thread_takes_nothing_with_it)
{
	for (int i = 0; i < 30; i++) {
		struct lessee lessee = {.how = (enum lease_end)(i % 3)};
		int64_t scope = flopshim_begin_budget("a", 1000000);
		pthread_t thread;

		sem_init(&lessee.worked, 0, 0);
		pthread_create(&thread, NULL, hold_a_lease, &lessee);
		sem_wait(&lessee.worked);
		if (lessee.how == IS_CANCELLED)
			pthread_cancel(thread);
		if (lessee.how != SLEEPS)
			pthread_join(thread, NULL);
		ck_assert_int_eq(flopshim_charge("by hand", 999981, NULL, 0, NULL), FLOPSHIM_REFUSED);
		ck_assert_int_eq(flopshim_charge("by hand", 999980, NULL, 0, NULL), FLOPSHIM_OK);
		ck_assert_int_eq(flopshim_scope_remaining(scope), 0);
		ck_assert(!dot(1));
		ck_assert_int_eq(flopshim_end(scope), 1);
		if (lessee.how == SLEEPS) {
			pthread_cancel(thread);
			pthread_join(thread, NULL);
		}
	}
}
END_TEST

static void *ask_about(void *scope) { return (void *)(intptr_t)flopshim_scope_used(*(int64_t *)scope); }

START_TEST(open_scope_answers_in_any_thread)
{
	int64_t scope = flopshim_begin_budget("a", 100);
	pthread_t thread;
	void *answer;

	ck_assert(dot(10));
	pthread_create(&thread, NULL, ask_about, &scope);
	pthread_join(thread, &answer);
	ck_assert_int_eq((intptr_t)answer, 20);
	ck_assert_int_eq(flopshim_end(scope), 1);
}
END_TEST

/* ---- processes ---- */

#define CHILD_CHECK(condition)                                             \
	do {                                                               \
		if (!(condition)) {                                        \
			fprintf(stderr, "in the child: %s\n", #condition); \
			_exit(1);                                          \
		}                                                          \
	} while (0)

START_TEST(forked_child_goes_on_with_what_was_left)
{
	int64_t scope = flopshim_begin_budget("a", 100);
	int status;
	pid_t child;

	ck_assert_int_eq(flopshim_set_budget(".", 1000), FLOPSHIM_OK);
	ck_assert(dot(20));
	child = fork();
	if (!child) {
		CHILD_CHECK(flopshim_used("") == 0);
		CHILD_CHECK(flopshim_scope_remaining(scope) == 60);
		CHILD_CHECK(flopshim_remaining(".") == 960);
		CHILD_CHECK(!dot(31));
		CHILD_CHECK(dot(30));
		CHILD_CHECK(flopshim_used(".a") == 60);
		CHILD_CHECK(flopshim_end(scope) == 1);
		CHILD_CHECK(dot(100));
		_exit(0);
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
	ck_assert_int_eq(flopshim_used(""), 40); /* work of the child is not the parent's */
	ck_assert(dot(30));
	ck_assert(!dot(1));
	ck_assert_int_eq(flopshim_end(scope), 1);
}
END_TEST

#define TESTS(X)                                                     \
	X(scope_charges_its_namespace)                               \
	X(names_are_relative_unless_they_begin_with_a_dot)           \
	X(block_form_ends_however_it_is_left)                        \
	X(scope_budget_is_its_own)                                   \
	X(budget_is_rounded_up)                                      \
	X(every_limit_on_the_way_up_holds_and_the_tightest_is_named) \
	X(absolute_name_does_not_leave_the_scope_budget)             \
	X(ten_thousand_nested_scopes)                                \
	X(namespace_budget_bounds_all_inside_over_the_process)       \
	X(namespace_budget_can_be_set_late_and_changed)              \
	X(process_budget_is_the_roots)                               \
	X(wrong_amounts_are_refused_and_change_nothing)              \
	X(wrong_names_are_refused_and_charge_nothing_elsewhere)      \
	X(hundred_thousand_namespaces)                               \
	X(too_many_namespaces_are_an_error)                          \
	X(exact_fit_runs_and_one_flop_less_does_not)                 \
	X(rejected_call_is_not_charged)                              \
	X(info_says_whose_limit_denied_the_call)                     \
	X(denied_function_returns_zero)                              \
	X(charge_by_hand)                                            \
	X(wrong_charges_are_refused)                                 \
	X(multiplier_scales_what_is_charged)                         \
	X(multiplier_never_makes_work_free)                          \
	X(cost_asks_without_charging)                                \
	X(summary_is_terminated_whatever_the_buffer)                 \
	X(reset_clears_the_report_and_refunds_nothing)               \
	X(shim_is_present)                                           \
	X(callback_is_told_what_and_where)                           \
	X(callback_may_let_it_run)                                   \
	X(callback_may_call_blas)                                    \
	X(callback_may_leave_by_longjmp)                             \
	X(errno_is_kept)                                             \
	X(refusals_are_said_once_each_for_the_first_few)             \
	X(default_answer_is_as_without_a_callback)                   \
	X(unbalanced_ends)                                           \
	X(longjmp_out_of_scopes)                                     \
	X(end_in_the_wrong_thread)                                   \
	X(pthread_exit_out_of_scopes)                                \
	X(worker_charges_where_its_creator_stands_at_that_moment)    \
	X(creator_that_has_ended_yields_to_its_own)                  \
	X(scope_that_outlives_the_one_around_it)                     \
	X(thread_takes_nothing_with_it)                              \
	X(open_scope_answers_in_any_thread)                          \
	X(forked_child_goes_on_with_what_was_left)

/* Each test is a test case of Check with the same name, so that CK_RUN_CASE can choose it. */
int main(void)
{
	Suite *suite = suite_create("flopshim.h");
	SRunner *runner = srunner_create(suite);
	int failed;

#define ADD(name)                                 \
	{                                         \
		TCase *one = tcase_create(#name); \
		tcase_add_test(one, name);        \
		tcase_set_timeout(one, 60);       \
		suite_add_tcase(suite, one);      \
	}
	TESTS(ADD)
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
