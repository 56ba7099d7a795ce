/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_tables.c - tests what the tables of a report contain, for people and for programs.
 * It must never test how a table is printed: test_render.c does.
 */
#include <check.h>
#include <stdio.h>

#include "analyzer/tables/cell.h"
#include "analyzer/tables/keys.h"
#include "dump_writer.h"
#include "memory_source.h"
#include "run_suite.h"

static struct writer writer;
static struct aggregate aggregate;
static struct views views;
static uint32_t program, dgemm, dgemm_site;

static void set_up(void)
{
	writer_open(&writer, 7);
	program = writer_module(&writer, "/bin/example", 0x400000, 0, "", 0);
	dgemm = writer_routine(&writer, "dgemm", DUMP_DIRECT, "|m n k");
	dgemm_site = writer_site(&writer, "dgemm_", dgemm, 0x401000, program, DUMP_NONE);
	writer_lane(&writer, &(struct dump_lane){.threads = 1});
}

static void tear_down(void)
{
	views_close(&views);
	aggregate_close(&aggregate);
	writer_free(&writer);
}

/* Adds a row of `calls` calls of dgemm, of `flops` FLOPs each, on matrices of order `order`. */
static void add_calls(uint64_t calls, uint64_t flops, int64_t order)
{
	struct dump_row row = writer_call(dgemm_site, calls, flops, "", order, order, order);

	writer_row(&writer, 0, &row);
}

/* Adds the dump that has been written to the aggregate. */
static void add_dump(void)
{
	struct memory_file file = {writer.bytes, writer.size};
	struct dump_source source = memory_source(&file);

	aggregate_add(&aggregate, &source, "test.dump");
}

/* Adds up the dump that has been written, for tables of it. */
static void open_views(void)
{
	aggregate_open(&aggregate, &(struct aggregate_options){0});
	add_dump();
	views_open(&views, &aggregate);
}

/* The text of a cell as people see it. It is valid until the next call. */
static const char *cell(const struct table *table, size_t row, const char *key)
{
	static struct text text;

	for (unsigned i = 0; i < table->column_count; i++) {
		struct value value;

		if (strcmp(table->columns[i].key, key))
			continue;
		value = column_get(&table->columns[i], table, table_item(table, row));
		text_clear(&text);
		text_add(&text, "");
		cell_add(&text, &table->columns[i], &value);
		return text.bytes;
	}
	ck_abort_msg("no column %s", key);
}

/* ---- rows without work ---- */

/* A routine that was only asked for its workspace is in tables for programs, and not in tables for people. */
START_TEST(programs_see_what_was_only_asked)
{
	uint32_t dgeqrf = writer_routine(&writer, "dgeqrf", DUMP_DIRECT, "|m n");
	struct dump_row query =
		writer_call(writer_site(&writer, "dgeqrf_", dgeqrf, 0x402000, program, DUMP_NONE), 1, 0, "", 5, 5, 0);
	struct table table;

	query.kind = DUMP_ROW_QUERY;
	writer_row(&writer, 0, &query);
	add_calls(3, 1000, 10);
	open_views();
	for (unsigned by_key = 0; by_key < 2; by_key++)
		for (unsigned for_people = 0; for_people < 2; for_people++) {
			if (by_key)
				key_table(&views, &keys[KEY_ROUTINE], SIZE_MAX, for_people, &table);
			else
				views_get(&views, &table_routines, SIZE_MAX, for_people, &table);
			ck_assert_uint_eq(table.row_count, for_people ? 1 : 2);
			ck_assert_str_eq(cell(&table, 0, "routine"), "dgemm");
			if (!for_people)
				ck_assert_str_eq(cell(&table, 1, "workspace_queries"), "1");
		}
}
END_TEST

/* A table of a few rows stays as it is if a later table of the same groups has more rows. */
START_TEST(a_table_outlives_a_longer_one)
{
	enum { SHAPES = 200, FEW = 3 };
	struct table few, all;

	for (int64_t i = 1; i <= SHAPES; i++)
		add_calls(1, (uint64_t)(i * 37 % SHAPES + 1), i); /* 1 to SHAPES FLOPs, in no order */
	open_views();
	views_get(&views, &table_shapes, FEW, true, &few);
	views_get(&views, &table_shapes, SIZE_MAX, true, &all);
	ck_assert_uint_eq(few.row_count, FEW);
	ck_assert_uint_eq(few.more, SHAPES - FEW);
	for (size_t i = 0; i < SHAPES; i++) {
		char number[NUMBER_TEXT];

		ck_assert_str_eq(cell(&all, i, "flops"), number_exact(SHAPES - i, number));
		if (i < FEW)
			ck_assert_str_eq(cell(&few, i, "flops"), number);
	}
}
END_TEST

