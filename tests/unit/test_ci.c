/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_ci.c - tests that no name ends the text, the line or the attribute that it stands in, in any format for CI systems.
 * It must never take an expected text from what a format writes: the rules of each format state it.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "analyzer/ci/ci.h"
#include "analyzer/lock/compare.h"
#include "analyzer/lock/file.h"
#include "run_suite.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static struct lock lock;
static struct findings findings;
static char *written;

/* What a format writes of one finding on a routine of this name, in a lock that is called as it is. */
static const char *write_name(enum ci_format_number format, const char *name)
{
	struct finding finding = {
		.kind = FINDING_MORE, .fails = true, .space = "", .routine = name, .now = {1, 2}, .changed = {1, 2}};
	struct lock_row row = {.space = "", .routine = name, .shape = LOCK_ALL, .work = {1, 2}};
	const struct ci_check check = {
		.lock = name, .lock_file = name, .root = "/", .now = &lock, .findings = &findings};
	struct output output = {0};
	size_t length;

	lock = (struct lock){0};
	lock_add(&lock.shapes, &row);
	findings = (struct findings){.verdict = CHECK_MORE, .list = &finding, .count = 1, .now = {1, 2}};
	free(written);
	output.stream = open_memstream(&written, &length);
	ck_assert_ptr_nonnull(output.stream);
	ci_formats[format].write(&output, &check);
	fclose(output.stream);
	lock_free(&lock);
	return written;
}

static void expect_part(const char *text, const char *part)
{
	ck_assert_msg(strstr(text, part) != NULL, "there is no %s in %s", part, text);
}

static const struct {
	enum ci_format_number format;
	const char *name, *part; /* `part` must be in the text */
} names[] = {
	/* GitHub: percent and line ends everywhere, colon and comma in properties. */
	{CI_github, "a%0Ab", "file=a%250Ab,line=1,"},
	{CI_github, "a\r\nb", " in a%0D%0Ab\n"},
	{CI_github, "a::b,c", "file=a%3A%3Ab%2Cc,line=1,"},
	{CI_github, "a::b,c", " in a::b,c\n"},
	{CI_github, "a\033[1mb\xff", " in a?[1mb?\n"},
	/* XML: five letters, and line ends in attributes; characters that it does not have. */
	{CI_junit, "<a>&\"'", "name=\"&#60;a&#62;&#38;&#34;&#39;\""},
	{CI_junit, "a]]>", " in a]]&#62;\n</failure>"},
	{CI_junit, "a\n\tb", "name=\"a&#10;&#9;b\""},
	{CI_junit, "a\001\033\xef\xbf\xbe\xef\xbf\xbf\xff.", "name=\"a?????.\""},
	{CI_junit, "caf\u00e9\U0001f600", "name=\"caf\u00e9\U0001f600\""},
	/* SARIF: JSON, a URI, and letters that mean something in messages. */
	{CI_sarif, "a\"\\\n", " in a\\\"\\\\\\n\"}"},
	{CI_sarif, "{0}", " in {{0}}\"}"},
	{CI_sarif, "[a](b)", " in \\\\[a\\\\](b)\"}"},
	{CI_sarif, "a[0]", " in a[0]\"}"},
	{CI_sarif, "a b:%#?\u00e9", "\"uri\":\"a%20b%3A%25%23%3F%C3%A9\""},
	{CI_sarif, "a\xff", " in a\\ufffd\"}"},
	{CI_gitlab, "a\"\\\n\001", " in a\\\"\\\\\\n\\u0001\""},
	{CI_gitlab, "a\"b", "\"path\":\"a\\\"b\""},
	/* OpenMetrics: backslash, quote and line feed. */
	{CI_openmetrics, "a\"\\\n", "routine=\"a\\\"\\\\\\n\"} 2\n"},
	{CI_openmetrics, "a\rb\xff", "routine=\"a\\\\x0Db\\\\xFF\"} 2\n"},
};

START_TEST(escapes_names) { expect_part(write_name(names[_i].format, names[_i].name), names[_i].part); }
END_TEST

START_TEST(annotations_are_lines)
{
	const char *text = write_name(CI_github, "a\n::warning::b");

	ck_assert(!strncmp(text, "::error file=a%0A%3A%3Awarning%3A%3Ab,line=1,", 45));
	ck_assert_ptr_eq(strchr(text, '\n'), text + strlen(text) - 1);
}
END_TEST

/* A long name is cut where a character begins, so that the text stays UTF-8. */
START_TEST(long_annotations_are_cut)
{
	struct text name = {0};
	const char *text, *message;

	for (unsigned i = 0; i < 10000; i++)
		text_add(&name, "\u00e9");
	text = write_name(CI_github, name.bytes);
	message = strstr(text, "::2 FLOPs more");
	ck_assert_ptr_nonnull(message);
	ck_assert_uint_le(strlen(message), 4100);
	ck_assert_ptr_nonnull(strstr(message, "\u00e9...\n"));
	text_free(&name);
}
END_TEST

START_TEST(cells_are_escaped)
{
	struct finding finding = {
		.kind = FINDING_LESS, .space = "", .routine = "a|b\n| c `<b>", .before = {1, 2}, .changed = {1, 2}};
	const struct findings one = {.verdict = CHECK_LESS, .list = &finding, .count = 1, .before = {1, 2}};
	const struct ci_check check = {.lock = "x", .lock_file = "x", .root = "/", .findings = &one};
	struct text text = {0};

	ci_add_summary(&text, &check, 100000);
	expect_part(text.bytes, " in a\\|b?\\| c \\`\\<b> | 1 to 0 | 2 to 0 |\n");
	text_free(&text);
}
END_TEST

