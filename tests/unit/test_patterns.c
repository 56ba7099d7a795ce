/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_patterns.c - tests which rows of a lock a pattern matches.
 * It must never ask fnmatch for what is expected: in patterns of locks, brackets and backslashes are letters.
 */
#include <check.h>

#include "analyzer/lock/lock.h"
#include "run_suite.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* In a pattern, * and ? stand for characters, and all others for themselves. */
static const struct {
	const char *pattern, *space, *routine;
	bool matches;
} patterns[] = {
	{"dgemm", "", "dgemm", true},
	{"dgemm", "", "dgemm_", false},
	{"dgem", "", "dgemm", false},
	{"*", "", "dgemm", true},
	{"d*m", "", "dgemm", true},
	{"d**m*", "", "dgemm", true},
	{"*e*mm", "", "dgememm", true},
	{"*x", "", "dgemm", false},
	{"", "", "dgemm", false},
	{"d????", "", "dgemm", true},
	{"d?????", "", "dgemm", false},
	{"a?b", "",
         "a\xc3\xa9"
         "b",
         true},
	{"a??b", "",
         "a\xc3\xa9"
         "b",
         false},
	{"*?b", "",
         "\xc3\xa9"
         "b",
         true},
	{"a?b", "",
         "a\xff"
         "b",
         true},
	{"step[1]", "", "step[1]", true},
	{"step[1]", "", "step1", false},
	{"step[*", "", "step[1", true},
	{"a\\", "", "a\\", true},
	{"a\\*", "", "a*", false},
	{"(root)/*", "", "dgemm", true},
	{"(root)/*", "forward", "dgemm", false},
	{"f*.x/d*", "forward.x", "dgemm", true},
	{"f*.x/d*", "forward.x", "sgemm", false},
	{"f*/x/d*", "f/x", "dgemm", true},
};

START_TEST(patterns_match_what_they_say)
{
	struct lock_row row = {.space = patterns[_i].space, .routine = patterns[_i].routine, .shape = "n=1"};
	struct lock_rows rows = {&row, 1, 1};
	struct lock_allow allow = {.pattern = patterns[_i].pattern};

	ck_assert_int_eq(lock_allow_matches(&allow, &rows), patterns[_i].matches);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("patterns");
	TCase *cases = tcase_create("patterns");

	tcase_add_loop_test(cases, patterns_match_what_they_say, 0, COUNT(patterns));
	suite_add_tcase(suite, cases);
	return run_suite(suite, CK_FORK);
}
