/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_runs.c - tests which dumps belong to one run (damaged headers included), which are copies of one another, and
 * which ranks of a launch have left no dump.
 * It must never rely on names of files or on the order of the dumps: tests try the dumps in several orders.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/aggregate/copies.h"
#include "analyzer/aggregate/launches.h"
#include "analyzer/aggregate/runs.h"
#include "analyzer/read/header.h"
#include "dump_writer.h"
#include "memory_source.h"
#include "run_suite.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static const uint64_t SECOND = 1000000000;

/* ---- runs ---- */

/*
 * The header of a process that started, and began its dump, in second `start`, and closed it in second `end` (0:
 * never).
 */
static struct dump_header process(const char *host, uint32_t pid, uint64_t start, uint64_t end)
{
	struct dump_header header = {
		.layout = DUMP_LAYOUT, .pid = pid, .parent_pid = 1, .rank = -1, .state = DUMP_RUNNING};

	strcpy(header.host, host);
	header.start_ticks = 100 * start;
	header.start_realtime_ns = (1000000 + start) * SECOND;
	header.start_monotonic_ns = start * SECOND;
	header.end_monotonic_ns = end * SECOND;
	if (end)
		header.state = DUMP_CLOSED;
	return header;
}

static struct dump_header rank_of(struct dump_header header, const char *job, const char *launch, int32_t rank,
                                  uint32_t size)
{
	strcpy(header.job, job);
	strcpy(header.launch, launch);
	header.rank = rank;
	header.job_size = size;
	return header;
}

static struct dump_header step_of(struct dump_header header, const char *step, const char *array_task)
{
	strcpy(header.step, step);
	strcpy(header.array_task, array_task);
	return header;
}

static struct dump_header child_of(struct dump_header header, uint32_t parent, uint64_t fork_parent_ticks)
{
	header.parent_pid = parent;
	header.fork_parent_ticks = fork_parent_ticks;
	return header;
}

static struct dump_header marked(struct dump_header header, const char *run)
{
	strcpy(header.run, run);
	return header;
}

/* Checks in both orders whether two dumps are one run. Between them stands a dump that belongs to neither. */
static void check_pair(struct dump_header a, struct dump_header b, bool one_run)
{
	struct dump_header other = process("elsewhere", 9, 50, 0);
	struct dump_header orders[][3] = {{a, other, b}, {b, other, a}};

	for (size_t i = 0; i < COUNT(orders); i++) {
		struct runs runs;

		runs_find(&runs, orders[i], 3);
		ck_assert_int_eq(runs.run[0] == runs.run[2], one_run);
		ck_assert_uint_eq(runs.count, one_run ? 2 : 3);
		ck_assert_uint_ne(runs.run[1], runs.run[0]);
		runs_free(&runs);
	}
}

START_TEST(strangers_are_runs_of_their_own)
{
	struct dump_header first = process("a", 100, 10, 20);

	check_pair(first, process("a", 101, 30, 40), false);
	check_pair(first, process("b", 100, 10, 20), false);                   /* the same number on another machine */
	check_pair(first, process("a", 100, 30, 40), false);                   /* another process got the number */
	check_pair(first, child_of(process("a", 101, 30, 40), 100, 0), false); /* a child of that other process */
	check_pair(first, child_of(process("b", 101, 15, 40), 100, 0), false);
	check_pair(child_of(first, 50, 0), child_of(process("a", 101, 30, 40), 50, 0),
	           false); /* one shell started both */
	check_pair(marked(first, "x"), marked(process("a", 101, 11, 12), "y"), false);
}
END_TEST