/* ---- stacks ---- */

/* Adds a stack of a few return addresses in the program. `python` has its Python frames, or is "". */
static uint64_t stack(const uint64_t *addresses, uint32_t count, const char *python)
{
	return writer_stack(&writer, addresses, count, python[0] ? writer_string(&writer, python) : 0);
}

static void add_sample(uint64_t reference, uint64_t flops, uint64_t calls)
{
	struct dump_sample sample = {.stack = reference, .flops = flops, .calls = calls, .site = dgemm_site};

	writer_add(&writer, DUMP_SAMPLES, &sample, sizeof sample);
}

static const uint64_t from_a[] = {0x401000, 0x400100, 0x400010}, from_b[] = {0x401000, 0x400200, 0x400010};

static void get_stacks(bool for_people, struct table *table)
{
	open_views();
	views_get(&views, &table_stacks, SIZE_MAX, for_people, table);
}

/*
 * The stacks of a site share exactly the FLOPs that the site did, here 40,000 in 100 calls, whatever their samples
 * stand for: in the mode `auto` that may be too much or too little.
 */
START_TEST(stacks_do_what_their_site_did)
{
	static const struct {
		uint64_t a, b;
		const char *shares[2];
	} cases[] = {
		{65736, 0, {"~100.0 %", ""}},
		{10000, 0, {"~100.0 %", ""}},
		{90000, 30000, {"~75.0 %", "~25.0 %"}},
		{3, 1, {"~75.0 %", "~25.0 %"}},
	};
	struct table table;

	add_calls(100, 400, 5);
	add_sample(stack(from_a, 3, ""), cases[_i].a, 1);
	if (cases[_i].b)
		add_sample(stack(from_b, 3, ""), cases[_i].b, 1);
	get_stacks(true, &table);
	ck_assert_uint_eq(table.row_count, cases[_i].b ? 2 : 1);
	for (size_t i = 0; i < table.row_count; i++)
		ck_assert_str_eq(cell(&table, i, "share"), cases[_i].shares[i]);
	ck_assert_str_eq(cell(&table, 0, "estimated_flops"), cases[_i].b ? "~30.00 k" : "~40.00 k");
}
END_TEST

/*
 * If a stack was taken at every call, the shares are exact. So it is with FLOPSHIM_STACKS=all, or if calls are
 * expensive.
 */
START_TEST(what_all_calls_say_is_exact)
{
	struct dump_row row = writer_call(dgemm_site, 4, 1000, "", 5, 5, 5);
	struct table table;

	row.charged = _i ? 3000 : 1000; /* samples count charges, not FLOPs */
	writer_row(&writer, 0, &row);
	add_sample(stack(from_a, 3, ""), 3 * row.charged, 3);
	add_sample(stack(from_b, 3, ""), row.charged, 1);
	get_stacks(true, &table);
	ck_assert_str_eq(cell(&table, 0, "estimated_flops"), "3000");
	ck_assert_str_eq(cell(&table, 0, "share"), "75.0 %");
	ck_assert_str_eq(cell(&table, 1, "estimated_flops"), "1000");
	ck_assert_str_eq(cell(&table, 1, "exact"), "yes");
}
END_TEST

/*
 * Two runs of one program under different weights: each made one call of 1,000 FLOPs, which it charged as the case says,
 * from a stack of its own, so that both stacks did 1,000. The samples, which count charges, do not tell that.
 */
START_TEST(what_is_charged_unevenly_is_an_estimate)
{
	static const struct {
		uint64_t charged[2];
		const char *exact;
	} cases[] = {
		{{1000, 1000}, "yes"}, {{2000, 2000}, "yes"}, {{1000, 2000}, ""}, {{0, 1000}, ""}, {{1000, 0}, ""}};
	struct table table;

	for (unsigned i = 0; i < 2; i++) {
		struct dump_row row = writer_call(dgemm_site, 1, 1000, "", 5, 5, 5);

		if (i) { /* the second dump */
			writer_free(&writer);
			set_up();
		}
		row.charged = cases[_i].charged[i];
		writer_row(&writer, 0, &row);
		add_sample(stack(i ? from_b : from_a, 3, ""), row.charged, 1);
		if (!i)
			aggregate_open(&aggregate, &(struct aggregate_options){0});
		add_dump();
	}
	views_open(&views, &aggregate);
	views_get(&views, &table_stacks, SIZE_MAX, true, &table);
	ck_assert_uint_eq(table.row_count, 2);
	ck_assert_str_eq(cell(&table, 0, "exact"), cases[_i].exact);
	ck_assert_str_eq(cell(&table, 1, "exact"), cases[_i].exact);
}
END_TEST