/* The summary takes no more than its room, and says how many findings it has left out. */
START_TEST(a_summary_fits)
{
	enum { FINDINGS = 5000, ROOM = 100000 };
	struct finding *list = calloc(FINDINGS, sizeof *list);
	const struct findings all = {.verdict = CHECK_LESS, .list = list, .count = FINDINGS};
	const struct ci_check check = {.lock = "x", .lock_file = "x", .root = "/", .findings = &all};
	struct text text = {0};
	const char *left;
	unsigned rows = 0;

	for (unsigned i = 0; i < FINDINGS; i++)
		list[i] = (struct finding){
			.kind = FINDING_LESS, .space = "", .routine = "dgemm", .before = {1, 2}, .changed = {1, 2}};
	ci_add_summary(&text, &check, ROOM);
	ck_assert_uint_le(text.length, ROOM);
	for (const char *at = text.bytes; (at = strstr(at, "| less | ")); at++)
		rows++;
	left = strstr(text.bytes, "and ");
	ck_assert_ptr_nonnull(left);
	ck_assert_uint_eq(rows + strtoul(left + 4, NULL, 10), FINDINGS);
	ck_assert_uint_gt(rows, 100);
	text_free(&text);
	free(list);
}
END_TEST

START_TEST(no_more_than_ten_annotations)
{
	struct finding list[11];
	const struct findings eleven = {.verdict = CHECK_MORE, .list = list, .count = COUNT(list)};
	const struct ci_check check = {.lock = "x", .lock_file = "x", .root = "/", .findings = &eleven};
	struct output output = {0};
	size_t length, lines = 0;

	for (unsigned i = 0; i < COUNT(list); i++)
		list[i] = (struct finding){
			.kind = FINDING_MORE, .fails = true, .space = "", .routine = "dgemm", .changed = {1, 2}};
	free(written);
	output.stream = open_memstream(&written, &length);
	ci_formats[CI_github].write(&output, &check);
	fclose(output.stream);
	for (size_t i = 0; i < length; i++)
		lines += written[i] == '\n';
	ck_assert_uint_eq(lines, 10);
}
END_TEST

/*
 * Reads a lock of so many namespaces, called `letter` with a number, each with one call of the same shape; every third calls ddot in
 * place of dgemm.
 */
static void read_spaces(struct lock *into, char letter, unsigned count)
{
	struct lock_fault fault = {0};
	struct text text = {0};
	u128 flops = 0;

	text_add(&text, "flopshim-lock\t1\nprices\ttable-1\nby\tdefault\nran\t1\t0\n");
	for (unsigned i = 0; i < count; i++) {
		text_format(&text,
		            i % 3 ? "shape\t%c%06u\tdgemm\tm=3 n=4 k=5\t1\t120\n" : "shape\t%c%06u\tddot\tn=4\t1\t8\n",
		            letter, i);
		flops += i % 3 ? 120 : 8;
	}
	for (unsigned i = 0; i < count; i++)
		text_format(&text, i % 3 ? "site\tm.c:f\t%c%06u\tdgemm\t1\t120\n" : "site\tm.c:f\t%c%06u\tddot\t1\t8\n",
		            letter, i);
	text_format(&text, "total\t%u\t%llu\n", count, (unsigned long long)flops);
	ck_assert_msg(lock_read(into, text.bytes, text.length, &fault), "line %zu: %s", fault.line, fault.why.bytes);
	text_free(&fault.why);
	text_free(&text);
}

/* A lock whose 100,000 namespaces all have new names is compared, and written as test cases, in a few seconds. */
START_TEST(many_rows_take_no_time)
{
	enum { SPACES = 100000, SECONDS = 20 }; /* the quadratic loops took 51 */
	static struct run run;
	struct findings found = {0};
	const struct ci_check check = {
		.lock = "x", .lock_file = "x", .root = "/", .before = &lock, .now = &run.lock, .findings = &found};
	struct output output = {0};
	size_t length, cases = 0;
	clock_t begin;

	lock = (struct lock){0};
	read_spaces(&lock, 'a', SPACES);
	read_spaces(&run.lock, 'b', SPACES);
	begin = clock();
	lock_check(&lock, &run, false, &found);
	ck_assert_int_eq(found.verdict, CHECK_MORE);
	ck_assert_uint_eq(found.count, SPACES);
	for (size_t i = 0; i < found.count; i++) {
		ck_assert_int_eq(found.list[i].kind, FINDING_MOVED);
		ck_assert_ptr_nonnull(found.list[i].old_space);
	}
	free(written);
	output.stream = open_memstream(&written, &length);
	ci_formats[CI_junit].write(&output, &check);
	fclose(output.stream);
	ck_assert_int_lt((clock() - begin) / CLOCKS_PER_SEC, SECONDS);
	for (size_t i = 0; i + strlen("<failure ") <= length;
	     i++) /* strstr measures all of it each time under the sanitizer */
		cases += written[i] == '<' && !memcmp(written + i, "<failure ", strlen("<failure "));
	ck_assert_uint_eq(cases, SPACES);
	findings_free(&found);
	lock_free(&run.lock);
	lock_free(&lock);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ci");
	TCase *formats = tcase_create("formats"), *large = tcase_create("large");

	tcase_add_loop_test(formats, escapes_names, 0, COUNT(names));
	tcase_add_test(formats, annotations_are_lines);
	tcase_add_test(formats, long_annotations_are_cut);
	tcase_add_test(formats, cells_are_escaped);
	tcase_add_test(formats, a_summary_fits);
	tcase_add_test(formats, no_more_than_ten_annotations);
	suite_add_tcase(suite, formats);
	tcase_set_timeout(large, 300);
	tcase_add_test(large, many_rows_take_no_time);
	suite_add_tcase(suite, large);
	return run_suite(suite, CK_FORK);
}
