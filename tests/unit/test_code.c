/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_code.c - tests how work is divided among stacks, and the table of work by the user's own code.
 * It must never look at files of this machine: which code is the user's is told by the paths in a dump.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/aggregate/estimate.h"
#include "analyzer/base/memory.h"
#include "analyzer/tables/cell.h"
#include "analyzer/tables/function_name.h"
#include "analyzer/tables/tables.h"
#include "dump_writer.h"
#include "memory_source.h"
#include "names.h"
#include "run_suite.h"

enum { PROGRAM = 0x400000, LIBRARY = 0x500000, INTERPRETER = 0x600000, BLAS = 0x700000 };

static struct writer writer;
static struct aggregate aggregate;
static struct views views;
static struct estimates estimates;
static uint32_t program, library, interpreter, blas, dgemm;

static void set_up(void)
{
	writer_open(&writer, 7);
	writer_meta(&writer, "program", "/home/me/project/simulate");
	writer_meta(&writer, "directory", "/home/me/project");
	program = writer_module(&writer, "/home/me/project/simulate", PROGRAM, 0, "", 0);
	library = writer_module(&writer, "/usr/lib/libsolver.so.1", LIBRARY, 0, "", 0);
	interpreter = writer_module(&writer, "/usr/bin/python3.11", INTERPRETER, 0, "", 0);
	blas = writer_module(&writer, "/usr/lib/libblas.so.3", BLAS, 0, "", 0);
	dgemm = writer_routine(&writer, "dgemm", DUMP_DIRECT, "|m n k");
	writer_lane(&writer, &(struct dump_lane){.threads = 1});
}

static void tear_down(void)
{
	estimates_free(&estimates);
	estimates = (struct estimates){0};
	views_close(&views);
	aggregate_close(&aggregate);
	writer_free(&writer);
}

static uint32_t site_at(uint64_t address, uint32_t module)
{
	return writer_site(&writer, "dgemm_", dgemm, address, module, blas);
}

/* Adds a row of `calls` calls of `flops` FLOPs each, timed with `ns` nanoseconds each. */
static void add_calls(uint32_t site, uint64_t calls, uint64_t flops, uint64_t ns)
{
	struct dump_row row = writer_call(site, calls, flops, "", (int64_t)flops, 1, 1);

	row.timed_calls = ns ? calls : 0;
	row.time_ns = ns * calls;
	writer_row(&writer, 0, &row);
}

/* Adds a sample with a stack of native addresses, which ends in a 0, and frames of Python, NULL if there are none. */
static void add_sample(uint32_t site, const uint64_t *addresses, const char *python, uint64_t flops, uint64_t calls)
{
	struct dump_sample sample = {.flops = flops, .calls = calls, .site = site};
	uint32_t count = 0;

	while (addresses[count])
		count++;
	sample.stack = writer_stack(&writer, addresses, count, python ? writer_string(&writer, python) : 0);
	writer_add(&writer, DUMP_SAMPLES, &sample, sizeof sample);
}

#define STACK(...) ((const uint64_t[]){__VA_ARGS__, 0})

static void read_dump(void)
{
	struct memory_file file = {writer.bytes, writer.size};
	struct dump_source source = memory_source(&file);

	aggregate_open(&aggregate, &(struct aggregate_options){0});
	aggregate_add(&aggregate, &source, "test.dump");
	ck_assert(aggregate.answered);
	views_open(&views, &aggregate);
}

/* ---- how work is divided ---- */

/*
 * One site has done 10 calls of 10 FLOPs in 7 ns each, and three of its stacks were sampled once: each has 33 FLOPs, 3 calls
 * and 23 ns. What is left over, 1 of each, goes to one of them, so that the sums are 100, 10 and 70.
 */
