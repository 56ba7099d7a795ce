/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * launches.h - the ranks of the processes: which parallel launches they are of, and which of a launch's ranks left no dump.
 * It must never take a rank without a dump for one that did no work: perhaps its dump is elsewhere.
 */
#ifndef ANALYZER_LAUNCHES_H
#define ANALYZER_LAUNCHES_H

#include "analyzer/aggregate/aggregate.h"
#include "analyzer/base/text.h"

/* A launch whose size is known. */
struct launch {
	uint32_t job, name; /* texts */
	uint32_t size, left; /* ranks that it has; those of them that have left a dump */
	struct text missing; /* the others, in ranges that each end in 0: "2-7", "9" */
};

/* How the work lies on ranks and, of processes that are none of a launch whose size is known, on processes. */
struct balance {
	uint64_t shares; /* of so many */
	bool ranks;      /* all of them are ranks */
	u128 least, most;
};

struct launch_list {
	struct launch *launches; /* in the order of their first processes */
	size_t count;
	const struct process **processes; /* all of them, launch by launch, in the order of their ranks */
	struct balance balance;
};

void launches_find(const struct aggregate *aggregate, struct launch_list *list);
void launches_free(struct launch_list *list);

#endif
