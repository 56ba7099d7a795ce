/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_render.c - numbers as text, and tables as text, JSON and CSV.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/base/hash.h"
#include "analyzer/base/intern.h"
#include "analyzer/base/number.h"
#include "analyzer/render/render.h"
#include "run_suite.h"

static u128 wide(uint64_t high, uint64_t low)
{
	return (u128)high << 64 | low;
}

START_TEST(exact_numbers)
{
	char text[NUMBER_TEXT];

	ck_assert_str_eq(number_exact(0, text), "0");
	ck_assert_str_eq(number_exact(9007199254740993u, text), "9007199254740993"); /* 2^53 + 1 */
	ck_assert_str_eq(number_exact(wide(1, 0), text), "18446744073709551616");
	ck_assert_str_eq(number_exact(U128_MAX, text), "340282366920938463463374607431768211455");
	ck_assert_str_eq(number_grouped(0, text), "0");
	ck_assert_str_eq(number_grouped(999, text), "999");
	ck_assert_str_eq(number_grouped(1000, text), "1,000");
	ck_assert_str_eq(number_grouped(48000000, text), "48,000,000");
	ck_assert_str_eq(number_grouped(U128_MAX, text), "340,282,366,920,938,463,463,374,607,431,768,211,455");
}
END_TEST

START_TEST(short_numbers)
{
	static const struct { uint64_t number; const char *text; } cases[] = {
		{ 0, "0" }, { 9999, "9999" }, { 10000, "10.00 k" }, { 10004, "10.00 k" }, { 10005, "10.01 k" },
		{ 99994, "99.99 k" }, { 99995, "100.0 k" }, { 999949, "999.9 k" }, { 999950, "1.000 M" },
		{ 48000000, "48.00 M" }, { 123456789, "123.5 M" }, { 1234567890123u, "1.235 T" },
		{ UINT64_MAX, "18.45 E" },
	};
	char text[NUMBER_TEXT];

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		ck_assert_str_eq(number_short(cases[i].number, text), cases[i].text);
	ck_assert_str_eq(number_short(U128_MAX, text), "3.403e38");
}
END_TEST

START_TEST(times)
{
	static const struct { double ns; const char *text; } cases[] = {
		{ 0, "0.00 ns" }, { 999, "999 ns" }, { 12000, "12.0 us" }, { 12345678, "12.3 ms" }, { 2e9, "2.00 s" },
		{ 3600e9, "1.00 h" }, { 999e9, "999 s" },
	};
	char text[NUMBER_TEXT];

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		ck_assert_str_eq(number_time(cases[i].ns, text), cases[i].text);
}
END_TEST

START_TEST(arithmetic)
{
	ck_assert(u128_add(U128_MAX, 1) == U128_MAX);
	ck_assert(u64_add(UINT64_MAX, 1) == UINT64_MAX);
	ck_assert(u64_saturate(wide(1, 0)) == UINT64_MAX);
	ck_assert(u128_scale(100, 3, 7) == 42);
	ck_assert(u128_scale(wide(1, 0), UINT64_MAX, UINT64_MAX) == wide(1, 0));
	ck_assert(u128_scale(U128_MAX, 2, 1) == U128_MAX);
	ck_assert(u128_scale(5, 0, 9) == 0);
}
END_TEST

START_TEST(interning)
{
	struct intern intern = { 0 };
	char text[16];

	ck_assert_uint_eq(intern_find(&intern, "a", 1), INTERN_NONE);
	for (uint32_t i = 0; i < 5000; i++) {
		sprintf(text, "text %u", i);
		ck_assert_uint_eq(intern_text(&intern, text), i);
	}
	for (uint32_t i = 0; i < 5000; i++) {
		sprintf(text, "text %u", i);
		ck_assert_uint_eq(intern_find(&intern, text, strlen(text)), i);
		ck_assert_str_eq(intern_at(&intern, i), text);
	}
	ck_assert_uint_eq(intern_text(&intern, "text 77"), 77);
	ck_assert_uint_eq(intern_find(&intern, "text", 4), INTERN_NONE);
	intern_free(&intern);
}
END_TEST

/* ---- tables ---- */

static const struct column columns[] = {
	{ "name",  "name",  COLUMN_TEXT,  0 },
	{ "flops", "FLOPs", COLUMN_FLOPS, 0 },
	{ "rare",  "rare",  COLUMN_COUNT, COLUMN_RARE },
	{ "never", "never", COLUMN_COUNT, COLUMN_RARE },
	{ "share", "share", COLUMN_SHARE, 0 },
	{ "time",  "time",  COLUMN_TIME,  COLUMN_OPTIONAL },
	{ "key",   "",      COLUMN_COUNT, COLUMN_NO_TEXT },
	{ "label", "label", COLUMN_TEXT,  COLUMN_ONLY_TEXT },
	{ "list",  "list",  COLUMN_LIST,  0 },
};

