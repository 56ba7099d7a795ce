/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * record.c - reads the ordered record of a dump, and finds the rows of its calls.
 * It must never take an entry that was not complete for a call.
 */
#include "analyzer/aggregate/record.h"

#include <stdlib.h>

#include "analyzer/base/memory.h"

/* Keeps a row; aggregate_add calls this for each row of the dump. */
static void add_row(void *context, uint32_t lane, uint32_t number, const struct dump_row *entry, const struct row *row)
{
	struct record *record = context;

	record->rows = memory_grow(record->rows, record->row_count, &record->row_capacity, sizeof *record->rows);
	record->rows[record->row_count++] = (struct recorded_row){lane, number, entry->flops, entry->charged, row};
}

void record_open(struct record *record, struct aggregate *aggregate)
{
	*record = (struct record){0};
	aggregate->options.row_added = add_row;
	aggregate->options.row_context = record;
}

static int compare_rows(const void *a, const void *b)
{
	const struct recorded_row *x = a, *y = b;

	if (x->lane != y->lane)
		return x->lane < y->lane ? -1 : 1;
	return x->number < y->number ? -1 : x->number > y->number;
}

static int compare_calls(const void *a, const void *b)
{
	const struct recorded_call *x = a, *y = b;

	return x->entry.sequence < y->entry.sequence ? -1 : x->entry.sequence > y->entry.sequence;
}

void record_read(struct record *record, const struct dump_source *source)
{
	const struct dump_call *entry;
	struct dump_cursor cursor;
	struct dump dump;

	if (dump_open(&dump, source) <= READ_DAMAGED) {
		record->ordered = dump.header.records_mode || dump.header_damaged;
		dump_cursor_open(&cursor, &dump, DUMP_LOG, sizeof *entry);
		while ((entry = dump_cursor_next(&cursor))) {
			if (!entry->sequence) /* the entry is not complete: the process was killed, or read, while it wrote it */
				continue;
			record->calls = memory_grow(record->calls, record->call_count, &record->call_capacity,
			                            sizeof *record->calls);
			record->calls[record->call_count++] = (struct recorded_call){*entry, cursor.lane};
		}
		dump_cursor_close(&cursor);
	}
	dump_close(&dump);
	if (record->call_count)
		qsort(record->calls, record->call_count, sizeof *record->calls, compare_calls);
	if (record->row_count)
		qsort(record->rows, record->row_count, sizeof *record->rows, compare_rows);
}

const struct recorded_row *record_row(const struct record *record, const struct recorded_call *call)
{
	const struct recorded_row key = {.lane = call->lane, .number = call->entry.row};

	return record->row_count ? bsearch(&key, record->rows, record->row_count, sizeof key, compare_rows) : NULL;
}

void record_close(struct record *record)
{
	free(record->rows);
	free(record->calls);
}
