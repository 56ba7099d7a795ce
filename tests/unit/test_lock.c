/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_lock.c - tests lockfiles: that a text and a lock say the same, that no damage to a text goes unnoticed, and what a check
 * of a run against a lock finds.
 * It must never take an expected text or number from what lock_write or lock_check says: tests state them.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/lock/compare.h"
#include "analyzer/lock/file.h"
#include "run_suite.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* A lock as lock_write must write it, without comments. */
#define HEAD "flopshim-lock\t1\nprices\ttable-1\nby\tdefault\nran\t1\t0\n"
#define BASE                                                  \
	HEAD "shape\t(root)\tddot\tn=4\t10\t80\n"             \
	     "shape\tforward\tdgemm\tm=3 n=4 k=5\t2\t240\n"   \
	     "site\ta.c:main\t(root)\tddot\t10\t80\n"         \
	     "site\tmodel.py:train\tforward\tdgemm\t2\t240\n" \
	     "total\t12\t320\n"

static struct lock lock;
static struct lock_fault fault;
static struct run run;
static struct findings findings;

static void forget(void)
{
	lock_free(&lock);
	text_free(&fault.why);
	fault.line = 0;
	lock_free(&run.lock);
	free(run.lines);
	run = (struct run){0};
	findings_free(&findings);
}

static bool reads(const char *text) { return lock_read(&lock, text, strlen(text), &fault); }

static void read_into(struct lock *into, const char *text)
{
	struct lock_fault why = {0};

	ck_assert_msg(lock_read(into, text, strlen(text), &why), "line %zu: %s", why.line, why.why.bytes);
	text_free(&why.why);
}

/* ---- the text ---- */

START_TEST(writes_what_it_reads)
{
	struct text text = {0};

	read_into(&lock, BASE);
	text_add(&lock.kept, ""); /* a new lock would get an introduction */
	lock_write(&lock, &text);
	ck_assert_str_eq(text.bytes, BASE);
	ck_assert_uint_eq(lock.shapes.count, 2);
	ck_assert_str_eq(lock.shapes.rows[0].space, "");
	ck_assert_str_eq(lock.shapes.rows[1].space, "forward");
	ck_assert_uint_eq(lock.shapes.rows[1].work.calls, 2);
	ck_assert(lock.shapes.rows[1].work.flops == 240);
	ck_assert_str_eq(lock.sites.rows[1].place, "model.py:train");
	text_free(&text);
	forget();
}
END_TEST

START_TEST(keeps_any_name)
{
	static const char *const names[] = {"a\tb",
	                                    "a\nb",
	                                    "back\\slash",
	                                    "\x01\x1f\x7f",
	                                    "bad \xff utf-8",
	                                    "caf\xc3\xa9",
	                                    "(root)",
	                                    "\xc2\x85 is a control character",
	                                    "x\r",
	                                    " ",
	                                    "%s%n",
	                                    "]]>"};
	struct text text = {0};
	u128 sum = 0;

	lock.prices = "table-1";
	lock.processes = 1;
	for (size_t i = 0; i < COUNT(names); i++) {
		struct work work = {1, i + 1};

		lock_add(&lock.shapes, &(struct lock_row){NULL, names[i], names[i], names[i], work});
		lock_add(&lock.sites, &(struct lock_row){names[i], names[i], names[i], NULL, work});
		lock.total = work_add(lock.total, work);
		sum += i + 1;
	}
	ck_assert(lock.total.flops == sum);
	lock_settle(&lock.shapes);
	lock_settle(&lock.sites);
	lock_write(&lock, &text);
	for (const char *at = text.bytes; *at; at++)
		ck_assert(*at == '\t' || *at == '\n' || (unsigned char)*at >= 0x20);
	ck_assert_ptr_nonnull(strstr(text.bytes, "\ta\\tb\t"));
	ck_assert_ptr_nonnull(strstr(text.bytes, "\tback\\\\slash\t"));
	ck_assert_ptr_nonnull(strstr(text.bytes, "\tbad \\xff utf-8\t"));
	ck_assert_ptr_nonnull(strstr(text.bytes, "\tcaf\xc3\xa9\t"));
	read_into(&run.lock, text.bytes);
	ck_assert_uint_eq(run.lock.shapes.count, COUNT(names));
	for (size_t i = 0; i < COUNT(names); i++)
		ck_assert_int_eq(lock_compare(&run.lock.shapes.rows[i], &lock.shapes.rows[i]), 0);
	for (size_t i = 0; i < COUNT(names); i++)
		ck_assert_int_eq(lock_compare(&run.lock.sites.rows[i], &lock.sites.rows[i]), 0);
	text_free(&text);
	forget();
}
END_TEST

