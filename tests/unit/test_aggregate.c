/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_aggregate.c - tests the sums over one dump or several: what is added up, which processes still run, what is
 * missing from a dump, and which calls in flight are taken out of the sums.
 * It must never take an expected value from the reader itself.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/aggregate/summary.h"
#include "example_dump.h"
#include "run_suite.h"

START_TEST(adds_dumps_up)
{
	struct aggregate aggregate;
	struct memory_file file;
	struct dump_source source;
	struct writer writer;

	aggregate_open(&aggregate, &(struct aggregate_options){0});
	for (uint32_t pid = 1; pid <= 3; pid++) {
		example(&writer);
		writer_header(&writer)->pid = pid;
		/*
		 * Each process has its module at another address, as address randomization does. Its sites are the
		 * same.
		 */
		for (uint64_t offset = DUMP_PAGE_LEAST; offset < writer.size; offset += DUMP_PAGE_LEAST) {
			struct dump_block *block = (struct dump_block *)(void *)(writer.bytes + offset);
			struct dump_module *module = (struct dump_module *)(void *)(block + 1);
			struct dump_site *site = (struct dump_site *)(void *)(block + 1);

			if (block->type == DUMP_MODULES)
				module[0].bias += 0x1000 * pid;
			if (block->type == DUMP_SITES)
				for (uint64_t i = 0; i < block->used; i++)
					site[i].caller += 0x1000 * pid;
		}
		writer_close(&writer, DUMP_CLOSED);
		file = (struct memory_file){writer.bytes, writer.size};
		source = memory_source(&file);
		aggregate_add(&aggregate, &source, "test.dump");
		writer_free(&writer);
	}
	ck_assert_uint_eq(aggregate.row_count, 3);
	ck_assert_uint_eq(aggregate.sites.count, 2);
	ck_assert_uint_eq(aggregate.totals.calls, 15);
	ck_assert_uint_eq((uint64_t)aggregate.totals.flops, 12000);
	ck_assert_uint_eq(aggregate.process_count, 3);
	ck_assert_uint_eq(aggregate.version_count, 1);
	aggregate_close(&aggregate);
}
END_TEST

START_TEST(sums_beyond_64_bits)
{
	struct writer writer;
	struct aggregate aggregate;
	uint32_t routine, site;
	struct dump_row row;
	char text[NUMBER_TEXT];

	writer_open(&writer, 1);
	routine = writer_routine(&writer, "zgemm", DUMP_DIRECT, "|m n k");
	site = writer_site(&writer, "zgemm_", routine, 0, DUMP_NONE, DUMP_NONE);
	row = writer_call(site, UINT64_MAX, UINT64_MAX, "", 1, 1, 1);
	writer_row(&writer, 0, &row);
	aggregate = sum_of(writer.bytes, writer.size);
	/* (2^64 - 1)^2 */
	ck_assert_str_eq(number_exact(aggregate.totals.flops, text), "340282366920938463426481119284349108225");
	aggregate_close(&aggregate);
	row.dims[0] = 2;
	writer_row(&writer, 0, &row);
	aggregate = sum_of(writer.bytes, writer.size);
	ck_assert(aggregate.totals.flops == U128_MAX);
	ck_assert_uint_eq(aggregate.totals.calls, UINT64_MAX);
	aggregate_close(&aggregate);
	writer_free(&writer);
}
END_TEST

/* Ordering the largest N of the rows gives the first N of all rows in order, for every N. */
START_TEST(orders_the_largest_first)
{
	enum { ROWS = 1000 };
	struct writer writer;
	struct aggregate aggregate;
	struct group_list all, some;
	uint64_t state = 7;
	uint32_t routine, site;

	writer_open(&writer, 1);
	routine = writer_routine(&writer, "dgemm", DUMP_DIRECT, "|m n k");
	site = writer_site(&writer, "dgemm_", routine, 0, DUMP_NONE, DUMP_NONE);
	for (int i = 0; i < ROWS; i++) {
		struct dump_row row = writer_call(site, 1, next_random(&state) % 300, "", i, 0, 0); /* many are equal */

		writer_row(&writer, 0, &row);
	}
	aggregate = sum_of(writer.bytes, writer.size);
	group_rows(&aggregate, NULL, GROUP_SHAPE, &all);
	group_order(&all, SIZE_MAX);
	ck_assert_uint_eq(all.count, ROWS);
	for (size_t i = 1; i < ROWS; i++)
		ck_assert(all.groups[i - 1].flops >= all.groups[i].flops);
	for (size_t top = 1; top <= ROWS; top = top * 3 + 1) {
		group_rows(&aggregate, NULL, GROUP_SHAPE, &some);
		group_order(&some, top);
		ck_assert_uint_eq(some.count, ROWS);
		for (size_t i = 0; i < top; i++)
			ck_assert_ptr_eq(some.groups[i].row, all.groups[i].row);
		group_list_free(&some);
	}
	group_list_free(&all);
	aggregate_close(&aggregate);
	writer_free(&writer);
}
END_TEST

