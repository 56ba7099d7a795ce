/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * record.h - the ordered record of a dump: each call, and the row of the aggregate that it is counted in.
 * It must never leave out a recorded call because its row is not known.
 */
#ifndef ANALYZER_RECORD_H
#define ANALYZER_RECORD_H

#include "analyzer/aggregate/aggregate.h"

/* A row of the dump, to which the calls in the record refer by lane and number. */
struct recorded_row {
	uint32_t lane, number;
	uint64_t flops, charged; /* of one call */
	const struct row *row;   /* of the aggregate */
};

/* A call of the record. */
struct recorded_call {
	struct dump_call entry;
	uint32_t lane;
};

/* A record; one that is all zeros is empty. */
struct record {
	struct recorded_row *rows;
	size_t row_count, row_capacity;
	struct recorded_call *calls; /* in the order in which they ended */
	size_t call_count, call_capacity;
	bool ordered; /* calls were recorded in order, or a damaged header does not tell */
};

/* Has an aggregate, to which no dump was added yet, keep the rows of the one that will be added. */
void record_open(struct record *record, struct aggregate *aggregate);

/* Reads the calls of the dump that was added. What is damaged is noted in the aggregate already. */
void record_read(struct record *record, const struct dump_source *source);

/* Returns the row that a call is counted in; NULL if the dump does not have it. */
const struct recorded_row *record_row(const struct record *record, const struct recorded_call *call);

void record_close(struct record *record);

#endif