START_TEST(processes_and_their_children_are_one_run)
{
	struct dump_header first = process("a", 100, 10, 20);

	check_pair(first, child_of(process("a", 101, 15, 18), 100, 1000), true); /* forked */
	check_pair(first, child_of(process("a", 101, 15, 0), 100, 0), true); /* started by the process, then killed */
	check_pair(process("a", 100, 10, 0), child_of(process("a", 101, 15, 18), 100, 0), true);
	check_pair(marked(first, "x"), marked(process("b", 7, 90, 99), "x"), true);
	first.start_realtime_ns += 30 * SECOND; /* the same process began another program by exec */
	first.start_monotonic_ns += 30 * SECOND;
	check_pair(first, process("a", 100, 10, 20), true);
}
END_TEST

/* A child may make its first call before its parent does, so that the parent's dump begins later than the child's. */
START_TEST(a_parent_may_begin_its_dump_later)
{
	struct dump_header parent = process("a", 100, 10, 40);

	parent.start_realtime_ns += 15 * SECOND;
	parent.start_monotonic_ns += 15 * SECOND;
	check_pair(parent, child_of(process("a", 101, 12, 14), 100, 0), true);
}
END_TEST

START_TEST(ranks_of_a_launch_are_one_run)
{
	struct dump_header a = process("a", 100, 10, 20), b = process("b", 300, 11, 20);

	check_pair(rank_of(a, "5", "0", 0, 8), rank_of(b, "5", "0", 7, 8), true);
	check_pair(rank_of(a, "", "91", 0, 8), rank_of(b, "", "91", 0, 8), true); /* a child of the rank */
	check_pair(rank_of(a, "5", "0", 0, 8), rank_of(b, "5", "1", 1, 8), false);
	check_pair(rank_of(a, "5", "0", 0, 8), rank_of(b, "6", "0", 1, 8), false);
	check_pair(rank_of(a, "5", "", 0, 0), rank_of(b, "5", "", 0, 0), false); /* serial programs in a batch script */
	check_pair(rank_of(a, "5", "", 0, 1), rank_of(b, "5", "", 0, 1), false);
	/* Without a name, a launch is all that one process has started. */
	check_pair(rank_of(a, "", "", 0, 8), rank_of(child_of(process("a", 101, 10, 20), 1, 0), "", "", 1, 8), true);
	check_pair(rank_of(a, "", "", 0, 8), rank_of(child_of(process("a", 101, 10, 20), 2, 0), "", "", 1, 8), false);
	check_pair(rank_of(a, "", "", 0, 8), rank_of(b, "", "", 1, 8), false);
	/* A launch without a name may be in each step, and in each task of an array. */
	a = rank_of(a, "5", "", 0, 8);
	b = rank_of(b, "5", "", 1, 8);
	check_pair(step_of(a, "1", "7"), step_of(b, "1", "7"), true);
	check_pair(step_of(a, "1", "7"), step_of(b, "2", "7"), false);
	check_pair(step_of(a, "1", "7"), step_of(b, "1", "8"), false);
	a.layout = b.layout = 2; /* this layout did not state the size of a launch */
	check_pair(rank_of(a, "5", "", 0, 0), rank_of(b, "5", "", 1, 0), true);
}
END_TEST

/*
 * A run holds all generations of a process, and the ranks of its launch on other machines. The last run is the one that
 * began last, whatever the order of the dumps is.
 */
START_TEST(kinship_carries_on)
{
	struct dump_header headers[] = {
		child_of(process("a", 102, 70, 71), 101, 0),       process("a", 500, 60, 62),
		rank_of(process("b", 3, 12, 80), "", "x", 1, 2),   child_of(process("a", 101, 20, 90), 100, 1000),
		rank_of(process("a", 100, 10, 95), "", "x", 0, 2),
	};
	struct runs runs;

	runs_find(&runs, headers, COUNT(headers));
	ck_assert_uint_eq(runs.count, 2);
	for (size_t i = 0; i < COUNT(headers); i++)
		ck_assert_uint_eq(runs.run[i], i == 1);
	ck_assert_uint_eq(runs.begin_ns[0], (1000000 + 10) * SECOND);
	ck_assert_uint_eq(runs_last(&runs), 1);
	runs_free(&runs);
	runs_find(&runs, NULL, 0);
	ck_assert_uint_eq(runs.count, 0);
	runs_free(&runs);
}
END_TEST

