/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * main.c - chooses the command. Standard output is for the answer alone.
 */
#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "analyzer/commands/command.h"
#include "names.h"
#include "variables.h"
#include "version.h"

static const struct {
	const char *name;
	int (*run)(int count, char **arguments);
	const char *help;
} commands[] = {
	{ "report",  command_report,  "totals, routines, shapes, call sites and budgets of dumps (the default)" },
	{ "compare", command_compare, "what changed between two runs; status 3 where the new one does more" },
	{ "calls",   command_calls,   "every call in order, of dumps made with " VARIABLE(RECORDS) "=calls" },
	{ "live",    command_live,    "follow a running program" },
	{ "reprice", command_reprice, "price old dumps by today's routine table, and say what changes" },
	{ "explain", command_explain, "what a routine costs, and why" },
};

enum { COMMAND_COUNT = sizeof commands / sizeof *commands };

static void help(void)
{
	puts("Usage: flopshim-report [COMMAND] [OPTION ...] [DUMP or DIRECTORY ...]\n\n"
	     "Reads the dumps that programs leave under libflopshim.so. Without a file or directory: the\n"
	     "*.dump files of the current directory.\n\nCommands (--help after one tells more):");
	for (unsigned i = 0; i < COMMAND_COUNT; i++)
		printf("  %-9s %s\n", commands[i].name, commands[i].help);
	puts("\nExit status: 0 fine, 1 error, 2 usage, 3 regression, 4 budget exceeded (--fail-on-budget),\n"
	     "5 input incomplete or damaged, 6 unpriced work (--strict).");
}

/* A word that is no dump, but nearly a command. */
static const char *misspelt_command(const char *word)
{
	const char *nearest = NULL;
	unsigned best = 3; /* edits that no more than a slip of the hand makes */

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
			puts("flopshim-report " FLOPSHIM_VERSION);
			return EXIT_FINE;
		}
		nearest = misspelt_command(arguments[1]);
		if (nearest) {
			complain("%s: no such file, directory or command; did you mean 'flopshim-report %s'?", arguments[1], nearest);
			return EXIT_USAGE;
		}
	}
	return command_report(count, arguments);
}