/* What a lock skips stands in its file in lines that read back, and no row may be of a namespace that is skipped. */
START_TEST(keeps_what_it_skips)
{
	static const char text[] = "flopshim-lock\t1\nprices\ttable-1\nby\tdefault\nran\t*\t*\nskip (root)\n"
				   "skip a\\x20b*\nshape\tforward\tddot\tn=4\t1\t8\n"
				   "site\t?\tforward\tddot\t1\t8\ntotal\t1\t8\n";
	static const char *const wrong[] = {"skip\n", "skip a b\n", "skips a\n", "skip forward\n", "skip f*\n"};
	struct text written = {0};
	struct lock made = {.kept = {0}};

	read_into(&lock, text);
	ck_assert(lock.processes == LOCK_ANY && lock.ranks == LOCK_ANY);
	ck_assert(lock_skips(&lock, "") && lock_skips(&lock, "a b.c"));
	ck_assert(!lock_skips(&lock, "forward") && !lock_skips(&lock, "a"));
	lock_write(&lock, &written);
	ck_assert_str_eq(written.bytes, text);

	lock_keep_skip(&made, "(root)");
	lock_keep_skip(&made, "a b*");
	lock_keep_skip(&made, "(root)"); /* is there already */
	ck_assert_ptr_nonnull(strstr(made.kept.bytes, "\nskip (root)\nskip a\\x20b*\n"));
	ck_assert_ptr_null(strstr(strstr(made.kept.bytes, "\nskip (root)") + 1, "\nskip (root)"));

	for (size_t i = 0; i < COUNT(wrong); i++) {
		struct text bytes = {0};
		const char *rows = strstr(text, "shape\tforward");

		forget();
		text_add(&bytes, HEAD);
		text_add(&bytes, wrong[i]);
		text_add(&bytes, rows);
		ck_assert_msg(!reads(bytes.bytes), "read: %s", wrong[i]);
		ck_assert_uint_eq(fault.line, strncmp(wrong[i], "skip f", 6) ? 5 : 6);
		text_free(&bytes);
	}
	lock_free(&made);
	text_free(&written);
	forget();
}
END_TEST

START_TEST(keeps_comments_and_tolerances)
{
	static const char text[] = HEAD "# one\n\nallow dgemm calls 5\n# two\n"
					"allow\tforward/*  flops\t2%\n"
					"shape\t(root)\tddot\tn=4\t1\t8\nsite\t?\t(root)\tddot\t1\t8\ntotal\t1\t8\n";
	struct text written = {0};

	read_into(&lock, text);
	ck_assert_uint_eq(lock.allow_count, 2);
	ck_assert_str_eq(lock.allows[1].pattern, "forward/*");
	ck_assert(lock.allows[1].is_percent && lock.allows[1].amount == 2 * LOCK_PERCENT);
	lock_write(&lock, &written);
	ck_assert_str_eq(written.bytes, text);
	text_free(&written);
	forget();
}
END_TEST

