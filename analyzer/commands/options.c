/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * options.c - reads the command line, writes --help, and opens the output and the answer that the options ask for.
 * It must never let a later option take the place of an earlier one that asks for another format or table.
 */
#include "analyzer/commands/options.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "analyzer/base/memory.h"
#include "analyzer/ci/ci.h"
#include "analyzer/commands/command.h"
#include "analyzer/commands/help.h"
#include "analyzer/read/system.h"
#include "analyzer/peak/measure.h"
#include "analyzer/render/shorten.h"

enum { HELP_WIDTH = 100, HELP_INDENT = 22 };

/* The kinds of commands. */
enum command_kind { FILES, ANSWER, TABLES };

static const struct command_row {
	const char *name;
	unsigned keys; /* the set of keys that --by may name; 0 for none */
	const char *by_help;
	enum command_kind kind;
} command_rows[] = {
#define REPORT_COMMAND(name, keys, by_help, kind, help) {#name, keys, by_help, kind},
#include "analyzer/commands/options.def"
};

static const struct option_row {
	const char *command;
	int code;
	const char *name;
	char letter;          /* 0: none */
	const char *argument; /* NULL: none; "[=WORD]": it may be left out */
	const char *help;
} option_rows[] = {
#define REPORT_OPTION(command, CODE, name, letter, argument, values, help) \
	{#command, OPTION_##CODE, name, letter, argument, help},
#include "analyzer/commands/options.def"
};

enum { OPTION_ROWS = sizeof option_rows / sizeof *option_rows };

static const struct command_row *command_row(const struct option_parser *parser)
{
	const struct command_row *row = command_rows;

	while (strcmp(row->name, parser->command))
		row++;
	return row;
}

static bool is_of(const struct option_row *row, const struct option_parser *parser)
{
	return !strcmp(row->command, parser->command);
}

/* All of these return -1, or the exit status after a message. */

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
		return usage_error(command, "--top %s: expected a number of rows, 1 or more, or 'all'", value);
	options->top = top;
	return -1;
}

/* `table` is NULL if no table was named. */
static const char *table_name(const struct report_table *table)
{
	return (table ? table : report_table_at(0))->kind->key;
}

/* Sets the format and the table. There is one answer, so that an option for a second format or table is an error. */
static int take_format(struct options *options, const char *command, const struct format *format,
                       const struct report_table *table)
{
	const struct format *given = options->format;

	if (given != formats[0] && given != format)
		return usage_error(command, "--%s and --%s ask for two formats: choose one", given->name, format->name);
	if (given == format && strcmp(table_name(options->table), table_name(table)))
		return usage_error(command, "--%s=%s and --%s=%s ask for two tables: choose one", format->name,
		                   table_name(options->table), format->name, table_name(table));
	options->format = format;
	options->table = table;
	return -1;
}

static int parse_format(struct options *options, const char *command, const struct format *format, const char *value)
{
	const struct report_table *table = value ? report_table_find(value) : NULL;
	struct text names = {0};
	int status;

	if (!value || table)
		return take_format(options, command, format, table);
	for (unsigned place = 0; place < report_table_count; place++)
		text_format(&names, " %s", report_table_at(place)->kind->key);
	status = usage_error(command, "--%s=%s: there is no such table; expected one of%s", format->name, value,
	                     names.bytes);
	text_free(&names);
	return status;
}

static int parse_by(struct options *options, const struct option_parser *parser, const char *value)
{
	unsigned set = command_row(parser)->keys;
	struct text names = {0};
	int status;

	options->by = key_find(value, set);
	if (options->by)
		return -1;
	if (!set)
		return usage_error(parser->command, "--by %s: %s", value, parser->no_keys);
	keys_add_names(&names, set);
	if (key_find(value, KEYS_ALL))
		status = usage_error(parser->command, "--by %s: makes no sense for %s; expected %s", value,
		                     parser->command, names.bytes);
	else
		status = usage_error(parser->command, "--by %s: there is no such key; expected %s", value, names.bytes);
	text_free(&names);
	return status;
}

/* --help. */

/* Adds the help of an option, broken into indented lines. */
static void add_help(struct text *help, const char *option, const char *text)
{
	text_format(help, "  %-*s", HELP_INDENT - 2, option);
	fold(help, text, HELP_INDENT, HELP_INDENT, HELP_WIDTH);
	text_add(help, "\n");
}