/* Stands for the system: only process 42, started at tick 1042, is running. */
static bool alive_42(uint32_t pid, uint64_t start_ticks) { return pid == 42 && start_ticks == 1042; }

START_TEST(tells_the_living_from_the_dead)
{
	static const struct {
		const char *host;
		uint32_t pid;
		uint64_t ticks;
		enum process_state state;
	} cases[] = {
		{"testhost", 42, 1042, PROCESS_RUNNING},
		{"testhost", 42, 1043, PROCESS_ENDED}, /* another process has the number now */
		{"testhost", 43, 1042, PROCESS_ENDED},
		{"another", 42, 1042, PROCESS_UNKNOWN},
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct aggregate_options options = {.host = "testhost", .alive = alive_42, .now_ns = 6000000000u};
		struct aggregate aggregate;
		struct writer writer;
		struct memory_file file;
		struct dump_source source;

		example(&writer);
		strcpy(writer_header(&writer)->host, cases[i].host);
		writer_header(&writer)->pid = cases[i].pid;
		writer_header(&writer)->start_ticks = cases[i].ticks;
		writer_check(&writer);
		file = (struct memory_file){writer.bytes, writer.size};
		source = memory_source(&file);
		aggregate_open(&aggregate, &options);
		aggregate_add(&aggregate, &source, "test.dump");
		ck_assert_int_eq(aggregate.processes[0].state, cases[i].state);
		ck_assert_uint_eq(aggregate.processes[0].elapsed_ns,
		                  cases[i].state == PROCESS_RUNNING ? 1000000000u : 0);
		ck_assert(aggregate.complete); /* a process that ends without closing its dump loses nothing */
		aggregate_close(&aggregate);
		writer_free(&writer);
	}
}
END_TEST

/*
 * Writes the dump of a process that was killed within a second after its first calls: their rows were not written out.
 */
static void sites_without_counts(struct writer *writer)
{
	uint32_t routine;

	writer_open(writer, 42);
	writer_lane(writer, &(struct dump_lane){.threads = 1});
	routine = writer_routine(writer, "dgemm", DUMP_DIRECT, "|m n k");
	writer_site(writer, "dgemm_", routine, 0x401000, DUMP_NONE, DUMP_NONE);
	writer_site(writer, "dgemm_", routine, 0x402000, DUMP_NONE, DUMP_NONE);
}

/*
 * A dump with sites but no calls is damaged, unless it was not closed and its file system may have lost the last
 * second.
 */
START_TEST(zeros_may_be_what_was_written_out)
{
	static const struct {
		enum dump_state state;
		uint32_t losses;
		size_t damage;
		bool complete;
	} cases[] = {
		{DUMP_CLOSED, DUMP_NOT_DURABLE, 1, false},
		{DUMP_CLOSED, 0, 1, false},
		{DUMP_RUNNING, DUMP_NOT_DURABLE, 0, false},
		{DUMP_RUNNING, 0, 1, false},
	};
	struct aggregate aggregate;
	struct writer writer;

	sites_without_counts(&writer);
	writer_header(&writer)->losses = cases[_i].losses;
	writer_close(&writer, cases[_i].state);
	aggregate = sum_of(writer.bytes, writer.size);
	ck_assert_int_eq(aggregate.complete, cases[_i].complete);
	ck_assert_uint_eq(aggregate.damage_count, cases[_i].damage);
	aggregate_close(&aggregate);
	writer_free(&writer);
}
END_TEST

START_TEST(knows_what_is_lost)
{
	static const struct {
		uint32_t losses;
		bool complete;
	} cases[] = {
		{DUMP_LOST_CALLS, false},   {DUMP_LOST_SPACE, false}, {DUMP_LOST_SITES, true},
		{DUMP_COARSE_SHAPES, true}, {DUMP_LOST_LOG, true},    {DUMP_LOST_STACKS, true},
		{DUMP_NOT_DURABLE, true},
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct writer writer;
		struct aggregate aggregate;

		example(&writer);
		writer_header(&writer)->losses = cases[i].losses;
		writer_close(&writer, DUMP_CLOSED);
		aggregate = sum_of(writer.bytes, writer.size);
		ck_assert_int_eq(aggregate.complete, cases[i].complete);
		aggregate_close(&aggregate);
		writer_free(&writer);
	}
}
END_TEST

/*
 * On a file system whose mappings are not trusted (DUMP_NOT_DURABLE), the last second is missing of a process that
 * ended without closing its dump: that dump is not complete, but not damaged either.
 */
