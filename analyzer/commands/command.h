/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * command.h - entry points of the commands, exit statuses, and messages.
 * It must never write to standard output, which is for answers alone.
 */
#ifndef ANALYZER_COMMAND_H
#define ANALYZER_COMMAND_H

#include <stdbool.h>

#include "variables.h"

enum exit_status {
	EXIT_FINE = 0,
	EXIT_ERROR = 1,      /* a file cannot be read, or dumps do not go together */
	EXIT_USAGE = 2,      /* the command line is wrong */
	EXIT_REGRESSION = 3, /* compare: the new run did more than its limits allow */
	EXIT_BUDGET = 4,     /* --fail-on-budget: a call was refused, or ran over a budget */
	EXIT_INCOMPLETE = 5, /* something is known to be lost, or a dump is damaged */
	EXIT_UNPRICED = 6,   /* --strict: a call had no price */
};

/* Why the ordered record of calls ends early. A dump does not tell which of them it was. */
#define RECORD_ENDS "it reached " VARIABLE(LOG_MAX) ", or the file could not grow"

/* Each runs a command, whose name is in arguments[0], writes its answer to standard output, and returns an exit status. */
int command_report(int count, char **arguments);
int command_reprice(int count, char **arguments);
int command_explain(int count, char **arguments);
int command_compare(int count, char **arguments);
int command_check(int count, char **arguments);
int command_calls(int count, char **arguments);
int command_live(int count, char **arguments);
int command_html(int count, char **arguments);
int command_merge(int count, char **arguments);
int command_export(int count, char **arguments);
int command_peak(int count, char **arguments);
int command_collect(int count, char **arguments);

/* Writes a line to standard error, after the program's name. Control characters in it become '?'. */
void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Complains of a command line, with a second line that refers to the command's --help. Returns EXIT_USAGE. */
int usage_error(const char *command, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