static const struct {
	const char *text;
	size_t line;
	const char *why;
} faulty[] = {
	{"", 0, "empty"},
	{"hello\n", 1, "no lock"},
	{"flopshim-lock\t2\n", 1, "version 2"},
	{"flopshim-lock\tone\n", 1, "whole number"},
	{"flopshim-lock\t01\n", 1, "whole number"},
	{"flopshim-lock\t1\n", 1, "cut"},
	{"flopshim-lock\t1\nby\tdefault\n", 2, "prices"},
	{"flopshim-lock\t1\nprices\tt\nby\tcolour\n", 3, "default, routine"},
	{HEAD "total\t0\t0", 5, "no end"},
	{"flopshim-lock\t1\r\n", 1, "CR LF"},
	{HEAD "<<<<<<< HEAD\n", 5, "conflict"},
	{HEAD "=======\n", 5, "conflict"},
	{HEAD "shape\t(root)\tddot\tn=4\t1x\t8\n", 5, "'1x'"},
	{HEAD "shape\t(root)\tddot\tn=4\t-1\t8\n", 5, "'-1'"},
	{HEAD "shape\t(root)\tddot\tn=4\t18446744073709551616\t8\n", 5, "too large"},
	{HEAD "shape\t(root)\tddot\tn=4\t1\n", 5, "tab"},
	{HEAD "shape\t(root)\tddot\tn=4\t1\t8\t9\t9\n", 5, "tab"},
	{HEAD "shape\t(root)\t\tn=4\t1\t8\n", 5, "missing"},
	{HEAD "shape\t(root)\td\\q\tn=4\t1\t8\n", 5, "backslash"},
	{HEAD "shape\t(root)\td\\x00\tn=4\t1\t8\n", 5, "backslash"},
	{HEAD "shape\t(root)\tddot\tn=4\t1\t8\nshape\t(root)\tddot\tn=4\t1\t8\n", 6, "twice"},
	{HEAD "shape\t(root)\tddot\tn=4\t1\t8\nshape\t(root)\tdaxpy\tn=4\t1\t8\n", 6, "order"},
	{HEAD "site\t?\t(root)\tddot\t1\t8\nshape\t(root)\tddot\tn=4\t1\t8\n", 6, "stands behind"},
	{HEAD "shape\t(root)\tddot\tn=4\t1\t8\nsite\t?\t(root)\tddot\t1\t8\ntotal\t1\t9\n", 7, "add up"},
	{HEAD "shape\t(root)\tddot\tn=4\t1\t8\nsite\t?\t(root)\tddot\t1\t7\ntotal\t1\t8\n", 7, "sites do not add up"},
	{HEAD "shape\t(root)\tddot\tn=4\t1\t8\nsite\t?\ta\tddot\t1\t8\ntotal\t1\t8\n", 7, "to those of shapes"},
	{HEAD "total\t0\t0\n# more\n", 6, "not the last"},
	{HEAD "colour\tblue\n", 5, "'colour'"},
	{HEAD "prices\tt\n", 5, "behind"},
	{HEAD "allow dgemm\n", 5, "expected allow"},
	{HEAD "allowed dgemm calls 5\n", 5, "expected allow"},
	{HEAD "allow dgemm speed 5\n", 5, "expected allow"},
	{HEAD "allow dgemm calls many\n", 5, "tolerance"},
	{HEAD "allow dgemm calls 1.5\n", 5, "tolerance"},
	{HEAD "allow dgemm flops %\n", 5, "tolerance"},
	{HEAD "allow dgemm flops 0.00000001%\n", 5, "'0.00000001%' is no tolerance: a percentage has at most 6 digits"},
	{HEAD "allow dgemm flops 99.9999999\n", 5, "'99.9999999' is no tolerance: expected a whole number"},
	{HEAD "allow dgemm calls 18446744073709551616\n", 5, "too large"},
	{HEAD "allow dgemm flops 18446744073710%\n", 5, "too large"},
	{"\xef\xbb\xbf" BASE, 1, "byte order mark"},
	{"\xff\xfe"
         "f\n",
         1, "UTF-16"},
	{"flopshim-lock 1\n", 1, "blanks stand where a lock has tabs"},
	{"flopshim-lock\t1\nprices   table-1\n", 2, "blanks stand where a lock has tabs"},
	{HEAD "shape   (root)\tddot\tn=4\t1\t8\n", 5, "blanks stand where a lock has tabs"},
	{"flopshim-locks 1\n", 1, "no lock"},
	{HEAD "\x01\n", 5, "control"},
};

START_TEST(says_what_is_wrong)
{
	ck_assert(!reads(faulty[_i].text));
	ck_assert_msg(fault.line == faulty[_i].line && strstr(fault.why.bytes, faulty[_i].why), "line %zu: %s",
	              fault.line, fault.why.bytes);
	forget();
}
END_TEST

START_TEST(does_not_stop_at_a_zero)
{
	static const char text[] = HEAD "total\t0\t0\n\0";

	ck_assert(!lock_read(&lock, text, sizeof text - 1, &fault));
	forget();
}
END_TEST

/* Whether a text is taken for a lock of the very work that BASE has. */
static bool is_taken(const char *bytes, size_t length)
{
	bool taken = false;

	read_into(&run.lock, BASE);
	if (lock_read(&lock, bytes, length, &fault)) {
		run.lock.by = lock.by;
		lock_check(&lock, &run, false, &findings);
		taken = findings.verdict == CHECK_SAME && !findings.count && !lock.kept.length;
	}
	forget();
	return taken;
}

START_TEST(notices_every_changed_byte)
{
	char text[] = BASE;

	ck_assert(is_taken(BASE, sizeof text - 1));
	for (size_t i = 0; i < sizeof text - 1; i++) {
		for (int byte = 0; byte < 256; byte++) {
			if ((char)byte == BASE[i])
				continue;
			text[i] = (char)byte;
			ck_assert_msg(!is_taken(text, sizeof text - 1), "byte %zu, as %d", i, byte);
		}
		text[i] = BASE[i];
	}
}
END_TEST

START_TEST(notices_every_cut)
{
	char text[sizeof(BASE) + 1];
	size_t length = sizeof(BASE) - 1;

	for (size_t i = 0; i < length; i++) {
		ck_assert_msg(!is_taken(BASE, i), "the first %zu bytes", i);
		memcpy(text, BASE, i);
		memcpy(text + i, &BASE[i + 1], length - i - 1);
		ck_assert_msg(!is_taken(text, length - 1), "without byte %zu", i);
		memcpy(text, BASE, i);
		text[i] = '7';
		memcpy(text + i + 1, &BASE[i], length - i);
		ck_assert_msg(!is_taken(text, length + 1), "one more byte at %zu", i);
	}
}
END_TEST

