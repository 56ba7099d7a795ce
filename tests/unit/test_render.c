/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_render.c - tests how numbers become text, and tables and answers in every format.
 * It must never test where a value comes from: test_tables.c does.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/base/hash.h"
#include "analyzer/base/intern.h"
#include "analyzer/base/number.h"
#include "analyzer/render/format.h"
#include "count.h"
#include "run_suite.h"

static u128 wide(uint64_t high, uint64_t low) { return (u128)high << 64 | low; }

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
	static const struct {
		uint64_t number;
		const char *text;
	} cases[] = {
		{0, "0"},
		{9999, "9999"},
		{10000, "10.00 k"},
		{10004, "10.00 k"},
		{10005, "10.01 k"},
		{99994, "99.99 k"},
		{99995, "100.0 k"},
		{999949, "999.9 k"},
		{999950, "1.000 M"},
		{48000000, "48.00 M"},
		{123456789, "123.5 M"},
		{1234567890123u, "1.235 T"},
		{UINT64_MAX, "18.45 E"},
	};
	char text[NUMBER_TEXT];

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		ck_assert_str_eq(number_short(cases[i].number, text), cases[i].text);
	ck_assert_str_eq(number_short(U128_MAX, text), "3.403e38");
}
END_TEST

START_TEST(times)
{
	static const struct {
		double ns;
		const char *text;
	} cases[] = {
		{0, "0.00 ns"},  {999, "999 ns"},    {12000, "12.0 us"}, {12345678, "12.3 ms"},
		{2e9, "2.00 s"}, {3600e9, "1.00 h"}, {999e9, "999 s"},
	};
	char text[NUMBER_TEXT];

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		ck_assert_str_eq(number_time(cases[i].ns, text), cases[i].text);
}
END_TEST

START_TEST(arithmetic)
{
	ck_assert(u128_add(U128_MAX, 1) == U128_MAX);
	ck_assert(count_plus(UINT64_MAX, 1) == UINT64_MAX);
	ck_assert(u64_saturate(wide(1, 0)) == UINT64_MAX);
	ck_assert(u128_scale(100, 3, 7) == 42);
	ck_assert(u128_scale(wide(1, 0), UINT64_MAX, UINT64_MAX) == wide(1, 0));
	ck_assert(u128_scale(U128_MAX, 2, 1) == U128_MAX);
	ck_assert(u128_scale(5, 0, 9) == 0);
	/* The product does not fit in 128 bits, though the quotient may. */
	ck_assert(u128_scale(U128_MAX - 1, U128_MAX - 1, U128_MAX) == U128_MAX - 2);
	ck_assert(u128_scale(wide(3, 0), wide(1, 0), wide(4, 0)) == wide(0, (uint64_t)3 << 62));
	ck_assert(u128_scale(wide(3, 0), wide(5, 0), 7) == U128_MAX);
	ck_assert(u128_scale(wide(2, 0), wide(0, UINT64_MAX), wide(3, 0)) == wide(0, UINT64_MAX / 3 * 2));
}
END_TEST

