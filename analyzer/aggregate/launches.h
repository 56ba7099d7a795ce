/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * launches.h - sorts processes into parallel launches, finds the ranks without a dump, and says how evenly work was shared.
 * It must never count a rank without a dump as idle without naming it, since its dump may only be elsewhere.
 */
#ifndef ANALYZER_LAUNCHES_H
#define ANALYZER_LAUNCHES_H

#include "analyzer/aggregate/aggregate.h"
#include "analyzer/aggregate/launch_key.h"
#include "analyzer/base/text.h"

/*
 * How evenly work is shared by the ranks of a launch, or by processes that are of no launch. A share is the FLOPs of one of
 * them, in FLOPs. A rank without a dump has a share of 0. Where dumps exist but their counts cannot be read, there is no share.
 */
struct balance {
	uint64_t shares;  /* number of shares; the following are 0 and NULL if there are none */
	u128 total;       /* sum of all shares */
	u128 least, most; /* the smallest and the largest share */
	/* The first process of the rank, or the process, that has it; NULL for a rank without a dump. */
	const struct process *least_process, *most_process;
	uint32_t least_rank, most_rank; /* of a launch, the first ranks that have them */
};

/* A launch whose size is known. */
struct launch {
	uint32_t job, step, array_task, name; /* texts */
	uint32_t program; /* text: the program of all its ranks; AGGREGATE_NONE if they differ, or it is not known */
	uint32_t size, with_dump; /* number of its ranks; number of those that have a dump */
	struct text missing;      /* ranks without a dump: ranges that each end in a 0, such as "2-7" and "9" */
	struct balance balance;
	uint64_t calls, time_ns; /* sums over its processes; time as in estimated_ns of struct process_sums */
};

/* Returns by how much the largest share exceeds the mean, as a part of the mean; 0 if no work was done. */
double balance_imbalance(const struct balance *balance);

/* The sums of the processes of one host. */
struct host {
	uint32_t name; /* text */
	uint64_t processes, calls, timed_calls, untimed_calls;
	u128 flops;
	uint64_t time_ns; /* as in estimated_ns of struct process_sums */
};

struct launch_list {
	struct launch *launches; /* those of a known size, in the order in which they began */
	size_t count;
	const struct process **processes; /* all processes of the aggregate, by launch, rank and start */
	struct host *hosts;               /* by FLOPs, the most first; then by name */
	size_t host_count;
	struct balance others; /* of the processes that are no rank of such a launch */
};

/* Returns the key of the launch that a process is of, if it is of one. */
struct launch_key launch_of(const struct aggregate *aggregate, const struct process *process);

/*
 * Sets *list to the launches of an aggregate; the caller frees it by launches_free. It points to processes of the
 * aggregate, which must not change while the list is used.
 */
void launches_find(const struct aggregate *aggregate, struct launch_list *list);
void launches_free(struct launch_list *list);

#endif
