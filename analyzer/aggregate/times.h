/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * times.h - estimates how long the calls of a row took, none of which was timed, from timed calls of other rows.
 * It must never pass an estimate off as a measurement: who uses one counts it in extrapolated_calls of struct group.
 *
 * The time of a call is taken to be a function of its size: its FLOPs, or its words (elements of memory traffic) if it
 * has no FLOPs. The function interpolates linearly between the mean times of timed calls of neighbouring sizes. It is
 * that of the same routine and options if any such call was timed; otherwise that of the routine, then of its type, then
 * of all routines.
 */
#ifndef ANALYZER_TIMES_H
#define ANALYZER_TIMES_H

#include "analyzer/aggregate/aggregate.h"

/* The timed calls of an aggregate. */
struct times;

/*
 * Returns the timed calls, to be freed by times_free; or NULL if there is nothing to estimate, since all rows have timed
 * calls, or none has. The aggregate must live as long, and not change.
 */
struct times *times_new(const struct aggregate *aggregate);
void times_free(struct times *times);

/*
 * Sets *ns to the estimated time in nanoseconds of all calls of a row together. Returns false if no timed call is like
 * them, or `times` is NULL. The row must have calls.
 */
bool times_estimate(const struct times *times, const struct row *row, uint64_t *ns);

/*
 * Sets *ns to the time of all calls of a row: that of the timed ones, scaled to all, or else what times_estimate sets. Returns
 * false if neither is known, or the row has no such calls.
 */
bool times_of_row(const struct times *times, const struct row *row, uint64_t *ns);

/* Returns the timed calls of a row, at most as many as its calls: a running program times a call before it counts it. */
static inline uint64_t times_timed(const struct row *row)
{
	return row->timed_calls < row->calls ? row->timed_calls : row->calls;
}

/* Whether the row has calls whose time is of interest: completed calls, but not queries, and not refused or rejected ones. */
static inline bool times_has_calls(const struct row *row) { return row->kind == DUMP_ROW_CALL && row->calls; }

#endif
