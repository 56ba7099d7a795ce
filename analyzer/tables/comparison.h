/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * comparison.h - two aggregates side by side: their totals and their routines.
 */
#ifndef ANALYZER_COMPARISON_H
#define ANALYZER_COMPARISON_H

#include "analyzer/render/render.h"
#include "analyzer/tables/views.h"

enum metric { METRIC_FLOPS, METRIC_CHARGED, METRIC_CALLS, METRIC_WORDS, METRIC_COUNT };

/* One side of a pair; zeros where the routine was not called. */
struct side {
	u128 numbers[METRIC_COUNT];
};

struct pair {
	const char *routine;
	struct side old, new;
};

struct comparison {
	struct side old, new; /* totals, manual charges in the FLOPs */
	struct pair *pairs;   /* routines that differ, the largest change of FLOPs first */
	size_t pair_count;
	/* Most that the new total may be, where it has a limit. */
	bool limited[METRIC_COUNT];
	u128 allowed[METRIC_COUNT];
};

/* Keeps texts of both, which must outlive it. */
void comparison_open(struct comparison *comparison, const struct aggregate *old, const struct aggregate *new);
void comparison_close(struct comparison *comparison);

const char *metric_name(enum metric metric);

/* Tables of a comparison: the totals, and the routines that differ, at most `top`. */
void comparison_totals(const struct comparison *comparison, struct table *table);
void comparison_routines(const struct comparison *comparison, size_t top, struct table *table);

#endif