START_TEST(interning)
{
	struct intern intern = {0};
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

struct thing {
	const char *name;
	u128 flops;
	uint64_t rare, list_bytes;
	double share;  /* below 0: unknown */
	uint64_t time; /* 0: unknown */
	const char *label;
};

GETTER(thing_name, struct thing, value_text(item->name))
GETTER(thing_flops, struct thing, value_number(item->flops))
GETTER(thing_rare, struct thing, value_number(item->rare))
GETTER(thing_never, struct thing, value_number(0))
GETTER(thing_share, struct thing, value_real(item->share, item->share >= 0))
GETTER(thing_time, struct thing, value_estimate(value_number_if(item->time != 0, item->time)))
GETTER(thing_key, struct thing, value_number(7))
GETTER(thing_label, struct thing, value_text(item->label))
GETTER(thing_list, struct thing, value_list("a\0b c", item->list_bytes))

/* clang-format off */
static const struct column columns[] = {
	{ "name",  "name",  COLUMN_TEXT,  0,                thing_name },
	{ "flops", "FLOPs", COLUMN_FLOPS, 0,                thing_flops },
	{ "rare",  "rare",  COLUMN_COUNT, COLUMN_RARE,      thing_rare },
	{ "never", "never", COLUMN_COUNT, COLUMN_RARE,      thing_never },
	{ "share", "share", COLUMN_SHARE, 0,                thing_share },
	{ "time",  "time",  COLUMN_TIME,  COLUMN_OPTIONAL,  thing_time },
	{ "key",   "",      COLUMN_COUNT, COLUMN_NO_TEXT,   thing_key },
	{ "label", "label", COLUMN_TEXT,  COLUMN_ONLY_TEXT, thing_label },
	{ "list",  "list",  COLUMN_LIST,  0,                thing_list },
};
/* clang-format on */

static const struct thing things[] = {
	{"plain", 48000000, 0, 0, 0.5, 12000000, ""},
	{"com,ma \"quoted\"", (u128)1 << 64, 1234, 6, 0.5, 0, "here"},
	{"\xc3\xa9t\xc3\xa9\xff\n\x1b", 48000000, 0, 6, -1, 0, "here"},
	{"a|b_c _d_ *", 48000000, 0, 6, 0.5, 0, "here"},
};

static struct table table_of(size_t rows)
{
	struct table table = {.key = "things", .title = "Things", TABLE_COLUMNS(columns)};

	table_set_items(&table, things, rows, sizeof *things);
	return table;
}

static char *render(const struct format *format, const struct table *table, bool colour)
{
	struct answer answer;
	char *text;
	size_t size;
	struct output output = {.stream = open_memstream(&text, &size), .colour = colour};

	answer_open(&answer, format->audience, format->one_table, NULL);
	answer_table(&answer, table, (struct table_options){0});
	format->render(&output, &answer);
	answer_close(&answer);
	fclose(output.stream);
	return text;
}

static char *render_rows(const struct format *format, size_t rows)
{
	struct table table = table_of(rows);

	return render(format, &table, false);
}

START_TEST(text_tables)
{
	char *text = render_rows(&format_text, 3);

	ck_assert_str_eq(text, "\nThings\n"
	                       "  name               FLOPs   rare   share      time  label  list\n"
	                       "  plain            48.00 M         50.0 %  ~12.0 ms\n"
	                       "  com,ma \"quoted\"  18.45 E  1,234  50.0 %            here   a b c\n"
	                       "  \xc3\xa9t\xc3\xa9???           48.00 M                           here   a b c\n");
	free(text);
	text = render_rows(&format_text, 0);
	ck_assert_str_eq(text, "");
	free(text);
}
END_TEST

START_TEST(csv_tables)
{
	char *text = render_rows(&format_csv, 2);

	ck_assert_str_eq(text, "name,flops,rare,never,share,time,key,list\n"
	                       "plain,48000000,0,0,0.5,12000000,7,\n"
	                       "\"com,ma \"\"quoted\"\"\",18446744073709551616,1234,0,0.5,,7,a b c\n");
	free(text);
}
END_TEST

START_TEST(json_tables)
{
	char *text = render_rows(&format_json, 3);

	ck_assert_str_eq(
		text, "{\"things\":["
		      "{\"name\":\"plain\",\"flops\":48000000,\"rare\":0,\"never\":0,\"share\":0.5,\"time\":12000000,"
		      "\"key\":7,\"list\":[]},"
		      "{\"name\":\"com,ma \\\"quoted\\\"\",\"flops\":18446744073709551616,\"rare\":1234,\"never\":0,"
		      "\"share\":0.5,\"time\":null,\"key\":7,\"list\":[\"a\",\"b c\"]},"
		      "{\"name\":\"\xc3\xa9t\xc3\xa9\\ufffd\\n\\u001b\",\"flops\":48000000,\"rare\":0,\"never\":0,"
		      "\"share\":null,\"time\":null,\"key\":7,\"list\":[\"a\",\"b c\"]}]}\n");
	free(text);
	text = render_rows(&format_json, 0);
	ck_assert_str_eq(text, "{\"things\":[]}\n");
	free(text);
}
END_TEST

START_TEST(markdown_tables)
{
	char *text = render_rows(&format_markdown, 4);

	ck_assert_str_eq(text,
	                 "## Things\n\n"
	                 "| name            |   FLOPs |  rare |  share |      time | label | list  |\n"
	                 "| --------------- | ------: | ----: | -----: | --------: | ----- | ----- |\n"
	                 "| plain           | 48.00 M |       | 50.0 % | \\~12.0 ms |       |       |\n"
	                 "| com,ma \"quoted\" | 18.45 E | 1,234 | 50.0 % |           | here  | a b c |\n"
	                 "| \xc3\xa9t\xc3\xa9???          | 48.00 M |       |        |           | here  | a b c |\n"
	                 "| a\\|b_c \\_d_ \\*  | 48.00 M |       | 50.0 % |           | here  | a b c |\n");
	free(text);
	text = render_rows(&format_markdown, 0);
	ck_assert_str_eq(text, "");
	free(text);
}
END_TEST

START_TEST(colour)
{
	struct table table = table_of(1);
	char *text = render(&format_text, &table, true);

	ck_assert_ptr_nonnull(strstr(text, "\033[1m\nThings\n"));
	ck_assert_ptr_nonnull(strstr(text, "\033[0m"));
	free(text);
}
END_TEST

/* Each format shows the parts of an answer that its audience needs, and nothing else. */
START_TEST(answers)
{
	static const struct {
		const struct format *format;
		const char *text;
	} cases[] = {
		{&format_text, "a `title` of $1$?\n\nlabel      1_000 | 2\nLOST       3\n\nThings\n  name     FLOPs   "
	                       "share      time  label  list\n"
	                       "  plain  48.00 M  50.0 %  ~12.0 ms\n  and 1 more (--top)\n"},
		{&format_json, "{\"schema\":\"test/1\",\"list\":[\"a\",\"b\"],\"things\":[],\"things_not_shown\":2,"
	                       "\"none\":null,\"half\":0.5,\"less\":-1}\n"},
		{&format_csv, "name,flops,rare,never,share,time,key,list\n"},
		{&format_markdown,
	         "# a \\`title\\` of \\$1\\$?\n\n| | |\n|---|---|\n| label | 1_000 \\| 2 |\n| **LOST** | 3 |\n\n## "
	         "Things\n\n"
	         "| name  |   FLOPs |  share |      time | label | list |\n"
	         "| ----- | ------: | -----: | --------: | ----- | ---- |\n"
	         "| plain | 48.00 M | 50.0 % | \\~12.0 ms |       |      |\n\nand 1 more (`--top`)\n"},
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const struct format *format = cases[i].format;
		struct table table = table_of(2);
		struct answer answer;
		char *text;
		size_t size;
		struct output output = {.stream = open_memstream(&text, &size)};

		answer_open(&answer, format->audience, format->one_table, "test/1");
		answer_say(&answer, PART_TITLE, "%s", "a `title` of $1$\n");
		answer_gap(&answer);
		answer_fact(&answer, "label", "1_000 | %d", 2);
		answer_warn(&answer, "LOST", "3");
		answer_begin(&answer, "list", '[');
		answer_text(&answer, NULL, "a");
		answer_text(&answer, NULL, "b");
		answer_end(&answer, ']');
		table_cut(&table, answer_top(&answer, 0, 1, 0));
		answer_table(&answer, &table, (struct table_options){.counted = true});
		answer_number_if(&answer, "none", false, 1);
		answer_real(&answer, "half", 0.5);
		answer_signed(&answer, "less", -1);
		format->render(&output, &answer);
		answer_close(&answer);
		fclose(output.stream);
		ck_assert_str_eq(text, cases[i].text);
		free(text);
	}
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
	tcase_add_test(tests, markdown_tables);
	tcase_add_test(tests, colour);
	tcase_add_test(tests, answers);
	suite_add_tcase(suite, tests);
	return run_suite(suite, CK_FORK);
}