/* A damaged header states neither the process nor its start. Such a dump belongs only to the run whose mark it has. */
START_TEST(a_damaged_header_ties_nothing)
{
	struct dump_header first = process("a", 0, 0, 0), later = process("a", 7, 30, 0), headers[3];
	struct runs runs;

	first.start_realtime_ns = first.parent_pid = 0;
	check_pair(first, first, false);
	check_pair(marked(first, "x"), marked(first, "x"), true);
	check_pair(marked(first, "x"), marked(later, "x"), true);
	for (unsigned place = 0; place < 2; place++) {
		headers[place] = marked(first, "x");
		headers[!place] = marked(process("a", 5, 20, 0), "x");
		headers[2] = marked(later, "y");
		runs_find(&runs, headers, 3);
		ck_assert_uint_eq(runs.begin_ns[0], (1000000 + 20) * SECOND);
		ck_assert(runs_is_later(&runs, 1, 0) && !runs_is_later(&runs, 0, 1));
		runs_free(&runs);
	}
	headers[0] = first;
	headers[1] = later;
	runs_find(&runs, headers, 2);
	ck_assert_uint_eq(runs_last(&runs), 1);
	ck_assert(!runs_is_later(&runs, 1, 0) && !runs_is_later(&runs, 0, 1));
	runs_free(&runs);
}
END_TEST

/* ---- headers ---- */

/* Reads the header of a dump in which one bit of each of these two bytes is wrong; they may be the same byte. */
static bool peek_damaged(size_t byte, size_t second, struct dump_header *header, bool *cleared)
{
	struct writer writer;
	struct memory_file file;
	struct dump_source source;
	bool known;

	writer_open(&writer, 7);
	strcpy(writer_header(&writer)->job, "4711");
	writer_header(&writer)->rank = 3;
	writer_header(&writer)->id[0] = 5;
	writer_header(&writer)->start_ticks = 9;
	strcpy(writer_header(&writer)->step, "12");
	writer_header(&writer)->local_rank = 2;
	writer_close(&writer, DUMP_CLOSED);
	writer.bytes[byte] ^= 0x10;
	if (second != byte)
		writer.bytes[second] ^= 0x10;
	file = (struct memory_file){writer.bytes, writer.size};
	source = memory_source(&file);
	known = header_peek(&source, header, cleared);
	writer_free(&writer);
	return known;
}

#define IS_IN(member, byte)                                \
	((byte) >= offsetof(struct dump_header, member) && \
	 (byte) < offsetof(struct dump_header, member) + sizeof((struct dump_header *)0)->member)

/* Whether the check word excludes this byte, because it changes while the process runs. */
static bool changes(size_t byte)
{
	return IS_IN(end_monotonic_ns, byte) || IS_IN(log_dropped, byte) || IS_IN(stacks_failed, byte) ||
	       IS_IN(exit_status, byte);
}

/* Reads a header from zeros. */
static bool peek_nothing(struct dump_header *header)
{
	static const unsigned char bytes[2 * sizeof *header];
	struct memory_file file = {bytes, sizeof bytes};
	struct dump_source source = memory_source(&file);
	bool cleared;

	return header_peek(&source, header, &cleared);
}

static bool is_sound(const struct dump_header *header)
{
	return header->pid == 7 && header->rank == 3 && header->start_ticks == 9 && !strcmp(header->job, "4711");
}