START_TEST(samples_divide_all_of_a_site)
{
	uint32_t site = site_at(PROGRAM + 0x100, program);
	unsigned with_more = 0;

	add_calls(site, 10, 10, 7);
	for (unsigned i = 0; i < 3; i++)
		add_sample(site, STACK(PROGRAM + 0x100, PROGRAM + 0x200 + i), NULL, 10, 1);
	read_dump();
	estimates_find(&aggregate, views.times, &estimates);
	for (unsigned i = 0; i < 3; i++) {
		const struct estimate *part = &estimates.of_samples[i];
		bool more = part->flops == 34;

		ck_assert(part->flops == (more ? 34 : 33) && part->charged == (more ? 34 : 33));
		ck_assert_uint_eq(part->calls, more ? 4 : 3);
		ck_assert_uint_eq(part->time_ns, more ? 24 : 23);
		ck_assert(!part->exact);
		with_more += more;
	}
	ck_assert_uint_eq(with_more, 1);
	ck_assert_uint_eq(estimates.unsampled_count, 0);
}
END_TEST

/* Where each call had its stack taken, the calls of a stack are counted, and not divided by FLOPs. */
START_TEST(calls_are_counted_where_all_were_sampled)
{
	uint32_t site = site_at(PROGRAM + 0x100, program);

	add_calls(site, 9, 10, 0);
	add_calls(site, 1, 910, 0);
	add_sample(site, STACK(PROGRAM + 0x100, PROGRAM + 0x200), NULL, 90, 9);
	add_sample(site, STACK(PROGRAM + 0x100, PROGRAM + 0x300), NULL, 910, 1);
	read_dump();
	estimates_find(&aggregate, views.times, &estimates);
	ck_assert(estimates.of_samples[0].flops == 90 && estimates.of_samples[1].flops == 910);
	ck_assert_uint_eq(estimates.of_samples[0].calls, 9);
	ck_assert_uint_eq(estimates.of_samples[1].calls, 1);
	ck_assert(estimates.of_samples[0].exact && estimates.of_samples[1].exact);
}
END_TEST

/* Work of a site without a sample is listed with its site, and so is what the program has charged itself. */
START_TEST(work_without_samples_is_listed)
{
	uint32_t site = site_at(PROGRAM + 0x100, program), other = site_at(PROGRAM + 0x300, program);
	struct dump_row manual =
		writer_call(writer_site(&writer, "mine", dgemm, 0, DUMP_NONE, DUMP_NONE), 1, 500, "", 500, 1, 1);

	add_calls(site, 4, 25, 0);
	add_sample(site, STACK(PROGRAM + 0x100), NULL, 25, 1);
	add_calls(other, 3, 7, 2);
	manual.kind = DUMP_ROW_MANUAL;
	writer_row(&writer, 0, &manual);
	read_dump();
	estimates_find(&aggregate, views.times, &estimates);
	ck_assert_uint_eq(estimates.unsampled_count, 2);
	ck_assert(estimates.unsampled[0].work.flops == 21 && estimates.unsampled[0].work.charged == 21);
	ck_assert_uint_eq(estimates.unsampled[0].work.calls, 3);
	ck_assert_uint_eq(estimates.unsampled[0].work.time_ns, 6);
	ck_assert(!estimates.unsampled[0].manual && estimates.unsampled[1].manual);
	ck_assert(estimates.unsampled[1].work.flops == 500);
}
END_TEST

/* ---- the table ---- */

/* Adds the text of a cell, as a program reads it: "-" if it is not known. */
static void add_cell(struct text *text, const struct table *table, size_t row, const char *key)
{
	for (unsigned i = 0; i < table->column_count; i++) {
		const struct column *column = &table->columns[i];
		struct value value;
		char number[NUMBER_TEXT];

		if (strcmp(column->key, key))
			continue;
		value = column_get(column, table, table_item(table, row));
		if (!value.known)
			text_add(text, "-");
		else if (column->kind == COLUMN_TEXT)
			text_add(text, value.text);
		else
			text_add(text, number_exact(value.number, number));
		return;
	}
	ck_abort_msg("no column %s", key);
}

