/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_code.c - tests how work is divided among stacks, and the table of work by the user's own code.
 * It must never look at files of this machine: which code is the user's is told by the paths in a dump.
 */
#include <check.h>
#include <stdio.h>

#include "analyzer/aggregate/estimate.h"
#include "analyzer/tables/cell.h"
#include "analyzer/tables/tables.h"
#include "dump_writer.h"
#include "memory_source.h"
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
	program = writer_module(&writer, "/home/me/work/simulate", PROGRAM, 0, "", 0);
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
	struct dump_row manual = writer_call(writer_site(&writer, "mine", dgemm, 0, DUMP_NONE, DUMP_NONE), 1, 500, "",
	                                     500, 1, 1);

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

int main(void)
{
	Suite *suite = suite_create("code");
	TCase *parts = tcase_create("parts");

	tcase_add_checked_fixture(parts, set_up, tear_down);
	tcase_add_test(parts, samples_divide_all_of_a_site);
	tcase_add_test(parts, calls_are_counted_where_all_were_sampled);
	tcase_add_test(parts, work_without_samples_is_listed);
	suite_add_tcase(suite, parts);
	return run_suite(suite, CK_FORK);
}
