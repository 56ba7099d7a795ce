/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * options.h - the command line of a command, and what follows from it: format, output and answer.
 * It must never accept an option that the command would ignore.
 */
#ifndef ANALYZER_OPTIONS_H
#define ANALYZER_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "analyzer/commands/roofing.h"
#include "analyzer/render/format.h"
#include "analyzer/tables/comparison.h"
#include "analyzer/tables/keys.h"

struct options {
	const struct format *format;
	const struct report_table *table; /* of --csv=TABLE; NULL if it is not given */
	const struct key *by;             /* NULL if it is not given */
	size_t top;                       /* rows to show of a table; SIZE_MAX for all, 0 if it is not given */
	struct roof_request roofs;        /* of --peak and --bandwidth */
	bool strict, fail_on_budget, reprice, last, debuginfod, spread, all_frames, wide;
	char **operands; /* the arguments that are no options */
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
	OPTION_SPREAD,
	OPTION_ALL_FRAMES,
	OPTION_WIDE,
	OPTION_PEAK,
	OPTION_BANDWIDTH,
	OPTION_FORMAT,                             /* the first of as many codes as there are formats */
	OPTION_OWN = OPTION_FORMAT + FORMAT_COUNT, /* the first code of those that a command obeys itself */
	OPTION_LIMIT = OPTION_OWN,
	OPTION_LOCK,
	OPTION_UPDATE,
	OPTION_EXACT,
	OPTION_ROOT,
	OPTION_MAP,
	OPTION_SKIP,
	OPTION_ANY_PROCESSES,
	OPTION_BISECT,
	OPTION_OUTPUT,
	OPTION_TITLE,
	OPTION_MODE,
	OPTION_REDACT,
	OPTION_COMPARE,
	OPTION_JOBS,
	OPTION_JOB,
	OPTION_STEP,
	OPTION_KEEP,
	OPTION_QUIET,
	OPTION_ENDED,
	OPTION_USER,
	OPTION_TO,
	OPTION_WEIGHT,
	OPTION_NAMESPACES,
	OPTION_BLAS,
	OPTION_INTERVAL,
	OPTION_COUNT,
	OPTION_ALL,
	OPTION_CI, /* the first of as many codes as there are formats for CI systems */
};

/* What options.def does not say of a command. */
struct option_parser {
	const char *command; /* its name, by which its row is found */
	const char *usage;   /* the first lines of --help */
	const char *schema;  /* name and version of its JSON, for --help; NULL: it has none */
	const char *no_keys; /* why --by makes no sense; used if the command takes no key */
	/* Takes an option from OPTION_OWN on; NULL if the command has none. Returns -1, or the exit status after a message. */
	int (*take)(void *context, int code, const char *value);
	void *context;
};

/*
 * Reads the command line, whose arguments[0] is the command, into `options`, which point into it. Returns -1 to go on, or the
 * exit status, after --help or a message.
 */
int options_parse(struct options *options, const struct option_parser *parser, int count, char **arguments);

/* Whether two names are those of one file. */
bool options_name_one_file(const char *a, const char *b);

/*
 * Whether a file that is to be written, which `option` names in messages, is one of those that the operands name, by themselves or
 * by their directory: it would be gone then. Returns -1 if it is none, or the exit status, after a message.
 */
int options_doubt_output(const struct options *options, const char *command, const char *option, const char *path);

/* Standard output, with colours if the format is text and the terminal takes them. */
struct output options_output(const struct options *options);

/* Opens an empty answer for the format. `schema` may be NULL. */
void options_answer(const struct options *options, struct answer *answer, const char *schema);

/* Adds the name of the key, if there is one, for programs. */
void options_by(const struct options *options, struct answer *answer);

/* Adds the table of the groups that differ. `for_people` is the number of rows for people without --top. */
void options_groups(const struct options *options, struct answer *answer, struct comparison *comparison,
                    size_t for_people);

/* Writes an answer in the format, and closes it. Errors are left to output_finish. */
void options_render(const struct options *options, struct output *output, struct answer *answer);

#endif
