/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * work.c - finds for each row of an aggregate which rows of the report's tables it is part of.
 * It must never depend on the order in which dumps were added.
 */
#include "analyzer/tables/work.h"

#include <stdlib.h>

#include "analyzer/aggregate/order.h"
#include "analyzer/base/memory.h"
#include "analyzer/tables/measures.h"

/* The rows of a table by what they are groups of. */
struct places_in_table {
	enum group_by by;
	struct intern keys; /* words of struct group_key */
	uint32_t *places;   /* by their numbers */
};

static uint32_t key_number(struct places_in_table *places, const struct aggregate *aggregate, const struct row *row,
                           bool add)
{
	struct group_key key = group_key_of(aggregate, places->by, row);
	size_t size = key.count * sizeof key.words[0];

	return add ? intern_bytes(&places->keys, key.words, size) : intern_find(&places->keys, key.words, size);
}

static void places_find(struct places_in_table *places, struct views *views, enum group_by by)
{
	const struct group_list *list = views_groups(views, by, SIZE_MAX);

	*places = (struct places_in_table){.by = by, .places = memory_new(list->count, sizeof *places->places)};
	for (size_t i = 0; i < list->count; i++)
		places->places[key_number(places, views->aggregate, list->groups[i].row, true)] = (uint32_t)i;
}

static uint32_t place_of(struct places_in_table *places, const struct aggregate *aggregate, const struct row *row)
{
	uint32_t number = group_takes(places->by, row) ? key_number(places, aggregate, row, false) : INTERN_NONE;

	return number == INTERN_NONE ? WORK_NONE : places->places[number];
}

static void places_free(struct places_in_table *places)
{
	intern_free(&places->keys);
	free(places->places);
}

static bool is_work(const struct row *row)
{
	return row->kind == DUMP_ROW_CALL || row->kind == DUMP_ROW_REJECTED || row->kind == DUMP_ROW_MANUAL;
}

static int compare_work(const void *a, const void *b, void *of)
{
	const struct work_row *x = a, *y = b;
	const struct aggregate *aggregate = of;
	int order;

	if (x->row->flops != y->row->flops)
		return x->row->flops < y->row->flops ? 1 : -1;
	order = order_numbers(x->shape, y->shape);
	if (!order)
		order = order_numbers(x->site, y->site);
	if (!order)
		order = order_numbers(x->space, y->space);
	if (!order)
		order = order_numbers((uint64_t)x->row->kind << 8 | x->row->flags,
		                      (uint64_t)y->row->kind << 8 | y->row->flags);
	return order ? order : order_shapes(aggregate, x->row, y->row);
}

void work_open(struct work *work, struct views *views)
{
	const struct aggregate *aggregate = views->aggregate;
	const struct space_list *spaces = views_spaces(views);
	uint32_t *space_places = memory_new(aggregate->spaces.count, sizeof *space_places);
	struct places_in_table shapes, sites;

	places_find(&shapes, views, GROUP_SHAPE);
	places_find(&sites, views, GROUP_SITE);
	for (size_t i = 0; i < spaces->count; i++)
		space_places[spaces->spaces[i].number] = (uint32_t)i;
	*work = (struct work){.aggregate = aggregate, .rows = memory_new(aggregate->row_count, sizeof *work->rows)};
	for (size_t i = 0; i < aggregate->row_count; i++) {
		const struct row *row = aggregate->rows[i];
		struct work_row *new = &work->rows[work->count];

		if (!is_work(row))
			continue;
		*new = (struct work_row){.row = row,
		                         .shape = place_of(&shapes, aggregate, row),
		                         .site = place_of(&sites, aggregate, row),
		                         .space = space_places[row->space]};
		new->has_time = times_of_row(views->times, row, &new->ns);
		work->count++;
	}
	if (work->count)
		qsort_r(work->rows, work->count, sizeof *work->rows, compare_work, (void *)(uintptr_t)aggregate);
	places_free(&shapes);
	places_free(&sites);
	free(space_places);
}

void work_close(struct work *work) { free(work->rows); }

static struct value time_of(const struct work_row *item)
{
	struct value value = value_number_if(item->has_time, item->ns);

	value.estimated = times_timed(item->row) != item->row->calls;
	return value;
}

/* Manual charges are no calls. */
static uint64_t calls_of(const struct row *row) { return row->kind == DUMP_ROW_MANUAL ? 0 : row->calls; }

GETTER(work_routine, struct work_row, value_text(routine_name(table->aggregate, item->row->routine)))
GETTER(work_shape, struct work_row, value_number_if(item->shape != WORK_NONE, item->shape))
GETTER(work_site, struct work_row, value_number_if(item->site != WORK_NONE, item->site))
GETTER(work_space, struct work_row, value_number(item->space))
GETTER(work_calls, struct work_row, value_number(calls_of(item->row)))
GETTER(work_flops, struct work_row, value_number(item->row->flops))
GETTER(work_charged, struct work_row, value_number(item->row->charged))
GETTER(work_time, struct work_row, time_of(item))
GETTER(work_bytes, struct work_row, value_bytes(table->aggregate, item->row, item->row->words))

/* clang-format off */
static const struct column columns[] = {
	{ "routine",           "routine",   COLUMN_TEXT,   0,               work_routine },
	{ "shape",             "shape",     COLUMN_NUMBER, 0,               work_shape },
	{ "site",              "site",      COLUMN_NUMBER, 0,               work_site },
	{ "namespace",         "namespace", COLUMN_NUMBER, 0,               work_space },
	{ "calls",             "calls",     COLUMN_COUNT,  0,               work_calls },
	{ "flops",             "FLOPs",     COLUMN_FLOPS,  0,               work_flops },
	{ "charged",           "charged",   COLUMN_FLOPS,  COLUMN_CHARGED,  work_charged },
	{ "estimated_time_ns", "time",      COLUMN_TIME,   COLUMN_OPTIONAL, work_time },
	{ "minimal_bytes",     "",          COLUMN_FLOPS,  COLUMN_NO_TEXT,  work_bytes },
};
/* clang-format on */

void work_table(const struct work *work, struct table *table)
{
	*table = (struct table){.key = "rows",
	                        .title = "Work by routine, shape, call site and namespace",
	                        TABLE_COLUMNS(columns),
	                        .aggregate = work->aggregate};
	table_set_items(table, work->rows, work->count, sizeof *work->rows);
}