/* Many changes at once: whatever the text, reading it ends, and under the sanitizers without a fault. */
START_TEST(survives_any_text)
{
	static const char pieces[] = "\t\n\\x0=#%<>?*(root)shape site total allow 19";
	char text[sizeof(BASE)];
	uint32_t state = 12345;

	for (int round = 0; round < 20000; round++) {
		memcpy(text, BASE, sizeof text);
		for (int change = 0; change < 1 + round % 8; change++) {
			state = state * 1664525 + 1013904223;
			text[(state >> 8) % (sizeof text - 1)] = pieces[(state >> 20) % (sizeof pieces - 1)];
		}
		if (lock_read(&lock, text, sizeof text - 1, &fault)) {
			read_into(&run.lock, BASE);
			run.lock.by = lock.by;
			lock_check(&lock, &run, true, &findings);
			ck_assert(findings.verdict <= CHECK_NOT_COMPARABLE);
		} else {
			ck_assert(fault.line <= 10 && fault.why.length);
		}
		forget();
	}
}
END_TEST

/* ---- checks ---- */

/* Reads rows of a lock and of a run, both without their heads, and checks the run against the lock. */
static void check_rows(const char *old, const char *new, bool exact)
{
	struct text text = {0};

	text_format(&text, HEAD "%s", old);
	read_into(&lock, text.bytes);
	text_clear(&text);
	text_format(&text, HEAD "%s", new);
	read_into(&run.lock, text.bytes);
	text_free(&text);
	lock_check(&lock, &run, exact, &findings);
}

/* The sentence of a finding. */
static const char *sentence(size_t number)
{
	static struct text text;

	ck_assert_uint_lt(number, findings.count);
	text_clear(&text);
	finding_say(&text, &findings.list[number]);
	return text.bytes;
}

#define GEMM(calls, flops)        "shape\t(root)\tdgemm\tm=100 n=100 k=100\t" calls "\t" flops "\n"
#define SITE(place, calls, flops) "site\t" place "\t(root)\tdgemm\t" calls "\t" flops "\n"
#define TOTAL(calls, flops)       "total\t" calls "\t" flops "\n"
#define ONE                       GEMM("1", "2000000") SITE("m.py:f", "1", "2000000") TOTAL("1", "2000000")
#define TWO                       GEMM("2", "4000000") SITE("m.py:f", "2", "4000000") TOTAL("2", "4000000")

static void add_line(const char *place, const char *function, const char *file, int line, struct work work)
{
	run.lines = memory_grow(run.lines, run.line_count, &run.line_capacity, sizeof *run.lines);
	run.lines[run.line_count++] =
		(struct run_line){.place = place,
	                          .space = "",
	                          .routine = "dgemm",
	                          .at = {.name = place, .function = function, .file = file, .line = line, .own = true},
	                          .work = work,
	                          .exact = true};
}

START_TEST(names_the_function_that_does_more)
{
	add_line("m.py:f", "f", "m.py", 12, (struct work){1, 2000000});
	add_line("m.py:f", "f", "m.py", 13, (struct work){1, 2000000});
	check_rows(ONE, TWO, false);
	ck_assert_int_eq(findings.verdict, CHECK_MORE);
	ck_assert_uint_eq(findings.count, 1);
	ck_assert(findings.list[0].fails && findings.list[0].certainty == FINDING_EXACT);
	ck_assert_str_eq(sentence(0),
	                 "2,000,000 FLOPs more (+100.0 %) in dgemm 100 x 100 x 100, called by f (m.py:13), "
	                 "which did 1 call before and now 2");
	forget();
}
END_TEST

START_TEST(less_passes_unless_exact)
{
	check_rows(TWO, ONE, _i);
	ck_assert_int_eq(findings.verdict, _i ? CHECK_MORE : CHECK_LESS);
	ck_assert_uint_eq(findings.count, 1);
	ck_assert_int_eq(findings.list[0].kind, FINDING_LESS);
	ck_assert_int_eq(findings.list[0].fails, _i);
	ck_assert_str_eq(sentence(0), "2,000,000 FLOPs less (-50.0 %) in dgemm 100 x 100 x 100, called by f (m.py), "
	                              "which did 2 calls before and now 1");
	forget();
}
END_TEST

START_TEST(a_row_may_vanish_and_none_may_come)
{
	check_rows(ONE, TOTAL("0", "0"), false);
	ck_assert_int_eq(findings.verdict, CHECK_LESS);
	forget();
	check_rows(TOTAL("0", "0"), ONE, false);
	ck_assert_int_eq(findings.verdict, CHECK_MORE);
	ck_assert_str_eq(sentence(0),
	                 "2,000,000 FLOPs more (new) in dgemm 100 x 100 x 100, called by f (m.py), which did "
	                 "no call before and now 1");
	forget();
}
END_TEST

