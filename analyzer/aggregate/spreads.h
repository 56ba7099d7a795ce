/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * spreads.h - how the work of each row, routine, shape and call site is spread over the processes that have it.
 * It must never take the fewest FLOPs of several rows together from those of each row: these may be of different processes.
 */
#ifndef ANALYZER_SPREADS_H
#define ANALYZER_SPREADS_H

#include "analyzer/aggregate/grouping.h"

/* Returns the kind of groups that have spreads whose number is an enum dump_spread_by. */
enum group_by spread_group_by(unsigned by);

/*
 * Returns the spread of the group by `by` (GROUP_ROUTINE, GROUP_SHAPE or GROUP_SITE) that a row is in, by the row's number; its
 * `processes` are 0 if it is not known. NULL if groups by `by` have no spreads.
 */
const struct spread *spread_of_group(const struct aggregate *aggregate, enum group_by by, uint32_t row);

/* For the writer of merged dumps: the number of the group by an enum dump_spread_by that a row counts for, or SPREAD_NONE. */
#define SPREAD_NONE UINT32_MAX
uint32_t spread_group(const struct aggregate *aggregate, unsigned by, uint32_t row);

#endif