/* All rows of the table, each as "FUNCTION FILE:LINE OWN INCLUSIVE;", with a ~ before numbers that are about. */
static const char *rows_of(bool all_frames)
{
	static struct text text;
	struct table table;

	read_dump();
	views.all_frames = all_frames;
	views_get(&views, &table_code, SIZE_MAX, false, &table);
	text_clear(&text);
	for (size_t i = 0; i < table.row_count; i++) {
		static const char *const keys[] = {"function", "file", "line", "own_flops", "inclusive_flops"};
		static const char between[] = " :  ;";
		static struct text about;

		for (unsigned j = 0; j < 5; j++) {
			text_clear(&about);
			if (j >= 3)
				add_cell(&about, &table, i, j == 3 ? "own_about" : "about");
			text_add(&text, !strcmp(about.bytes, "1") ? "~" : "");
			add_cell(&text, &table, i, keys[j]);
			text_add_byte(&text, between[j]);
		}
	}
	return text.bytes;
}

#define TRAIN "train (/home/me/project/train.py:12)"
#define MAIN  "<module> (/home/me/project/train.py:30)"

/* A frame of the user's stands for what packages, the language and generated code did below it. Recursion counts once. */
START_TEST(the_innermost_own_frame_has_the_work)
{
	uint32_t site = site_at(LIBRARY + 0x100, library);

	add_calls(site, 10, 100, 0);
	add_sample(site, STACK(LIBRARY + 0x100, INTERPRETER + 0x10),
	           "f (<__array_function__ internals>:1)\nfit (/home/me/venv/lib/python3.11/site-packages/sk/a.py:1)\n"
	           "map (/usr/lib/python3.11/pool.py:9)\n" TRAIN "\n" TRAIN "\n" MAIN,
	           600, 6);
	add_sample(site, STACK(LIBRARY + 0x100, INTERPRETER + 0x20), "check (<string>:3)\n" MAIN, 400, 4);
	ck_assert_str_eq(rows_of(false), "train /home/me/project/train.py:12 600 600;check <string>:3 400 400;"
	                                 "<module> /home/me/project/train.py:30 0 1000;");
}
END_TEST

/* With all frames, the innermost frame of all has the work, and every other one is there. */
START_TEST(all_frames_are_shown_where_asked_for)
{
	uint32_t site = site_at(LIBRARY + 0x100, library);

	add_calls(site, 10, 100, 0);
	add_sample(site, STACK(LIBRARY + 0x100, INTERPRETER + 0x10),
	           "fit (/usr/lib/python3/dist-packages/sk/a.py:1)\n" MAIN, 1000, 10);
	ck_assert_str_eq(rows_of(true), "- -:- 1000 1000;- -:- 0 1000;<module> /home/me/project/train.py:30 0 1000;"
	                                "fit /usr/lib/python3/dist-packages/sk/a.py:1 0 1000;");
}
END_TEST

/*
 * A library of the user's that Python calls has the work, and a program of the user's that Python runs in has not: its frames are
 * outside of Python's.
 */
START_TEST(native_frames_stand_inside_or_outside_of_python)
{
	uint32_t own = writer_module(&writer, "/home/me/project/fast.so", 0x800000, 0, "", 0);
	uint32_t site = site_at(_i ? LIBRARY + 0x100 : 0x800100, _i ? library : own);

	add_calls(site, 10, 100, 0);
	if (_i)
		add_sample(site, STACK(LIBRARY + 0x100, INTERPRETER + 0x10, PROGRAM + 0x10), TRAIN, 1000, 10);
	else
		add_sample(site, STACK(0x800100, INTERPRETER + 0x10, PROGRAM + 0x10), TRAIN, 1000, 10);
	ck_assert_str_eq(rows_of(false),
	                 _i ? "train /home/me/project/train.py:12 1000 1000;- -:- 0 1000;"
	                    : "- -:- 1000 1000;- -:- 0 1000;train /home/me/project/train.py:12 0 1000;");
}
END_TEST

