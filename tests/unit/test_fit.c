/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_fit.c - tests that what is written to a terminal fits into its columns, and what is left out where it would not.
 * It must never depend on the terminal that the test runs in.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/render/format.h"
#include "analyzer/render/shorten.h"
#include "run_suite.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof *(array)))

/* ---- widths of characters ---- */

static const struct {
	const char *text;
	size_t width;
} widths[] = {
	{"", 0},
	{"abc", 3},
	{"na\u00efve", 5},
	{"\u65e5\u672c", 4},    /* two characters of East Asia */
	{"e\u0301", 1},         /* an accent over the letter before */
	{"\u202eabc\u202c", 3}, /* marks of direction */
	{"\U0001f600!", 3},     /* a picture */
	{"\u2588\u258f", 2},    /* blocks */
	{"\uff21", 2},          /* a wide letter */
	{"a\xff\xfe", 3},       /* bytes that begin no character */
	{"\xe6\x97", 2},        /* a character that is cut off */
};

START_TEST(knows_how_wide_texts_are) { ck_assert_uint_eq(text_width(widths[_i].text), widths[_i].width); }
END_TEST

/* ---- cells ---- */

static const struct {
	const char *plain;
	enum column_kind kind;
	size_t width;
	const char *shown;
} cells[] = {
	{"short", COLUMN_TEXT, 8, "short"},
	{"exactly8", COLUMN_TEXT, 8, "exactly8"},
	{"abcdefghijk", COLUMN_TEXT, 8, "abcd\u2026ijk"},
	{"/home/me/project/src/model.py:12", COLUMN_TEXT, 20, "/home/m\u2026/model.py:12"},
	{"/home/me/project/src/model.py:12", COLUMN_TEXT, 14, "/\u2026/model.py:12"},
	{"/home/me/project/src/model.py:12", COLUMN_TEXT, 10, "/ho\u2026.py:12"},
	{"solve (/usr/lib/python3/linalg.py:386)", COLUMN_TEXT, 24, "solve (\u2026/linalg.py:386)"},
	{"solve (/usr/lib/python3/linalg.py:386)", COLUMN_TEXT, 20, "solv\u2026/linalg.py:386)"},
	{"\u65e5\u672c\u8a9e\u65e5\u672c\u8a9e", COLUMN_TEXT, 9, "\u65e5\u672c\u2026\u672c\u8a9e"},
	{"\u65e5\u672c\u8a9e\u65e5\u672c\u8a9e", COLUMN_TEXT, 8, "\u65e5\u672c\u2026\u8a9e"},
	{"transa=N transb=T m=400 n=150", COLUMN_SHAPE, 22, "transa=N transb=T \u2026"},
	{"abcdefghijklmnop", COLUMN_LIST, 9, "abcdefg\u2026"},
	{"f (a/x.c:1) < g (b/y.c:2) < h (c/z.c:3)", COLUMN_STACK, 39, "f (a/x.c:1) < g (b/y.c:2) < h (c/z.c:3)"},
	{"f (a/x.c:1) < g (b/y.c:2) < h (c/z.c:3)", COLUMN_STACK, 30, "f (a/x.c:1) < g (b/y.c:2) < \u2026"},
	{"f (a/x.c:1) < g (b/y.c:2) < h (c/z.c:3)", COLUMN_STACK, 20, "f (a/x.c:1) < \u2026"},
	{"f (/usr/lib/x.c:1) < g (b/y.c:2)", COLUMN_STACK, 28, "f (\u2026/x.c:1) < g (b/y.c:2)"},
	{"longer_than_all (a/x.c:1) < g (b/y.c:2)", COLUMN_STACK, 16, "longer_t\u2026/x.c:1)"},
};

START_TEST(shortens_cells)
{
	struct text text = {0};

	text_add(&text, "");
	shorten(&text, cells[_i].plain, cells[_i].kind, cells[_i].width, true);
	ck_assert_str_eq(text.bytes, cells[_i].shown);
	ck_assert_uint_le(text_width(text.bytes), cells[_i].width);
	text_clear(&text); /* whatever the width is, a cell is never wider */
	for (size_t width = 8; width < 48; width++) {
		shorten(&text, cells[_i].plain, cells[_i].kind, width, width % 2);
		ck_assert_uint_le(text_width(text.bytes), width);
		text_clear(&text);
	}
	text_free(&text);
}
END_TEST

