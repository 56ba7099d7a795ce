/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * summary.h - adds up the rows of an aggregate for the reports: by routine, shape, call site, library, namespace or worker.
 * It must never change the aggregate.
 */
#ifndef ANALYZER_SUMMARY_H
#define ANALYZER_SUMMARY_H

#include "analyzer/aggregate/grouping.h"
#include "analyzer/aggregate/times.h"

/* The sums over the rows of one group. Units are those of struct row. */
struct group {
	const struct row *row; /* its first row, which tells what the group is of; NULL for a worker */
	uint32_t first;        /* number of that row, or of the worker */
	enum group_by by;      /* by what it is a group */
	bool saturated;        /* a row has DUMP_ROW_SATURATED */
	u128 flops, charged, words;
	u128 timed_flops; /* FLOPs of the timed calls */
	uint64_t calls, timed_calls, time_ns;
	/* Time of all calls: that of the timed ones, scaled in each row to all of its calls, and extrapolated_ns. */
	uint64_t estimated_ns;
	uint64_t extrapolated_ns, extrapolated_calls;    /* of rows without timed calls, from other rows: see times.h */
	uint64_t timeless_calls;                         /* calls whose time cannot even be estimated */
	uint64_t rejected_calls, unpriced_calls;         /* part of `calls` */
	uint64_t refused_calls, queries, manual_charges; /* not part of `calls` */
};

/* Groups; the list owns them. It is all zeros if there are none. */
struct group_list {
	struct group *groups;
	size_t count, capacity;
	const struct aggregate *aggregate; /* what they are groups of, and by what */
	enum group_by by;
};

/*
 * Sets *list to the groups, in any order; the caller frees them by group_list_free. `times` is what times_new returned
 * for the aggregate, and may be NULL. The groups point to rows of the aggregate, which must not change while they are
 * used.
 */
void group_rows(const struct aggregate *aggregate, const struct times *times, enum group_by by,
                struct group_list *list);
/*
 * Moves the `top` groups with the most FLOPs to the front and sorts them; those behind are in no order. Among equal FLOPs the
 * number of calls decides, then refused calls, manual charges and what they are groups of, by order.h. Groups that were already
 * sorted to the front stay where they are, so that `top` may be raised later.
 */
void group_order(struct group_list *list, size_t top);
void group_list_free(struct group_list *list);

/* The sums of a namespace: "own" is without, and "inclusive" with, the namespaces inside it. */
struct space {
	const char *path; /* of the aggregate */
	u128 own_flops, own_charged, inclusive_flops, inclusive_charged;
	uint64_t own_calls, inclusive_calls; /* with manual charges */
	uint64_t refused_calls;              /* inclusive */
	uint64_t budget, budget_used; /* largest amount of its limits, and the most that one of these used; 0: none */
	uint32_t number;              /* in the aggregate */
};

struct space_list {
	struct space *spaces; /* sorted by path */
	size_t count;
};

/* Sets *list to all namespaces of the aggregate; the caller frees them by space_list_free. */
void group_spaces(const struct aggregate *aggregate, struct space_list *list);
void space_list_free(struct space_list *list);

#endif
