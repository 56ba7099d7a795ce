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

static const struct {
	const char *name;
	int (*run)(int count, char **arguments);
	const char *help;
} commands[] = {
#define REPORT_COMMAND(name, keys, by_help, kind, help) {#name, command_##name, help},
#include "analyzer/commands/options.def"
};

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