/* What is installed below the prefix of an interpreter is no code of the user's, though it lies in a folder of the user's. */
START_TEST(an_interpreter_brings_its_libraries)
{
	uint32_t site;

	writer_module(&writer, "/home/me/conda/bin/python3.12", 0x900000, 0, "", 0);
	library = writer_module(&writer, _i ? "/home/me/conda/lib/libtorch.so" : "/home/me/lib/libmine.so", 0xa00000, 0,
	                        "", 0);
	site = site_at(0xa00100, library);
	add_calls(site, 1, 1000, 0);
	add_sample(site, STACK(0xa00100, 0x900010), TRAIN, 1000, 1);
	ck_assert_str_eq(rows_of(false), _i ? "train /home/me/project/train.py:12 1000 1000;"
	                                    : "- -:- 1000 1000;train /home/me/project/train.py:12 0 1000;");
}
END_TEST

/*
 * Of a call site in the user's own code, the work is certain however its samples divide it among callers. That of a site in a
 * library is about.
 */
START_TEST(numbers_from_samples_are_about)
{
	uint32_t site = _i ? site_at(LIBRARY + 0x100, library) : site_at(PROGRAM + 0x100, program);
	uint64_t inner = _i ? LIBRARY + 0x100 : PROGRAM + 0x100;

	add_calls(site, 100, 10, 0);
	add_sample(site, STACK(inner, PROGRAM + 0x200), NULL, 30, 3);
	add_sample(site, STACK(inner, PROGRAM + 0x300), NULL, 10, 1);
	ck_assert_str_eq(rows_of(false),
	                 _i ? "- -:- ~750 ~750;- -:- ~250 ~250;" : "- -:- 1000 1000;- -:- 0 ~750;- -:- 0 ~250;");
}
END_TEST

/* Work of which there is no sample stands at its call site, so that the sum of a table is that of the report. */
START_TEST(work_without_a_sample_stands_at_its_site)
{
	uint32_t sampled = site_at(LIBRARY + 0x100, library), other = site_at(PROGRAM + 0x300, program);
	struct dump_row manual =
		writer_call(writer_site(&writer, "mine", dgemm, 0, DUMP_NONE, DUMP_NONE), 1, 5, "", 5, 1, 1);

	add_calls(sampled, 1, 1000, 0);
	add_sample(sampled, STACK(LIBRARY + 0x100, INTERPRETER + 0x10), TRAIN, 1000, 1);
	add_calls(other, 3, 10, 0);
	manual.kind = DUMP_ROW_MANUAL;
	writer_row(&writer, 0, &manual);
	/* What else train has called for is not known. */
	ck_assert_str_eq(rows_of(false), "train /home/me/project/train.py:12 1000 ~1000;- -:- 30 30;- -:- 5 5;");
	ck_assert(aggregate.totals.flops == 1035);
}
END_TEST

/* Where no frame is the user's, the innermost one that has a name stands for the stack. People are not shown such a table. */
START_TEST(a_stack_without_own_code_has_a_row)
{
	uint32_t site = site_at(LIBRARY + 0x100, library);
	struct table table;

	add_calls(site, 1, 1000, 0);
	add_sample(site, STACK(LIBRARY + 0x100, INTERPRETER + 0x10),
	           "run (<frozen runpy>:1)\nfit (/usr/lib/python3/dist-packages/sk/a.py:1)", 1000, 1);
	ck_assert_str_eq(rows_of(false), "fit /usr/lib/python3/dist-packages/sk/a.py:1 1000 1000;");
	views_get(&views, &table_code, SIZE_MAX, false, &table);
	ck_assert(!report_table_find("code")->applies(&views));
}
END_TEST