/* If one bit is wrong anywhere in what the check word covers, only the dump's id is believed. */
START_TEST(a_damaged_header_says_its_identity_alone)
{
	unsigned ends_of_texts = 0; /* the reader repairs these bytes before it compares the check word */
	struct dump_header header;
	bool cleared;

	/* The state may change while the process runs, so the check word does not cover it. */
	ck_assert(peek_damaged(offsetof(struct dump_header, state), offsetof(struct dump_header, state), &header,
	                       &cleared));
	ck_assert(!cleared);
	ck_assert(header_check_process(&header));
	ck_assert(is_sound(&header));
	for (size_t byte = offsetof(struct dump_header, pid); byte < offsetof(struct dump_header, header_check);
	     byte++) {
		if (changes(byte))
			continue;
		ck_assert(peek_damaged(byte, byte, &header, &cleared) && !cleared);
		if (header_check_process(&header)) {
			ck_assert(is_sound(&header));
			ends_of_texts++;
			continue;
		}
		ck_assert(header.pid == 0 && header.parent_pid == 0 && header.rank == -1 && !*header.job &&
		          header.id[0] == 5);
		ck_assert(header.start_ticks == 0 && header.start_realtime_ns == 0 && header.fork_parent_ticks == 0);
	}
	ck_assert_uint_eq(ends_of_texts, 4);
}
END_TEST

/* If one bit is wrong anywhere in the members that one of these check words covers, these alone are cleared. */
START_TEST(damage_of_a_part_clears_that_part)
{
	struct dump_header header;
	bool cleared;

	for (size_t byte = offsetof(struct dump_header, id); byte < offsetof(struct dump_header, left); byte++) {
		bool is_place = byte >= offsetof(struct dump_header, local_rank);

		if (IS_IN(write_ms, byte))
			continue; /* no check word covers it, since it changes */
		ck_assert(peek_damaged(byte, byte, &header, &cleared) && cleared);
		ck_assert(header_check_process(&header) && is_sound(&header));
		ck_assert_uint_eq(header.id[0], is_place ? 5 : 0);
		ck_assert_str_eq(header.step, is_place ? "" : "12");
		ck_assert_uint_eq(header.local_rank, is_place ? 0 : 2);
	}
}
END_TEST

/*
 * A wrong magic, version or byte order hides nothing else of the header. If a field behind them is wrong too, the id is
 * still believed; if the id is wrong, the fields are. Either way it is said that members were cleared.
 */
START_TEST(a_damaged_beginning_hides_no_header)
{
	static const size_t places[] = {0, offsetof(struct dump_header, version),
	                                offsetof(struct dump_header, byte_order)};
	struct dump_header header;
	bool cleared;

	for (size_t i = 0; i < COUNT(places); i++) {
		ck_assert(peek_damaged(places[i], places[i], &header, &cleared) && !cleared);
		ck_assert(header_check_process(&header) && header.id[0] == 5 && is_sound(&header));
	}
	for (size_t i = 0; i < COUNT(places); i += 2) {
		ck_assert(peek_damaged(places[i], offsetof(struct dump_header, start_ticks), &header, &cleared));
		ck_assert(cleared);
		ck_assert(header.id[0] == 5 && header.pid == 0 && header.start_ticks == 0 && header.rank == -1 &&
		          !*header.job);
		ck_assert(peek_damaged(places[i], offsetof(struct dump_header, id), &header, &cleared));
		ck_assert(cleared);
		ck_assert(header.id[0] == 0 && is_sound(&header));
	}
	ck_assert(!peek_nothing(&header));
}
END_TEST

/* ---- copies ---- */

static bool same_key(const struct dump_header *a, const struct dump_header *b)
{
	struct copy_key x, y;

	return copy_key_of(&x, a) && copy_key_of(&y, b) && !memcmp(&x, &y, sizeof x);
}

