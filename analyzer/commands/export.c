/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * export.c - the command `export`: writes runs in the formats of other programs.
 * It must never write a part of a run as the whole without a message and the status that says so.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analyzer/base/memory.h"
#include "analyzer/commands/command.h"
#include "analyzer/commands/gather.h"
#include "analyzer/commands/merging.h"
#include "analyzer/commands/options.h"
#include "analyzer/commands/pair.h"
#include "analyzer/commands/recorded.h"
#include "analyzer/commands/report.h"
#include "analyzer/commands/write_file.h"
#include "analyzer/export/export.h"
#include "analyzer/read/system.h"

static const char usage[] = "Usage: flopshim-report export --to FORMAT [OPTION ...] [DUMP or DIRECTORY ...]\n"
			    "       flopshim-report export --to folded-diff [OPTION ...] OLD NEW\n\n"
			    "Writes the work of a run in a format that other programs read. A FORMAT is\n"
#define EXPORT_FORMAT(id, name, source, help) "  " name "\n      " help "\n"
#include "analyzer/export/formats.def"
#undef EXPORT_FORMAT
	;

struct request {
	const struct export_format *format;
	const char *path;
	mode_t mode;
	enum work_weight weight;
	bool has_weight, namespaces;
};

/* ---- the command line; these return -1, or the exit status after a message ---- */

static int take_format(struct request *request, const char *name)
{
	struct text names = {0};
	int status;

	for (unsigned i = 0; i < EXPORT_COUNT; i++) {
		if (!strcmp(export_formats[i].name, name)) {
			request->format = &export_formats[i];
			return -1;
		}
		text_format(&names, "%s%s", !i ? "" : i + 1 < EXPORT_COUNT ? ", " : " or ", export_formats[i].name);
	}
	status = usage_error("export", "--to %s: there is no such format; expected %s", name, names.bytes);
	text_free(&names);
	return status;
}

static int take_option(void *context, int code, const char *value)
{
	struct request *request = context;

	switch (code) {
	case OPTION_TO: return take_format(request, value);
	case OPTION_OUTPUT:
		if (!*value)
			return usage_error("export", "-o: expected the name of a file");
		request->path = value;
		return -1;
	case OPTION_WEIGHT:
		request->has_weight = true;
		request->weight = export_measure_find(value);
		if (request->weight == WORK_WEIGHTS)
			return usage_error("export", "--weight %s: expected flops, charged, calls or time", value);
		return -1;
	case OPTION_NAMESPACES: request->namespaces = true; return -1;
	default:
		return merging_mode(value, &request->mode)
		               ? -1
		               : usage_error("export", "--mode %s: " MERGING_MODE_EXPECTED, value);
	}
}

/* Whether the options fit the format. */
static int doubt(const struct request *request, const struct options *options)
{
	const struct export_format *format = request->format;
	bool of_stacks, is_pprof;
	int status;

	if (!format)
		return usage_error("export", "expected --to FORMAT");
	of_stacks = format->source == EXPORT_STACKS || format->source == EXPORT_TWO;
	is_pprof = format == &export_formats[EXPORT_pprof];
	if (options->by && format->source != EXPORT_ROWS)
		return usage_error("export", "--by %s: makes no sense for %s, which has no rows", options->by->name,
		                   format->name);
	if (request->has_weight && !of_stacks)
		return usage_error("export", "--weight: makes no sense for %s, which has all measures", format->name);
	if (request->namespaces && (!of_stacks || is_pprof))
		return usage_error("export", "--namespaces: makes no sense for %s%s", format->name,
		                   is_pprof ? ", which has a label for it: go tool pprof -tagroot=namespace" : "");
	if (options->reprice && format->source == EXPORT_RECORDS)
		return usage_error("export", "--reprice: makes no sense for %s", format->name);
	if (format->source == EXPORT_TWO && options->operand_count != 2)
		return usage_error("export", "expected two runs, OLD and NEW");
	if (request->path && (status = options_doubt_output(options, "export", "-o", request->path)) >= 0)
		return status;
	if (is_pprof && !request->path && isatty(STDOUT_FILENO))
		return usage_error("export", "a profile is no text for a terminal: name a file with -o");
	return -1;
}

/* ---- writing ---- */

struct writing {
	const struct export_format *format;
	const struct export *export;
};

static void write_to(FILE *stream, const void *context)
{
	const struct writing *writing = context;

	writing->format->write(&(struct output){.stream = stream}, writing->export);
}

