/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * alike.h - the processes of a run that differ in nothing but time, as one row: a thousand ranks that did the same are one.
 * It must never make one row of processes whose work differs.
 */
#ifndef ANALYZER_ALIKE_H
#define ANALYZER_ALIKE_H

#include "analyzer/tables/views.h"

/* Processes of one program and launch with the same calls and FLOPs. */
struct alike_row {
	const struct process *process; /* the first of them */
	struct text ranks;             /* "0-3, 7"; empty if they have none */
	size_t count;
	u128 time; /* sum of their times in calls */
	uint64_t least_ns, most_ns;
};

struct alike {
	const struct aggregate *aggregate;
	struct alike_row *rows; /* in the order of their first processes */
	size_t count, capacity;
};

/* Finds the processes of views, which must outlive them, that are alike. alike_close frees what is found. */
void alike_open(struct alike *alike, struct views *views);
void alike_close(struct alike *alike);

/* Describes the table, which holds until alike_close. */
void alike_table(const struct alike *alike, struct table *table);

#endif