/* ---- lines ---- */

static const struct {
	const char *plain;
	size_t at, indent, width;
	const char *shown;
} lines[] = {
	{"one two three", 0, 2, 0, "one two three"},
	{"one two three", 0, 2, 13, "one two three"},
	{"one two three", 0, 2, 12, "one two\n  three"},
	{"one two three", 6, 4, 10, "one\n    two\n    three"},
	{"one  two", 0, 0, 5, "one\ntwo"},
	{"abcdefghij", 0, 2, 6, "abcdef\n  ghij"},
	{"a bcdefghijk", 0, 2, 6, "a\n  bcde\n  fghi\n  jk"},
	{"abcdefgh", 6, 2, 8, "\n  abcdef\n  gh"},
	{"\u65e5\u672c\u8a9e", 0, 0, 4, "\u65e5\u672c\n\u8a9e"},
	{"ends here  ", 0, 2, 9, "ends here"},
	{"", 0, 2, 10, ""},
};

START_TEST(breaks_lines)
{
	struct text text = {0};

	text_add(&text, "");
	fold(&text, lines[_i].plain, lines[_i].at, lines[_i].indent, lines[_i].width);
	ck_assert_str_eq(text.bytes, lines[_i].shown);
	text_free(&text);
}
END_TEST

/* ---- whole answers ---- */

struct thing {
	u128 flops;
	const char *place;
	double share;
	uint64_t time, calls;
};

GETTER(thing_place, struct thing, value_text(item->place))
GETTER(thing_flops, struct thing, value_number(item->flops))
GETTER(thing_share, struct thing, value_real(item->share, true))
GETTER(thing_time, struct thing, value_number(item->time))
GETTER(thing_calls, struct thing, value_number(item->calls))

/* clang-format off */
static const struct column columns[] = {
	{ "place", "place", COLUMN_TEXT,  0, thing_place },
	{ "flops", "FLOPs", COLUMN_FLOPS, 0, thing_flops },
	{ "share", "share", COLUMN_SHARE, 0, thing_share },
	{ "time",  "time",  COLUMN_TIME,  0, thing_time },
	{ "calls", "calls", COLUMN_COUNT, 0, thing_calls },
};
/* clang-format on */

static const struct thing things[] = {
	{75000000, "/home/somebody/projects/simulation/source/solver/multigrid.f90:1204", 0.75, 1500000, 12},
	{25000000, "main.f90:7", 0.25, 500000, 1234567},
	{0, "never.f90:1", 0, 0, 1},
};

/* What is written to a terminal of some columns; 0: it is none. It is valid until the next call. */
static const char *written(size_t width, bool whole, bool unicode)
{
	static char *bytes;
	struct table table = {.key = "things",
	                      .title = "Things",
	                      .note = "What is to be said of all these things.",
	                      TABLE_COLUMNS(columns)};
	struct output output = {.width = width, .whole = whole, .unicode = unicode};
	struct answer answer;
	size_t size;

	free(bytes);
	bytes = NULL;
	output.stream = open_memstream(&bytes, &size);
	table_set_items(&table, things, COUNT(things), sizeof *things);
	answer_open(&answer, FOR_TERMINAL, false, NULL);
	answer_say(&answer, PART_TITLE, "%s", "program --with-many-arguments=and-values another-argument");
	answer_fact(&answer, "total", "%s",
	            "100,000,000 FLOPs in 1,234,580 calls, and more that is to be said of them");
	answer_table(&answer, &table, (struct table_options){0});
	format_text.render(&output, &answer);
	answer_close(&answer);
	fclose(output.stream);
	return bytes;
}

#define HEAD                                                                                     \
	"program --with-many-arguments=and-values another-argument\n"                            \
	"total      100,000,000 FLOPs in 1,234,580 calls, and more that is to be said of them\n" \
	"\nThings\nWhat is to be said of all these things.\n"
#define LONGEST "/home/somebody/projects/simulation/source/solver/multigrid.f90:1204"