/* Writes the export where it is to go. Returns whether it could be written, after a message if not. */
static bool write_export(const struct request *request, const struct export *export)
{
	struct output output = {.stream = stdout};

	if (request->path)
		return write_file_by(request->path, request->mode, write_to,
		                     &(struct writing){request->format, export});
	request->format->write(&output, export);
	return output_finish(&output);
}

/* ---- runs; these return an exit status ---- */

static int export_run(const struct request *request, const struct options *options)
{
	struct export export = {.weight = request->weight};
	struct call_stacks stacks;
	struct aggregate aggregate;
	struct views views;
	struct table table;
	int status = EXIT_ERROR;
	bool found;

	gather_open(&aggregate, options->reprice, options->by);
	found = gather(&aggregate, options->operands, options->operand_count,
	               (struct gather_options){.last = options->last, .beside = true});
	report_damage(&aggregate);
	if (gather_tells(&aggregate, options->by) && gather_is_of_one_version(&aggregate)) {
		status = report_status(&aggregate, found);
		export.aggregate = &aggregate;
		if (aggregate.answered && request->format->source == EXPORT_STACKS) {
			call_stacks_open(&stacks, &aggregate, request->namespaces);
			export.run = &stacks;
			status = write_export(request, &export) ? status : EXIT_ERROR;
			call_stacks_close(&stacks);
		} else if (aggregate.answered) {
			views_open(&views, &aggregate);
			if (options->by)
				key_table(&views, options->by, SIZE_MAX, false, &table);
			else
				views_get(&views, &table_rows, SIZE_MAX, false, &table);
			export.table = &table;
			status = write_export(request, &export) ? status : EXIT_ERROR;
			views_close(&views);
		}
	}
	gather_close(&aggregate);
	return status;
}

static int export_two(const struct request *request, const struct options *options)
{
	struct gather_options how = {.last = options->last, .siblings = true};
	struct call_stacks before, after;
	struct export export = {.weight = request->weight, .old = &before, .run = &after};
	struct aggregate old, new;
	int status = EXIT_ERROR;
	bool found;

	gather_open(&old, options->reprice, NULL);
	gather_open(&new, options->reprice, NULL);
	found = gather(&old, &options->operands[0], 1, how);
	found &= gather(&new, &options->operands[1], 1, how);
	report_damage(&old);
	report_damage(&new);
	if (pair_fits(&old, &new, options->operands, NULL)) {
		status = !found || old.newer || new.newer ? EXIT_ERROR
		         : old.complete &&new.complete    ? EXIT_FINE
		                                          : EXIT_INCOMPLETE;
		if (old.answered && new.answered) {
			call_stacks_open(&before, &old, request->namespaces);
			call_stacks_open(&after, &new, request->namespaces);
			export.aggregate = &new;
			status = write_export(request, &export) ? status : EXIT_ERROR;
			call_stacks_close(&before);
			call_stacks_close(&after);
		}
	}
	gather_close(&old);
	gather_close(&new);
	return status;
}

/* ---- ordered records ---- */

/* A dump whose record is exported. */
struct recorded_dump {
	char *path;
	uint64_t start_ns; /* since 1970; 0 if not known */
	uint32_t pid;
};

struct recorded_dumps {
	struct recorded_dump *dumps;
	size_t count, capacity;
	size_t next;             /* the dump that is read next */
	uint64_t first_start_ns; /* of the process that began first */
	bool pids_differ;        /* no two processes have one pid */
	struct recorded now;     /* of the dump that was read last */
	bool is_open;            /* `now` is to be closed */
	int status;
	bool ordered; /* a dump has an ordered record */
	bool any;     /* a call was recorded */
};

static void add_path(void *context, const char *path)
{
	struct recorded_dumps *dumps = context;

	dumps->dumps = memory_grow(dumps->dumps, dumps->count, &dumps->capacity, sizeof *dumps->dumps);
	dumps->dumps[dumps->count++] = (struct recorded_dump){.path = memory_format("%s", path)};
}

/* Reads who and when the process of a dump was. Returns whether the dump has an ordered record. */
static bool look_at(struct recorded_dump *recorded)
{
	struct system_file file;
	struct dump dump;
	bool ordered = false;

	if (system_open(recorded->path, &file))
		return false;
	if (dump_open(&dump, &file.source) <= READ_DAMAGED && !dump.header_damaged) {
		recorded->start_ns = dump.header.start_realtime_ns;
		recorded->pid = dump.header.pid;
	}
	ordered = dump_has(&dump, DUMP_LOG);
	dump_close(&dump);
	system_close(&file);
	return ordered;
}

