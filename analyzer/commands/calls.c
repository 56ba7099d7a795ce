/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * calls.c - the command `calls`, which shows every call of a program in order, if the program was told to record them.
 * It must never leave out a recorded call because its row is not known.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/base/memory.h"
#include "analyzer/commands/command.h"
#include "analyzer/commands/options.h"
#include "analyzer/commands/recorded.h"
#include "analyzer/read/system.h"
#include "variables.h"

enum { TEXT_TOP = 1000 };

#define SCHEMA "flopshim-calls/1"

static const char usage[] = "Usage: flopshim-report calls [OPTION ...] [DUMP or DIRECTORY]\n\n"
			    "Shows every call of a program that ran with " VARIABLE(
				    RECORDS) "=calls, in the order in which the calls ended.\n"
					     "A DIRECTORY must have a single *.dump file in it. Without an argument, "
					     "the current directory is read.\n";

static const char help[] = "  --top N             show only the first N calls; a number or 'all' (default: 1000 in "
			   "text)\n" HELP_DEBUGINFOD;

struct counted_call {
	const struct recorded_call *call;
	const struct recorded_row *found; /* the row that it is counted in; NULL if the dump does not have it */
};

/* What is shown. */
struct shown {
	struct recorded *recorded;
	struct text *places;    /* by site, each made when it is first asked for */
	struct counted_call at; /* what call_at returned last */
};

/* The table. */

static const char *place_of(const struct table *table, const struct row *row)
{
	struct shown *shown = table->data;
	struct text *text = &shown->places[row->site];
	struct place place;

	if (!text->bytes) {
		symbolize_site(shown->recorded->symbolizer, row->site, &place);
		place_add(text, &place);
	}
	return text->bytes;
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
	struct shown *shown = table->data;
	const struct recorded_call *call = &shown->recorded->record.calls[number];

	shown->at = (struct counted_call){.call = call, .found = record_row(&shown->recorded->record, call)};
	return &shown->at;
}

static void fill(struct answer *answer, const struct options *options, struct shown *shown)
{
	const struct aggregate *aggregate = &shown->recorded->aggregate;
	struct table table = {.key = "calls",
	                      .title = "Calls",
	                      TABLE_COLUMNS(columns),
	                      .row_count = shown->recorded->record.call_count,
	                      .item = call_at,
	                      .data = shown,
	                      .aggregate = aggregate};

	table_cut(&table, answer_top(answer, options->top, TEXT_TOP, SIZE_MAX));
	answer_bool(answer, "complete", aggregate->complete);
	answer_number(answer, "dropped_calls", aggregate->process_count ? aggregate->processes[0].log_dropped : 0);
	answer_table(answer, &table, (struct table_options){.counted = true});
}

static int show_calls(struct output *output, const struct options *options, char *path)
{
	struct shown shown = {0};
	struct recorded recorded;
	struct answer answer;
	int status;

	if (!recorded_open(&recorded, path))
		return EXIT_ERROR;
	shown.recorded = &recorded;
	shown.places = memory_new(recorded.aggregate.sites.count, sizeof *shown.places);
	if (recorded.aggregate.answered && !recorded.aggregate.merged) {
		options_answer(options, &answer, SCHEMA);
		fill(&answer, options, &shown);
		options_render(options, output, &answer);
	}
	status = recorded_status(&recorded);
	for (size_t i = 0; i < recorded.aggregate.sites.count; i++)
		text_free(&shown.places[i]);
	free(shown.places);
	recorded_close(&recorded);
	return status;
}

/*
 * The path of the only dump in a directory, or a copy of `path` if that is no directory; to be freed. NULL, after a message,
 * if the directory has no dump or several.
 */
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
	if (!system_list(path, DUMP_ENDING, &paths, &count)) {
		complain("%s: %s", path, strerror(errno));
		return NULL;
	}
	if (count == 1)
		dump = memory_format("%s", paths[0]);
	else if (count)
		complain("%s: %zu *.dump files in this directory; 'calls' takes one of them, such as %s", path, count,
		         paths[0]);
	else
		complain("%s: no *.dump file in this directory", path);
	for (size_t i = 0; i < count; i++)
		free(paths[i]);
	free(paths);
	return dump;
}

int command_calls(int count, char **arguments)
{
	static const struct option table[] = {OPTION_LINE_TOP, OPTION_LINE_DEBUGINFOD, OPTION_LINE_END};
	const struct option_parser parser = {.command = "calls",
	                                     .usage = usage,
	                                     .help = help,
	                                     .schema = SCHEMA,
	                                     .no_keys = "calls are shown one by one; report --by adds them up",
	                                     .table = table};
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
