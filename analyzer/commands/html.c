/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * html.c - the command `html`: writes one page that shows what the dumps have, and that can be read in their place.
 * It must never write a page that lacks something without saying so on the page.
 */
#include <stdlib.h>
#include <string.h>

#include "analyzer/aggregate/redact.h"
#include "analyzer/base/deflate.h"
#include "analyzer/commands/command.h"
#include "analyzer/commands/gather.h"
#include "analyzer/commands/html_data.h"
#include "analyzer/commands/merging.h"
#include "analyzer/commands/options.h"
#include "analyzer/commands/pair.h"
#include "analyzer/commands/report.h"
#include "analyzer/commands/write_file.h"
#include "analyzer/merge/merge.h"
#include "analyzer/read/pack.h"

static const char usage[] =
	"Usage: flopshim-report html -o FILE [OPTION ...] [DUMP or DIRECTORY ...]\n"
	"       flopshim-report html -o FILE --compare [OPTION ...] OLD NEW\n\n"
	"Writes one page that any browser shows, without a server or a network. Every command but 'calls' reads the\n"
	"page in place of the dumps; of a comparison, as NEW.\n";

struct request {
	const char *path, *title;
	mode_t mode;
	bool redact, compare;
};

static int take_option(void *context, int code, const char *value)
{
	struct request *request = context;

	switch (code) {
	case OPTION_OUTPUT:
		if (!*value)
			return usage_error("html", "-o: expected the name of a file");
		request->path = value;
		return -1;
	case OPTION_TITLE: request->title = value; return -1;
	case OPTION_REDACT: request->redact = true; return -1;
	case OPTION_COMPARE: request->compare = true; return -1;
	default:
		return merging_mode(value, &request->mode)
		               ? -1
		               : usage_error("html", "--mode %s: " MERGING_MODE_EXPECTED, value);
	}
}

/* Dumps on the command line, and how they are gathered. */
struct source {
	char *const *paths;
	size_t count;
	struct gather_options how;
};

/* Takes out what is not to be passed on, but for whose code each file is. */
static void redact_aggregate(struct aggregate *aggregate)
{
	struct paths paths;

	views_open_paths(&paths, aggregate);
	aggregate_redact(aggregate, paths_folders, &paths);
	paths_close(&paths);
}

/* Appends the packed dump that the page holds. Returns false, after a message, if it cannot be made. */
static bool pack(struct text *packed, const struct source *source, bool redact)
{
	struct gather_options how = source->how;
	struct aggregate aggregate;
	struct dumps dumps = {0};
	struct text bytes = {0};
	bool fine;

	how.quiet = true;
	how.found = merging_add_path;
	how.context = &dumps;
	merging_open(&aggregate);
	gather(&aggregate, source->paths, source->count, how);
	fine = merging_read(&aggregate, &dumps);
	if (fine && redact)
		redact_aggregate(&aggregate);
	if (fine) {
		merge_write(&aggregate, &bytes);
		pack_dump(packed, bytes.bytes, bytes.length);
	}
	text_free(&bytes);
	merging_free(&dumps);
	gather_close(&aggregate);
	return fine;
}

/* Reads a run. Returns whether all of its dumps were found. */
static bool run_read(struct html_run *run, const struct source *source)
{
	bool found;

	*run = (struct html_run){.name = source->count ? source->paths[0] : "."};
	gather_open(&run->aggregate, false, NULL);
	found = gather(&run->aggregate, source->paths, source->count, source->how);
	report_damage(&run->aggregate);
	return found;
}

/* Reads the ordered record of a run's dump, if it has a single one with a record. */
static void run_read_record(struct html_run *run)
{
	const struct aggregate *aggregate = &run->aggregate;

	run->has_record = aggregate->process_count == 1 && !aggregate->merged && aggregate->processes[0].ordered &&
	                  !recorded_read(&run->recorded, text_at(aggregate, aggregate->processes[0].file));
}

/* Opens the views of a run, and redacts it: functions are still found then, in the files of its modules. */
static void run_open(struct html_run *run, bool redact)
{
	views_open(&run->views, &run->aggregate);
	run->views.roofs = roofs_are_known(&run->roofs) ? &run->roofs : NULL;
	if (!redact)
		return;
	symbolizer_redact(views_symbolizer(&run->views));
	redact_aggregate(&run->aggregate);
	if (!run->has_record)
		return;
	symbolizer_redact(run->recorded.symbolizer);
	redact_aggregate(&run->recorded.aggregate);
}

