/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * measures.h - getters of the sums of a group of rows, for every table whose items are `struct group`.
 * It must never add anything up: a getter shows what a group has.
 */
#ifndef ANALYZER_MEASURES_H
#define ANALYZER_MEASURES_H

#include "analyzer/aggregate/spreads.h"
#include "analyzer/tables/processes.h"
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

/* The part of the machine's peak that the timed calls of a group have reached. Only a single routine has a type to tell it by. */
static inline struct value value_of_peak(const struct table *table, const struct group *group)
{
	bool is_of_routine = group->row && (group->by == GROUP_ROUTINE || group->by == GROUP_SHAPE ||
	                                    group->by == GROUP_SITE || group->by == GROUP_ROW);
	double peak = is_of_routine ? roofs_peak(views_of(table)->roofs,
	                                         routine_of(table->aggregate, group->row->routine)->type)
	                            : 0;

	return value_real(peak > 0 && group->time_ns ? (double)group->timed_flops / (double)group->time_ns / peak : 0,
	                  peak > 0 && group->time_ns && group->timed_flops);
}

/* The least memory traffic of all calls of a group whose rows have one type, in bytes; not known if they have none. */
static inline struct value value_bytes(const struct aggregate *aggregate, const struct row *row, u128 words)
{
	unsigned size = type_size(routine_of(aggregate, row->routine)->type);

	return value_number_if(size != 0, words > U128_MAX / 16 ? U128_MAX : words * size);
}

GETTER(group_calls, struct group, value_number(item->calls))
GETTER(group_flops, struct group, value_number(item->flops))
GETTER(group_charged, struct group, value_number(item->charged))
GETTER(group_share, struct group, value_share(table, item->flops))
GETTER(group_time, struct group, value_time(item))
GETTER(group_rate, struct group,
       value_real(item->time_ns ? (double)item->timed_flops / (double)item->time_ns : 0,
                  item->time_ns && item->timed_flops))
GETTER(group_of_peak, struct group, value_of_peak(table, item))
GETTER(group_flops_per_word, struct group, value_ratio(item->flops, item->words))
GETTER(group_time_ns, struct group, value_number(item->time_ns))
GETTER(group_timed_calls, struct group, value_number(item->timed_calls))
GETTER(group_timeless, struct group, value_untimed(table, item->timeless_calls))
GETTER(group_words, struct group, value_number(item->words))
GETTER(group_bytes, struct group, value_bytes(table->aggregate, item->row, item->words))
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
		{"of_peak", "of peak", COLUMN_SHARE, COLUMN_OPTIONAL, group_of_peak},                       \
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

/*
 * How the work of a group is spread over processes; NULL if that is not known. What a merged dump says of it has the prices of
 * that dump.
 */
static inline const struct spread *group_spread(const struct table *table, const struct group *group)
{
	const struct aggregate *aggregate = table->aggregate;
	const struct spread *spread = spread_of_group(aggregate, group->by, group->first);

	return spread && spread->processes && !(aggregate->options.price && aggregate->merged) ? spread : NULL;
}

/* The process of a group that has the fewest FLOPs, or with `most`, the most; NULL if it is not known. */
static inline const struct process *group_process(const struct table *table, const struct group *group, bool most)
{
	const struct spread *spread = group_spread(table, group);

	return spread ? &table->aggregate->processes[most ? spread->most_process : spread->least_process] : NULL;
}

/* The name of that process for people, valid until the next value is asked for. */
static inline struct value value_process(const struct table *table, const struct process *process)
{
	struct text *text = views_scratch(views_of(table));

	if (process)
		process_add_name(text, table->aggregate, process);
	return value_text(process ? text->bytes : NULL);
}

/* These return values of the process of a group that has the fewest, or the most. */

static inline struct value value_rank(const struct process *process)
{
	return value_unless_negative(process ? process->rank : -1);
}

static inline struct value value_pid(const struct process *process)
{
	return value_number_if(process != NULL, process ? process->pid : 0);
}

static inline struct value value_host(const struct table *table, const struct process *process)
{
	return value_text(process ? text_at(table->aggregate, process->host) : NULL);
}

/* Returns an empty spread where there is none. */
static inline const struct spread *spread_or_empty(const struct spread *spread)
{
	static const struct spread empty;

	return spread ? spread : &empty;
}

#define SPREAD_OF(member) \
	value_number_if(group_spread(table, item) != NULL, spread_or_empty(group_spread(table, item))->member)

GETTER(group_processes, struct group, SPREAD_OF(processes))
GETTER(group_least, struct group, SPREAD_OF(least))
GETTER(group_least_in, struct group, value_process(table, group_process(table, item, false)))
GETTER(group_least_rank, struct group, value_rank(group_process(table, item, false)))
GETTER(group_least_pid, struct group, value_pid(group_process(table, item, false)))
GETTER(group_least_host, struct group, value_host(table, group_process(table, item, false)))
GETTER(group_most, struct group, SPREAD_OF(most))
GETTER(group_most_in, struct group, value_process(table, group_process(table, item, true)))
GETTER(group_most_rank, struct group, value_rank(group_process(table, item, true)))
GETTER(group_most_pid, struct group, value_pid(group_process(table, item, true)))
GETTER(group_most_host, struct group, value_host(table, group_process(table, item, true)))

/* The columns of how the work of a group is spread over processes: over those that have calls of it. */
/* clang-format off */
#define SPREAD \
	{ "processes",   "processes", COLUMN_COUNT,  COLUMN_SPREAD,                    group_processes }, \
	{ "least_flops", "least",     COLUMN_FLOPS,  COLUMN_SPREAD,                    group_least }, \
	{ "least_in",    "least in",  COLUMN_TEXT,   COLUMN_SPREAD | COLUMN_ONLY_TEXT, group_least_in }, \
	{ "least_rank",  "",          COLUMN_NUMBER, COLUMN_NO_TEXT,                   group_least_rank }, \
	{ "least_pid",   "",          COLUMN_NUMBER, COLUMN_NO_TEXT,                   group_least_pid }, \
	{ "least_host",  "",          COLUMN_TEXT,   COLUMN_NO_TEXT,                   group_least_host }, \
	{ "most_flops",  "most",      COLUMN_FLOPS,  COLUMN_SPREAD,                    group_most }, \
	{ "most_in",     "most in",   COLUMN_TEXT,   COLUMN_SPREAD | COLUMN_ONLY_TEXT, group_most_in }, \
	{ "most_rank",   "",          COLUMN_NUMBER, COLUMN_NO_TEXT,                   group_most_rank }, \
	{ "most_pid",    "",          COLUMN_NUMBER, COLUMN_NO_TEXT,                   group_most_pid }, \
	{ "most_host",   "",          COLUMN_TEXT,   COLUMN_NO_TEXT,                   group_most_host }
/* clang-format on */

/* The routine, and the shape, of a group whose rows all have the same. */
GETTER(group_routine, struct group, value_text(routine_name(table->aggregate, item->row->routine)))
GETTER(group_shape, struct group, value_shape(table->aggregate, item->row))

#endif