START_TEST(calls_without_flops_count)
{
	check_rows("shape\t(root)\tdcopy\tn=9\t1\t0\nsite\t?\t(root)\tdcopy\t1\t0\n" TOTAL("1", "0"),
	           "shape\t(root)\tdcopy\tn=9\t3\t0\nsite\t?\t(root)\tdcopy\t3\t0\n" TOTAL("3", "0"), false);
	ck_assert_int_eq(findings.verdict, CHECK_MORE);
	ck_assert_str_eq(sentence(0), "2 calls more (+200.0 %) in dcopy n=9");
	forget();
}
END_TEST

static const struct {
	const char *allow;
	enum check_verdict verdict; /* for 2 calls of 4,000,000 FLOPs in place of 1 of 2,000,000 */
} tolerances[] = {
	{"", CHECK_MORE},
	{"allow dgemm flops 100%\nallow dgemm calls 1\n", CHECK_WITHIN},
	{"allow dgemm flops 99.9999%\nallow dgemm calls 1\n", CHECK_MORE},
	{"allow dgemm flops 2000000\nallow dgemm calls 1\n", CHECK_WITHIN},
	{"allow dgemm flops 1999999\nallow dgemm calls 1\n", CHECK_MORE},
	{"allow dgemm flops 100%\n", CHECK_MORE},
	{"allow dgem? flops 100%\nallow * calls 100%\n", CHECK_WITHIN},
	{"allow (root)/dgemm flops 100%\nallow (root)/* calls 1\n", CHECK_WITHIN},
	{"allow forward/* flops 100%\nallow * calls 1\n", CHECK_MORE},
	{"allow ddot flops 100%\nallow * calls 1\n", CHECK_MORE},
	{"allow dgemm flops 18446744073709551615\nallow * calls 1\n", CHECK_WITHIN},
	{"allow dgemm flops 100.000000%\nallow * calls 1\n", CHECK_WITHIN},
	{"allow [d]gemm flops 100%\nallow * calls 1\n", CHECK_MORE},
};

/* A finding says which tolerance it is beyond, for 2 calls of 4,000,000 FLOPs in place of 1 of 2,000,000. */
static const struct {
	const char *allow, *said;
} exceeded[] = {
	{"allow dgemm flops 99%\nallow dgemm calls 1\n", "; its tolerance allows fewer FLOPs"},
	{"allow dgemm flops 100%\nallow dgemm calls 50%\n", "; its tolerance allows fewer calls"},
	{"allow dgemm flops 1\nallow dgemm calls 50%\n", "; its tolerance allows fewer FLOPs and calls"},
	{"allow dgemm flops 100%\n", "; its tolerance allows fewer calls"},
	{"allow ddot flops 100%\n", ""},
};

START_TEST(says_which_tolerance_is_exceeded)
{
	struct text old = {0};
	const char *said, *tail = exceeded[_i].said;

	text_format(&old, "%s" ONE, exceeded[_i].allow);
	check_rows(old.bytes, TWO, false);
	text_free(&old);
	ck_assert_uint_eq(findings.count, 1);
	said = sentence(0);
	if (*tail)
		ck_assert_str_eq(said + strlen(said) - strlen(tail), tail);
	else
		ck_assert_ptr_null(strstr(said, "tolerance"));
	forget();
}
END_TEST

START_TEST(tolerances_allow_what_they_say)
{
	struct text old = {0};

	text_format(&old, "%s" ONE, tolerances[_i].allow);
	check_rows(old.bytes, TWO, false);
	text_free(&old);
	ck_assert_int_eq(findings.verdict, tolerances[_i].verdict);
	forget();
}
END_TEST

START_TEST(says_which_shape_changed)
{
	check_rows(ONE,
	           "shape\t(root)\tdgemm\tm=100 n=100 k=200\t1\t4000000\n" SITE("m.py:f", "1", "4000000")
	                   TOTAL("1", "4000000"),
	           false);
	ck_assert_int_eq(findings.verdict, CHECK_MORE);
	ck_assert_uint_eq(findings.count, 1);
	ck_assert_int_eq(findings.list[0].kind, FINDING_RESHAPED);
	ck_assert_str_eq(sentence(0),
	                 "2,000,000 FLOPs more (+100.0 %) in dgemm, whose shape 100 x 100 x 100 has become "
	                 "100 x 100 x 200, called by f (m.py), which did 1 call before and now as many");
	forget();
}
END_TEST

