/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * times.h - how long calls took whose shape was never timed: estimated from those of other shapes.
 * It must never be mixed with what was measured without being counted as estimated.
 *
 * What a call takes is taken to be a function of its FLOPs, or of its elements where the routine has no FLOPs: straight
 * between the mean calls of neighbouring sizes that were timed. Those of the same routine and options decide; where there
 * are none those of the routine, then of its type, then of all. Nothing here is measured: see struct group.
 */
#ifndef ANALYZER_TIMES_H
#define ANALYZER_TIMES_H

#include "analyzer/aggregate/aggregate.h"

struct times;

/* NULL where nothing was timed, or everything. To be freed by times_free. */
struct times *times_new(const struct aggregate *aggregate);
void times_free(struct times *times);

/* Nanoseconds of all calls of a row without timed ones; false if there is nothing to tell it by. `times` may be NULL. */
bool times_estimate(const struct times *times, const struct row *row, uint64_t *ns);

/* Timed calls of a row; while a program runs, a call may be timed before it is counted. */
static inline uint64_t times_timed(const struct row *row)
{
	return row->timed_calls < row->calls ? row->timed_calls : row->calls;
}

/* Whether its calls take time that is to be told: what was refused, or is free, is not. */
static inline bool times_has_calls(const struct row *row) { return row->kind == DUMP_ROW_CALL && row->calls; }

#endif
