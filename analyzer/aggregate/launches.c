/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * launches.c - sorts processes by launch and rank, and compares the ranks of each launch.
 * It must never take memory for each rank that a header claims its launch to have: ranks without a dump are kept as ranges.
 */
#include "analyzer/aggregate/launches.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/aggregate/order.h"
#include "analyzer/base/memory.h"
#include "count.h"

/* A process with its launch. */
struct placed {
	const struct process *process;
	uint32_t launch; /* number of its key, which every process has, even if it is of no launch */
};

/* The launches, by the numbers of their keys. */
struct launches {
	const struct aggregate *aggregate;
	struct intern keys;
	uint64_t *begin_ns; /* when the first of its processes began, since 1970 */
};

/* Sorts by start, then by names, and then the larger one comes first: processes of no launch, which have size 0, come last. */
static int compare_launches(const struct launches *launches, uint32_t a, uint32_t b)
{
	const struct launch_key *x = intern_at(&launches->keys, a), *y = intern_at(&launches->keys, b);
	int order = order_numbers(launches->begin_ns[a], launches->begin_ns[b]);

	if (!order)
		order = memcmp(x, y, offsetof(struct launch_key, starter));
	if (!order)
		order = order_numbers(y->size, x->size);
	return order ? order : order_numbers(x->starter, y->starter);
}

/* Sorts by the start of the launches, then by rank, then by the start of the processes. */
static int compare_placed(const void *a, const void *b, void *of)
{
	const struct placed *x = a, *y = b;
	const struct launches *launches = of;
	int order = x->launch == y->launch ? 0 : compare_launches(launches, x->launch, y->launch);

	if (!order && x->process->rank != y->process->rank)
		order = x->process->rank < y->process->rank ? -1 : 1;
	if (!order)
		order = order_numbers(x->process->start_realtime_ns, y->process->start_realtime_ns);
	return order ? order : process_order(launches->aggregate, x->process, y->process);
}

struct launch_key launch_of(const struct aggregate *aggregate, const struct process *process)
{
	return launch_key_of(&(struct launch_marks){.job = text_at(aggregate, process->job),
	                                            .step = text_at(aggregate, process->step),
	                                            .array_task = text_at(aggregate, process->array_task),
	                                            .name = text_at(aggregate, process->launch),
	                                            .host = text_at(aggregate, process->host),
	                                            .size = process->job_size,
	                                            .parent_pid = process->parent_pid});
}

/* Returns all processes, sorted by launch and rank; to be freed. Sets *count to the number of launches. */
static struct placed *place_all(const struct aggregate *aggregate, size_t *count)
{
	struct placed *placed = memory_new(aggregate->process_count, sizeof *placed);
	struct launches launches = {.aggregate = aggregate};

