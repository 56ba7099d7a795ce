/* SPDX-License-Identifier: BSD-3-Clause */
#include "analyzer/commands/options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/commands/command.h"
#include "analyzer/read/system.h"

static int parse_top(struct options *options, const char *command, const char *value)
{
	char *end;
	unsigned long top;

	if (!strcmp(value, "all")) {
		options->top = SIZE_MAX;
		return -1;
	}
	errno = 0;
	top = strtoul(value, &end, 10);
	if (errno || end == value || *end || !top || value[0] == '-')
		return usage_error(command, "--top %s: expected a number of rows, from 1 on, or 'all'", value);
	options->top = top;
	return -1;
}

static int parse_csv(struct options *options, const char *command, const char *value)
{
	char names[256] = "";

	options->format = FORMAT_CSV;
	options->csv_table = value ? table_by_key(value) : TABLE_ROUTINES;
	if (options->csv_table != TABLE_COUNT)
		return -1;
	for (unsigned i = 0; i < TABLE_COUNT; i++)
		snprintf(names + strlen(names), sizeof names - strlen(names), " %s", table_key((enum table_id)i));
	return usage_error(command, "--csv=%s: there is no such table; expected one of%s", value, names);
}

static int take_common(struct options *options, const struct option_parser *parser, int code, const char *value)
{
	switch (code) {
	case OPTION_HELP:
		fputs(parser->help, stdout);
		return EXIT_FINE;
	case OPTION_JSON:
		options->format = FORMAT_JSON;
		return -1;
	case OPTION_CSV:
		return parse_csv(options, parser->command, value);
	case OPTION_TOP:
		return parse_top(options, parser->command, value);
	case OPTION_STRICT:
		options->strict = true;
		return -1;
	case OPTION_FAIL_ON_BUDGET:
		options->fail_on_budget = true;
		return -1;
	case OPTION_REPRICE:
		options->reprice = true;
		return -1;
	default:
		return parser->take(parser->context, code, value);
	}
}

int options_parse(struct options *options, const struct option_parser *parser, int count, char **arguments)
{
	int code, status = -1;

	*options = (struct options){ 0 };
	opterr = 0;
	optind = 1;
	while (status < 0 && (code = getopt_long(count, arguments, ":", parser->table, NULL)) != -1) {
		if (code == ':')
			status = usage_error(parser->command, "%s: a value is missing", arguments[optind - 1]);
		else if (code == '?')
			status = usage_error(parser->command, "%s: there is no such option, or it takes no value",
			                     arguments[optind - 1]);
		else
			status = take_common(options, parser, code, optarg);
	}
	options->operands = arguments + optind;
	options->operand_count = (size_t)(count - optind);
	return status;
}

struct output options_output(const struct options *options)
{
	return (struct output){ .stream = stdout, .colour = options->format == FORMAT_TEXT && system_colour() };
}