static void add_format_help(struct text *help, const struct option_parser *parser, const struct format *format)
{
	struct text option = {0}, text = {0};

	text_format(&option, "--%s", format->name);
	text_add(&text, format->help);
	if (format == &format_json && parser->schema)
		text_format(&text, " (schema %s)", parser->schema);
	if (format->one_table && command_row(parser)->kind == TABLES) {
		text_add(&option, "[=TABLE]");
		text_add(&text, "; a TABLE is routines (default)");
		for (unsigned place = 1; place < report_table_count; place++)
			text_format(&text, ", %s", report_table_at(place)->kind->key);
	}
	add_help(help, option.bytes, text.bytes);
	text_free(&option);
	text_free(&text);
}

static void add_option_help(struct text *help, const struct option_row *row)
{
	struct text option = {0};

	if (row->letter)
		text_format(&option, "-%c, ", row->letter);
	text_format(&option, "--%s", row->name);
	if (row->argument)
		text_format(&option, *row->argument == '[' ? "%s" : " %s", row->argument);
	add_help(help, option.bytes, row->help);
	text_free(&option);
}

static void put_all_help(const struct option_parser *parser)
{
	const struct command_row *command = command_row(parser);
	struct text help = {0}, text = {0};

	text_format(&help, "%s\n", parser->usage);
	for (unsigned i = 1; i < FORMAT_COUNT && command->kind != FILES; i++)
		add_format_help(&help, parser, formats[i]);
	if (command->kind != FILES)
		add_help(&help, "--wide",
		         "in text, shorten no name and break no line, though the terminal has fewer columns");
	if (command->by_help) {
		text_format(&text, "%s ", command->by_help);
		keys_add_names(&text, command->keys);
		add_help(&help, "--by KEY", text.bytes);
		text_free(&text);
	}
	for (int i = 0; i < OPTION_ROWS; i++)
		if (is_of(&option_rows[i], parser))
			add_option_help(&help, &option_rows[i]);
	help_put(help.bytes);
	text_free(&help);
}

/* Takes an option, and leaves those of the command to the command. */
static int take_common(struct options *options, const struct option_parser *parser, int code, const char *value)
{
	if (code >= OPTION_FORMAT && code < OPTION_OWN)
		return parse_format(options, parser->command, formats[code - OPTION_FORMAT], value);
	switch (code) {
	case OPTION_HELP: put_all_help(parser); return EXIT_FINE;
	case OPTION_WIDE: options->wide = true; return -1;
	case OPTION_BY: return parse_by(options, parser, value);
	case OPTION_TOP: return parse_top(options, parser->command, value);
	case OPTION_STRICT: options->strict = true; return -1;
	case OPTION_FAIL_ON_BUDGET: options->fail_on_budget = true; return -1;
	case OPTION_LAST: options->last = true; return -1;
	case OPTION_DEBUGINFOD: options->debuginfod = true; return -1;
	case OPTION_SPREAD: options->spread = true; return -1;
	case OPTION_ALL_FRAMES: options->all_frames = true; return -1;
	case OPTION_PEAK: return roofing_peak(&options->roofs, parser->command, value);
	case OPTION_BANDWIDTH: return roofing_bandwidth(&options->roofs, parser->command, value);
	case OPTION_REPRICE: options->reprice = true; return -1;
	default: return parser->take(parser->context, code, value);
	}
}

/*
 * The options of the command and those that every command has, as getopt_long takes them; to be freed. Adds those of one letter
 * to a text.
 */
static struct option *all_options(const struct option_parser *parser, struct text *letters)
{
	enum command_kind kind = command_row(parser)->kind;
	struct option *all = memory_new(OPTION_ROWS + FORMAT_COUNT + 4, sizeof *all);
	size_t count = 0;

	for (int i = 0; i < OPTION_ROWS; i++) {
		const struct option_row *row = &option_rows[i];

		if (!is_of(row, parser))
			continue;
		all[count++] = (struct option){row->name,
		                               !row->argument          ? no_argument
		                               : *row->argument == '[' ? optional_argument
		                                                       : required_argument,
		                               NULL, row->code};
		if (row->letter)
			text_format(letters, row->argument ? "%c:" : "%c", row->letter);
	}
	all[count++] = (struct option){"help", no_argument, NULL, OPTION_HELP};
	if (kind == FILES)
		return all;
	all[count++] = (struct option){"wide", no_argument, NULL, OPTION_WIDE};
	all[count++] = (struct option){"by", required_argument, NULL, OPTION_BY};
	for (int i = 1; i < FORMAT_COUNT; i++) /* the first needs no option */
		all[count++] = (struct option){
			formats[i]->name, formats[i]->one_table && kind == TABLES ? optional_argument : no_argument,
			NULL, OPTION_FORMAT + i};
	return all;
}

