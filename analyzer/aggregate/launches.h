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

/* A launch whose size is known. */
struct launch {
	uint32_t job, name;       /* texts */
	uint32_t size, with_dump; /* number of its ranks; number of those that have a dump */
	struct text missing;      /* ranks without a dump: ranges that each end in a 0, such as "2-7" and "9" */
};

/*
 * How evenly work is shared. A share is the FLOPs of a rank, if the size of its launch is known, and otherwise those of a
 * process. A rank without a dump has a share of 0. Where dumps exist but their counts cannot be read, there is no share.
 */
struct balance {
	uint64_t shares;  /* number of shares */
	bool ranks;       /* all shares are those of ranks */
	u128 least, most; /* the smallest and the largest share, in FLOPs; 0 if there are none */
};

struct launch_list {
	struct launch *launches; /* those of a known size, in the order of their first processes */
	size_t count;
	const struct process **processes; /* all processes of the aggregate, by launch and rank */
	struct balance balance;
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
