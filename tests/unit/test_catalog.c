/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_catalog.c - tests how routines are found by what people type and by symbols, and how rows are priced again.
 * It must never expect a price that mathematics does not settle: dgemm costs 2 m n k, zgemm 8 m n k.
 */
#include <check.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#include "analyzer/catalog/catalog.h"
#include "analyzer/catalog/query.h"
#include "run_suite.h"

START_TEST(finds_routines)
{
	static const struct {
		const char *name, *routine;
	} cases[] = {
		{"dgemm", "dgemm"},
		{"DGEMM", "dgemm"},
		{"dgemm_", "dgemm"},
		{"dgemm_64_", "dgemm"},
		{"DGEMM_64", "dgemm"},
		{"cblas_dgemm", "dgemm"},
		{"cblas_dgemm64_", "dgemm"},
		{"cblas_dgemm_64", "dgemm"},
		{"scipy_dgemm_64_", "dgemm"},
		{"scipy_cblas_dgemm64_", "dgemm"},
		{"scipy_cblas_dgemm", "dgemm"},
		{"LAPACKE_dgesv", "dgesv"},
		{"LAPACKE_dgesv_work", "dgesv"},
		{"cblas_zdotc_sub", "zdotc"},
		{"dsyevd_2stage_", "dsyevd_2stage"},
		{"zunmqr", "zunmqr"},
		{"scnrm2", "scnrm2"},
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const struct routine *routine = catalog_find(cases[i].name);

		ck_assert_msg(routine != NULL, "%s", cases[i].name);
		ck_assert_str_eq(routine->name, cases[i].routine);
	}
	ck_assert_ptr_null(catalog_find(""));
	ck_assert_ptr_null(catalog_find("printf"));
	ck_assert_ptr_null(
		catalog_find("a_name_that_is_much_longer_than_the_name_of_any_routine_that_there_will_ever_be"));
}
END_TEST

/* Every routine is found by its own name. */
START_TEST(finds_all)
{
	for (unsigned i = 0; i < routine_count; i++)
		ck_assert_ptr_eq(catalog_find(routines[i].name), &routines[i]);
	for (unsigned i = 0; i < family_count; i++)
		ck_assert_str_eq(formulas[i].family, families[i].name);
}
END_TEST

static bool is_near(const char *name, const char *expected)
{
	const char *near[5];
	size_t count = catalog_near(name, near, 5);

	for (size_t i = 0; i < count; i++)
		if (!strcmp(near[i], expected))
			return true;
	return false;
}

START_TEST(suggests_names)
{
	ck_assert(is_near("dgmem", "dgemm")); /* two letters swapped */
	ck_assert(is_near("dgem", "dgemm"));
	ck_assert(is_near("gemm", "dgemm")); /* a family: every type */
	ck_assert(is_near("gemm", "zgemm"));
	ck_assert(is_near("dgesddd", "dgesdd"));
	ck_assert(is_near("zungq", "zungqr"));
	ck_assert(!is_near("printf", "dgemm"));
	ck_assert_uint_eq(catalog_near("no such name at all", (const char *[5]){0}, 5), 0);
}
END_TEST

/* ---- pricing again ---- */

static struct intern texts;

static struct routine_key key_of(const char *name, const char *const *options, const char *const *dims)
{
	struct routine_key key = {.name = intern_text(&texts, name), .type = (uint8_t)name[0]};

	for (; options[key.option_count]; key.option_count++)
		key.options[key.option_count] = intern_text(&texts, options[key.option_count]);
	for (; dims[key.dim_count]; key.dim_count++)
		key.dims[key.dim_count] = intern_text(&texts, dims[key.dim_count]);
	return key;
}

START_TEST(prices_by_names)
{
	/* The dump has the arguments in another order than today's table, and one more: they are matched by name. */
	struct routine_key key = key_of("dgemm", (const char *[]){"transb", "transa", NULL},
	                                (const char *[]){"k", "old", "n", "m", NULL});
	struct dump_row row = {
		.calls = 7, .dims = {200, 9, 400, 300}, .options = 'N' | 'T' << 8, .flops = 1, .charged = 1};
	void *repricer = catalog_repricer_new();
	struct priced priced;

	ck_assert(catalog_reprice(repricer, &texts, &key, &row, UINT64_C(1) << 32, &priced));
	ck_assert_uint_eq(priced.flops, 48000000);
	ck_assert_uint_eq(priced.charged, 48000000);
	ck_assert_uint_eq(priced.kind, DUMP_DIRECT);
	key = key_of("zgemm", (const char *[]){"transa", "transb", NULL}, (const char *[]){"m", "n", "k", NULL});
	row.dims[0] = 10, row.dims[1] = 20, row.dims[2] = 30;
	ck_assert(catalog_reprice(repricer, &texts, &key, &row, UINT64_C(1) << 32, &priced));
	ck_assert_uint_eq(priced.flops, 8 * 10 * 20 * 30);
	catalog_repricer_free(repricer);
}
END_TEST