START_TEST(copies_are_told_by_their_id)
{
	struct dump_header a = process("a", 100, 10, 0), b = a, none = {0};

	ck_assert(same_key(&a, &b)); /* a layout without ids */
	b.state = DUMP_CLOSED;
	b.end_monotonic_ns = 1;
	b.size = 1 << 20;
	ck_assert(same_key(&a, &b)); /* b is a later copy of the same dump */
	b.start_monotonic_ns++;
	ck_assert(!same_key(&a, &b)); /* an exec keeps pid and start_ticks, and begins another dump */
	a.id[0] = b.id[0] = 5;
	ck_assert(same_key(&a, &b));
	b.id[1] = 1;
	ck_assert(!same_key(&a, &b));
	ck_assert(!same_key(&none, &none)); /* an empty header has no key */
}
END_TEST

/* Copies of one dump, from the best to the worst. */
enum { CLOSED, LATE, EARLY, DAMAGED, CUT, COPIES };

static void make_copy(unsigned which, struct writer *writer)
{
	uint64_t calls = which == EARLY ? 2 : which == LATE ? 4 : 5;
	uint32_t routine, site;
	struct dump_row row;

	writer_open(writer, 7);
	routine = writer_routine(writer, "ddot", DUMP_DIRECT, "|n");
	site = writer_site(writer, "ddot_", routine, 0x401000, DUMP_NONE, DUMP_NONE);
	writer_lane(writer, &(struct dump_lane){.threads = 1});
	row = writer_call(site, calls, 10, "", 1, 0, 0);
	writer_row(writer, 0, &row);
	row = writer_call(site, which == EARLY ? 0 : 1, 20, "", 2, 0, 0);
	writer_row(writer, 0, &row);
	if (which == CLOSED || which == DAMAGED)
		writer_close(writer, DUMP_CLOSED);
	if (which == DAMAGED) /* only texts are damaged: all calls are there */
		((struct dump_block *)(void *)(writer->bytes + writer->page))->content_check++;
	if (which == CUT)
		writer->size -= 2 * writer->page;
}

START_TEST(the_better_copy_wins_in_any_order)
{
	struct copy_worth worth[COPIES];

	for (unsigned i = 0; i < COPIES; i++) {
		struct writer writer;
		struct memory_file file;
		struct dump_source source;

		make_copy(i, &writer);
		file = (struct memory_file){writer.bytes, writer.size};
		source = memory_source(&file);
		copy_worth_find(&worth[i], &source);
		writer_free(&writer);
	}
	for (unsigned i = 0; i < COPIES; i++)
		for (unsigned j = 0; j < COPIES; j++)
			ck_assert_int_eq(copy_is_better(&worth[i], &worth[j]), i < j);
	/* No sound copy knows anything that a later one does not. A damaged one may know more than an early one. */
	ck_assert(!copy_knows_more(&worth[EARLY], &worth[CLOSED]) && !copy_knows_more(&worth[EARLY], &worth[LATE]));
	ck_assert(!copy_knows_more(&worth[CUT], &worth[CLOSED]) && !copy_knows_more(&worth[CUT], &worth[EARLY]));
	ck_assert(copy_knows_more(&worth[DAMAGED], &worth[EARLY]) && !copy_knows_more(&worth[DAMAGED], &worth[CLOSED]));
}
END_TEST

/* ---- launches ---- */

static void add_rank(struct aggregate *aggregate, uint32_t pid, int32_t rank, uint32_t size, uint64_t flops)
{
	struct writer writer;
	struct memory_file file;
	struct dump_source source;
	struct dump_row row;
	char name[32];
	uint32_t site;

	writer_open(&writer, pid);
	writer_header(&writer)->rank = rank;
	writer_header(&writer)->job_size = size;
	writer_lane(&writer, &(struct dump_lane){.threads = 1});
	site = writer_site(&writer, "ddot_", writer_routine(&writer, "ddot", DUMP_DIRECT, "|n"), 0x401000, DUMP_NONE,
	                   DUMP_NONE);
	row = writer_call(site, 1, flops, "", 1, 0, 0);
	writer_row(&writer, 0, &row);
	writer_close(&writer, DUMP_CLOSED);
	file = (struct memory_file){writer.bytes, writer.size};
	source = memory_source(&file);
	snprintf(name, sizeof name, "%u", pid);
	aggregate_add(aggregate, &source, name);
	writer_free(&writer);
}

