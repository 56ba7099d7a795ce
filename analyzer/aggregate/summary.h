/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * summary.h - what the reports show: the rows of an aggregate added up by routine, shape, call site,
 * library, namespace, or by where they come from. It must never change the aggregate.
 */
#ifndef ANALYZER_SUMMARY_H
#define ANALYZER_SUMMARY_H

#include "analyzer/aggregate/aggregate.h"
#include "analyzer/aggregate/times.h"

enum group_by {
	GROUP_ROUTINE, /* without manual charges */
	GROUP_SHAPE,   /* completed calls only */
	GROUP_SITE,    /* without manual charges and queries */
	GROUP_LIBRARY, /* the module that served; as GROUP_SITE */
	GROUP_MANUAL,  /* manual charges, by their name */
	GROUP_SPACE,   /* the namespace itself, without those inside it */
	GROUP_ORIGIN,  /* the processes or threads that the aggregate tells apart; each has a group */
	GROUP_COUNT
};

struct group {
	const struct row *row; /* its first row: its key is the group's; NULL for an origin */
	uint32_t first;        /* number of that row, or of the origin */
	bool saturated;
	u128 flops, charged, words;
	u128 timed_flops;      /* of the calls that were timed */
	uint64_t calls, timed_calls, time_ns;
	uint64_t estimated_ns;    /* time_ns scaled up, row by row, to all calls of rows with timed ones; and extrapolated_ns */
	uint64_t extrapolated_ns, extrapolated_calls; /* of rows without timed calls, from others: see times.h */
	uint64_t timeless_calls;  /* of which nothing says how long they took */
	uint64_t rejected_calls, unpriced_calls; /* in `calls` */
	uint64_t refused_calls, queries, manual_charges; /* not in `calls` */
};

struct group_list {
	struct group *groups;
	size_t count, capacity;
};

/* In any order. `times` are those of the aggregate. */
void group_rows(const struct aggregate *aggregate, const struct times *times, enum group_by by, struct group_list *list);
/* Brings the first `top` into the order of their FLOPs, then calls, then their rows' order. Those that are in order stay. */
void group_order(struct group_list *list, size_t top);
void group_list_free(struct group_list *list);

struct space {
	const char *path;
	u128 own_flops, own_charged, inclusive_flops, inclusive_charged;
	uint64_t own_calls, inclusive_calls, refused_calls; /* refused: inclusive; calls: manual charges too */
	uint64_t budget, budget_used;                       /* the largest of the processes' limits on it, and the
	                                                       most that one of them used; 0: none */
	uint32_t number;
};

struct space_list {
	struct space *spaces; /* in the order of their paths */
	size_t count;
};

/* Every namespace of the aggregate. */
void group_spaces(const struct aggregate *aggregate, struct space_list *list);
void space_list_free(struct space_list *list);

#endif
