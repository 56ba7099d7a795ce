/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_redact.c - tests that no path and no host is left in a redacted aggregate, wherever they stood, and that names are.
 * It must never look at files of this machine.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/aggregate/aggregate.h"
#include "analyzer/aggregate/redact.h"
#include "dump_writer.h"
#include "memory_source.h"
#include "run_suite.h"

#define FILE_OF_DUMP "/home/anna/My Secret, Folder (2)/run-node1.dump"

static struct writer writer;
static struct aggregate aggregate;

static const char *no_folders(void *context, const char *path)
{
	(void)context;
	return strstr(path, "-packages") ? REDACTED_PACKAGE : "";
}

static void set_up(void)
{
	writer_open(&writer, 7);
	writer_meta(&writer, "program", "/home/anna/My Secret, Folder (2)/solve");
	writer_meta(&writer, "directory", "/home/anna/My Secret, Folder (2)");
	writer_lane(&writer, &(struct dump_lane){.threads = 1});
}

static void tear_down(void)
{
	aggregate_close(&aggregate);
	writer_free(&writer);
}

/* Reads the dump, whose process ran on `host` in a job of this name. */
static void read_dump(const char *host, const char *job)
{
	struct memory_file file = {writer.bytes, writer.size};
	struct dump_source source = memory_source(&file);
	struct dump_header *header = writer_header(&writer);

	snprintf(header->host, sizeof header->host, "%s", host);
	snprintf(header->job, sizeof header->job, "%s", job);
	writer_close(&writer, DUMP_CLOSED);
	aggregate_open(&aggregate, &(struct aggregate_options){0});
	aggregate_add(&aggregate, &source, FILE_OF_DUMP);
	ck_assert(aggregate.answered);
}

/* What stands in damage, on host node1, before and after it was redacted. */
static const struct {
	const char *host, *text, *redacted;
} texts[] = {
	{"node1", "cannot open /home/bob/x.so: Permission denied", "cannot open x.so: Permission denied"},
	{"node1", "cannot open /home/bob/My Project/x.so: gone", "cannot open x.so: gone"},
	{"node1", "cannot open '/home/bob/a (copy)/b=c/x.so', or so", "cannot open 'x.so', or so"},
	{"node1", "neither /home/bob/x nor /tmp/secret/y", "neither x nor y"},
	{"node1", "in /home/anna/My Secret, Folder (2)/other (3).txt: gone", "in other (3).txt: gone"},
	{"node1", "in /home/anna/My Secret, Folder (2)/: gone", "in : gone"},
	{"node1", "on node1, or NODE1", "on host-1, or host-1"},
	{"node1", "on node1.cluster.example.org: gone", "on host-1: gone"},
	{"node1", "node10 and xnode1 are others", "node10 and xnode1 are others"},
	{"node1", "see node1.dump and node1.html", "see host-1.dump and host-1.html"},
	{"node1", "see /home/bob/node1-3.dump", "see host-1-3.dump"},
	{"node1.cluster.example.org", "node1 and node1.cluster.example.org", "host-1 and host-1"},
	{"10.0.0.1", "10 calls on 10.0.0.1", "10 calls on host-1"},
	{"n", "n of 3, and m", "host-1 of 3, and m"},
	{"node1", "FLOP/s of 1/2", "FLOP/s of 1/2"},
};

START_TEST(texts_have_neither_paths_nor_hosts)
{
	read_dump(texts[_i].host, "4711");
	aggregate_doubt(&aggregate, FILE_OF_DUMP, texts[_i].text);
	aggregate_redact(&aggregate, no_folders, NULL);
	ck_assert_str_eq(aggregate.damage[aggregate.damage_count - 1].text, texts[_i].redacted);
}
END_TEST

/* No secret is in any text, whatever it is used as. */
START_TEST(no_text_has_a_secret)
{
	static const char *const secrets[] = {"anna", "Secret", "Folder", "node1", "frontend", "/"};

	read_dump("node1", "frontend-12@1");
	aggregate_redact(&aggregate, no_folders, NULL);
	for (uint32_t i = 0; i < aggregate.texts.count; i++)
		for (unsigned j = 0; j < sizeof secrets / sizeof *secrets; j++)
			ck_assert_msg(!strstr(text_at(&aggregate, i), secrets[j]), "%s in %s", secrets[j],
			              text_at(&aggregate, i));
	ck_assert_str_eq(text_at(&aggregate, aggregate.processes[0].host), "host-1");
	ck_assert_str_eq(text_at(&aggregate, aggregate.processes[0].file), "run-host-1.dump");
	ck_assert_str_eq(text_at(&aggregate, aggregate.processes[0].program), "solve");
}
END_TEST

