/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * comparison.h - two aggregates side by side: their totals and their groups by a key.
 * It must never judge prices of different routine tables: who opens it has seen to that.
 */
#ifndef ANALYZER_COMPARISON_H
#define ANALYZER_COMPARISON_H

#include "analyzer/tables/keys.h"

enum metric { METRIC_FLOPS, METRIC_CHARGED, METRIC_CALLS, METRIC_WORDS, METRIC_COUNT };

/* One side of a pair; zeros where it has no such group. */
struct side {
	u128 numbers[METRIC_COUNT];
};

/* A line of the totals. */
struct total {
	const char *name;
	u128 old, new, allowed;
	bool limited;
};

/* The groups of both that the key's columns say the same of. */
struct pair {
	const struct group *group; /* one of them, on the side of `table`: says which they are */
	const struct table *table;
	uint32_t name;             /* what the columns say, in the order of appearance */
	struct side old, new;
};

struct comparison {
	const struct key *key;
	struct views views[2];
	struct table tables[2]; /* for the getters of the key's columns */
	struct intern names;    /* of the pairs: what their columns say */
	struct side old, new;   /* totals, manual charges in the FLOPs */
	struct pair *pairs;     /* those that differ, the largest change of FLOPs first */
	size_t pair_count, pair_capacity;
	struct total totals[METRIC_COUNT]; /* of the table */
	struct column columns[TABLE_COLUMNS_MAX];
	/* Most that the new total may be, where it has a limit. */
	bool limited[METRIC_COUNT];
	u128 allowed[METRIC_COUNT];
};

/* Both aggregates must outlive it. */
void comparison_open(struct comparison *comparison, const struct key *key, const struct aggregate *old,
                     const struct aggregate *new);
void comparison_close(struct comparison *comparison);

const char *metric_name(enum metric metric);

/* Tables of a comparison: the totals, and the groups that differ, at most `top`. */
void comparison_totals(struct comparison *comparison, struct table *table);
void comparison_groups(struct comparison *comparison, size_t top, struct table *table);

#endif
