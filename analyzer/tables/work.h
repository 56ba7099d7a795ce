/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * work.h - the work of an aggregate by routine, shape, call site and namespace at once, with the rows of the report's tables
 * that each of these is: what a page needs to filter one table by another.
 * It must never count work twice, nor leave any out: its sums are the totals.
 */
#ifndef ANALYZER_WORK_H
#define ANALYZER_WORK_H

#include "analyzer/tables/views.h"

#define WORK_NONE UINT32_MAX /* no such row in a table */

struct work_row {
	const struct row *row; /* of the aggregate: completed or rejected calls, or manual charges */
	uint32_t shape, site,
		space; /* rows of the tables of shapes, call sites and namespaces; WORK_NONE if it is in none */
	uint64_t ns;   /* time of all calls, an estimate unless each was timed */
	bool has_time; /* `ns` is known */
};

struct work {
	const struct aggregate *aggregate;
	struct work_row *rows; /* the most FLOPs first */
	size_t count;
};

/* Finds the work of views, which must outlive it. work_close frees it. */
void work_open(struct work *work, struct views *views);
void work_close(struct work *work);

/* Describes the table, which holds until work_close. */
void work_table(const struct work *work, struct table *table);

#endif