/* Numbers of jobs stay, and so does what stands in place of another name, so that redacting twice is redacting once. */
static const struct {
	const char *job;
	bool stays;
} jobs[] = {
	{"4711", true},         {"4711_3", true},       {"4711.0", true},    {"job-12ab9f", true},
	{"4711.server", false}, {"77.5@node2", false},  {"10.0.0.7", false}, {"job-12ab9g", false},
	{"job-secret", false},  {"job-12ab9f0", false},
};

START_TEST(numbers_of_jobs_stay)
{
	const char *job;

	read_dump("node1", jobs[_i].job);
	aggregate_redact(&aggregate, no_folders, NULL);
	job = text_at(&aggregate, aggregate.processes[0].job);
	if (jobs[_i].stays) {
		ck_assert_str_eq(job, jobs[_i].job);
		return;
	}
	ck_assert_str_ne(job, jobs[_i].job);
	ck_assert(!strncmp(job, "job-", 4) && strlen(job) == 10 && strspn(job + 4, "0123456789abcdef") == 6);
}
END_TEST

/* A host may have the name of a routine's dimension, which stays. */
START_TEST(a_host_named_as_a_dimension)
{
	uint32_t dgemm = writer_routine(&writer, "dgemm", DUMP_DIRECT, "|m n k");
	uint32_t program = writer_module(&writer, "/home/anna/solve", 0x400000, 0, "", 0);
	uint32_t site = writer_site(&writer, "dgemm_", dgemm, 0x400100, program, program);
	struct dump_row row = writer_call(site, 1, 2, "", 1, 1, 1);

	writer_row(&writer, 0, &row);
	read_dump("n", "4711");
	aggregate_redact(&aggregate, no_folders, NULL);
	ck_assert_str_eq(text_at(&aggregate, routine_of(&aggregate, 0)->dims[1]), "n");
	ck_assert_str_eq(text_at(&aggregate, aggregate.processes[0].host), "host-1");
}
END_TEST

/* Frames of Python, before and after. */
static const struct {
	const char *frame, *redacted;
} frames[] = {
	{"train (/home/anna/train.py:12)", "train"},
	{"solve (/usr/lib/python3/dist-packages/numpy/linalg.py:386)", "solve ([site-packages])"},
	{"solve ([site-packages])", "solve ([site-packages])"},
	{"train", "train"},
	{"top (<template /home/anna/x.html>:3)", "top (<template>)"},
	{"top (<template index.html>:3)", "top (<template>)"},
	{"top (</home/anna/x>:3)", "top (<file>)"},
	{"top (<doctest /home/anna/x.txt[0]>:3)", "top (<doctest>)"},
	{"f (<string>:1)", "f (<string>)"},
	{"f (<frozen importlib._bootstrap>:4)", "f (<frozen importlib._bootstrap>)"},
	{"f (<__array_function__ internals>:180)", "f (<__array_function__ internals>)"},
	{"a (/home/anna/a.py:1)\nb ([site-packages])", "a\nb ([site-packages])"},
};

START_TEST(frames_have_no_paths)
{
	uint64_t address = 0x400100;
	struct dump_sample sample = {.flops = 1, .calls = 1};
	uint32_t dgemm = writer_routine(&writer, "dgemm", DUMP_DIRECT, "|m n k");
	uint32_t program = writer_module(&writer, "/home/anna/solve", 0x400000, 0, "", 0);

	sample.site = writer_site(&writer, "dgemm_", dgemm, address, program, program);
	sample.stack = writer_stack(&writer, &address, 1, writer_string(&writer, frames[_i].frame));
	writer_add(&writer, DUMP_SAMPLES, &sample, sizeof sample);
	read_dump("node1", "4711");
	aggregate_redact(&aggregate, no_folders, NULL);
	ck_assert_uint_eq(aggregate.stacks.count, 1);
	ck_assert_str_eq(text_at(&aggregate, stack_of(&aggregate, 0)->python), frames[_i].redacted);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("redact");
	TCase *tests = tcase_create("texts");

	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_loop_test(tests, texts_have_neither_paths_nor_hosts, 0, sizeof texts / sizeof *texts);
	tcase_add_test(tests, no_text_has_a_secret);
	tcase_add_loop_test(tests, numbers_of_jobs_stay, 0, sizeof jobs / sizeof *jobs);
	tcase_add_test(tests, a_host_named_as_a_dimension);
	tcase_add_loop_test(tests, frames_have_no_paths, 0, sizeof frames / sizeof *frames);
	suite_add_tcase(suite, tests);
	return run_suite(suite, CK_FORK);
}
