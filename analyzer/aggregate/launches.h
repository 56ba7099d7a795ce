/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * launches.h - the ranks of the processes: which parallel launches they are of, and which of a launch's ranks left no dump.
 * A rank without a dump counts as one that did nothing, but its dump may be elsewhere: it must never count one without naming
 * it.
 */
#ifndef ANALYZER_LAUNCHES_H
#define ANALYZER_LAUNCHES_H

#include "analyzer/aggregate/aggregate.h"
#include "analyzer/aggregate/launch_key.h"
#include "analyzer/base/text.h"

/* A launch whose size is known. */
struct launch {
	uint32_t job, name; /* texts */
	uint32_t size, with_dump; /* ranks that it has; those of them that have left a dump */
	struct text missing; /* the others, in ranges that each end in 0: "2-7", "9" */
};

/*
 * How evenly the work is shared. A share is what a rank did where the size of its launch is known, and otherwise what a process
 * did. Those of whose work nothing could be read have none.
 */
struct balance {
	uint64_t shares;
	bool ranks;      /* all of them are of ranks */
	u128 least, most;
};

struct launch_list {
	struct launch *launches; /* in the order of their first processes */
	size_t count;
	const struct process **processes; /* all of them, launch by launch, in the order of their ranks */
	struct balance balance;
};

/* The launch that a process is a rank of, if it is one. */
struct launch_key launch_of(const struct aggregate *aggregate, const struct process *process);

void launches_find(const struct aggregate *aggregate, struct launch_list *list);
void launches_free(struct launch_list *list);

#endif
