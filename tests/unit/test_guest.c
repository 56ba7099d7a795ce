/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_guest.c - tests that the shim's formatter writes the same as the C library's and needs little stack, and the
 * functions of names.h.
 * It must never expect a text that neither the C library nor the test itself makes.
 */
#include <check.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <ucontext.h>

#include "shim/guest/config.h"
#include "shim/guest/guest.h"
#include "names.h"
#include "run_suite.h"

struct config config;

static size_t format(char *buffer, size_t size, const char *pattern, ...)
{
	va_list arguments;
	size_t length;

	va_start(arguments, pattern);
	length = guest_format(buffer, size, pattern, arguments);
	va_end(arguments);
	return length;
}

#define SAME(size, ...)                                                                                        \
	do {                                                                                                   \
		char expected[256], text[256];                                                                 \
		memset(expected, 'E', sizeof(expected));                                                       \
		memset(text, 'E', sizeof(text));                                                               \
		ck_assert_int_eq(snprintf(expected, size, __VA_ARGS__), (int)format(text, size, __VA_ARGS__)); \
		ck_assert_mem_eq(text, expected, sizeof(text));                                                \
	} while (0)

START_TEST(integers)
{
	SAME(200, "%d|%d|%d|%d", 0, 17, -17, INT_MIN);
	SAME(200, "%u|%u|%x|%x", 0u, UINT_MAX, 0u, 0xdeadbeefu);
	SAME(200, "%lld|%lld|%llu|%llx", LLONG_MIN, LLONG_MAX, ULLONG_MAX, ULLONG_MAX);
	SAME(200, "%ld|%lu|%zu", LONG_MIN, ULONG_MAX, SIZE_MAX);
}
END_TEST

START_TEST(fields)
{
	SAME(200, "[%6d][%06d][%-6d]", -42, -42, -42);
	SAME(200, "[%3u][%02u][%04x][%12llu][%20llu]", 1234u, 7u, 0xabu, 99ull, ULLONG_MAX);
	SAME(200, "[%*d][%.*s][%8s][%-8s][%-8.3s][%8.3s]", 5, 42, 3, "abcdef", "abc", "abc", "abcdef", "abcdef");
	SAME(200, "[%3c][%-3c]%%", 'x', 'y');
}
END_TEST

/* Texts that are cut within a character of two, three or four bytes, or between two characters. */
static const struct {
	const char *text;
	size_t cut, whole;
} cuts[] = {
	{"abc", 3, 3},
	{"", 0, 0},
	{"a\xc3\xa9", 3, 3},
	{"a\xc3\xa9", 2, 1},
	{"\xe2\x82\xac", 2, 0},
	{"\xe2\x82\xac", 1, 0},
	{"\xe2\x82\xac", 3, 3},
	{"x\xf0\x9f\x98\x80", 4, 1},
	{"x\xf0\x9f\x98\x80", 5, 5},
	{"\x80\x80\x80\x80", 4, 4},
};

START_TEST(cuts_lie_between_characters)
{
	char buffer[16] = "";
	size_t end = 0;

	ck_assert_uint_eq(guest_whole(cuts[_i].text, cuts[_i].cut), cuts[_i].whole);
	guest_print(buffer, cuts[_i].cut + 1, &end, "%s", cuts[_i].text);
	ck_assert_uint_eq(end, cuts[_i].whole);
	ck_assert_uint_eq(strlen(buffer), cuts[_i].whole);
}
END_TEST

START_TEST(strings)
{
	char unterminated[4] = {'a', 'b', 'c', 'd'};

	SAME(200, "%s%s", "", "text");
	SAME(200, "%.4s%.0s", unterminated, "never");
	SAME(200, "100%% of %c", '%');
}
END_TEST

/* The formatter cuts its output at any size of the buffer as the C library does. */
START_TEST(cut)
{
	for (size_t size = 1; size < 40; size++)
		SAME(size, "%s %-12.4s %06lld %x", "start", "middle", -123ll, 0xffu);
	ck_assert_uint_eq(format(NULL, 0, "%s", "four"), 4);
}
END_TEST

/* ---- how much stack the formatter needs ---- */

enum { STACK = 65536, MARK = 0x5a };

static ucontext_t home, other;
static unsigned char stack[STACK] __attribute__((aligned(16)));
static char line[200];

static void print_much(void)
{
	size_t end = 0;

	guest_print(line, sizeof(line), &end, "%s%s%-24.200s|%20llu|%06d", "cblas_", "dgemm", "name", ULLONG_MAX, -1);
}

static size_t stack_left(void)
{
	size_t untouched = 0;

	while (stack[untouched] == MARK)
		untouched++;
	return untouched;
}

START_TEST(stack_use)
{
	memset(stack, MARK, sizeof(stack));
	ck_assert_int_eq(getcontext(&other), 0);
	other.uc_stack.ss_sp = stack;
	other.uc_stack.ss_size = sizeof(stack);
	other.uc_link = &home;
	makecontext(&other, print_much, 0);
	ck_assert_int_eq(swapcontext(&home, &other), 0);
	ck_assert_str_eq(line, "cblas_dgemmname                    |18446744073709551615|-00001");
	ck_assert_uint_lt(STACK - stack_left(), 700);
}
END_TEST

START_TEST(control_characters)
{
	static const struct {
		const char *given, *printed;
	} texts[] = {
		{"a\tb\x7f", "a?b?"},
		{"caf\xc3\xa9 \xc2\xa0", "caf\xc3\xa9 \xc2\xa0"},
		{"\xc2\x9b", "??"},
		{"\x9b[1m", "?[1m"},
		{"\xe2\x82\xac", "\xe2\x82\xac"},
		{"\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80"},
		{"\xe2\x82", "\xe2?"},
		{"\xc3", "\xc3"},
	};
	char text[32];

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		strcpy(text, texts[i].given);
		make_printable(text, strlen(text));
		ck_assert_str_eq(text, texts[i].printed);
	}
}
END_TEST

START_TEST(whole_numbers)
{
	static const char *const wrong[] = {"", "-1", "+1", " 1", "1 ", "1k", "1e3", "256", "9999999999999999999999"};

	ck_assert_int_eq(whole_number("0", 255), 0);
	ck_assert_int_eq(whole_number("255", 255), 255);
	ck_assert_int_eq(whole_number("9223372036854775807", INT64_MAX), INT64_MAX);
	ck_assert_int_eq(whole_number("9223372036854775808", INT64_MAX), -1);
	ck_assert_int_eq(whole_number("9", 2), -1);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		ck_assert_msg(whole_number(wrong[i], 255) == -1, "'%s'", wrong[i]);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("guest");
	TCase *tests = tcase_create("format");

	tcase_add_test(tests, integers);
	tcase_add_test(tests, fields);
	tcase_add_test(tests, strings);
	tcase_add_test(tests, cut);
	tcase_add_loop_test(tests, cuts_lie_between_characters, 0, sizeof(cuts) / sizeof(cuts[0]));
	tcase_add_test(tests, stack_use);
	tcase_add_test(tests, control_characters);
	tcase_add_test(tests, whole_numbers);
	suite_add_tcase(suite, tests);
	return run_suite(suite, CK_NOFORK);
}