	launches.begin_ns = memory_new(aggregate->process_count, sizeof *launches.begin_ns);
	for (size_t i = 0; i < aggregate->process_count; i++) {
		const struct process *process = &aggregate->processes[i];
		struct launch_key key = launch_of(aggregate, process);
		size_t before = launches.keys.count;
		uint32_t launch = intern_bytes(&launches.keys, &key, sizeof key);

		placed[i] = (struct placed){process, launch};
		if (launches.keys.count > before || process->start_realtime_ns < launches.begin_ns[launch])
			launches.begin_ns[launch] = process->start_realtime_ns;
	}
	if (aggregate->process_count)
		qsort_r(placed, aggregate->process_count, sizeof *placed, compare_placed, &launches);
	*count = launches.keys.count;
	intern_free(&launches.keys);
	free(launches.begin_ns);
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

/* Adds the FLOPs of a rank, or of a process, as a share. `process` is the first one of the rank; NULL if it has no dump. */
static void add_share(struct balance *balance, u128 flops, uint32_t rank, const struct process *process)
{
	if (!balance->shares || flops < balance->least) {
		balance->least = flops;
		balance->least_rank = rank;
		balance->least_process = process;
	}
	if (!balance->shares || flops > balance->most) {
		balance->most = flops;
		balance->most_rank = rank;
		balance->most_process = process;
	}
	balance->total = u128_add(balance->total, flops);
	balance->shares++;
}

/* Adds the shares of the ranks from `from` to `to` - 1, which have no dump. */
static void add_idle(struct balance *balance, uint32_t from, uint32_t to)
{
	if (from >= to)
		return;
	add_share(balance, 0, from, NULL);
	balance->shares += to - from - 1;
}

double balance_imbalance(const struct balance *balance)
{
	return balance->total ? (double)balance->most * (double)balance->shares / (double)balance->total - 1 : 0;
}

/* Adds a launch of a known size. Its processes are the `count` > 0 in `placed`, sorted by rank; several may have one rank. */
static void add_launch(struct launch_list *list, const struct placed *placed, size_t count)
{
	struct launch *launch = &list->launches[list->count++];
	uint32_t next = 0; /* first rank that has not been dealt with */

	*launch = (struct launch){.job = placed->process->job,
	                          .step = placed->process->step,
	                          .array_task = placed->process->array_task,
	                          .name = placed->process->launch,
	                          .program = placed->process->program,
	                          .size = placed->process->job_size};
	for (size_t i = 0; i < count;) {
		const struct process *first = placed[i].process;
		uint32_t rank = (uint32_t)first->rank;
		bool answered = false;
		u128 flops = 0;

		add_missing(launch, next, rank);
		add_idle(&launch->balance, next, rank);
		for (; i < count && (uint32_t)placed[i].process->rank == rank; i++) {
			const struct process *process = placed[i].process;

			flops = u128_add(flops, process->sums.flops);
			launch->calls = count_plus(launch->calls, process->sums.calls);
			launch->time_ns = count_plus(launch->time_ns, process->sums.estimated_ns);
			answered |= process->answered;
			if (process->program != launch->program)
				launch->program = AGGREGATE_NONE;
		}
		if (answered)
			add_share(&launch->balance, flops, rank, first);
		next = rank + 1;
		launch->with_dump++;
	}
	add_missing(launch, next, launch->size);
	add_idle(&launch->balance, next, launch->size);
}

/* Hosts with the same FLOPs are in the order of their names. */
static int compare_hosts(const void *a, const void *b, void *context)
{
	const struct host *x = a, *y = b;

	if (x->flops != y->flops)
		return x->flops < y->flops ? 1 : -1;
	return strcmp(text_at(context, x->name), text_at(context, y->name));
}

static void add_hosts(const struct aggregate *aggregate, struct launch_list *list)
{
	struct intern names = {0};
	size_t capacity = 0;

	for (size_t i = 0; i < aggregate->process_count; i++) {
		const struct process *process = &aggregate->processes[i];
		uint32_t number = intern_bytes(&names, &process->host, sizeof process->host);
		struct host *host;

		if (number == list->host_count) {
			list->hosts = memory_grow(list->hosts, number, &capacity, sizeof *list->hosts);
			list->hosts[list->host_count++] = (struct host){.name = process->host};
		}
		host = &list->hosts[number];
		host->processes++;
		host->calls = count_plus(host->calls, process->sums.calls);
		host->timed_calls = count_plus(host->timed_calls, process->sums.timed_calls);
		host->untimed_calls = count_plus(host->untimed_calls, process->sums.untimed_calls);
		host->flops = u128_add(host->flops, process->sums.flops);
		host->time_ns = count_plus(host->time_ns, process->sums.estimated_ns);
	}
	intern_free(&names);
	if (list->host_count)
		qsort_r(list->hosts, list->host_count, sizeof *list->hosts, compare_hosts, (void *)aggregate);
}

void launches_find(const struct aggregate *aggregate, struct launch_list *list)
{
	size_t count = aggregate->process_count, keys;
	struct placed *placed = place_all(aggregate, &keys);

	*list = (struct launch_list){0};
	list->processes = memory_new(count, sizeof *list->processes);
	list->launches = memory_new(keys, sizeof *list->launches);
	for (size_t i = 0; i < count;) {
		size_t end = i;

		while (end < count && placed[end].launch == placed[i].launch && is_ranked(placed[end].process))
			end++;
		if (end > i) {
			add_launch(list, placed + i, end - i);
			i = end;
		} else {
			if (placed[i].process->answered)
				add_share(&list->others, placed[i].process->sums.flops, 0, placed[i].process);
			i++;
		}
	}
	for (size_t i = 0; i < count; i++)
		list->processes[i] = placed[i].process;
	add_hosts(aggregate, list);
	free(placed);
}

void launches_free(struct launch_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		text_free(&list->launches[i].missing);
	free(list->launches);
	free(list->processes);
	free(list->hosts);
	*list = (struct launch_list){0};
}
