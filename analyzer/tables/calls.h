/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * calls.h - the table of the calls of an ordered record.
 * It must never leave out a recorded call because its row is not known.
 */
#ifndef ANALYZER_CALLS_H
#define ANALYZER_CALLS_H

#include "analyzer/aggregate/record.h"
#include "analyzer/tables/symbolize.h"
#include "analyzer/tables/table.h"

struct counted_call {
	const struct recorded_call *call;
	const struct recorded_row *found; /* the row that it is counted in; NULL if the dump does not have it */
};

struct calls {
	const struct aggregate *aggregate;
	const struct record *record;
	struct symbolizer *symbolizer;
	size_t *chosen;         /* places in the record, in its order; NULL: all */
	size_t count;           /* of calls in the table */
	struct counted_call at; /* what the table has returned last */
};

/* Opens the calls of a record, which must outlive them, as must the aggregate of its dump and the symbolizer. */
void calls_open(struct calls *calls, const struct aggregate *aggregate, const struct record *record,
                struct symbolizer *symbolizer);
void calls_close(struct calls *calls);

/* Leaves those with the most FLOPs, at most `most` of them, in the order in which they ended. It may be called once. */
void calls_choose(struct calls *calls, size_t most);

/* Describes the table, which holds until calls_close. */
void calls_table(struct calls *calls, struct table *table);

#endif