/* The launch's list of missing ranks, whose pieces each end in a zero byte, as one text with commas. */
static const char *missing_of(const struct launch *launch)
{
	static char text[256];

	memcpy(text, launch->missing.bytes ? launch->missing.bytes : "", launch->missing.length);
	text[launch->missing.length] = 0;
	for (size_t i = 0; i + 1 < launch->missing.length; i++)
		text[i] = text[i] ? text[i] : ',';
	return text;
}

START_TEST(names_ranks_without_a_dump)
{
	struct aggregate aggregate;
	struct launch_list list;

	aggregate_open(&aggregate, &(struct aggregate_options){0});
	add_rank(&aggregate, 10, 10, 12, 300);
	add_rank(&aggregate, 9, 9, 12, 100);
	add_rank(&aggregate, 2, 2, 12, 500);
	add_rank(&aggregate, 22, 2, 12, 60); /* a child of rank 2 */
	launches_find(&aggregate, &list);
	ck_assert_uint_eq(list.count, 1);
	ck_assert_uint_eq(list.launches[0].with_dump, 3);
	ck_assert_str_eq(missing_of(&list.launches[0]), "0-1,3-8,11");
	ck_assert_uint_eq(list.launches[0].balance.shares, 12);
	ck_assert(list.launches[0].balance.least == 0 && list.launches[0].balance.most == 560);
	ck_assert(list.launches[0].balance.least_rank == 0 && !list.launches[0].balance.least_process);
	ck_assert(list.launches[0].balance.most_rank == 2 && list.launches[0].balance.most_process->pid == 2);
	ck_assert(list.launches[0].balance.total == 960 && list.others.shares == 0);
	ck_assert_double_eq_tol(balance_imbalance(&list.launches[0].balance), 560 / (960 / 12.) - 1, 1e-12);
	for (size_t i = 0; i < 4; i++)
		ck_assert_uint_eq(list.processes[i]->pid, ((const uint32_t[]){2, 22, 9, 10})[i]);
	launches_free(&list);
	/* All ranks of a second launch have dumps. A process of no launch has a share of its own. */
	add_rank(&aggregate, 31, 1, 2, 7);
	add_rank(&aggregate, 30, 0, 2, 8);
	add_rank(&aggregate, 40, -1, 0, 9);
	launches_find(&aggregate, &list);
	ck_assert_uint_eq(list.count, 2);
	ck_assert_str_eq(missing_of(&list.launches[1]), "");
	ck_assert_uint_eq(list.launches[0].balance.shares, 12); /* launches are not averaged */
	ck_assert(list.launches[1].balance.shares == 2 && list.launches[1].balance.most_rank == 0);
	ck_assert(list.launches[1].balance.least_rank == 1 && list.launches[1].balance.least_process->pid == 31);
	ck_assert(list.others.shares == 1 && list.others.most == 9);
	ck_assert_uint_eq(list.processes[4]->pid, 30);
	ck_assert_uint_eq(list.processes[6]->pid, 40);
	launches_free(&list);
	aggregate_close(&aggregate);
}
END_TEST

/* A rank whose counts cannot be read has a dump, but no share of the work: it may have done some. */
START_TEST(unreadable_ranks_have_no_share)
{
	struct aggregate aggregate;
	struct launch_list list;

	aggregate_open(&aggregate, &(struct aggregate_options){0});
	for (uint32_t rank = 0; rank < 3; rank++)
		add_rank(&aggregate, 10 + rank, (int32_t)rank, 3, 70 + rank);
	add_rank(&aggregate, 40, -1, 0, 9);
	for (size_t i = 1; i < 4; i += 2) {
		aggregate.processes[i].answered = false;
		aggregate.processes[i].sums.flops = 0;
	}
	launches_find(&aggregate, &list);
	ck_assert_uint_eq(list.count, 1);
	ck_assert_uint_eq(list.launches[0].with_dump, 3);
	ck_assert_str_eq(missing_of(&list.launches[0]), "");
	ck_assert(list.launches[0].balance.shares == 2 && list.launches[0].balance.least == 70 &&
	          list.launches[0].balance.most == 72);
	ck_assert_uint_eq(list.others.shares, 0);
	ck_assert_uint_eq(list.processes[1]->pid, 11);
	launches_free(&list);
	aggregate_close(&aggregate);
}
END_TEST

