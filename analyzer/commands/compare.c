/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * compare.c - the command `compare`: what changed between two runs, and whether the new one did more than it may.
 * It must never return EXIT_FINE for a run of which something is missing.
 */
#include <stdlib.h>
#include <string.h>

#include "analyzer/commands/command.h"
#include "analyzer/commands/gather.h"
#include "analyzer/commands/options.h"
#include "analyzer/commands/pair.h"
#include "analyzer/commands/report.h"
#include "analyzer/tables/comparison.h"

enum { PERCENT = 1000000, TEXT_TOP = 20 };

#define SCHEMA "flopshim-compare/1"

static const char usage[] =
	"Usage: flopshim-report compare [OPTION ...] OLD NEW\n\n"
	"Compares two runs, each a dump or a directory of dumps, and exits with status 3 if NEW did more than its\n"
	"limits allow.\n";

struct limits {
	bool given[METRIC_COUNT];
	uint64_t percent[METRIC_COUNT]; /* in units of 1/PERCENT of a per cent */
};

/* Reads "5%", "0.5%" or "5"; false if the text is none of these, or has more digits than fit. */
static bool parse_percent(const char *text, size_t length, uint64_t *percent)
{
	uint64_t value = 0, unit = PERCENT;
	bool point = false, digits = false;

	if (length && text[length - 1] == '%')
		length--;
	for (size_t i = 0; i < length; i++) {
		if (text[i] == '.' && !point) {
			point = true;
			continue;
		}
		if (text[i] < '0' || text[i] > '9' || value > UINT64_MAX / PERCENT / 100)
			return false;
		digits = true;
		if (point)
			unit /= 10;
		if (unit)
			value = value * 10 + (uint64_t)(text[i] - '0');
	}
	*percent = value * unit;
	return digits && unit;
}

/* Reads METRIC=PERCENT. Returns -1, or the exit status after a message. */
static int parse_limit(struct limits *limits, const char *text, size_t length)
{
	const char *equals = memchr(text, '=', length);
	unsigned metric = 0;

	while (equals && metric < METRIC_COUNT &&
	       (strlen(metric_name(metric)) != (size_t)(equals - text) ||
	        strncmp(metric_name(metric), text, (size_t)(equals - text))))
		metric++;
	if (!equals || metric == METRIC_COUNT)
		return usage_error(
			"compare",
			"--limit %.*s: expected METRIC=PERCENT%%, such as flops=5%%; a METRIC is flops, charged, "
			"calls or words",
			(int)length, text);
	if (!parse_percent(equals + 1, length - (size_t)(equals + 1 - text), &limits->percent[metric]))
		return usage_error("compare", "--limit %.*s: expected a percentage, such as 5%% or 0.5%%", (int)length,
		                   text);
	limits->given[metric] = true;
	return -1;
}

/* Reads the limits of one --limit, which commas separate. */
static int take_option(void *context, int code, const char *value)
{
	int status = -1;

	(void)code;
	while (status < 0) {
		size_t length = strcspn(value, ",");

		status = parse_limit(context, value, length);
		if (!value[length])
			break;
		value += length + 1;
	}
	return status;
}

/* Sets what the limits allow, or flops=0% without any; false if a new total is larger. */
static bool judge(struct comparison *comparison, const struct limits *limits)
{
	bool any = false, fine = true;

	for (unsigned i = 0; i < METRIC_COUNT; i++)
		any |= limits->given[i];
	for (unsigned i = 0; i < METRIC_COUNT; i++) {
		u128 old = comparison->old.numbers[i];

		comparison->limited[i] = any ? limits->given[i] : i == METRIC_FLOPS;
		comparison->allowed[i] = u128_add(old, u128_scale(old, limits->percent[i], (uint64_t)100 * PERCENT));
		fine &= !comparison->limited[i] || comparison->new.numbers[i] <= comparison->allowed[i];
	}
	return fine;
}

/* Names the dumps of a side: the operand or, where siblings were found, the first dump that was read, and how many more. */
static void add_run(struct text *text, const char *operand, const struct aggregate *aggregate)
{
	text_add(text, aggregate->taken_along ? text_at(aggregate, aggregate->processes[0].file) : operand);
	if (aggregate->taken_along && aggregate->process_count > 1)
		text_format(text, " (with %zu more of its run)", aggregate->process_count - 1);
}

static void fill(struct answer *answer, const struct options *options, struct comparison *comparison, bool complete,
                 bool fine)
{
	struct text title = {0};
	struct table table;

	add_run(&title, options->operands[0], comparison->views[0].aggregate);
	text_add(&title, " -> ");
	add_run(&title, options->operands[1], comparison->views[1].aggregate);
	answer_say(answer, PART_PARAGRAPH, "%s", title.bytes);
	text_free(&title);
	answer_bool(answer, "complete", complete);
	answer_bool(answer, "regression", !fine);
	options_by(options, answer);
	comparison_totals(comparison, &table);
	answer_table(answer, &table, (struct table_options){.beside = true});
	options_groups(options, answer, comparison, TEXT_TOP);
}

static int compare(struct output *output, const struct options *options, const struct limits *limits)
{
	struct aggregate old, new;
	struct comparison comparison;
	struct gather_options how = {.last = options->last, .siblings = true};
	struct answer answer;
	int status = EXIT_ERROR;
	bool found, fine, complete;

	gather_open(&old, options->reprice, options->by);
	gather_open(&new, options->reprice, options->by);
	found = gather(&old, &options->operands[0], 1, how);
	found &= gather(&new, &options->operands[1], 1, how);
	report_damage(&old);
	report_damage(&new);
	if (pair_fits(&old, &new, options->operands, options->by)) {
		complete = old.complete && new.complete;
		status = !found || old.newer || new.newer ? EXIT_ERROR : EXIT_INCOMPLETE;
		if (old.answered && new.answered) {
			comparison_open(&comparison, options->by ? options->by : &keys[KEY_ROUTINE], &old, &new);
			fine = judge(&comparison, limits);
			options_answer(options, &answer, SCHEMA);
			fill(&answer, options, &comparison, complete, fine);
			options_render(options, output, &answer);
			comparison_close(&comparison);
			if (complete && status != EXIT_ERROR)
				status = fine ? EXIT_FINE : EXIT_REGRESSION;
		}
	}
	gather_close(&old);
	gather_close(&new);
	return status;
}

int command_compare(int count, char **arguments)
{
	struct limits limits = {0};
	const struct option_parser parser = {
		.command = "compare", .usage = usage, .schema = SCHEMA, .take = take_option, .context = &limits};
	struct options options;
	struct output output;
	int status = options_parse(&options, &parser, count, arguments);

	if (status >= 0)
		return status;
	if (options.operand_count != 2)
		return usage_error("compare", "expected two runs, OLD and NEW");
	output = options_output(&options);
	status = compare(&output, &options, &limits);
	return output_finish(&output) ? status : EXIT_ERROR;
}