/* A row keeps the weight that it had (charged / flops). A row that had no price gets the multipliers instead. */
START_TEST(keeps_weights)
{
	static const struct {
		uint64_t flops, charged, multiplier, expected;
	} cases[] = {
		{100, 100, 1, 2000}, {100, 250, 1, 5000}, {100, 0, 1, 0}, {3000, 1, 1, 1}, {0, 0, 3, 6000},
	};
	struct routine_key key =
		key_of("dgemm", (const char *[]){"transa", "transb", NULL}, (const char *[]){"m", "n", "k", NULL});
	void *repricer = catalog_repricer_new();
	struct priced priced;

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct dump_row row = {
			.calls = 1, .dims = {10, 10, 10}, .flops = cases[i].flops, .charged = cases[i].charged};

		ck_assert(catalog_reprice(repricer, &texts, &key, &row, cases[i].multiplier << 32, &priced));
		ck_assert_uint_eq(priced.flops, 2000);
		ck_assert_uint_eq(priced.charged, cases[i].expected);
	}
	catalog_repricer_free(repricer);
}
END_TEST

START_TEST(leaves_what_it_does_not_know)
{
	struct routine_key unknown = key_of("dfoobar", (const char *[]){NULL}, (const char *[]){"n", NULL});
	struct routine_key lacking =
		key_of("dgemm", (const char *[]){"transa", "transb", NULL}, (const char *[]){"m", "n", NULL});
	void *repricer = catalog_repricer_new();
	struct dump_row row = {.calls = 1};
	struct priced priced;

	ck_assert(!catalog_reprice(repricer, &texts, &unknown, &row, UINT64_C(1) << 32, &priced));
	ck_assert(!catalog_reprice(repricer, &texts, &lacking, &row, UINT64_C(1) << 32, &priced));
	catalog_repricer_free(repricer);
}
END_TEST

/* ---- questions ---- */

/*
 * Asks for the price of a line. Returns what is wrong with it, "" if it was priced, or "formula" if it has no
 * arguments.
 */
static const char *asked(const char *line, struct query *query)
{
	char copy[256], *words[32], *state;
	size_t count = 0;

	strcpy(copy, line);
	for (char *word = strtok_r(copy, " ", &state); word; word = strtok_r(NULL, " ", &state))
		words[count++] = word;
	query_ask(query, words, count);
	return query->problem[0] ? query->problem : query->priced ? "" : "formula";
}

START_TEST(answers_questions)
{
	static const struct {
		const char *line, *answer;
	} cases[] = {
		{"dgemm m=3 n=4 k=5", ""},
		{"dgemm M=3 N=4 K=5 TRANSA=n", ""},
		{"dgemm", "formula"},
		{"dgemm m=3", "dgemm: missing: n, k"},
		{"dgemm k=5 m=3", "dgemm: missing: n"},
		{"dgemm m=3 n=4 k=x", "dgemm: k=x: expected an integer"},
		{"dgemm m=3 n=4 k=1.5", "dgemm: k=1.5: expected an integer"},
		{"dgemm m=3 n=4 k=", "dgemm: k=: expected an integer"},
		{"dgemm m=3 n=4 k=99999999999999999999", "dgemm: k=99999999999999999999: does not fit in 64 bits"},
		{"dgemm m=3 n=4 k=5 m=3", "dgemm: m is given twice"},
		{"dgemm m=3 n=4 k=5 transa=NT", "dgemm: transa=NT: expected one letter"},
		{"dgemm m=3 n=4 k=5 lda", "dgemm: lda: expected NAME=VALUE"},
		{"dgemm m=3 n=4 k=5 lda=3", ""}, /* lda is an argument of dgemm, though no price depends on it */
		{"dgemm m=3 n=4 k=5 depth=3",
	         "dgemm: depth: not an argument that its price can depend on; those are: transa transb m n k"},
		{"dhseqr job=E compz=N n=9", ""}, /* ilo and ihi default to the whole matrix */
		{"dgmem m=3", "dgmem: there is no such routine; did you mean dgemm?"},
		{"dcopy", ""}, /* dcopy is exempt: it costs nothing for any n */
	};
	struct query query;

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const char *answer = asked(cases[i].line, &query);

		if (!strncmp(cases[i].line, "dgmem", 5))
			ck_assert_msg(!strncmp(answer, cases[i].answer, strlen(cases[i].answer) - 1), "%s", answer);
		else
			ck_assert_str_eq(answer, cases[i].answer);
	}
	ck_assert_str_eq(asked("zgemm m=10 n=20 k=30", &query), "");
	ck_assert_uint_eq(query.price.flops, 8 * 10 * 20 * 30);
	ck_assert_uint_eq(query.price.muls, 10 * 20 * 30);
	ck_assert_str_eq(asked("dgemm m=-1 n=20 k=30", &query), "");
	ck_assert_uint_eq(query.price.flops, 0);
}
END_TEST

