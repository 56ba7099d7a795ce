/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * main.c - runs the command that the first argument names, or `report` if it names none.
 * It must never write anything to standard output but help and the version, when they are asked for.
 */
#include <gnu/libc-version.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "analyzer/base/text.h"
#include "analyzer/commands/command.h"
#include "analyzer/commands/help.h"
#include "names.h"
#include "price/routines.h"
#include "variables.h"
#include "version.h"

/* clang-format off */
static const struct {
	const char *name;
	int (*run)(int count, char **arguments);
	const char *help;
} commands[] = {
	{ "report",  command_report,  "show totals, routines, shapes, call sites and budgets of dumps (the default)" },
	{ "compare", command_compare, "show what changed between two runs; exit with 3 if the new one did more" },
	{ "check",   command_check,   "compare a run with a lockfile in the repository; exit with 3 if it did more" },
	{ "calls",   command_calls,   "show every call in order, of a dump made with " VARIABLE(RECORDS) "=calls" },
	{ "html",    command_html,    "write a page that any browser shows, and that can be read like a dump" },
	{ "merge",   command_merge,   "write one dump that holds what many hold: the ranks of a job" },
	{ "collect", command_collect, "move what a job has counted on this node to where its dumps should be" },
	{ "export",  command_export,  "write a run for flame graphs, speedscope, pprof, Perfetto, jq and others" },
	{ "peak",    command_peak,    "measure what this machine can do at most, for the column 'of peak'" },
	{ "live",    command_live,    "follow a running program" },
	{ "reprice", command_reprice, "price dumps by the current routine table, and show what changes" },
	{ "explain", command_explain, "show what a routine costs, and why" },
};
/* clang-format on */

enum { COMMAND_COUNT = sizeof commands / sizeof *commands };

static void help(void)
{
	struct text text = {0};

	text_add(
		&text,
		"Usage: flopshim-report [COMMAND] [OPTION ...] [DUMP or DIRECTORY ...]\n\n"
		"Reads the dumps that programs leave when they run under libflopshim.so. Without a DUMP or DIRECTORY,\n"
		"the *.dump files of the current directory are read.\n\n"
		"Commands ('flopshim-report COMMAND --help' lists the options of one):\n");
	for (unsigned i = 0; i < COMMAND_COUNT; i++)
		text_format(&text, "  %-9s %s\n", commands[i].name, commands[i].help);
	text_add(&text,
	         "\nExit status: 0 fine, 1 error, 2 wrong usage, 3 regression (compare, check), 4 budget exceeded\n"
	         "(--fail-on-budget), 5 dumps incomplete or damaged, 6 calls without a price (--strict).\n");
	help_put(text.bytes);
	text_free(&text);
}

/* The command that a word is probably a misspelling of; NULL if there is none, or if there is a file of this name. */
static const char *misspelt_command(const char *word)
{
	const char *nearest = NULL;
	unsigned best = 3; /* a misspelt word has fewer letters wrong */

	if (*word == '-' || strchr(word, '/') || !access(word, F_OK))
		return NULL;
	for (unsigned i = 0; i < COMMAND_COUNT; i++) {
		unsigned distance = name_distance(word, strlen(word), commands[i].name);

		if (distance < best && 2 * distance < strlen(commands[i].name)) {
			best = distance;
			nearest = commands[i].name;
		}
	}
	return nearest;
}

int main(int count, char **arguments)
{
	const char *nearest;

	setlocale(LC_CTYPE, "");
	if (count > 1) {
		for (unsigned i = 0; i < COMMAND_COUNT; i++)
			if (!strcmp(arguments[1], commands[i].name))
				return commands[i].run(count - 1, arguments + 1);
		if (!strcmp(arguments[1], "--help") || !strcmp(arguments[1], "-h") || !strcmp(arguments[1], "help")) {
			help();
			return EXIT_FINE;
		}
		if (!strcmp(arguments[1], "--version")) {
			printf("flopshim-report " FLOPSHIM_VERSION "\nC library: glibc %s\nroutine table: %s\n",
			       gnu_get_libc_version(), table_version);
			return EXIT_FINE;
		}
		nearest = misspelt_command(arguments[1]);
		if (nearest) {
			complain("%s: no such file, directory or command; did you mean 'flopshim-report %s'?",
			         arguments[1], nearest);
			return EXIT_USAGE;
		}
	}
	return command_report(count, arguments);
}
