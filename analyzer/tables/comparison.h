/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * comparison.h - sets two aggregates side by side: their totals, and their groups by a key.
 * It must never decide what may be compared, or how much more is allowed: its caller does.
 */
#ifndef ANALYZER_COMPARISON_H
#define ANALYZER_COMPARISON_H

#include "analyzer/tables/keys.h"

enum metric { METRIC_FLOPS, METRIC_CHARGED, METRIC_CALLS, METRIC_WORDS, METRIC_COUNT };

/* The numbers of one of the two aggregates; all 0 where it has no such group. */
struct side {
	u128 numbers[METRIC_COUNT];
};

/* A row of the table of totals. */
struct total {
	const char *name;
	u128 old, new, allowed;
	bool limited; /* `allowed` is the most that `new` may be */
};

/* The sums of all groups, of both aggregates, for which the key's columns show the same texts. */
struct pair {
	const struct group *group; /* the first of these groups */
	const struct table *table; /* of the aggregate that has this group; its getters take the group */
	uint32_t name;             /* number of these texts in `names` of the comparison */
	struct side old, new;
};

struct comparison {
	const struct key *key;
	struct views views[2];
	struct table tables[2]; /* one for each aggregate, given to the getters of the key's columns */
	struct intern names;    /* of the pairs: the texts of the key's columns, with tabs between them */
	struct side old, new;   /* totals; manual charges are in the FLOPs */
	struct pair *pairs;     /* those that differ, the largest change of FLOPs first */
	size_t pair_count, pair_capacity;
	struct total totals[METRIC_COUNT];                   /* rows of the table of totals */
	struct column columns[TABLE_COLUMNS_MAX];            /* of the table of groups */
	const struct column *key_columns[TABLE_COLUMNS_MAX]; /* those of the key that the first of these show */
	/*
	 * The most that each new total may be, if it is limited. At first none is; the caller may set limits before it
	 * calls comparison_totals.
	 */
	bool limited[METRIC_COUNT];
	u128 allowed[METRIC_COUNT];
};

/*
 * Compares two aggregates by a key. The aggregates and the key must outlive the comparison, and the comparison must not be
 * moved. It is freed by comparison_close.
 */
void comparison_open(struct comparison *comparison, const struct key *key, const struct aggregate *old,
                     const struct aggregate *new);
void comparison_close(struct comparison *comparison);

/* "flops", "charged", "calls" or "words". */
const char *metric_name(enum metric metric);

/* Describe the table of totals, and that of the groups that differ, with at most `top` rows. Both hold until comparison_close. */
void comparison_totals(struct comparison *comparison, struct table *table);
void comparison_groups(struct comparison *comparison, size_t top, struct table *table);

#endif