/* Where no terminal is known, nothing is shortened, and there are no bars. So it is with --wide where there is no room for them. */
START_TEST(leaves_files_as_they_are)
{
	static const char whole[] = HEAD "  place                                                                  "
					 "FLOPs   share     time      calls\n"
					 "  " LONGEST "  75.00 M  75.0 %  1.50 ms         12\n"
					 "  main.f90:7                                                           25.00 "
					 "M  25.0 %   500 us  1,234,567\n"
					 "  never.f90:1                                                                "
					 "0   0.0 %  0.00 ns          1\n";

	ck_assert_str_eq(written(0, false, true), whole);
	ck_assert_str_eq(written(60, true, true), whole);
}
END_TEST

START_TEST(draws_bars_where_there_is_room)
{
	ck_assert_str_eq(written(116, false, true), HEAD
	                 "  place                                                                  FLOPs   share       "
	                 "        time      calls\n"
	                 "  " LONGEST "  75.00 M  75.0 %  \u2588\u2588\u2588\u2588\u2588\u2588    1.50 ms         12\n"
	                 "  main.f90:7                                                           25.00 M  25.0 %  "
	                 "\u2588\u2588         500 us  1,234,567\n"
	                 "  never.f90:1                                                                0   0.0 %       "
	                 "     0.00 ns          1\n");
	ck_assert_ptr_nonnull(strstr(written(116, true, false), "75.0 %  ######    1.50 ms"));
	/* a bar is at most 24 columns wide, so that 75 % are 18 */
	ck_assert_ptr_nonnull(strstr(written(300, false, false), "75.0 %  ##################        1.50 ms"));
}
END_TEST

START_TEST(shortens_what_is_too_long)
{
	ck_assert_str_eq(written(80, false, true),
	                 "program --with-many-arguments=and-values another-argument\n"
	                 "total      100,000,000 FLOPs in 1,234,580 calls, and more that is to be said of\n"
	                 "           them\n"
	                 "\nThings\nWhat is to be said of all these things.\n"
	                 "  place                                        FLOPs   share     time      calls\n"
	                 "  /home/somebody/proje\u2026r/multigrid.f90:1204  75.00 M  75.0 %  1.50 ms         12\n"
	                 "  main.f90:7                                 25.00 M  25.0 %   500 us  1,234,567\n"
	                 "  never.f90:1                                      0   0.0 %  0.00 ns          1\n");
	ck_assert_str_eq(written(60, false, true), "program --with-many-arguments=and-values another-argument\n"
	                                           "total      100,000,000 FLOPs in 1,234,580 calls, and more\n"
	                                           "           that is to be said of them\n"
	                                           "\nThings\nWhat is to be said of all these things.\n"
	                                           "  place                             FLOPs   share      calls\n"
	                                           "  /home/some\u2026/multigrid.f90:1204  75.00 M  75.0 %         12\n"
	                                           "  main.f90:7                      25.00 M  25.0 %  1,234,567\n"
	                                           "  never.f90:1                           0   0.0 %          1\n"
	                                           "  no room for time (--wide)\n");
}
END_TEST

/* No line is wider than the terminal, but where it has fewer than 40 columns. */
START_TEST(no_line_is_too_long)
{
	for (size_t width = 40; width < 250; width++) {
		char *text = strdup(written(width, false, width % 2));

		for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
			ck_assert_msg(text_width(line) <= width, "%zu columns: %s", width, line);
		free(text);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("fit");
	TCase *texts = tcase_create("texts"), *answers = tcase_create("answers");

	tcase_add_loop_test(texts, knows_how_wide_texts_are, 0, COUNT(widths));
	tcase_add_loop_test(texts, shortens_cells, 0, COUNT(cells));
	tcase_add_loop_test(texts, breaks_lines, 0, COUNT(lines));
	tcase_add_test(answers, leaves_files_as_they_are);
	tcase_add_test(answers, draws_bars_where_there_is_room);
	tcase_add_test(answers, shortens_what_is_too_long);
	tcase_add_test(answers, no_line_is_too_long);
	suite_add_tcase(suite, texts);
	suite_add_tcase(suite, answers);
	return run_suite(suite, CK_FORK);
}
