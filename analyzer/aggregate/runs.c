/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * runs.c - ties dumps together that are of one run, by union-find.
 * It must never compare each dump with each other one: there may be tens of thousands.
 */
#include "analyzer/aggregate/runs.h"

#include <stdlib.h>
#include <string.h>

#include "analyzer/aggregate/kin.h"
#include "analyzer/aggregate/launch_key.h"
#include "analyzer/base/intern.h"
#include "analyzer/base/memory.h"

/* Why two dumps are of one run, other than that they are ranks of one launch. */
enum tie {
	TIE_RUN,     /* both have the same `run`: they come from one start of the launcher */
	TIE_PROCESS, /* they are of one process, before and after exec, or one process has forked the other */
};

/* Dumps with a key in common are of one run. Keys are compared by their bytes. */
struct tie_key {
	char text[sizeof((struct dump_header *)0)->host]; /* the run, or the host of the process */
	uint64_t kind, number, ticks; /* enum tie; pid and start_ticks of the process, 0 for a run */
};

_Static_assert(sizeof(struct tie_key) != sizeof(struct launch_key), "keys of different kinds never are equal");

/* The ties among headers, which are named by their index. */
struct ties {
	const struct dump_header *headers;
	size_t count;
	uint32_t *parent;   /* for each header another of its run; itself for one of them, the root */
	struct intern keys; /* struct tie_key, struct launch_key */
	uint32_t *first;    /* for each key the first header that has it */
	size_t first_capacity;
};

/* Returns the root of a header's run, and shortens the way to it. */
static uint32_t root_of(struct ties *ties, uint32_t header)
{
	while (ties->parent[header] != header)
		header = ties->parent[header] = ties->parent[ties->parent[header]];
	return header;
}

/* Makes the runs of two headers one. The root with the lower index is that of both, so that a root comes first in its run. */
static void tie(struct ties *ties, uint32_t a, uint32_t b)
{
	a = root_of(ties, a);
	b = root_of(ties, b);
	if (a < b)
		ties->parent[b] = a;
	else
		ties->parent[a] = b;
}

static struct tie_key key_of(enum tie kind, const char *text, uint64_t number, uint64_t ticks)
{
	struct tie_key key;

	memset(&key, 0, sizeof key);
	memcpy(key.text, text, strlen(text));
	key.kind = kind;
	key.number = number;
	key.ticks = ticks;
	return key;
}

static struct tie_key process_key(const struct dump_header *header)
{
	return key_of(TIE_PROCESS, header->host, header->pid, header->start_ticks);
}

/* Ties a header to the first one with the same key. `size` is the size of the key, which tells both kinds of keys apart. */
static void tie_by(struct ties *ties, uint32_t header, const void *key, size_t size)
{
	size_t before = ties->keys.count;
	uint32_t number = intern_bytes(&ties->keys, key, size);

	if (ties->keys.count > before) {
		ties->first = memory_grow(ties->first, before, &ties->first_capacity, sizeof *ties->first);
		ties->first[number] = header;
	}
	tie(ties, header, ties->first[number]);
}

/*
 * Ties a rank to the others of its launch. A serial program in a batch script may have a rank, but its launch has no
 * size: two such programs are two runs. Dumps of layouts before 3 do not have the size; their ranks are tied by the job,
 * if there is one.
 */
static void tie_ranks(struct ties *ties, uint32_t number)
{
	const struct dump_header *header = &ties->headers[number];
	struct launch_key key = launch_key_of(&(struct launch_marks){.job = header->job,
	                                                             .step = header->step,
	                                                             .array_task = header->array_task,
	                                                             .name = header->launch,
	                                                             .host = header->host,
	                                                             .size = header->job_size,
	                                                             .parent_pid = header->parent_pid});

	if (header->rank < 0 || (header->layout >= 3 ? header->job_size < 2 : !*header->job))
		return;
	tie_by(ties, number, &key, sizeof key);
}

/* Ties the headers that have a run, a launch, or a process in common. */
static void tie_by_marks(struct ties *ties)
{
	for (uint32_t i = 0; i < ties->count; i++) {
		const struct dump_header *header = &ties->headers[i];
		struct tie_key key = key_of(TIE_RUN, header->run, 0, 0);

		if (header->run[0])
			tie_by(ties, i, &key, sizeof key);
		tie_ranks(ties, i);
		key = process_key(header);
		if (header->start_ticks)
			tie_by(ties, i, &key, sizeof key);
		if (header->fork_parent_ticks) {
			key = key_of(TIE_PROCESS, header->host, header->parent_pid, header->fork_parent_ticks);
			tie_by(ties, i, &key, sizeof key);
		}
	}
}

/* Ties each header to that of its parent, or of what the process was before exec. */
static void tie_children(struct ties *ties)
{
	struct kin *kin = memory_new(ties->count, sizeof *kin);
	struct kinship *found = memory_new(ties->count, sizeof *found);
	struct intern hosts = {0};

	for (size_t i = 0; i < ties->count; i++) {
		const struct dump_header *header = &ties->headers[i];
		bool closed = header->state == DUMP_CLOSED;
		uint64_t ran = header->end_monotonic_ns - header->start_monotonic_ns;

		kin[i] = (struct kin){.host = intern_text(&hosts, header->host),
		                      .pid = header->pid,
		                      .parent_pid = header->parent_pid,
		                      .start_ticks = header->start_ticks,
		                      .fork_parent_ticks = header->fork_parent_ticks,
		                      .begin_ns = header->start_realtime_ns,
		                      .end_ns = closed ? header->start_realtime_ns + ran : UINT64_MAX,
		                      .id = {header->id[0], header->id[1]}};
	}
	kin_find(kin, ties->count, found);
	for (uint32_t i = 0; i < ties->count; i++)
		if (found[i].parent != KIN_NONE)
			tie(ties, i, found[i].parent);
	intern_free(&hosts);
	free(found);
	free(kin);
}

void runs_find(struct runs *runs, const struct dump_header *headers, size_t count)
{
	struct ties ties = {.headers = headers, .count = count, .parent = memory_new(count, sizeof *ties.parent)};

	for (uint32_t i = 0; i < count; i++)
		ties.parent[i] = i;
	tie_by_marks(&ties);
	tie_children(&ties);
	*runs = (struct runs){.run = memory_new(count, sizeof *runs->run),
	                      .begin_ns = memory_new(count, sizeof *runs->begin_ns)};
	for (uint32_t i = 0; i < count; i++) {
		uint32_t root = root_of(&ties, i), run; /* the root comes before i, so that its run has a number */

		run = runs->run[i] = root == i ? (uint32_t)runs->count++ : runs->run[root];
		if (!runs->begin_ns[run] ||
		    (headers[i].start_realtime_ns && headers[i].start_realtime_ns < runs->begin_ns[run]))
			runs->begin_ns[run] = headers[i].start_realtime_ns;
	}
	intern_free(&ties.keys);
	free(ties.first);
	free(ties.parent);
}

void runs_free(struct runs *runs)
{
	free(runs->run);
	free(runs->begin_ns);
	*runs = (struct runs){0};
}

bool runs_is_later(const struct runs *runs, uint32_t run, uint32_t other)
{
	return runs->begin_ns[other] && runs->begin_ns[run] > runs->begin_ns[other];
}

uint32_t runs_last(const struct runs *runs)
{
	uint32_t last = 0;

	for (uint32_t i = 1; i < runs->count; i++)
		if (runs->begin_ns[i] >= runs->begin_ns[last])
			last = i;
	return last;
}
