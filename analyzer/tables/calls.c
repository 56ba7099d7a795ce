/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * calls.c - what is known of each call of an ordered record.
 * It must never show the price of a coarse row, which many shapes share, as that of a call.
 */
#include "analyzer/tables/calls.h"

#include <stdlib.h>

#include "analyzer/base/memory.h"

static const char *place_of(const struct table *table, const struct row *row)
{
	return symbolize_site_text(((struct calls *)table->data)->symbolizer, row->site);
}

static const struct site_key *site_at(const struct table *table, const struct row *row)
{
	return site_of(table->aggregate, row->site);
}

/* The price of a call. It is not known for a coarse row, which many shapes share. */
static struct value price_of(const struct counted_call *call, uint64_t price)
{
	return value_number_if(!(call->found->row->flags & DUMP_ROW_COARSE), price);
}

/* Defines a getter that asks the call's row; its value is not known if the row is not. */
#define ROW_GETTER(name, expression) GETTER(name, struct counted_call, item->found ? (expression) : (struct value){0})

GETTER(call_sequence, struct counted_call, value_number(item->call->entry.sequence))
GETTER(call_start, struct counted_call, value_number(item->call->entry.start_ns))
GETTER(call_duration, struct counted_call,
       value_number_if(item->call->entry.duration_ns != 0, item->call->entry.duration_ns))
GETTER(call_thread, struct counted_call, value_number(item->call->entry.tid))
ROW_GETTER(call_routine, value_text(routine_name(table->aggregate, item->found->row->routine)))
ROW_GETTER(call_shape, value_shape(table->aggregate, item->found->row))
ROW_GETTER(call_kind, value_text(row_kind_name(item->found->row->kind)))
ROW_GETTER(call_flops, price_of(item, item->found->flops))
ROW_GETTER(call_charged, price_of(item, item->found->charged))
GETTER(call_cumulative, struct counted_call, value_number(item->call->entry.cumulative))
ROW_GETTER(call_space, value_text(intern_at(&table->aggregate->spaces, item->found->row->space)))
ROW_GETTER(call_symbol, value_text(site_symbol(table->aggregate, item->found->row->site)))
ROW_GETTER(call_place, value_text(place_of(table, item->found->row)))
ROW_GETTER(call_detail, value_filled(text_at(table->aggregate, site_at(table, item->found->row)->detail)))

/* clang-format off */
static const struct column columns[] = {
	{ "sequence",    "call",        COLUMN_COUNT, 0,               call_sequence },
	{ "start_ns",    "at",          COLUMN_TIME,  0,               call_start },
	{ "duration_ns", "took",        COLUMN_TIME,  COLUMN_OPTIONAL, call_duration },
	{ "thread",      "thread",      COLUMN_COUNT, COLUMN_NO_TEXT,  call_thread },
	{ "routine",     "routine",     COLUMN_TEXT,  0,               call_routine },
	{ "arguments",   "shape",       COLUMN_SHAPE, 0,               call_shape },
	{ "kind",        "",            COLUMN_TEXT,  COLUMN_NO_TEXT,  call_kind },
	{ "flops",       "FLOPs",       COLUMN_FLOPS, 0,               call_flops },
	{ "charged",     "charged",     COLUMN_FLOPS, COLUMN_NO_TEXT,  call_charged },
	{ "cumulative",  "cumulative",  COLUMN_FLOPS, 0,               call_cumulative },
	{ "namespace",   "namespace",   COLUMN_TEXT,  COLUMN_OPTIONAL, call_space },
	{ "symbol",      "",            COLUMN_TEXT,  COLUMN_NO_TEXT,  call_symbol },
	{ "place",       "called from", COLUMN_TEXT,  0,               call_place },
	{ "detail",      "operands",    COLUMN_TEXT,  COLUMN_OPTIONAL, call_detail },
};
/* clang-format on */

/* The item of a row of the table, valid until the next call. */
static const void *call_at(const struct table *table, size_t number)
{
	struct calls *calls = table->data;
	const struct recorded_call *call = &calls->record->calls[calls->chosen ? calls->chosen[number] : number];

	calls->at = (struct counted_call){.call = call, .found = record_row(calls->record, call)};
	return &calls->at;
}

void calls_table(struct calls *calls, struct table *table)
{
	*table = (struct table){.key = "calls",
	                        .title = "Calls",
	                        TABLE_COLUMNS(columns),
	                        .row_count = calls->count,
	                        .item = call_at,
	                        .data = calls,
	                        .aggregate = calls->aggregate};
}

void calls_open(struct calls *calls, const struct aggregate *aggregate, const struct record *record,
                struct symbolizer *symbolizer)
{
	*calls = (struct calls){
		.aggregate = aggregate, .record = record, .symbolizer = symbolizer, .count = record->call_count};
}

void calls_close(struct calls *calls) { free(calls->chosen); }

/* The FLOPs of a call; 0 if they are not known. */
static uint64_t flops_of(const struct record *record, size_t number)
{
	const struct recorded_row *row = record_row(record, &record->calls[number]);

	return row && !(row->row->flags & DUMP_ROW_COARSE) ? row->flops : 0;
}

struct sized_call {
	uint64_t flops;
	size_t number;
};

/* The most FLOPs first; of equal ones, those that ended first. */
static int compare_sizes(const void *a, const void *b)
{
	const struct sized_call *x = a, *y = b;

	if (x->flops != y->flops)
		return x->flops < y->flops ? 1 : -1;
	return x->number < y->number ? -1 : x->number > y->number;
}

static int compare_numbers(const void *a, const void *b)
{
	size_t x = *(const size_t *)a, y = *(const size_t *)b;

	return x < y ? -1 : x > y;
}

void calls_choose(struct calls *calls, size_t most)
{
	size_t all = calls->count;
	struct sized_call *sizes;

	if (all <= most)
		return;
	sizes = memory_new(all, sizeof *sizes);
	for (size_t i = 0; i < all; i++)
		sizes[i] = (struct sized_call){flops_of(calls->record, i), i};
	qsort(sizes, all, sizeof *sizes, compare_sizes);
	calls->chosen = memory_new(most, sizeof *calls->chosen);
	for (size_t i = 0; i < most; i++)
		calls->chosen[i] = sizes[i].number;
	qsort(calls->chosen, most, sizeof *calls->chosen, compare_numbers);
	calls->count = most;
	free(sizes);
}
