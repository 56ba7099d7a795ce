/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * options.h - the command line of a command: its own options beside those that several share.
 * It must never take an option that a command would ignore.
 */
#ifndef ANALYZER_OPTIONS_H
#define ANALYZER_OPTIONS_H

#include <getopt.h>
#include <stdbool.h>
#include <stddef.h>

#include "analyzer/render/format.h"
#include "analyzer/tables/comparison.h"
#include "analyzer/tables/keys.h"

struct options {
	const struct format *format;
	const struct report_table *table; /* that was asked for by --csv=TABLE; NULL for none */
	const struct key *by; /* NULL where it is not given */
	size_t top; /* rows that a table shows; 0 where it is not given */
	bool strict, fail_on_budget, reprice, last, debuginfod;
	char **operands; /* what is left: files and the like */
	size_t operand_count;
};

enum option_code {
	OPTION_HELP = 256,
	OPTION_BY,
	OPTION_TOP,
	OPTION_STRICT,
	OPTION_FAIL_ON_BUDGET,
	OPTION_REPRICE,
	OPTION_LAST,
	OPTION_DEBUGINFOD,
	OPTION_FORMAT, /* and as many as there are formats */
	OPTION_OWN = OPTION_FORMAT + FORMAT_COUNT, /* a command's own begin here */
};

/* Lines of a command's table of options. All have --help, --by and the formats, which need none. */
#define OPTION_LINE_TOP { "top", required_argument, NULL, OPTION_TOP }
#define OPTION_LINE_STRICT { "strict", no_argument, NULL, OPTION_STRICT }
#define OPTION_LINE_FAIL_ON_BUDGET { "fail-on-budget", no_argument, NULL, OPTION_FAIL_ON_BUDGET }
#define OPTION_LINE_REPRICE { "reprice", no_argument, NULL, OPTION_REPRICE }
#define OPTION_LINE_LAST { "last", no_argument, NULL, OPTION_LAST }
#define OPTION_LINE_DEBUGINFOD { "debuginfod", no_argument, NULL, OPTION_DEBUGINFOD }
#define HELP_DEBUGINFOD \
	"  --debuginfod        ask the servers of DEBUGINFOD_URLS for functions and lines that no file here has\n"
#define HELP_LAST \
	"  --last              of the runs whose dumps are found, the last one alone\n"
#define OPTION_LINE_END { NULL, 0, NULL, 0 }

struct option_parser {
	const char *command;        /* its name, for messages */
	const char *usage;          /* what --help begins with */
	const char *help;           /* lines of --help about the options of `table` */
	const char *schema;         /* of its JSON, for --help; NULL: not told */
	bool takes_table;           /* --csv=TABLE chooses one */
	unsigned keys;              /* a set: what --by may be */
	const char *by_help;        /* what --by does, for --help; NULL: adds up */
	const char *no_keys;        /* where it is empty: why --by makes no sense */
	const struct option *table; /* as getopt_long's */
	/* Takes an option from OPTION_OWN on. Returns -1, or an exit status after saying what is wrong with its value. */
	int (*take)(void *context, int code, const char *value);
	void *context;
};

/* Returns -1 to go on, or the status to exit with: after --help, or after saying what is wrong. */
int options_parse(struct options *options, const struct option_parser *parser, int count, char **arguments);

/* Standard output, coloured where that is right for the format. */
struct output options_output(const struct options *options);

/* An empty answer in the format that was asked for. */
void options_answer(const struct options *options, struct answer *answer, const char *schema);

/* Tells programs the key that was asked for, if one was. */
void options_by(const struct options *options, struct answer *answer);

/* Adds the table of what differs, by that key. */
void options_groups(const struct options *options, struct answer *answer, struct comparison *comparison, size_t for_readers);

/* Writes an answer down and closes it. */
void options_render(const struct options *options, struct output *output, struct answer *answer);

#endif