static void run_close(struct html_run *run)
{
	views_close(&run->views);
	if (run->has_record)
		recorded_close(&run->recorded);
}

static bool write_page(const struct request *request, struct html_run *now, struct html_run *old,
                       const struct text *packed)
{
	struct html_data data = {
		.now = now, .old = old, .title = request->title, .dump = packed, .redacted = request->redact};
	char processes[NUMBER_TEXT], size[NUMBER_TEXT];
	struct text html = {0};
	bool fine;

	html_data_add(&html, &data);
	fine = write_file(request->path, request->mode, false, &html);
	if (fine)
		printf("%s: %s process%s, %s bytes\n", request->path,
		       number_grouped(now->aggregate.process_count, processes),
		       now->aggregate.process_count == 1 ? "" : "es", number_grouped(html.length, size));
	text_free(&html);
	return fine;
}

/* Writes the page of a run that was read, beside an old one or NULL. */
static bool write_run(const struct request *request, const struct source *source, struct html_run *now,
                      struct html_run *old)
{
	struct text packed = {0};
	bool fine = pack(&packed, source, request->redact);

	if (fine) {
		run_read_record(now);
		run_open(now, request->redact);
		if (old)
			run_open(old, request->redact);
		fine = write_page(request, now, old, &packed);
		run_close(now);
		if (old)
			run_close(old);
	}
	text_free(&packed);
	return fine;
}

/* Whether a run can be shown. If not, a message says why. */
static bool can_be_shown(const struct html_run *run)
{
	return gather_is_writable(&run->aggregate, "cannot be on one page");
}

/* Whether two runs can be compared. If not, a message says why. */
static bool can_be_compared(const struct html_run *old, const struct html_run *now, char *const *paths)
{
	const struct aggregate *a = &old->aggregate, *b = &now->aggregate;

	if (!can_be_shown(old) || !can_be_shown(now))
		return false;
	if (!gather_are_of_one_version(a, b)) {
		complain("nothing is written: OLD was priced by version %s of the routine table, and NEW by %s; "
		         "'flopshim-report compare --reprice' compares them",
		         text_at(a, a->versions[0].text), text_at(b, b->versions[0].text));
		return false;
	}
	return pair_fits(a, b, paths, NULL);
}

static int show(const struct request *request, const struct options *options)
{
	struct source source = {options->operands, options->operand_count, {.last = options->last, .beside = true}};
	struct html_run run;
	bool found = run_read(&run, &source);
	int status = EXIT_ERROR;

	if (can_be_shown(&run) && roofing_find(&run.roofs, &options->roofs, &run.aggregate) &&
	    write_run(request, &source, &run, NULL))
		status = report_status(&run.aggregate, found);
	gather_close(&run.aggregate);
	return status;
}

static int compare(const struct request *request, const struct options *options)
{
	struct source old_source = {options->operands, 1, {.last = options->last, .siblings = true}};
	struct source source = {options->operands + 1, 1, old_source.how};
	struct html_run old, now;
	bool found = run_read(&old, &old_source);
	int status = EXIT_ERROR;

	found &= run_read(&now, &source);
	if (can_be_compared(&old, &now, options->operands) &&
	    roofing_find(&now.roofs, &options->roofs, &now.aggregate) && write_run(request, &source, &now, &old)) {
		status = report_status(&now.aggregate, found);
		if (status == EXIT_FINE)
			status = report_status(&old.aggregate, found);
	}
	gather_close(&old.aggregate);
	gather_close(&now.aggregate);
	return status;
}

int command_html(int count, char **arguments)
{
	struct request request = {.mode = 0600};
	const struct option_parser parser = {
		.command = "html", .usage = usage, .take = take_option, .context = &request};
	struct options options;
	struct output output = {.stream = stdout};
	int status = options_parse(&options, &parser, count, arguments);

	if (status >= 0)
		return status;
	if (!request.path)
		return usage_error("html", "expected -o FILE, the page to write");
	status = options_doubt_output(&options, "html", "-o", request.path);
	if (status >= 0)
		return status;
	if (request.compare && options.operand_count != 2)
		return usage_error("html", "--compare: expected two runs, OLD and NEW");
	if (deflate_missing()) {
		complain("%s, which pages need", deflate_missing());
		return EXIT_ERROR;
	}
	status = request.compare ? compare(&request, &options) : show(&request, &options);
	return output_finish(&output) ? status : EXIT_ERROR;
}