static int compare_pids(const void *a, const void *b)
{
	const struct recorded_dump *x = a, *y = b;

	return x->pid < y->pid ? -1 : x->pid > y->pid;
}

/* Finds what the processes have in common: their first moment, and whether their pids tell them apart. */
static void look_at_all(struct recorded_dumps *dumps)
{
	struct recorded_dump *sorted = memory_new(dumps->count, sizeof *sorted);

	dumps->first_start_ns = UINT64_MAX;
	for (size_t i = 0; i < dumps->count; i++) {
		dumps->ordered |= look_at(&dumps->dumps[i]);
		sorted[i] = dumps->dumps[i];
		if (sorted[i].start_ns && sorted[i].start_ns < dumps->first_start_ns)
			dumps->first_start_ns = sorted[i].start_ns;
	}
	if (dumps->count)
		qsort(sorted, dumps->count, sizeof *sorted, compare_pids);
	dumps->pids_differ = true;
	for (size_t i = 0; i < dumps->count; i++)
		dumps->pids_differ &= sorted[i].pid && (!i || sorted[i].pid != sorted[i - 1].pid);
	free(sorted);
}

static void close_last(struct recorded_dumps *dumps)
{
	if (dumps->is_open)
		recorded_close(&dumps->now);
	dumps->is_open = false;
}

/* Reads the next dump that has calls. */
static bool next_record(void *context, struct export_record *record)
{
	struct recorded_dumps *dumps = context;

	while (dumps->next < dumps->count) {
		const struct recorded_dump *dump = &dumps->dumps[dumps->next++];
		int status;

		close_last(dumps);
		status = recorded_open(&dumps->now, dump->path);
		dumps->is_open = status < 0;
		if (dumps->is_open)
			status = recorded_status(&dumps->now);
		if (dumps->status == EXIT_FINE || status == EXIT_ERROR)
			dumps->status = status;
		if (!dumps->is_open || !dumps->now.record.call_count || !dumps->now.aggregate.process_count)
			continue;
		dumps->any = true;
		*record = (struct export_record){
			.aggregate = &dumps->now.aggregate,
			.record = &dumps->now.record,
			.symbolizer = dumps->now.symbolizer,
			.offset_ns = dump->start_ns ? dump->start_ns - dumps->first_start_ns : 0,
			.id = dumps->pids_differ ? dump->pid : dumps->next,
		};
		return true;
	}
	close_last(dumps);
	return false;
}

static int export_records(const struct request *request, const struct options *options)
{
	struct recorded_dumps dumps = {0};
	const struct export export = {.next = next_record, .context = &dumps};
	struct export_record record;
	struct aggregate none;
	bool found, fine = true;

	gather_open(&none, false, NULL);
	found = gather(
		&none, options->operands, options->operand_count,
		(struct gather_options){.last = options->last, .beside = true, .found = add_path, .context = &dumps});
	look_at_all(&dumps);
	if (dumps.ordered)
		fine = write_export(request, &export);
	else /* an empty trace would look like an answer: only say what is wrong */
		while (next_record(&dumps, &record))
			;
	if (!dumps.any && dumps.status == EXIT_FINE)
		dumps.status = EXIT_ERROR; /* a message has said why there is no call */
	for (size_t i = 0; i < dumps.count; i++)
		free(dumps.dumps[i].path);
	free(dumps.dumps);
	gather_close(&none);
	return found && fine ? dumps.status : EXIT_ERROR;
}

int command_export(int count, char **arguments)
{
	struct request request = {.mode = 0600};
	const struct option_parser parser = {
		.command = "export", .usage = usage, .take = take_option, .context = &request};
	struct options options;
	int status = options_parse(&options, &parser, count, arguments);

	if (status < 0)
		status = doubt(&request, &options);
	if (status >= 0)
		return status;
	switch (request.format->source) {
	case EXPORT_STACKS:
	case EXPORT_ROWS: return export_run(&request, &options);
	case EXPORT_TWO: return export_two(&request, &options);
	case EXPORT_RECORDS: return export_records(&request, &options);
	}
	return EXIT_ERROR;
}