/* Thousands of stacks that share a hundred thousand frames, as no shim takes, must not take minutes. */
START_TEST(very_many_frames_take_no_time)
{
	enum { LINES = 100000, STACKS = 4000 };
	uint32_t site = site_at(LIBRARY + 0x100, library);
	struct text python = {0};
	struct table table;
	uint64_t frames;

	for (unsigned i = 0; i < LINES; i++)
		text_format(&python, "%sf (/home/me/project/a.py:%u)", i ? "\n" : "", i + 1);
	frames = writer_string(&writer, python.bytes);
	text_free(&python);
	add_calls(site, STACKS, 1, 0);
	for (unsigned i = 0; i < STACKS; i++) {
		struct dump_sample sample = {.flops = 1, .calls = 1, .site = site};

		sample.stack = writer_stack(&writer, STACK(LIBRARY + 0x100, INTERPRETER + i + 1), 2, frames);
		writer_add(&writer, DUMP_SAMPLES, &sample, sizeof sample);
	}
	read_dump();
	views_get(&views, &table_code, 1, false, &table);
	ck_assert_uint_ge(table.row_count, 1);
	ck_assert(aggregate.samples.count == STACKS);
}
END_TEST

/* ---- names of functions ---- */

static const struct {
	const char *name, *shown;
} names[] = {
	{"train", "train"},
	{"module::procedure", "module::procedure"},
	{"solve(int, double*)", "solve"},
	{"void fill<double>(double*, int)", "fill<double>"},
	{"std::vector<int, std::allocator<int> > make<int>(int)", "make<int>"},
	{"(anonymous namespace)::Layer<double, 24>::forward(int)", "Layer<double, 24>::forward"},
	{"main::{lambda(int)#1}::operator()(int) const", "main::{lambda(int)#1}::operator()"},
	{"void std::_Bind<void (*(int*))(int const*)>::operator()<, void>()", "std::_Bind<...>::operator()<...>"},
	{"bool operator< <int>(A<int> const&, A<int> const&)", "operator< <int>"},
	{"A::operator<<(int)", "A::operator<<"},
	{"A::operator->() const", "A::operator->"},
	{"A::operator double() const", "A::operator double"},
	{"void Eigen::internal::gemv_dense_selector<2, 1, true>::run<Transpose<Matrix<double, -1, -1> > >(int)",
         "Eigen::internal::gemv_dense_selector<...>::run<...>"},
	{"decltype ((f)((g)())) call<F>(F&&)", "call<F>"},
	{"", ""},
	{"f<(", "f<("},
	{"(", "("},
	{"f(", "f"},
	{"operator", "operator"},
	{">)", ">)"},
};

START_TEST(names_are_shown_short)
{
	struct text text = {0};

	text_add(&text, "");
	function_name_add(&text, names[_i].name);
	ck_assert_str_eq(text.bytes, names[_i].shown);
	text_free(&text);
}
END_TEST

/* Dots that a compiler has put into a name are cut off with what follows, and those of other languages stay. */
static const struct {
	const char *name, *rest;
} parts_of_functions[] = {
	{"solve", "solve"},
	{"solve.constprop.0", "solve"},
	{"solve.part.0.isra.12", "solve"},
	{"solve.constprop.0.cold", "solve"},
	{"solve.cold.3", "solve"},
	{"solve.lto_priv.0", "solve"},
	{"main._omp_fn.1", "main"},
	{"solve.omp_outlined.2", "solve"},
	{"solve.llvm.8231", "solve"},
	{"solve.__uniq.77.llvm.3", "solve"},
	{"solve.avx512f.1", "solve"},
	{"solve.arch_haswell", "solve"},
	{"solve.localalias", "solve"},
	{"contained.3456", "contained"},
	{"_Z5solvei [clone .cold]", "_Z5solvei"},
	{"main.solve", "main.solve"},
	{"main.solve.func1", "main.solve.func1"},
	{"main.solve.func1.2", "main.solve.func1.2"},
	{"main.part", "main.part"},
	{"main.part.cold", "main.part"},
	{"example.com/solver.(*T).Run", "example.com/solver.(*T).Run"},
	{"Solver.step.inner", "Solver.step.inner"},
	{".omp_outlined.", ".omp_outlined."},
	{".solve", ".solve"},
	{"solve.", "solve."},
	{"solve(int) [clone .part.0]", "solve(int)"},
	{"f<a.b>(c.0)", "f<a.b>(c.0)"},
	{"", ""},
};