START_TEST(says_what_moved)
{
	add_line("m.py:g", "g", "m.py", 7, (struct work){1, 2000000});
	check_rows(ONE, GEMM("1", "2000000") SITE("m.py:g", "1", "2000000") TOTAL("1", "2000000"), false);
	ck_assert_int_eq(findings.verdict, CHECK_SAME);
	ck_assert_uint_eq(findings.count, 1);
	ck_assert(!findings.list[0].fails);
	ck_assert_str_eq(sentence(0), "1 call of dgemm (2,000,000 FLOPs) moved from f (m.py) to g (m.py:7)");
	forget();
}
END_TEST

START_TEST(says_what_moved_between_namespaces)
{
	check_rows(ONE,
	           "shape\tb\tdgemm\tm=100 n=100 k=100\t1\t2000000\nsite\tm.py:f\tb\tdgemm\t1\t2000000\n" TOTAL(
			   "1", "2000000"),
	           false);
	ck_assert_int_eq(findings.verdict, CHECK_MORE);
	ck_assert_uint_eq(findings.count, 1);
	ck_assert_str_eq(sentence(0), "1 call of dgemm (2,000,000 FLOPs) moved from namespace (root) to b");
	forget();
}
END_TEST

/* Less of one shape does not make up for more of another, and is said too. */
START_TEST(says_what_is_more_and_what_is_less)
{
	check_rows(ONE, "shape\t(root)\tdgemm\tm=10 n=10 k=5\t3\t3000\n" SITE("m.py:f", "3", "3000") TOTAL("3", "3000"),
	           false);
	ck_assert_int_eq(findings.verdict, CHECK_MORE);
	ck_assert_uint_eq(findings.count, 2);
	ck_assert(findings.list[0].fails && !findings.list[1].fails);
	ck_assert_ptr_nonnull(strstr(sentence(0), "3,000 FLOPs more (new) in dgemm 10 x 10 x 5"));
	ck_assert_ptr_nonnull(strstr(sentence(1), "2,000,000 FLOPs less (-100.0 %) in dgemm 100 x 100 x 100"));
	forget();
}
END_TEST

/* More calls are more than a lock allows, even if they have fewer FLOPs. */
START_TEST(more_calls_of_fewer_flops_fail)
{
	check_rows("shape\t(root)\tdgemm\t*\t2\t100\n" SITE("m.py:f", "2", "100") TOTAL("2", "100"),
	           "shape\t(root)\tdgemm\t*\t3\t90\n" SITE("m.py:f", "3", "90") TOTAL("3", "90"), false);
	ck_assert_int_eq(findings.verdict, CHECK_MORE);
	ck_assert_uint_eq(findings.count, 1);
	ck_assert_int_eq(findings.list[0].kind, FINDING_MORE);
	ck_assert(findings.list[0].fails);
	ck_assert_str_eq(sentence(0),
	                 "10 FLOPs less (-10.0 %) and 1 call more (+50.0 %) in dgemm, called by f (m.py), which did "
	                 "2 calls before and now 3");
	forget();
}
END_TEST

/* Two functions do more: each has a finding, the larger one first. */
START_TEST(what_explains_most_comes_first)
{
	check_rows(GEMM("2", "4000000") SITE("m.py:f", "1", "2000000") SITE("m.py:g", "1", "2000000")
	                   TOTAL("2", "4000000"),
	           GEMM("5", "10000000") SITE("m.py:f", "2", "4000000") SITE("m.py:g", "3", "6000000")
	                   TOTAL("5", "10000000"),
	           false);
	ck_assert_uint_eq(findings.count, 2);
	ck_assert_str_eq(findings.list[0].place, "m.py:g");
	ck_assert(findings.list[0].changed.flops == 4000000);
	ck_assert_str_eq(findings.list[1].place, "m.py:f");
	forget();
}
END_TEST

/* Samples make g the likeliest, since the lock knows all that f does. */
START_TEST(samples_name_the_likeliest)
{
	add_line("m.py:f", "f", "m.py", 3, (struct work){1, 2000000});
	add_line("m.py:g", "g", "m.py", 9, (struct work){1, 2000000});
	run.lines[0].exact = run.lines[1].exact = false;
	check_rows(ONE, GEMM("2", "4000000") SITE("?", "2", "4000000") TOTAL("2", "4000000"), false);
	ck_assert_int_eq(findings.verdict, CHECK_MORE);
	ck_assert_uint_eq(findings.count, 1);
	ck_assert_int_eq(findings.list[0].certainty, FINDING_SAMPLED);
	ck_assert_str_eq(sentence(0), "2,000,000 FLOPs more (+100.0 %) in dgemm 100 x 100 x 100, called by g (m.py:9), "
	                              "about: not every stack was taken");
	forget();
}
END_TEST