static const char *const names[] = { "plain", "com,ma \"quoted\"", "\xc3\xa9t\xc3\xa9\xff\n\x1b" };

static void fill(const struct table *table, size_t row, struct value *values)
{
	(void)table;
	values[0] = value_text(names[row]);
	values[1] = value_number(row == 1 ? wide(1, 0) : 48000000);
	values[2] = value_number(row == 1 ? 1234 : 0);
	values[3] = value_number(0);
	values[4] = value_real(0.5, row != 2);
	values[5] = value_number(12000000);
	values[5].known = row == 0;
	values[5].estimated = true;
	values[6] = value_number(7);
	values[7] = value_text(row == 0 ? "" : "here");
	values[8] = (struct value){ .known = true, .text = "a\0b c", .number = row == 0 ? 0 : 6 };
}

static char *render(void (*put)(struct output *output, const struct table *table), size_t rows)
{
	struct table table = { .key = "things", .title = "Things", TABLE_COLUMNS(columns), .row_count = rows, .fill = fill };
	char *text;
	size_t size;
	struct output output = { .stream = open_memstream(&text, &size) };

	if (put == table_json)
		json_open(&output, NULL, '{');
	put(&output, &table);
	if (put == table_json)
		json_close(&output, '}');
	fclose(output.stream);
	return text;
}

START_TEST(text_tables)
{
	char *text = render(table_text, 3);

	ck_assert_str_eq(text,
	                 "\nThings\n"
	                 "  name               FLOPs   rare   share      time  label  list\n"
	                 "  plain            48.00 M         50.0 %  ~12.0 ms\n"
	                 "  com,ma \"quoted\"  18.45 E  1,234  50.0 %            here   a b c\n"
	                 "  \xc3\xa9t\xc3\xa9???           48.00 M                           here   a b c\n");
	free(text);
	text = render(table_text, 0);
	ck_assert_str_eq(text, "");
	free(text);
}
END_TEST

START_TEST(csv_tables)
{
	char *text = render(table_csv, 2);

	ck_assert_str_eq(text,
	                 "name,flops,rare,never,share,time,key,list\n"
	                 "plain,48000000,0,0,0.5,12000000,7,\n"
	                 "\"com,ma \"\"quoted\"\"\",18446744073709551616,1234,0,0.5,,7,a b c\n");
	free(text);
}
END_TEST

START_TEST(json_tables)
{
	char *text = render(table_json, 3);

	ck_assert_str_eq(text,
	                 "{\"things\":["
	                 "{\"name\":\"plain\",\"flops\":48000000,\"rare\":0,\"never\":0,\"share\":0.5,\"time\":12000000,"
	                 "\"key\":7,\"list\":[]},"
	                 "{\"name\":\"com,ma \\\"quoted\\\"\",\"flops\":18446744073709551616,\"rare\":1234,\"never\":0,"
	                 "\"share\":0.5,\"time\":null,\"key\":7,\"list\":[\"a\",\"b c\"]},"
	                 "{\"name\":\"\xc3\xa9t\xc3\xa9\\ufffd\\n\\u001b\",\"flops\":48000000,\"rare\":0,\"never\":0,"
	                 "\"share\":null,\"time\":null,\"key\":7,\"list\":[\"a\",\"b c\"]}]}\n");
	free(text);
	text = render(table_json, 0);
	ck_assert_str_eq(text, "{\"things\":[]}\n");
	free(text);
}
END_TEST

START_TEST(colour)
{
	struct table table = { .title = "Things", TABLE_COLUMNS(columns), .row_count = 1, .fill = fill };
	char *text;
	size_t size;
	struct output output = { .stream = open_memstream(&text, &size), .colour = true };

	table_text(&output, &table);
	fclose(output.stream);
	ck_assert_ptr_nonnull(strstr(text, "\033[1m\nThings\n"));
	ck_assert_ptr_nonnull(strstr(text, "\033[0m"));
	free(text);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("render");
	TCase *tests = tcase_create("render");

	tcase_add_test(tests, exact_numbers);
	tcase_add_test(tests, short_numbers);
	tcase_add_test(tests, times);
	tcase_add_test(tests, arithmetic);
	tcase_add_test(tests, interning);
	tcase_add_test(tests, text_tables);
	tcase_add_test(tests, csv_tables);
	tcase_add_test(tests, json_tables);
	tcase_add_test(tests, colour);
	suite_add_tcase(suite, tests);
	return run_suite(suite, CK_FORK);
}
