/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * calls.c - the ordered record: every call of a program, where the program was told to keep it.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/commands/command.h"
#include "analyzer/commands/gather.h"
#include "analyzer/base/memory.h"
#include "analyzer/commands/options.h"
#include "analyzer/commands/report.h"
#include "analyzer/tables/symbolize.h"
#include "analyzer/read/system.h"
#include "variables.h"

enum { TEXT_TOP = 1000 };

static const char help[] =
	"Usage: flopshim-report calls [OPTION ...] [DUMP or DIRECTORY]\n\n"
	"Shows every call in the order in which they ended, of a program that ran with " VARIABLE(RECORDS) "=calls.\n"
	"A directory is one with a single *.dump file in it; without any, the current directory.\n\n"
	"  --json, --csv       as JSON (schema flopshim-calls/1) or CSV\n"
	"  --top N             only the first so many: a number or 'all' (text 1000)\n";

/* A row of the dump, by its number: what the calls in the record refer to. */
struct numbered_row {
	uint32_t lane, number;
	uint64_t flops, charged; /* of one call */
	const struct row *row;
};

struct record {
	const struct aggregate *aggregate;
	struct symbolizer *symbolizer;
	char **places; /* texts by site, made when first needed */
	struct numbered_row *rows;
	size_t row_count, row_capacity;
	struct call {
		struct dump_call entry;
		uint32_t lane;
	} *calls;
	size_t call_count, call_capacity;
};

/* Reading. */

static void add_row(void *context, uint32_t lane, uint32_t number, const struct dump_row *entry, const struct row *row)
{
	struct record *record = context;

	record->rows = memory_grow(record->rows, record->row_count, &record->row_capacity, sizeof *record->rows);
	record->rows[record->row_count++] = (struct numbered_row){ lane, number, entry->flops, entry->charged, row };
}

static int compare_rows(const void *a, const void *b)
{
	const struct numbered_row *x = a, *y = b;

	if (x->lane != y->lane)
		return x->lane < y->lane ? -1 : 1;
	return x->number < y->number ? -1 : x->number > y->number;
}

static int compare_calls(const void *a, const void *b)
{
	const struct call *x = a, *y = b;

	return x->entry.sequence < y->entry.sequence ? -1 : x->entry.sequence > y->entry.sequence;
}

static void read_calls(struct record *record, const struct dump_source *source)
{
	const struct dump_call *entry;
	struct dump_cursor cursor;
	struct dump dump;

	if (dump_open(&dump, source) <= READ_DAMAGED) {
		dump_cursor_open(&cursor, &dump, DUMP_LOG, sizeof *entry);
		while ((entry = dump_cursor_next(&cursor))) {
			if (!entry->sequence) /* not complete */
				continue;
			record->calls = memory_grow(record->calls, record->call_count, &record->call_capacity, sizeof *record->calls);
			record->calls[record->call_count++] = (struct call){ *entry, cursor.lane };
		}
		dump_cursor_close(&cursor);
	}
	dump_close(&dump);
	if (record->call_count)
		qsort(record->calls, record->call_count, sizeof *record->calls, compare_calls);
	if (record->row_count)
		qsort(record->rows, record->row_count, sizeof *record->rows, compare_rows);
}

/* The table. */

static const struct column columns[] = {
	{ "sequence",    "call",        COLUMN_COUNT, 0 },
	{ "start_ns",    "at",          COLUMN_TIME,  0 },
	{ "duration_ns", "took",        COLUMN_TIME,  COLUMN_OPTIONAL },
	{ "thread",      "thread",      COLUMN_COUNT, COLUMN_NO_TEXT },
	{ "routine",     "routine",     COLUMN_TEXT,  0 },
	{ "arguments",   "shape",       COLUMN_SHAPE, 0 },
	{ "kind",        "",            COLUMN_TEXT,  COLUMN_NO_TEXT },
	{ "flops",       "FLOPs",       COLUMN_FLOPS, 0 },
	{ "charged",     "charged",     COLUMN_FLOPS, COLUMN_NO_TEXT },
	{ "cumulative",  "cumulative",  COLUMN_FLOPS, 0 },
	{ "namespace",   "namespace",   COLUMN_TEXT,  COLUMN_OPTIONAL },
	{ "symbol",      "",            COLUMN_TEXT,  COLUMN_NO_TEXT },
	{ "place",       "called from", COLUMN_TEXT,  0 },
	{ "detail",      "operands",    COLUMN_TEXT,  COLUMN_OPTIONAL },
};

static const char *place_of(struct record *record, uint32_t site)
{
	struct place place;

	if (!record->places[site]) {
		symbolize_site(record->symbolizer, site, &place);
		record->places[site] = place_text(&place);
	}
	return record->places[site];
}