/* Arguments may have other usual names, defaults, and values that stand for what the data would decide. */
START_TEST(takes_other_names)
{
	static const struct {
		const char *line, *same;
	} cases[] = {
		{"dtrsm side=L trans=T diag=N m=5 n=6", "dtrsm side=L transa=T diag=N m=5 n=6"},
		{"dtbmv uplo=U diag=N n=9 kd=3", "dtbmv uplo=U diag=N n=9 k=3"},
		{"dpbtrf uplo=U n=9 k=3", "dpbtrf uplo=U n=9 kd=3"},
		{"dgglse m=9 n=5 pr=3", "dgglse m=9 n=5 p=3"},
		{"dgbtrf n=9 kl=2 ku=3", "dgbtrf m=9 n=9 kl=2 ku=3"},
		{"dgbtrf m=7 n=9 kl=2 ku=3", "dgbtrf n=9 m=7 kl=2 ku=3"},
		{"zunmtr uplo=U n=9", "zunmtr side=L uplo=U m=9 n=9"},
		{"dgemm m=3 n=4 k=5 ab=general", "dgemm m=3 n=4 k=5"},
		{"dgemm m=3 n=4 k=5 alpha=general", "dgemm m=3 n=4 k=5"},
		{"drotm n=9 flag=-1", "drotm n=9"},
		{"dgbsv n=9 kl=2 ku=3 nrhs=2 pivoting=no", "dgbsv n=9 kl=2 ku=3 nrhs=2"},
		{"dtrsyl m=5 n=6 trana=N tranb=N isgn=1 blocks=2x2", "dtrsyl m=5 n=6 trana=N tranb=N isgn=1"},
		{"dlaswp m=5 n=6", "dlaswp n=6 k1=1 k2=3"}, /* dlaswp is exempt */
	};
	static const struct {
		const char *line, *answer;
	} wrong[] = {
		{"dgesvd job=N m=5 n=6",
	         "dgesvd: job: not an argument that its price can depend on; those are: jobu jobvt m n"},
		{"dormqr side=L m=5 n=6 kd=3",
	         "dormqr: kd: not an argument that its price can depend on; those are: side trans m n k"},
		{"dgetrf m=5 n=5 pr=5", "dgetrf: pr: not an argument that its price can depend on; those are: m n"},
		{"dtrsm side=L trans=T transa=T diag=N m=5 n=6", "dtrsm: transa is given twice"},
		{"dgetrf n=5", "dgetrf: missing: m"},
		{"dormtr side=L uplo=U n=5", "dormtr: missing: m"},
		{"dgetrf m=5 n=5 pivoting=no",
	         "dgetrf: pivoting: not an argument that its price can depend on; those are: m n"},
		{"dgbtrf n=9 kl=2 ku=3 pivoting=maybe", "dgbtrf: pivoting=maybe: expected one of yes no"},
		{"dgbtrf n=9 kl=2 ku=3 pivoting=ye", "dgbtrf: pivoting=ye: expected one of yes no"},
		{"drotm n=9 flag=3", "drotm: flag=3: expected one of -2 -1 0 1"},
		{"dasum n=9 ab=general", "dasum: ab: not an argument that its price can depend on; those are: n"},
		{"dlaswp depth=5 n=6",
	         "dlaswp: depth: not an argument that its price can depend on; those are: n k1 k2"},
	};
	struct query query, same;

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		ck_assert_str_eq(asked(cases[i].same, &same), "");
		ck_assert_msg(!*asked(cases[i].line, &query), "%s", query.problem);
		ck_assert_msg(query.price.flops == same.price.flops && query.price.words == same.price.words, "%s",
		              cases[i].line);
	}
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		ck_assert_str_eq(asked(wrong[i].line, &query), wrong[i].answer);
	asked("dgbsv n=9 kl=2 ku=3 nrhs=2 pivoting=no", &query);
	ck_assert_str_eq(query.remarks, "pivoting=no");
}
END_TEST

