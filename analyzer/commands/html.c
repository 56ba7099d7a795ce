/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * html.c - the command `html`: writes one page that shows what the dumps have, and that can be read in their place.
 * It must never write a page that lacks something without saying so on the page.
 */
#include <stdlib.h>
#include <string.h>

#include "analyzer/aggregate/redact.h"
#include "analyzer/base/deflate.h"
#include "analyzer/base/memory.h"
#include "analyzer/commands/command.h"
#include "analyzer/commands/gather.h"
#include "analyzer/commands/merging.h"
#include "analyzer/commands/options.h"
#include "analyzer/commands/report.h"
#include "analyzer/commands/write_file.h"
#include "analyzer/merge/merge.h"
#include "analyzer/read/pack.h"
#include "analyzer/render/html/page.h"
#include "analyzer/tables/call_tree.h"
#include "version.h"

enum {
	OPTION_OUTPUT = OPTION_OWN,
	OPTION_TITLE,
	OPTION_MODE,
	OPTION_REDACT,
};

enum { STATIC_TOP = 50 };

static const char usage[] =
	"Usage: flopshim-report html -o FILE [OPTION ...] [DUMP or DIRECTORY ...]\n\n"
	"Writes one page that any browser shows, without a server or a network. Every command but 'calls' reads the\n"
	"page in place of the dumps.\n";

static const char help[] =
	"  -o, --output FILE   the page to write; an existing file is replaced\n"
	"  --title TITLE       what stands at the top (default: what ran)\n"
	"  --mode MODE         permissions of FILE in octal, such as 644 (default: 600)\n" HELP_LAST HELP_DEBUGINFOD;

struct request {
	const char *path, *title;
	mode_t mode;
	bool redact;
};

static int take_option(void *context, int code, const char *value)
{
	struct request *request = context;

	switch (code) {
	case 'o':
	case OPTION_OUTPUT:
		if (!*value)
			return usage_error("html", "-o: expected the name of a file");
		request->path = value;
		return -1;
	case OPTION_TITLE: request->title = value; return -1;
	case OPTION_REDACT: request->redact = true; return -1;
	default:
		return merging_mode(value, &request->mode)
		               ? -1
		               : usage_error("html", "--mode %s: " MERGING_MODE_EXPECTED, value);
	}
}

/* Appends the packed dump that the page holds. Returns false, after a message, if it cannot be made. */
static bool pack(struct text *packed, const struct options *options, bool redact)
{
	struct aggregate aggregate;
	struct dumps dumps = {0};
	struct text bytes = {0};
	bool fine;

	merging_open(&aggregate);
	gather(&aggregate, options->operands, options->operand_count,
	       (struct gather_options){
		       .last = options->last, .quiet = true, .found = merging_add_path, .context = &dumps});
	fine = merging_read(&aggregate, &dumps);
	if (fine && redact)
		aggregate_redact(&aggregate);
	if (fine) {
		merge_write(&aggregate, &bytes);
		pack_dump(packed, bytes.bytes, bytes.length);
	}
	text_free(&bytes);
	merging_free(&dumps);
	gather_close(&aggregate);
	return fine;
}

/* Adds what the page says of itself, and the lines that people read above the tables. */
static void add_meta(struct answer *data, const struct answer *people, const char *title, bool redacted)
{
	const char *how = NULL, *what = NULL;

	answer_text(data, "title", title);
	answer_text(data, "version", FLOPSHIM_VERSION);
	answer_bool(data, "redacted", redacted);
	answer_begin(data, "facts", '[');
	for (size_t i = 0; i < people->count; i++) {
		const struct part *part = &people->parts[i];

		if (part->kind == PART_TITLE)
			what = part->text;
		if (part->kind == PART_PARAGRAPH && !how)
			how = part->text;
		if (part->kind != PART_FACT && part->kind != PART_WARNING)
			continue;
		answer_begin(data, NULL, '{');
		answer_text(data, "label", part->key);
		answer_text(data, "text", part->text);
		answer_bool(data, "warning", part->kind == PART_WARNING);
		answer_end(data, '}');
	}
	answer_end(data, ']');
	answer_text(data, "what", what);
	answer_text(data, "how", how);
}

static const char *title_of(const struct answer *people)
{
	for (size_t i = 0; i < people->count; i++)
		if (people->parts[i].kind == PART_TITLE)
			return people->parts[i].text;
	return "flopshim";
}

static bool write_page(struct views *views, const struct request *request, const struct text *packed)
{
	struct options of_data = {.top = SIZE_MAX}, of_people = {.top = STATIC_TOP};
	struct answer data, people;
	struct call_tree tree = {0};
	struct text html = {0};
	struct table table;
	struct work work;
	const char *title;
	bool fine;

	answer_open(&data, FOR_PROGRAM, false, NULL);
	answer_open(&people, FOR_DOCUMENT, false, NULL);
	report_fill(&people, &of_people, views);
	report_fill(&data, &of_data, views);
	title = request->title ? request->title : title_of(&people);
	add_meta(&data, &people, title, request->redact);
	work_open(&work, views);
	work_table(&work, &table);
	answer_table(&data, &table, (struct table_options){0});
	call_tree_add(&tree, views, &work, CALL_TREE_NOW, NULL);
	call_tree_table(&tree, &table);
	answer_table(&data, &table, (struct table_options){0});
	page_add(&html, &(struct page){.title = title, .data = &data, .people = &people, .dump = packed});
	fine = write_file(request->path, request->mode, false, &html);
	text_free(&html);
	work_close(&work);
	call_tree_free(&tree);
	answer_close(&data);
	answer_close(&people);
	return fine;
}

int command_html(int count, char **arguments)
{
	static const struct option table[] = {{"output", required_argument, NULL, OPTION_OUTPUT},
	                                      {"title", required_argument, NULL, OPTION_TITLE},
	                                      {"mode", required_argument, NULL, OPTION_MODE},
	                                      {"redact", no_argument, NULL, OPTION_REDACT},
	                                      OPTION_LINE_LAST,
	                                      OPTION_LINE_DEBUGINFOD,
	                                      OPTION_LINE_END};
	struct request request = {.mode = 0600};
	const struct option_parser parser = {.command = "html",
	                                     .usage = usage,
	                                     .help = help,
	                                     .no_answer = true,
	                                     .letters = "o:",
	                                     .table = table,
	                                     .take = take_option,
	                                     .context = &request};
	struct aggregate aggregate;
	struct options options;
	struct text packed = {0};
	struct views views;
	int status = options_parse(&options, &parser, count, arguments);
	bool found_all;

	if (status >= 0)
		return status;
	if (!request.path)
		return usage_error("html", "expected -o FILE, the page to write");
	if (deflate_missing()) {
		complain("%s, which pages need", deflate_missing());
		return EXIT_ERROR;
	}
	gather_open(&aggregate, false, NULL);
	found_all = gather(&aggregate, options.operands, options.operand_count,
	                   (struct gather_options){.last = options.last, .beside = true});
	status = EXIT_ERROR;
	report_damage(&aggregate);
	if (gather_is_of_one_version(&aggregate) && pack(&packed, &options, request.redact)) {
		views_open(&views, &aggregate);
		if (request.redact) {
			symbolizer_redact(views_symbolizer(&views));
			aggregate_redact(&aggregate);
		}
		if (write_page(&views, &request, &packed))
			status = report_status(&aggregate, found_all);
		views_close(&views);
	}
	text_free(&packed);
	gather_close(&aggregate);
	return status;
}
