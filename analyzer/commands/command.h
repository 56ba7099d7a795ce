/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * command.h - what the commands share: their entry points, exit statuses and messages.
 * It must never write to standard output, which is for answers.
 */
#ifndef ANALYZER_COMMAND_H
#define ANALYZER_COMMAND_H

#include <stdbool.h>

enum exit_status {
	EXIT_FINE = 0,
	EXIT_ERROR = 1,
	EXIT_USAGE = 2,
	EXIT_REGRESSION = 3,
	EXIT_BUDGET = 4,     /* --fail-on-budget: work was refused, or ran over a budget */
	EXIT_INCOMPLETE = 5, /* something is known to be lost, or a dump is damaged */
	EXIT_UNPRICED = 6,   /* --strict: work without a price */
};

/* Each takes its own name in arguments[0] and returns an exit status. */
int command_report(int count, char **arguments);
int command_reprice(int count, char **arguments);
int command_explain(int count, char **arguments);
int command_compare(int count, char **arguments);
int command_calls(int count, char **arguments);
int command_live(int count, char **arguments);

/* A line on standard error, after the program's name. */
void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* As complain, with a hint at --help; returns EXIT_USAGE. */
int usage_error(const char *command, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