/* Without a name, a batch job is one launch; outside of a job, a launch is what one process has started. Runs agree. */
START_TEST(launches_without_names_are_told_by_who_started_them)
{
	struct aggregate aggregate;
	struct launch_list list;

	aggregate_open(&aggregate, &(struct aggregate_options){0});
	for (uint32_t i = 0; i < 4; i++) {
		add_rank(&aggregate, 10 + i, i % 2, 2, 10);
		aggregate.processes[i].parent_pid = i / 2;
	}
	launches_find(&aggregate, &list);
	ck_assert_uint_eq(list.count, 2);
	ck_assert(list.launches[0].with_dump == 2 && list.launches[1].with_dump == 2);
	launches_free(&list);
	for (uint32_t i = 0; i < 4; i++)
		aggregate.processes[i].job = intern_text(&aggregate.texts, "4711");
	launches_find(&aggregate, &list);
	ck_assert_uint_eq(list.count, 1);
	launches_free(&list);
	aggregate_close(&aggregate);
}
END_TEST

/* A rank number that the launch cannot have, by damage or a wrong variable, counts as a process without a rank. */
START_TEST(impossible_ranks_are_processes)
{
	struct aggregate aggregate;
	struct launch_list list;

	aggregate_open(&aggregate, &(struct aggregate_options){0});
	add_rank(&aggregate, 1, 2000000000, 12, 4);
	add_rank(&aggregate, 2, 3, UINT32_MAX, 5);
	launches_find(&aggregate, &list);
	ck_assert_uint_eq(list.count, 1);
	ck_assert_str_eq(missing_of(&list.launches[0]), "0-2,4-4294967294");
	ck_assert_uint_eq(list.launches[0].balance.shares, UINT32_MAX);
	ck_assert_uint_eq(list.others.shares, 1);
	launches_free(&list);
	aggregate_close(&aggregate);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("runs");
	TCase *runs = tcase_create("runs"), *headers = tcase_create("headers");
	TCase *copies = tcase_create("copies"), *launches = tcase_create("launches");

	tcase_add_test(runs, strangers_are_runs_of_their_own);
	tcase_add_test(runs, processes_and_their_children_are_one_run);
	tcase_add_test(runs, a_parent_may_begin_its_dump_later);
	tcase_add_test(runs, ranks_of_a_launch_are_one_run);
	tcase_add_test(runs, kinship_carries_on);
	tcase_add_test(runs, a_damaged_header_ties_nothing);
	tcase_add_test(headers, a_damaged_beginning_hides_no_header);
	tcase_add_test(headers, a_damaged_header_says_its_identity_alone);
	tcase_add_test(headers, damage_of_a_part_clears_that_part);
	tcase_add_test(copies, copies_are_told_by_their_id);
	tcase_add_test(copies, the_better_copy_wins_in_any_order);
	tcase_add_test(launches, names_ranks_without_a_dump);
	tcase_add_test(launches, unreadable_ranks_have_no_share);
	tcase_add_test(launches, launches_without_names_are_told_by_who_started_them);
	tcase_add_test(launches, impossible_ranks_are_processes);
	suite_add_tcase(suite, runs);
	suite_add_tcase(suite, headers);
	suite_add_tcase(suite, copies);
	suite_add_tcase(suite, launches);
	return run_suite(suite, CK_FORK);
}