START_TEST(parts_of_a_function_have_its_name)
{
	const char *name = parts_of_functions[_i].name;
	char *got = memory_text(name, function_name_length(name));

	ck_assert_str_eq(got, parts_of_functions[_i].rest);
	free(got);
}
END_TEST

/* A frame of Python is split at the first " (" and at the last colon. */
static const struct {
	const char *text, *function, *file;
	unsigned line;
} frames[] = {
	{"solve (/home/me/a.py:12)", "solve", "/home/me/a.py", 12},
	{"solve (/home/me/a (copy)/b:c.py:7)", "solve", "/home/me/a (copy)/b:c.py", 7},
	{"<module> (<string>:1)", "<module>", "<string>", 1},
	{"solve ([site-packages])", "solve", "[site-packages]", 0},
	{"solve", "solve", NULL, 0},
	{"solve (/home/me/a.py", "solve", "/home/me/a.py", 0},
	{"solve (/home/me/a:b.py)", "solve", "/home/me/a:b.py", 0},
	{"solve (:3)", "solve", "", 3},
	{"solve ()", "solve", "", 0},
	{"solve (", "solve", "", 0},
	{"", "", NULL, 0},
};

START_TEST(frames_of_python_are_split)
{
	struct python_frame frame = python_frame_split(frames[_i].text, strlen(frames[_i].text));
	char *function = memory_text(frame.function, frame.function_length);
	char *file = memory_text(frame.file ? frame.file : "", frame.file_length);

	ck_assert_str_eq(function, frames[_i].function);
	ck_assert_str_eq(file, frames[_i].file ? frames[_i].file : "");
	ck_assert(!frame.file == !frames[_i].file);
	ck_assert_uint_eq(frame.line, frames[_i].line);
	free(function);
	free(file);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("code");
	TCase *parts = tcase_create("parts"), *table = tcase_create("table"), *shown = tcase_create("names");

	tcase_add_checked_fixture(parts, set_up, tear_down);
	tcase_add_test(parts, samples_divide_all_of_a_site);
	tcase_add_test(parts, calls_are_counted_where_all_were_sampled);
	tcase_add_test(parts, work_without_samples_is_listed);
	suite_add_tcase(suite, parts);
	tcase_add_checked_fixture(table, set_up, tear_down);
	tcase_add_test(table, the_innermost_own_frame_has_the_work);
	tcase_add_test(table, all_frames_are_shown_where_asked_for);
	tcase_add_loop_test(table, native_frames_stand_inside_or_outside_of_python, 0, 2);
	tcase_add_loop_test(table, an_interpreter_brings_its_libraries, 0, 2);
	tcase_add_loop_test(table, numbers_from_samples_are_about, 0, 2);
	tcase_add_test(table, work_without_a_sample_stands_at_its_site);
	tcase_add_test(table, a_stack_without_own_code_has_a_row);
	tcase_add_test(table, very_many_frames_take_no_time);
	suite_add_tcase(suite, table);
	tcase_add_loop_test(shown, names_are_shown_short, 0, sizeof names / sizeof *names);
	tcase_add_loop_test(shown, parts_of_a_function_have_its_name, 0,
	                    sizeof parts_of_functions / sizeof *parts_of_functions);
	tcase_add_loop_test(shown, frames_of_python_are_split, 0, sizeof frames / sizeof *frames);
	suite_add_tcase(suite, shown);
	return run_suite(suite, CK_FORK);
}