START_TEST(one_row_of_all_shapes_is_compared_with_their_sum)
{
	static const char folded[] = "shape\t(root)\tdgemm\t*\t2\t100\n" SITE("m.py:f", "2", "100") TOTAL("2", "100");
	static const char apart[] =
		"shape\t(root)\tdgemm\tm=1 n=1 k=10\t1\t20\nshape\t(root)\tdgemm\tm=1 n=1 k=40\t1\t80\n" SITE(
			"m.py:f", "2", "100") TOTAL("2", "100");

	check_rows(_i ? folded : apart, _i ? apart : folded, true);
	ck_assert_int_eq(findings.verdict, CHECK_SAME);
	ck_assert_uint_eq(findings.count, 0);
	forget();
}
END_TEST

static const struct {
	const char *from, *to, *why;
} incomparable[] = {
	{"table-1", "table-2", "routine table"},
	{"ran\t1\t0", "ran\t2\t0", "of 2 processes, and this run of 1"},
	{"ran\t1\t0", "ran\t1\t4", "of 4 ranks, and this run of 0"},
};

START_TEST(does_not_compare_what_differs_otherwise)
{
	struct text old = {0};
	const char *at = strstr(BASE, incomparable[_i].from);

	text_add_bytes(&old, BASE, (size_t)(at - BASE));
	text_add(&old, incomparable[_i].to);
	text_add(&old, at + strlen(incomparable[_i].from));
	read_into(&lock, old.bytes);
	read_into(&run.lock, BASE);
	lock_check(&lock, &run, true, &findings);
	ck_assert_int_eq(findings.verdict, CHECK_NOT_COMPARABLE);
	ck_assert_msg(strstr(findings.why.bytes, incomparable[_i].why), "%s", findings.why.bytes);
	ck_assert_uint_eq(findings.count, 0);
	text_free(&old);
	forget();
}
END_TEST

START_TEST(a_lock_by_site_refuses_samples)
{
	read_into(&lock, BASE);
	read_into(&run.lock, BASE);
	lock.by = run.lock.by = LOCK_BY_SITE;
	lock_check(&lock, &run, false, &findings);
	ck_assert_int_eq(findings.verdict, CHECK_SAME);
	findings_free(&findings);
	run.sampled = true;
	lock_check(&lock, &run, false, &findings);
	ck_assert_int_eq(findings.verdict, CHECK_NOT_COMPARABLE);
	forget();
}
END_TEST

START_TEST(a_lock_by_site_decides_by_site)
{
	add_line("m.py:g", "g", "m.py", 7, (struct work){1, 2000000});
	read_into(&lock, HEAD ONE);
	read_into(&run.lock, HEAD GEMM("1", "2000000") SITE("m.py:g", "1", "2000000") TOTAL("1", "2000000"));
	lock.by = run.lock.by = LOCK_BY_SITE;
	lock_check(&lock, &run, false, &findings);
	ck_assert_int_eq(findings.verdict, CHECK_MORE);
	ck_assert_uint_eq(findings.count, 1);
	ck_assert(findings.list[0].fails);
	ck_assert_str_eq(sentence(0), "1 call of dgemm (2,000,000 FLOPs) moved from f (m.py) to g (m.py:7)");
	forget();
}
END_TEST

static const struct {
	const char *shape, *said;
} shapes[] = {
	{"m=3 n=4 k=5", "3 x 4 x 5"},
	{"transa=N transb=T m=3 n=4 k=5", "3 x 4 x 5 (transb=T)"},
	{"n=4", "n=4"},
	{"side=L uplo=U m=3 n=4", "3 x 4 (side=L uplo=U)"},
	{"n=4 nrhs=1", "n=4 nrhs=1"},
	{"-", "-"},
	{"*", "*"},
	{"", ""},
};

START_TEST(says_shapes_as_people_do)
{
	struct text text = {0};

	text_add(&text, "");
	finding_say_shape(&text, shapes[_i].shape);
	ck_assert_str_eq(text.bytes, shapes[_i].said);
	text_free(&text);
}
END_TEST

/* ---- paths ---- */

