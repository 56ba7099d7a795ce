/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * options.h - the command line of a command: its own options beside those that several share.
 */
#ifndef ANALYZER_OPTIONS_H
#define ANALYZER_OPTIONS_H

#include <getopt.h>
#include <stdbool.h>
#include <stddef.h>

#include "analyzer/tables/views.h"

enum format { FORMAT_TEXT, FORMAT_JSON, FORMAT_CSV };

struct options {
	enum format format;
	enum table_id csv_table;
	size_t top; /* rows that a table shows; 0 where it is not given */
	bool strict, fail_on_budget, reprice;
	char **operands; /* what is left: files and the like */
	size_t operand_count;
};

enum option_code {
	OPTION_HELP = 256,
	OPTION_JSON,
	OPTION_CSV,
	OPTION_TOP,
	OPTION_STRICT,
	OPTION_FAIL_ON_BUDGET,
	OPTION_REPRICE,
	OPTION_OWN, /* a command's own begin here */
};

/* Lines of a command's table of options. */
#define OPTION_LINE_HELP { "help", no_argument, NULL, OPTION_HELP }
#define OPTION_LINE_JSON { "json", no_argument, NULL, OPTION_JSON }
#define OPTION_LINE_CSV { "csv", optional_argument, NULL, OPTION_CSV }
#define OPTION_LINE_TOP { "top", required_argument, NULL, OPTION_TOP }
#define OPTION_LINE_STRICT { "strict", no_argument, NULL, OPTION_STRICT }
#define OPTION_LINE_FAIL_ON_BUDGET { "fail-on-budget", no_argument, NULL, OPTION_FAIL_ON_BUDGET }
#define OPTION_LINE_REPRICE { "reprice", no_argument, NULL, OPTION_REPRICE }
#define OPTION_LINE_END { NULL, 0, NULL, 0 }

struct option_parser {
	const char *command;        /* its name, for messages */
	const char *help;           /* what --help prints */
	const struct option *table; /* as getopt_long's */
	/* Takes an option from OPTION_OWN on. Returns -1, or an exit status after saying what is wrong with its value. */
	int (*take)(void *context, int code, const char *value);
	void *context;
};

/* Returns -1 to go on, or the status to exit with: after --help, or after saying what is wrong. */
int options_parse(struct options *options, const struct option_parser *parser, int count, char **arguments);

/* Standard output, coloured where that is right for the format. */
struct output options_output(const struct options *options);

#endif
