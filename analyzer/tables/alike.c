/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * alike.c - finds processes whose sums are equal.
 * It must never show a time of processes whose calls were not timed.
 */
#include "analyzer/tables/alike.h"

#include <inttypes.h>
#include <stdlib.h>

#include "analyzer/base/memory.h"

/* What must be equal. Keys are compared by their bytes, so that there must be no padding. */
struct alike_key {
	uint64_t flops[2], charged[2], calls, rejected_calls, refused_calls, manual_charges, answered;
	uint32_t program, job, step, array_task, launch, has_rank;
};

static struct alike_key key_of(const struct process *process)
{
	struct alike_key key = {.calls = process->sums.calls,
	                        .rejected_calls = process->sums.rejected_calls,
	                        .refused_calls = process->sums.refused_calls,
	                        .manual_charges = process->sums.manual_charges,
	                        .answered = process->answered,
	                        .program = process->program,
	                        .job = process->job,
	                        .step = process->step,
	                        .array_task = process->array_task,
	                        .launch = process->launch,
	                        .has_rank = process->rank >= 0};

	u128_split(process->sums.flops, key.flops);
	u128_split(process->sums.charged, key.charged);
	return key;
}

/* Ranks that follow one another. */
struct run_of_ranks {
	int32_t first, last; /* -1: none yet */
};

static void add_ranks(struct text *text, const struct run_of_ranks *run)
{
	if (run->first < 0)
		return;
	text_format(text, "%s%" PRId32, text->length ? ", " : "", run->first);
	if (run->last > run->first)
		text_format(text, "-%" PRId32, run->last);
}

static void add_process(struct alike_row *row, struct run_of_ranks *run, const struct process *process)
{
	uint64_t ns = process->sums.estimated_ns;

	row->least_ns = row->count && row->least_ns < ns ? row->least_ns : ns;
	row->most_ns = row->most_ns > ns ? row->most_ns : ns;
	row->time = u128_add(row->time, ns);
	row->count++;
	if (process->rank < 0)
		return;
	if (run->first < 0 || process->rank != run->last + 1) {
		add_ranks(&row->ranks, run);
		run->first = process->rank;
	}
	run->last = process->rank;
}

void alike_open(struct alike *alike, struct views *views)
{
	const struct aggregate *aggregate = views->aggregate;
	const struct launch_list *launches = views_launches(views);
	struct run_of_ranks *runs = memory_new(aggregate->process_count, sizeof *runs);
	struct intern keys = {0};

	*alike = (struct alike){.aggregate = aggregate};
	for (size_t i = 0; i < aggregate->process_count; i++) { /* launch by launch, in the order of their ranks */
		const struct process *process = launches->processes[i];
		struct alike_key key = key_of(process);
		size_t known = keys.count;
		uint32_t number = intern_bytes(&keys, &key, sizeof key);

		if (number == known) {
			alike->rows = memory_grow(alike->rows, known, &alike->capacity, sizeof *alike->rows);
			alike->rows[number] = (struct alike_row){.process = process};
			runs[number] = (struct run_of_ranks){-1, -1};
		}
		add_process(&alike->rows[number], &runs[number], process);
	}
	alike->count = keys.count;
	for (size_t i = 0; i < alike->count; i++)
		add_ranks(&alike->rows[i].ranks, &runs[i]);
	free(runs);
	intern_free(&keys);
}

void alike_close(struct alike *alike)
{
	for (size_t i = 0; i < alike->count; i++)
		text_free(&alike->rows[i].ranks);
	free(alike->rows);
}

static struct value time_of(const struct alike_row *row, u128 ns)
{
	struct value value = value_number_if(row->time != 0, ns);

	value.estimated = row->process->sums.timed_calls != row->process->sums.calls;
	return value;
}

GETTER(alike_ranks, struct alike_row, value_filled(item->ranks.bytes))
GETTER(alike_processes, struct alike_row, value_number(item->count))
GETTER(alike_program, struct alike_row, value_filled(text_at(table->aggregate, item->process->program)))
GETTER(alike_calls, struct alike_row, value_number_if(item->process->answered, item->process->sums.calls))
GETTER(alike_flops, struct alike_row, value_number_if(item->process->answered, item->process->sums.flops))
GETTER(alike_charged, struct alike_row, value_number_if(item->process->answered, item->process->sums.charged))
GETTER(alike_least, struct alike_row, time_of(item, item->least_ns))
GETTER(alike_mean, struct alike_row, time_of(item, item->time / item->count))
GETTER(alike_most, struct alike_row, time_of(item, item->most_ns))

/* clang-format off */
static const struct column columns[] = {
	{ "ranks",         "ranks",      COLUMN_TEXT,  COLUMN_OPTIONAL, alike_ranks },
	{ "processes",     "processes",  COLUMN_COUNT, 0,               alike_processes },
	{ "program",       "program",    COLUMN_TEXT,  0,               alike_program },
	{ "calls",         "calls",      COLUMN_COUNT, 0,               alike_calls },
	{ "flops",         "FLOPs each", COLUMN_FLOPS, 0,               alike_flops },
	{ "charged",       "charged",    COLUMN_FLOPS, COLUMN_CHARGED,  alike_charged },
	{ "least_time_ns", "least time", COLUMN_TIME,  COLUMN_OPTIONAL, alike_least },
	{ "mean_time_ns",  "mean time",  COLUMN_TIME,  COLUMN_OPTIONAL, alike_mean },
	{ "most_time_ns",  "most time",  COLUMN_TIME,  COLUMN_OPTIONAL, alike_most },
};
/* clang-format on */

void alike_table(const struct alike *alike, struct table *table)
{
	*table = (struct table){.key = "ranks_alike",
	                        .title = "Processes that differ in nothing but time",
	                        TABLE_COLUMNS(columns),
	                        .aggregate = alike->aggregate};
	table_set_items(table, alike->rows, alike->count, sizeof *alike->rows);
}
