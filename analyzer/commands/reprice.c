/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * reprice.c - the command `reprice`: prices dumps by the current routine table, and shows what that changes.
 * It must never change a dump.
 */
#include "analyzer/catalog/catalog.h"
#include "analyzer/commands/command.h"
#include "analyzer/commands/gather.h"
#include "analyzer/commands/options.h"
#include "analyzer/commands/report.h"
#include "analyzer/tables/comparison.h"

enum { TEXT_TOP = 20 };

#define SCHEMA "flopshim-reprice/1"

static const char usage[] =
	"Usage: flopshim-report reprice [OPTION ...] [DUMP or DIRECTORY ...]\n\n"
	"Prices dumps by the current routine table, which is that of this flopshim-report, and shows what changes.\n"
	"'flopshim-report --reprice' shows a whole report with these prices.\n";

static void say_versions(struct answer *answer, const struct aggregate *old)
{
	struct text versions = {0};

	for (size_t i = 0; i < old->version_count; i++)
		text_format(&versions, "%s %s", i ? "," : "", text_at(old, old->versions[i].text));
	answer_say(answer, PART_PARAGRAPH, "priced by%s; the current routine table is %s",
	           versions.bytes ? versions.bytes : "", table_version);
	text_free(&versions);
}

static void add_versions(struct answer *answer, const struct aggregate *old)
{
	answer_text(answer, "table_version", table_version);
	answer_begin(answer, "old_versions", '[');
	for (size_t i = 0; i < old->version_count; i++)
		answer_text(answer, NULL, text_at(old, old->versions[i].text));
	answer_end(answer, ']');
}

static void fill(struct answer *answer, const struct options *options, struct comparison *comparison,
                 const struct aggregate *old, const struct aggregate *new)
{
	struct table table;
	char text[NUMBER_TEXT];

	say_versions(answer, old);
	if (new->kept_calls)
		answer_say(answer, PART_PARAGRAPH,
		           "not priced anew: %s call%s, of rounded shapes, or of routines that the current table lacks "
		           "or prices by "
		           "other arguments",
		           number_grouped(new->kept_calls, text), new->kept_calls == 1 ? "" : "s");
	if (!comparison->pair_count)
		answer_say(answer, PART_PARAGRAPH, "no price changes");
	answer_bool(answer, "complete", old->complete);
	add_versions(answer, old);
	answer_number(answer, "calls_not_repriced", new->kept_calls);
	options_by(options, answer);
	comparison_totals(comparison, &table);
	answer_table(answer, &table, (struct table_options){.beside = true});
	options_groups(options, answer, comparison, TEXT_TOP);
}

static void show(struct output *output, const struct options *options, const struct aggregate *old,
                 const struct aggregate *new)
{
	struct comparison comparison;
	struct answer answer;

	comparison_open(&comparison, options->by ? options->by : &keys[KEY_ROUTINE], old, new);
	options_answer(options, &answer, SCHEMA);
	fill(&answer, options, &comparison, old, new);
	options_render(options, output, &answer);
	comparison_close(&comparison);
}

int command_reprice(int count, char **arguments)
{
	const struct option_parser parser = {.command = "reprice", .usage = usage, .schema = SCHEMA};
	struct options options;
	struct output output;
	struct gather_options how = {.beside = true};
	struct aggregate old, new;
	int status = options_parse(&options, &parser, count, arguments);

	if (status >= 0)
		return status;
	output = options_output(&options);
	gather_open(&old, false, options.by);
	gather_open(&new, true, options.by);
	how.last = options.last;
	status = report_status(&old, gather(&old, options.operands, options.operand_count, how));
	report_damage(&old);
	how.quiet = true;
	if (old.answered) { /* the dumps are read a second time, for the new prices */
		gather(&new, options.operands, options.operand_count, how);
		if (gather_tells(&new, options.by))
			show(&output, &options, &old, &new);
		else
			status = EXIT_ERROR;
	}
	gather_close(&old);
	gather_close(&new);
	return output_finish(&output) ? status : EXIT_ERROR;
}