START_TEST(knows_when_the_end_may_be_missing)
{
	static const struct {
		const char *host;
		uint32_t pid;
		enum dump_state state;
		uint32_t left;
		bool complete;
	} cases[] = {
		{"testhost", 42, DUMP_RUNNING, 0, true},  /* the process runs, and will write the rest */
		{"testhost", 43, DUMP_RUNNING, 0, false}, /* the process has ended */
		{"another", 42, DUMP_RUNNING, 0, false},  /* the process may have ended */
		{"testhost", 42, DUMP_EXECED, 0, false},  {"testhost", 43, DUMP_CLOSED, 0, true},
		{"testhost", 43, DUMP_RUNNING, 1, true}, /* the process has written all of it, and then ended */
		{"another", 42, DUMP_RUNNING, 1, true},
	};

	for (size_t i = 0; i < 2 * (sizeof cases / sizeof *cases); i++) {
		struct aggregate_options options = {.host = "testhost", .alive = alive_42, .now_ns = 6000000000u};
		bool durable = i % 2;
		struct aggregate aggregate;
		struct writer writer;
		struct memory_file file;
		struct dump_source source;

		example(&writer);
		strcpy(writer_header(&writer)->host, cases[i / 2].host);
		writer_header(&writer)->pid = cases[i / 2].pid;
		writer_header(&writer)->start_ticks = 1042;
		writer_header(&writer)->losses = durable ? 0 : DUMP_NOT_DURABLE;
		writer_header(&writer)->state = cases[i / 2].state;
		writer_header(&writer)->left = cases[i / 2].left;
		writer_check(&writer);
		file = (struct memory_file){writer.bytes, writer.size};
		source = memory_source(&file);
		aggregate_open(&aggregate, &options);
		aggregate_add(&aggregate, &source, "test.dump");
		ck_assert_int_eq(aggregate.complete, durable || cases[i / 2].complete);
		ck_assert_uint_eq(aggregate.damage_count, 0);
		aggregate_close(&aggregate);
		writer_free(&writer);
	}
}
END_TEST

/*
 * A coarse row has two calls that are done, of 3,000 FLOPs together, and one of 500 FLOPs in flight, which its sums
 * include already. The reader subtracts that call if the lane's share has the frame's slot and is no larger than the
 * sum.
 */
START_TEST(takes_calls_in_flight_out_of_coarse_rows)
{
	static const struct {
		uint64_t slot, flops;
		bool is_known;
	} cases[] = {
		{0x7ffe0018, 500, true},
		{0x7ffe0028, 500, false},
		{0, 500, false},
		{0x7ffe0018, 3501, false},
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct dump_lane lane = {.threads = 1, .depth = 1, .frames = {{0x7ffe0018, 0x401000, 0}}};
		struct dump_row row;
		struct writer writer;
		struct aggregate aggregate;
		uint32_t site;

		lane.shares[1] = (struct dump_share){cases[i].slot, cases[i].flops, cases[i].flops, 10};
		writer_open(&writer, 7);
		site = writer_site(&writer, "ddot_", writer_routine(&writer, "ddot", DUMP_DIRECT, "|n"), 0x401000,
		                   DUMP_NONE, DUMP_NONE);
		writer_lane(&writer, &lane);
		row = writer_call(site, 2, 3500, "", 8, 0, 0);
		row.flags = DUMP_ROW_COARSE;
		row.words = 100;
		writer_row(&writer, 0, &row);
		writer_frame(&writer, 0, 0, 0);
		aggregate = sum_of(writer.bytes, writer.size);
		ck_assert(aggregate.totals.flops == (cases[i].is_known ? 3000 : 3500));
		ck_assert(aggregate.totals.charged == aggregate.totals.flops);
		ck_assert(aggregate.totals.words == (cases[i].is_known ? 90 : 100));
		ck_assert(aggregate.totals.in_flight_flops == (cases[i].is_known ? 500 : 0));
		ck_assert_uint_eq(aggregate.totals.in_flight_calls, 1);
		ck_assert_uint_eq(aggregate.damage_count, 0);
		aggregate_close(&aggregate);
		writer_free(&writer);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("aggregate");
	TCase *sums = tcase_create("sums");

	tcase_add_test(sums, adds_dumps_up);
	tcase_add_test(sums, sums_beyond_64_bits);
	tcase_add_test(sums, orders_the_largest_first);
	tcase_add_test(sums, tells_the_living_from_the_dead);
	tcase_add_loop_test(sums, zeros_may_be_what_was_written_out, 0, 4);
	tcase_add_test(sums, knows_what_is_lost);
	tcase_add_test(sums, takes_calls_in_flight_out_of_coarse_rows);
	tcase_add_test(sums, knows_when_the_end_may_be_missing);
	suite_add_tcase(suite, sums);
	return run_suite(suite, CK_FORK);
}
