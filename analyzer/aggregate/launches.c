/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * launches.c - sorts processes by launch and rank, and compares the ranks of each launch.
 * It must never take memory for each rank that a header claims its launch to have: ranks without a dump are kept as ranges.
 */
#include "analyzer/aggregate/launches.h"

#include <inttypes.h>
#include <stdlib.h>

#include "analyzer/base/memory.h"

/* A process with its launch. */
struct placed {
	const struct process *process;
	uint32_t launch; /* number of its key, which every process has, even if it is of no launch */
};

static int compare_placed(const void *a, const void *b)
{
	const struct placed *x = a, *y = b;

	if (x->launch != y->launch)
		return x->launch < y->launch ? -1 : 1;
	if (x->process->rank != y->process->rank)
		return x->process->rank < y->process->rank ? -1 : 1;
	return x->process < y->process ? -1 : x->process > y->process; /* in the order in which the dumps were named */
}

struct launch_key launch_of(const struct aggregate *aggregate, const struct process *process)
{
	return launch_key_of(text_at(aggregate, process->job), text_at(aggregate, process->launch), process->job_size,
	                     text_at(aggregate, process->host), process->parent_pid);
}

/* Returns all processes, sorted by launch and rank; to be freed. Interns the keys of their launches. */
static struct placed *place_all(const struct aggregate *aggregate, struct intern *keys)
{
	struct placed *placed = memory_new(aggregate->process_count, sizeof *placed);

	for (size_t i = 0; i < aggregate->process_count; i++) {
		const struct process *process = &aggregate->processes[i];
		struct launch_key key = launch_of(aggregate, process);

		placed[i] = (struct placed){process, intern_bytes(keys, &key, sizeof key)};
	}
	qsort(placed, aggregate->process_count, sizeof *placed, compare_placed);
	return placed;
}

/* Whether a process is a rank of a launch of a known size. */
static bool is_ranked(const struct process *process)
{
	return process->job_size && process->rank >= 0 && (uint32_t)process->rank < process->job_size;
}

/* Adds the range of ranks from `from` to `to` - 1, if it is not empty, to those that are missing. */
static void add_missing(struct launch *launch, uint32_t from, uint32_t to)
{
	if (from >= to)
		return;
	text_format(&launch->missing, "%" PRIu32, from);
	if (to - from > 1)
		text_format(&launch->missing, "-%" PRIu32, to - 1);
	text_add_bytes(&launch->missing, "", 1);
}

/* Adds the FLOPs of a rank or process as a share. */
static void add_share(struct balance *balance, u128 flops)
{
	balance->least = !balance->shares || flops < balance->least ? flops : balance->least;
	balance->most = flops > balance->most ? flops : balance->most;
	balance->shares++;
}

/* Adds a launch of a known size. Its processes are the `count` > 0 in `placed`, sorted by rank; several may have one rank. */
static void add_launch(struct launch_list *list, const struct placed *placed, size_t count)
{
	struct launch *launch = &list->launches[list->count++];
	uint32_t next = 0; /* first rank that has not been dealt with */

	*launch = (struct launch){placed->process->job, placed->process->launch, placed->process->job_size, 0, {0}};
	for (size_t i = 0; i < count;) {
		uint32_t rank = (uint32_t)placed[i].process->rank;
		bool answered = false;
		u128 flops = 0;

		for (; i < count && (uint32_t)placed[i].process->rank == rank; i++) {
			flops = u128_add(flops, placed[i].process->sums.flops);
			answered |= placed[i].process->answered;
		}
		if (answered)
			add_share(&list->balance, flops);
		add_missing(launch, next, rank);
		next = rank + 1;
		launch->with_dump++;
	}
	add_missing(launch, next, launch->size);
	if (launch->with_dump < launch->size) {
		list->balance.least = 0;
		list->balance.shares += launch->size - launch->with_dump;
	}
}

void launches_find(const struct aggregate *aggregate, struct launch_list *list)
{
	struct intern keys = {0};
	struct placed *placed = place_all(aggregate, &keys);
	size_t count = aggregate->process_count;

	*list = (struct launch_list){.balance.ranks = true};
	list->processes = memory_new(count, sizeof *list->processes);
	list->launches = memory_new(keys.count, sizeof *list->launches);
	for (size_t i = 0; i < count;) {
		size_t end = i;

		while (end < count && placed[end].launch == placed[i].launch && is_ranked(placed[end].process))
			end++;
		if (end > i) {
			add_launch(list, placed + i, end - i);
			i = end;
		} else {
			if (placed[i].process->answered) {
				add_share(&list->balance, placed[i].process->sums.flops);
				list->balance.ranks = false;
			}
			i++;
		}
	}
	for (size_t i = 0; i < count; i++)
		list->processes[i] = placed[i].process;
	free(placed);
	intern_free(&keys);
}

void launches_free(struct launch_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		text_free(&list->launches[i].missing);
	free(list->launches);
	free(list->processes);
	*list = (struct launch_list){0};
}
