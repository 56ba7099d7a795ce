/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * measures.h - getters of the sums of a group of rows, for every table whose items are `struct group`.
 * It must never add anything up: a getter shows what a group has.
 */
#ifndef ANALYZER_MEASURES_H
#define ANALYZER_MEASURES_H

#include "analyzer/tables/views.h"

/* The time of all calls of a group, an estimate unless each of them was timed: see struct group. */
static inline struct value value_time(const struct group *group)
{
	struct value value = value_number_if(group->timed_calls || group->estimated_ns || group->extrapolated_calls,
	                                     group->estimated_ns);

	value.estimated = group->timed_calls != group->calls;
	return value;
}

/* The time in calls of processes: that of timed ones, scaled in each row to all of its calls. */
static inline struct value value_sums_time(const struct process_sums *sums)
{
	struct value value = value_number_if(sums->estimated_ns != 0, sums->estimated_ns);

	value.estimated = sums->timed_calls != sums->calls;
	return value;
}

/* Calls that a time is without. People are not told where no call was timed: there is no time then. */
static inline struct value value_untimed(const struct table *table, uint64_t calls)
{
	return value_number_if(!table->for_people || table->aggregate->totals.timed_calls, calls);
}

/* The part of all FLOPs of the aggregate. */
static inline struct value value_share(const struct table *table, u128 flops)
{
	return value_ratio(flops, table->aggregate->totals.flops);
}

GETTER(group_calls, struct group, value_number(item->calls))
GETTER(group_flops, struct group, value_number(item->flops))
GETTER(group_charged, struct group, value_number(item->charged))
GETTER(group_share, struct group, value_share(table, item->flops))
GETTER(group_time, struct group, value_time(item))
GETTER(group_rate, struct group,
       value_real(item->time_ns ? (double)item->timed_flops / (double)item->time_ns : 0,
                  item->time_ns && item->timed_flops))
GETTER(group_flops_per_word, struct group, value_ratio(item->flops, item->words))
GETTER(group_time_ns, struct group, value_number(item->time_ns))
GETTER(group_timed_calls, struct group, value_number(item->timed_calls))
GETTER(group_timeless, struct group, value_untimed(table, item->timeless_calls))
GETTER(group_words, struct group, value_number(item->words))
GETTER(group_rejected, struct group, value_number(item->rejected_calls))
GETTER(group_refused, struct group, value_number(item->refused_calls))
GETTER(group_unpriced, struct group, value_number(item->unpriced_calls))
GETTER(group_queries, struct group, value_number(item->queries))
GETTER(group_charges, struct group, value_number(item->manual_charges))
GETTER(group_saturated, struct group, value_number(item->saturated))

/* The columns of a group that may have calls of all kinds. */
#define MEASURES                                                                                            \
	{"calls", "calls", COLUMN_COUNT, 0, group_calls}, {"flops", "FLOPs", COLUMN_FLOPS, 0, group_flops}, \
		{"charged", "charged", COLUMN_FLOPS, COLUMN_CHARGED, group_charged},                        \
		{"share", "share", COLUMN_SHARE, 0, group_share},                                           \
		{"estimated_time_ns", "time", COLUMN_TIME, COLUMN_OPTIONAL, group_time},                    \
		{"gflops", "GFLOP/s", COLUMN_REAL, COLUMN_OPTIONAL, group_rate},                            \
		{"flops_per_word", "FLOPs/word", COLUMN_REAL, COLUMN_OPTIONAL, group_flops_per_word},       \
		{"time_ns", "", COLUMN_TIME, COLUMN_NO_TEXT, group_time_ns},                                \
		{"timed_calls", "", COLUMN_COUNT, COLUMN_NO_TEXT, group_timed_calls},                       \
		{"words", "", COLUMN_FLOPS, COLUMN_NO_TEXT, group_words},                                   \
		{"rejected_calls", "rejected", COLUMN_COUNT, COLUMN_RARE, group_rejected},                  \
		{"refused_calls", "refused", COLUMN_COUNT, COLUMN_RARE, group_refused},                     \
		{"unpriced_calls", "unpriced", COLUMN_COUNT, COLUMN_RARE, group_unpriced},                  \
		{"workspace_queries", "", COLUMN_COUNT, COLUMN_NO_TEXT, group_queries},                     \
	{                                                                                                   \
		"saturated", "saturated", COLUMN_BOOL, COLUMN_RARE, group_saturated                         \
	}

/* The routine, and the shape, of a group whose rows all have the same. */
GETTER(group_routine, struct group, value_text(routine_name(table->aggregate, item->row->routine)))
GETTER(group_shape, struct group, value_shape(table->aggregate, item->row))

#endif