/*
 * If a weight is 0, samples have no charges: the FLOPs are divided by numbers of calls, and the shares are estimates.
 */
START_TEST(what_is_charged_nothing_is_divided_by_calls)
{
	struct dump_row row = writer_call(dgemm_site, 4, 1000, "", 5, 5, 5);
	struct table table;

	row.charged = 0;
	writer_row(&writer, 0, &row);
	add_sample(stack(from_a, 3, ""), 0, 3);
	add_sample(stack(from_b, 3, ""), 0, 1);
	get_stacks(true, &table);
	ck_assert_uint_eq(table.row_count, 2);
	ck_assert_str_eq(cell(&table, 0, "estimated_flops"), "~3000");
	ck_assert_str_eq(cell(&table, 0, "share"), "~75.0 %");
	ck_assert_str_eq(cell(&table, 1, "estimated_flops"), "~1000");
	ck_assert_str_eq(cell(&table, 0, "exact"), ""); /* "yes" if exact */
}
END_TEST

/* 2^80 FLOPs, which do not fit in 64 bits, are divided by samples of 3 and 1. */
START_TEST(very_much_work_is_divided)
{
	struct table table;

	add_calls((uint64_t)1 << 40, (uint64_t)1 << 40, 5);
	add_sample(stack(from_a, 3, ""), 3, 1);
	add_sample(stack(from_b, 3, ""), 1, 1);
	get_stacks(false, &table);
	ck_assert_uint_eq(table.row_count, 2);
	ck_assert_str_eq(cell(&table, 0, "share"), "~75.0 %");
	ck_assert_str_eq(cell(&table, 1, "share"), "~25.0 %");
}
END_TEST

/*
 * One call of 2 FLOPs is done, one of 5,998 is in flight. The stack's sample is of the latter, which no total includes.
 */
START_TEST(a_call_in_flight_has_a_share)
{
	struct dump_lane lane = {.threads = 1, .depth = 1, .frames = {{0x7ffe0000, 0x401000, 0}}};
	struct dump_row row = writer_call(dgemm_site, 0, 5998, "", 7, 7, 7);
	struct table table;
	uint32_t number, lane_number = writer_lane(&writer, &lane);

	add_calls(1, 2, 1);
	number = writer_row(&writer, lane_number, &row);
	writer_frame(&writer, lane_number, 0, number);
	add_sample(stack(from_a, 3, ""), 5998, 1);
	get_stacks(true, &table);
	ck_assert_uint_eq((uint64_t)aggregate.totals.flops, 2);
	ck_assert_uint_eq((uint64_t)aggregate.totals.in_flight_flops, 5998);
	ck_assert_uint_eq(table.row_count, 1);
	ck_assert_str_eq(cell(&table, 0, "estimated_flops"), "~5998");
	ck_assert_str_eq(cell(&table, 0, "share"), "~100.0 %"); /* 5,998 of 6,000 */
}
END_TEST

/* A call that LAPACK rejects (INFO < 0) did no work, so its stack has no share. */
START_TEST(a_rejected_call_has_no_share)
{
	struct dump_row row = writer_call(dgemm_site, 1, 0, "", 5, 5, 5);
	struct table table;

	row.kind = DUMP_ROW_REJECTED;
	writer_row(&writer, 0, &row);
	add_calls(1, 1000, 3);
	add_sample(stack(from_a, 3, ""), 9000000, 1);
	get_stacks(true, &table);
	ck_assert_str_eq(cell(&table, 0, "estimated_flops"), "~1000");
	ck_assert_str_eq(cell(&table, 0, "share"), "~100.0 %");
}
END_TEST