static void fill(const struct table *table, size_t number, struct value *values)
{
	struct record *record = (struct record *)(uintptr_t)table->data;
	const struct aggregate *aggregate = table->aggregate;
	const struct call *call = &record->calls[number];
	const struct numbered_row key = { .lane = call->lane, .number = call->entry.row };
	const struct numbered_row *found = record->row_count ? bsearch(&key, record->rows, record->row_count,
	                                                               sizeof key, compare_rows) : NULL;
	bool has_price;

	values[0] = value_number(call->entry.sequence);
	values[1] = value_number(call->entry.start_ns);
	values[2] = value_number(call->entry.duration_ns);
	values[2].known = call->entry.duration_ns != 0;
	values[3] = value_number(call->entry.tid);
	values[9] = value_number(call->entry.cumulative);
	if (!found)
		return;
	has_price = !(found->row->flags & DUMP_ROW_COARSE);
	values[4] = value_text(text_at(aggregate, routine_of(aggregate, found->row->routine)->name));
	values[5] = (struct value){ .known = true, .row = found->row };
	values[6] = value_text(row_kind_name(found->row->kind));
	values[7] = value_number(found->flops);
	values[8] = value_number(found->charged);
	values[7].known = values[8].known = has_price;
	values[10] = value_text(intern_at(&aggregate->spaces, found->row->space));
	values[11] = value_text(text_at(aggregate, site_of(aggregate, found->row->site)->symbol));
	values[12] = value_text(place_of(record, found->row->site));
	values[13] = value_text(text_at(aggregate, site_of(aggregate, found->row->site)->detail));
	values[13].known = values[13].text && values[13].text[0];
}

static void put(struct output *output, const struct options *options, const struct record *record)
{
	const struct aggregate *aggregate = record->aggregate;
	size_t top = options->top ? options->top : options->format == FORMAT_TEXT ? TEXT_TOP : SIZE_MAX;
	struct table table = { .key = "calls", .title = "Calls", TABLE_COLUMNS(columns), .row_count = record->call_count,
	                       .fill = fill, .data = record, .aggregate = aggregate };

	if (table.row_count > top) {
		table.more = table.row_count - top;
		table.row_count = top;
	}
	switch (options->format) {
	case FORMAT_JSON:
		json_open(output, NULL, '{');
		json_text(output, "schema", "flopshim-calls/1");
		json_bool(output, "complete", aggregate->complete);
		json_number(output, "dropped_calls", aggregate->process_count ? aggregate->processes[0].log_dropped : 0);
		table_json(output, &table);
		json_number(output, "calls_not_shown", table.more);
		json_close(output, '}');
		break;
	case FORMAT_CSV:
		table_csv(output, &table);
		break;
	case FORMAT_TEXT:
		table_text(output, &table);
	}
}

static void record_close(struct record *record)
{
	for (size_t i = 0; i < record->aggregate->sites.count; i++)
		free(record->places[i]);
	free(record->places);
	free(record->rows);
	free(record->calls);
	symbolizer_free(record->symbolizer);
}

/* What a reader must know about the record itself; on standard error, as there is no place for it in CSV. */
static void complain_about_record(const struct record *record, const char *path)
{
	const struct aggregate *aggregate = record->aggregate;
	char text[NUMBER_TEXT];

	if (!record->call_count && aggregate->answered)
		complain("%s: no call was recorded in order: the program ran without " VARIABLE(RECORDS) "=calls",
		         path);
	if (aggregate->process_count && aggregate->processes[0].log_dropped)
		complain("%s: %s later calls are not in the record: it reached " VARIABLE(LOG_MAX), path,
		         number_grouped(aggregate->processes[0].log_dropped, text));
}

static int show_calls(struct output *output, const struct options *options, char *path)
{
	struct record record = { 0 };
	struct aggregate aggregate;
	struct system_file file;
	int status, error = system_open(path, &file);

	if (error) {
		complain("%s: %s", path, system_why(error));
		return EXIT_ERROR;
	}
	gather_open(&aggregate, false);
	aggregate.options.row_added = add_row;
	aggregate.options.row_context = &record;
	aggregate_add(&aggregate, &file.source, path);
	record.aggregate = &aggregate;
	record.symbolizer = symbolizer_new(&aggregate);
	record.places = memory_new(aggregate.sites.count, sizeof *record.places);
	read_calls(&record, &file.source);
	system_close(&file);
	report_damage(&aggregate);
	complain_about_record(&record, path);
	if (aggregate.answered)
		put(output, options, &record);
	status = report_status(&aggregate, true);
	record_close(&record);
	gather_close(&aggregate);
	return status;
}

/* The dump in a directory, or `path` itself if it is none; to be freed. NULL after a message. */
static char *single_dump(const char *path)
{
	struct system_file file;
	int error = system_open(path, &file);
	char **paths, *dump = NULL;
	size_t count;

	if (!error)
		system_close(&file);
	if (error != EISDIR)
		return memory_format("%s", path);
	if (!system_list(path, &paths, &count)) {
		complain("%s: %s", path, strerror(errno));
		return NULL;
	}
	if (count == 1)
		dump = memory_format("%s", paths[0]);
	else if (count)
		complain("%s: %zu *.dump files in this directory; calls shows those of one, such as %s", path, count, paths[0]);
	else
		complain("%s: no *.dump file in this directory", path);
	for (size_t i = 0; i < count; i++)
		free(paths[i]);
	free(paths);
	return dump;
}

int command_calls(int count, char **arguments)
{
	static const struct option table[] = { OPTION_LINE_HELP, OPTION_LINE_JSON, OPTION_LINE_CSV, OPTION_LINE_TOP,
	                                       OPTION_LINE_END };
	const struct option_parser parser = { .command = "calls", .help = help, .table = table };
	struct options options;
	struct output output;
	char *path;
	int status = options_parse(&options, &parser, count, arguments);

	if (status >= 0)
		return status;
	if (options.operand_count > 1)
		return usage_error("calls", "expected one dump");
	path = single_dump(options.operand_count ? options.operands[0] : ".");
	if (!path)
		return EXIT_ERROR;
	output = options_output(&options);
	status = show_calls(&output, &options, path);
	free(path);
	return output_finish(&output) ? status : EXIT_ERROR;
}