static const struct {
	const char *path, *name;
	enum path_kind kind;
} named[] = {
	{"/home/me/project/src/a.c", "src/a.c", PATH_OWN},
	{"/home/me/project/./src//b/../a.c", "src/a.c", PATH_OWN},
	{"/home/me/projects/a.c", "a.c", PATH_OTHER},
	{"/home/me/other/a.c", "a.c", PATH_OTHER},
	{"/build/x/src/a.c", "src/a.c", PATH_OWN}, /* by the map */
	{"src/a.c", "src/a.c", PATH_OWN},
	{"../a.c", "a.c", PATH_OTHER},
	{"/home/me/project/.venv/lib/python3.11/site-packages/np/a.py", "<site-packages>/np/a.py", PATH_PACKAGE},
	{"/usr/lib/python3/dist-packages/np/c.cpython-311-x86_64-linux-gnu.so", "<site-packages>/np/c.so",
         PATH_PACKAGE},
	{"/usr/lib/python3.11/json/a.py", "<python>/json/a.py", PATH_SYSTEM},
	{"/usr/lib/x86_64-linux-gnu/libx.so.3.10.3", "libx.so", PATH_SYSTEM},
	{"/lib/libx.so", "libx.so", PATH_SYSTEM},
	{"<string>", "<string>", PATH_TYPED},
	{"<frozen importlib._bootstrap>", "<frozen importlib._bootstrap>", PATH_MADE},
	{"/", "", PATH_OTHER},
};

START_TEST(names_paths)
{
	struct paths paths;
	enum path_kind kind;

	paths_open(&paths, "/home/me/project/", "");
	ck_assert(paths_map(&paths, "/build/x=/home/me/project"));
	ck_assert(!paths_map(&paths, "/build/x") && !paths_map(&paths, "=y"));
	ck_assert_str_eq(paths_name(&paths, named[_i].path, &kind), named[_i].name);
	ck_assert_int_eq(kind, named[_i].kind);
	paths_close(&paths);
}
END_TEST

/* A root of the file system does not make the system's files the user's own; one below /usr makes those below it so. */
START_TEST(tells_system_files_below_any_root)
{
	struct paths paths;
	enum path_kind kind;

	paths_open(&paths, "/", "");
	paths_name(&paths, "/usr/include/x.h", &kind);
	ck_assert_int_eq(kind, PATH_SYSTEM);
	ck_assert_str_eq(paths_name(&paths, "/code/x.c", &kind), "code/x.c");
	ck_assert_int_eq(kind, PATH_OWN);
	paths_close(&paths);
	paths_open(&paths, "/usr/src/app", "");
	ck_assert_str_eq(paths_name(&paths, "/usr/src/app/x.c", &kind), "x.c");
	ck_assert_int_eq(kind, PATH_OWN);
	paths_name(&paths, "/usr/src/application/x.c", &kind);
	ck_assert_int_eq(kind, PATH_SYSTEM);
	paths_close(&paths);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("lock");
	TCase *text = tcase_create("text"), *checks = tcase_create("checks"), *paths = tcase_create("paths");

	tcase_set_timeout(text, 120);
	tcase_add_test(text, writes_what_it_reads);
	tcase_add_test(text, keeps_any_name);
	tcase_add_test(text, keeps_comments_and_tolerances);
	tcase_add_test(text, keeps_what_it_skips);
	tcase_add_loop_test(text, says_what_is_wrong, 0, COUNT(faulty));
	tcase_add_test(text, does_not_stop_at_a_zero);
	tcase_add_test(text, notices_every_changed_byte);
	tcase_add_test(text, notices_every_cut);
	tcase_add_test(text, survives_any_text);
	tcase_add_test(checks, names_the_function_that_does_more);
	tcase_add_loop_test(checks, less_passes_unless_exact, 0, 2);
	tcase_add_test(checks, a_row_may_vanish_and_none_may_come);
	tcase_add_test(checks, calls_without_flops_count);
	tcase_add_loop_test(checks, tolerances_allow_what_they_say, 0, COUNT(tolerances));
	tcase_add_loop_test(checks, says_which_tolerance_is_exceeded, 0, COUNT(exceeded));
	tcase_add_test(checks, says_which_shape_changed);
	tcase_add_test(checks, says_what_moved);
	tcase_add_test(checks, says_what_moved_between_namespaces);
	tcase_add_test(checks, says_what_is_more_and_what_is_less);
	tcase_add_test(checks, more_calls_of_fewer_flops_fail);
	tcase_add_test(checks, what_explains_most_comes_first);
	tcase_add_test(checks, samples_name_the_likeliest);
	tcase_add_loop_test(checks, one_row_of_all_shapes_is_compared_with_their_sum, 0, 2);
	tcase_add_loop_test(checks, does_not_compare_what_differs_otherwise, 0, COUNT(incomparable));
	tcase_add_test(checks, a_lock_by_site_refuses_samples);
	tcase_add_test(checks, a_lock_by_site_decides_by_site);
	tcase_add_loop_test(checks, says_shapes_as_people_do, 0, COUNT(shapes));
	tcase_add_loop_test(paths, names_paths, 0, COUNT(named));
	tcase_add_test(paths, tells_system_files_below_any_root);
	suite_add_tcase(suite, text);
	suite_add_tcase(suite, checks);
	suite_add_tcase(suite, paths);
	return run_suite(suite, CK_FORK);
}