/* The code of an option that getopt_long has found, by its name or its letter. */
static int code_of(int found, const struct option_parser *parser)
{
	for (int i = 0; i < OPTION_ROWS; i++)
		if (is_of(&option_rows[i], parser) && option_rows[i].letter == found)
			return option_rows[i].code;
	return found;
}

int options_parse(struct options *options, const struct option_parser *parser, int count, char **arguments)
{
	struct text letters = {0};
	struct option *all;
	int code, status = -1;

	*options = (struct options){.format = formats[0]};
	opterr = 0;
	optind = 1;
	text_add(&letters, ":");
	all = all_options(parser, &letters);
	while (status < 0 && (code = getopt_long(count, arguments, letters.bytes, all, NULL)) != -1) {
		if (code == ':')
			status = usage_error(parser->command, "%s: a value is missing", arguments[optind - 1]);
		else if (code == '?')
			status =
				usage_error(parser->command,
			                    optopt < OPTION_HELP ? "%s: there is no such option" : "%s: takes no value",
			                    arguments[optind - 1]);
		else
			status = take_common(options, parser, code_of(code, parser), optarg);
	}
	options->operands = arguments + optind;
	options->operand_count = (size_t)(count - optind);
	free(all);
	text_free(&letters);
	if (status < 0 && options->wide && options->format != formats[0])
		status = usage_error(parser->command, "--wide: makes no sense with --%s, which is never shortened",
		                     options->format->name);
	if (status < 0 && options->debuginfod && !system_has_debuginfod())
		status = usage_error(parser->command, "--debuginfod: DEBUGINFOD_URLS names no server");
	if (!options->debuginfod)
		system_without_debuginfod();
	return status;
}

bool options_name_one_file(const char *a, const char *b)
{
	struct stat one, other;

	return !strcmp(a, b) ||
	       (!stat(a, &one) && !stat(b, &other) && one.st_dev == other.st_dev && one.st_ino == other.st_ino);
}

/* Whether a file is one of the dumps of a directory. */
static bool is_dump_in(const char *directory, const char *path)
{
	char **paths;
	size_t count;
	bool found = false;

	if (!system_list(directory, DUMP_ENDING, &paths, &count))
		return false;
	for (size_t i = 0; i < count; i++) {
		found |= options_name_one_file(paths[i], path);
		free(paths[i]);
	}
	free(paths);
	return found;
}

int options_doubt_output(const struct options *options, const char *command, const char *option, const char *path)
{
	struct stat status;
	bool is_input = false;

	if (stat(path, &status) ||
	    !S_ISREG(status.st_mode)) /* writing to a device such as /dev/stdout takes nothing away */
		return -1;
	if (!options->operand_count)
		is_input = is_dump_in(".", path);
	for (size_t i = 0; i < options->operand_count && !is_input; i++)
		is_input = options_name_one_file(options->operands[i], path) || is_dump_in(options->operands[i], path);
	if (!is_input)
		return -1;
	return usage_error(command, "%s %s: this is one of the files to read; expected another one", option, path);
}

struct output options_output(const struct options *options)
{
	return (struct output){.stream = stdout,
	                       .colour = options->format == formats[0] && system_colour(),
	                       .unicode = system_unicode(),
	                       .whole = options->wide,
	                       .width = system_columns()};
}

void options_answer(const struct options *options, struct answer *answer, const char *schema)
{
	answer_open(answer, options->format->audience, options->format->one_table, schema);
}

void options_by(const struct options *options, struct answer *answer)
{
	if (options->by)
		answer_text(answer, "by", options->by->name);
}

void options_groups(const struct options *options, struct answer *answer, struct comparison *comparison,
                    size_t for_people)
{
	struct table table;

	comparison_groups(comparison, answer_top(answer, options->top, for_people, SIZE_MAX), &table);
	if (!options->by)
		table.key = "routines";
	answer_table(answer, &table, (struct table_options){.place = 1});
}

void options_render(const struct options *options, struct output *output, struct answer *answer)
{
	options->format->render(output, answer);
	answer_close(answer);
}