/*
 * Copies the next word of a row's arguments at `at` into `name` without its condition: `il?range=I` becomes `il`, and
 * "" means the end. Returns where the word after it begins.
 */
static const char *next_argument(const char *at, char *name)
{
	size_t length;

	at += strspn(at, " ");
	if (!strncmp(at, "->", 2)) { /* the type that a function returns */
		at += strcspn(at, "> ") + 1;
		at += strspn(at, " ");
		at += strcspn(at, " ");
		at += strspn(at, " ");
	}
	length = strcspn(at, " :?[");
	memcpy(name, at, length);
	name[length] = 0;
	return at + strcspn(at, " ");
}

/* Every routine is priced if all of its arguments are given, those too that its price does not depend on. */
START_TEST(takes_every_argument)
{
	for (unsigned i = 0; i < routine_count; i++) {
		const char *at = catalog_formula(&routines[i])->arguments;
		char storage[64][32], *words[64] = {(char *)routines[i].name}, seen[1024] = " ";
		struct query query;
		size_t count = 1;

		for (char name[24], key[32]; at = next_argument(at, name), name[0];) {
			snprintf(key, sizeof key, " %s ", name);
			if (strstr(seen,
			           key)) /* an argument may be listed twice, at different places for different types */
				continue;
			strcat(seen, key + 1);
			snprintf(storage[count], sizeof storage[count], "%s=1", name);
			words[count] = storage[count];
			count++;
		}
		query_ask(&query, words, count);
		ck_assert_msg(!query.problem[0] && query.priced, "%s: %s", routines[i].name, query.problem);
	}
}
END_TEST

/* An argument must be given only if the price depends on it: indices of eigenvalues matter only with range=I. */
START_TEST(asks_only_for_what_matters)
{
	struct query query;
	uint64_t flops;

	ck_assert_str_eq(asked("dsyevr jobz=N range=A uplo=L n=100", &query), "");
	ck_assert_str_eq(asked("dsyevr jobz=V range=I uplo=L n=100", &query), "dsyevr: missing: il, iu");
	ck_assert_str_eq(asked("dsyevr jobz=V range=I uplo=L n=100 il=1 iu=10", &query), "");
	ck_assert_str_eq(asked("dsyevr range=A uplo=L n=100", &query), "dsyevr: missing: jobz");
	/* Arguments with a usual value may be left out. */
	ck_assert_str_eq(asked("dpocon n=100", &query), "");
	ck_assert_int_eq(query.shape[0], 'U');
	ck_assert_str_eq(asked("dgesvx fact=N n=100 nrhs=2", &query), "");
	flops = query.price.flops;
	ck_assert_str_eq(asked("dgesvx fact=N trans=N n=100 nrhs=2", &query), "");
	ck_assert_uint_eq(query.price.flops, flops);
	ck_assert_str_eq(asked("dgesvx fact=N trans=T n=100 nrhs=2", &query), "");
	ck_assert_uint_ne(query.price.flops, flops);
	/* LAPACK reads IJOB only if TRANS = N. */
	ck_assert_str_eq(asked("dtgsyl trans=N m=9 n=8", &query), "dtgsyl: missing: ijob");
	ck_assert_str_eq(asked("dtgsyl trans=N m=9 n=8 ijob=0", &query), "");
	ck_assert_str_eq(asked("dtgsyl trans=T m=9 n=8", &query), "");
	flops = query.price.flops;
	ck_assert_str_eq(asked("dtgsyl trans=T m=9 n=8 ijob=4", &query), "");
	ck_assert_uint_eq(query.price.flops, flops);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("catalog");
	TCase *tests = tcase_create("catalog");

	tcase_add_test(tests, finds_routines);
	tcase_add_test(tests, finds_all);
	tcase_add_test(tests, suggests_names);
	tcase_add_test(tests, prices_by_names);
	tcase_add_test(tests, keeps_weights);
	tcase_add_test(tests, leaves_what_it_does_not_know);
	tcase_add_test(tests, answers_questions);
	tcase_add_test(tests, takes_other_names);
	tcase_add_test(tests, takes_every_argument);
	tcase_add_test(tests, asks_only_for_what_matters);
	suite_add_tcase(suite, tests);
	return run_suite(suite, CK_FORK);
}
