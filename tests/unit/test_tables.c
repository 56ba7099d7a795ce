/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_tables.c - what the tables of a report hold, for readers and for programs.
 * It must never ask how a table is written down: that is test_render's.
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
	writer_lane(&writer, &(struct dump_lane){ .threads = 1 });
}

static void tear_down(void)
{
	views_close(&views);
	aggregate_close(&aggregate);
	writer_free(&writer);
}

/* A row of `calls` calls of dgemm of `flops` FLOPs each. */
static void add_calls(uint64_t calls, uint64_t flops, int64_t order)
{
	struct dump_row row = writer_call(dgemm_site, calls, flops, "", order, order, order);

	writer_row(&writer, 0, &row);
}

/* Reads what has been written. */
static void open_views(void)
{
	struct memory_file file = { writer.bytes, writer.size };
	struct dump_source source = memory_source(&file);

	aggregate_open(&aggregate, &(struct aggregate_options){ 0 });
	aggregate_add(&aggregate, &source, "test.dump");
	views_open(&views, &aggregate);
}

/* A cell as readers are shown it; valid until the next one. */
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

/* ---- rows that say nothing ---- */

/* A routine that was only asked for its workspace is nothing to readers; programs are told of it, whatever the table is called. */
START_TEST(programs_see_what_was_only_asked)
{
	uint32_t dgeqrf = writer_routine(&writer, "dgeqrf", DUMP_DIRECT, "|m n");
	struct dump_row query = writer_call(writer_site(&writer, "dgeqrf_", dgeqrf, 0x402000, program, DUMP_NONE), 1, 0, "", 5, 5, 0);
	struct table table;

	query.kind = DUMP_ROW_QUERY;
	writer_row(&writer, 0, &query);
	add_calls(3, 1000, 10);
	open_views();
	for (unsigned by_key = 0; by_key < 2; by_key++)
		for (unsigned for_readers = 0; for_readers < 2; for_readers++) {
			if (by_key)
				key_table(&views, &keys[KEY_ROUTINE], SIZE_MAX, for_readers, &table);
			else
				views_get(&views, &table_routines, SIZE_MAX, for_readers, &table);
			ck_assert_uint_eq(table.row_count, for_readers ? 1 : 2);
			ck_assert_str_eq(cell(&table, 0, "routine"), "dgemm");
			if (!for_readers)
				ck_assert_str_eq(cell(&table, 1, "workspace_queries"), "1");
		}
}
END_TEST

/* A table of few rows stays what it is when a later one wants more of the same groups. */
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

int main(void)
{
	Suite *suite = suite_create("tables");
	TCase *rows = tcase_create("rows");

	tcase_add_checked_fixture(rows, set_up, tear_down);
	tcase_add_test(rows, programs_see_what_was_only_asked);
	tcase_add_test(rows, a_table_outlives_a_longer_one);
	suite_add_tcase(suite, rows);
	return run_suite(suite, CK_FORK);
}
