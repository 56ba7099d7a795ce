/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * reprice.c - prices the shapes of old dumps by today's routine table, and says what that changes.
 */
#include <inttypes.h>

#include "analyzer/catalog/catalog.h"
#include "analyzer/commands/command.h"
#include "analyzer/tables/comparison.h"
#include "analyzer/commands/gather.h"
#include "analyzer/commands/options.h"
#include "analyzer/commands/report.h"

enum { TEXT_TOP = 20 };

static const char help[] =
	"Usage: flopshim-report reprice [OPTION ...] [DUMP or DIRECTORY ...]\n\n"
	"Prices the shapes in dumps by the routine table of this program, and shows what changes. For a whole\n"
	"report with these prices: flopshim-report --reprice.\n\n"
	"  --json, --csv       the answer as JSON (schema flopshim-reprice/1); the routines as CSV\n"
	"  --top N             routines that are shown: a number or 'all'\n";

static void put_versions_json(struct output *output, const struct aggregate *old)
{
	json_text(output, "table_version", table_version);
	json_open(output, "old_versions", '[');
	for (size_t i = 0; i < old->version_count; i++)
		json_text(output, NULL, text_at(old, old->versions[i].text));
	json_close(output, ']');
}

static void put_json(struct output *output, const struct comparison *comparison, const struct aggregate *old,
                     const struct aggregate *new, size_t top)
{
	struct table table;

	json_open(output, NULL, '{');
	json_text(output, "schema", "flopshim-reprice/1");
	json_bool(output, "complete", old->complete);
	put_versions_json(output, old);
	json_number(output, "calls_not_repriced", new->kept_calls);
	comparison_totals(comparison, &table);
	table_json(output, &table);
	comparison_routines(comparison, top, &table);
	table_json(output, &table);
	json_close(output, '}');
}

static void put_text(struct output *output, const struct comparison *comparison, const struct aggregate *old,
                     const struct aggregate *new, size_t top)
{
	struct table table;
	char text[NUMBER_TEXT];

	fputs("priced by", output->stream);
	for (size_t i = 0; i < old->version_count; i++) {
		fputs(i ? ", " : " ", output->stream);
		text_clean(output, text_at(old, old->versions[i].text));
	}
	fprintf(output->stream, "; today's table is %s\n", table_version);
	if (new->kept_calls)
		fprintf(output->stream, "not priced anew: %s, of rounded shapes or of routines that today's table describes otherwise\n",
		        number_grouped(new->kept_calls, text));
	if (!comparison->pair_count)
		fputs("no price changes\n", output->stream);
	comparison_totals(comparison, &table);
	table_text(output, &table);
	comparison_routines(comparison, top, &table);
	table_text(output, &table);
}

static void put(struct output *output, const struct options *options, const struct aggregate *old,
                const struct aggregate *new)
{
	struct comparison comparison;
	struct table table;

	comparison_open(&comparison, old, new);
	switch (options->format) {
	case FORMAT_JSON:
		put_json(output, &comparison, old, new, options->top ? options->top : SIZE_MAX);
		break;
	case FORMAT_CSV:
		comparison_routines(&comparison, options->top ? options->top : SIZE_MAX, &table);
		table_csv(output, &table);
		break;
	case FORMAT_TEXT:
		put_text(output, &comparison, old, new, options->top ? options->top : TEXT_TOP);
	}
	comparison_close(&comparison);
}

int command_reprice(int count, char **arguments)
{
	static const struct option table[] = { OPTION_LINE_HELP, OPTION_LINE_JSON, OPTION_LINE_CSV, OPTION_LINE_TOP,
	                                       OPTION_LINE_END };
	const struct option_parser parser = { .command = "reprice", .help = help, .table = table };
	struct options options;
	struct output output;
	struct aggregate old, new;
	int status = options_parse(&options, &parser, count, arguments);

	if (status >= 0)
		return status;
	output = options_output(&options);
	gather_open(&old, false);
	gather_open(&new, true);
	status = report_status(&old, gather(&old, options.operands, options.operand_count));
	report_damage(&old);
	new.options.quiet = true;
	if (old.answered) { /* the dumps are read again */
		gather(&new, options.operands, options.operand_count);
		put(&output, &options, &old, &new);
	}
	gather_close(&old);
	gather_close(&new);
	return output_finish(&output) ? status : EXIT_ERROR;
}