/* People see the four innermost frames, and stacks that differ only in others are one row. Programs see all stacks. */
START_TEST(no_two_rows_look_the_same)
{
	static const char *const python[] = {"f (a.py:1)\ng (a.py:2)\nh (a.py:3)\ni (a.py:4)\nj (a.py:5)",
	                                     "f (a.py:1)\ng (a.py:2)\nh (a.py:3)\ni (a.py:4)\nk (a.py:6)"};
	struct table table;

	add_calls(8, 1000, 5);
	add_sample(stack(from_a, 3, python[0]), 1000, 1);
	add_sample(stack(from_a, 3, python[1]), 2000, 2);
	add_sample(stack(from_b, 3, python[1]), 4000, 4); /* the same Python frames, another place in the interpreter */
	add_sample(stack(from_b, 3, "l (b.py:1)"), 1000, 1);
	get_stacks(true, &table);
	ck_assert_uint_eq(table.row_count, 2);
	ck_assert_str_eq(cell(&table, 0, "estimated_flops"), "7000");
	ck_assert_str_eq(cell(&table, 0, "sampled_calls"), "7");
	ck_assert_str_eq(cell(&table, 0, "innermost"), "f (a.py:1) < g (a.py:2) < h (a.py:3) < i (a.py:4)");
	ck_assert_str_eq(cell(&table, 1, "innermost"), "l (b.py:1)");
	views_get(&views, &table_stacks, SIZE_MAX, false, &table);
	ck_assert_uint_eq(table.row_count, 4);
	ck_assert_str_eq(cell(&table, 0, "estimated_flops"), "4000");
}
END_TEST

/*
 * "Most" names the line with the largest sum of all its samples. Lines of code that NumPy or the interpreter generated
 * do not count; lines that a user typed do.
 */
START_TEST(most_comes_from_what_somebody_wrote)
{
	static const struct {
		const char *python[3], *most, *first;
	} cases[] = {
		{{"dot (<__array_function__ internals>:200)\nf (a.py:3)", "g (a.py:9)", ""},
	         "f (a.py:3)",
	         "f (a.py:3)"},
		{{"g (a.py:9)", "f (a.py:3)\nmain (a.py:1)", "f (a.py:3)\nmain (a.py:2)"}, "f (a.py:3)", "g (a.py:9)"},
		{{"_call (<frozen importlib._bootstrap>:241)\n<module> (<string>:1)", "", ""},
	         "<module> (<string>:1)",
	         "<module> (<string>:1)"},
		{{"f (<stdin>:1)\ng (a.py:1)", "", ""}, "f (<stdin>:1)", "f (<stdin>:1) < g (a.py:1)"},
	};
	static const uint64_t flops[] = {400, 300, 299};
	struct table table;

	add_calls(999, 1, 5);
	for (unsigned i = 0; i < 3; i++)
		add_sample(stack(from_a, 3, cases[_i].python[i]), flops[i], flops[i]);
	open_views();
	views_get(&views, &table_sites, SIZE_MAX, true, &table);
	ck_assert_uint_eq(table.row_count, 1);
	ck_assert_str_eq(cell(&table, 0, "python"), cases[_i].most);
	views_get(&views, &table_stacks, SIZE_MAX, true, &table);
	for (size_t i = 0; i < table.row_count; i++)
		if (!strcmp(cell(&table, i, "innermost"), cases[_i].first))
			return;
	ck_abort_msg("no stack begins with %s", cases[_i].first);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("tables");
	TCase *rows = tcase_create("rows"), *stacks = tcase_create("stacks");

	tcase_add_checked_fixture(rows, set_up, tear_down);
	tcase_add_test(rows, programs_see_what_was_only_asked);
	tcase_add_test(rows, a_table_outlives_a_longer_one);
	tcase_add_checked_fixture(stacks, set_up, tear_down);
	tcase_add_loop_test(stacks, stacks_do_what_their_site_did, 0, 4);
	tcase_add_loop_test(stacks, what_all_calls_say_is_exact, 0, 2);
	tcase_add_loop_test(stacks, what_is_charged_unevenly_is_an_estimate, 0, 5);
	tcase_add_test(stacks, what_is_charged_nothing_is_divided_by_calls);
	tcase_add_test(stacks, very_much_work_is_divided);
	tcase_add_test(stacks, a_call_in_flight_has_a_share);
	tcase_add_test(stacks, a_rejected_call_has_no_share);
	tcase_add_test(stacks, no_two_rows_look_the_same);
	tcase_add_loop_test(stacks, most_comes_from_what_somebody_wrote, 0, 4);
	suite_add_tcase(suite, rows);
	suite_add_tcase(suite, stacks);
	return run_suite(suite, CK_FORK);
}
