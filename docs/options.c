/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * options.c - writes what documents say about the settings in options.def; runs where flopshim is built.
 * It must know no setting by name: a new row of options.def changes nothing here.
 */
#include <stdio.h>
#include <string.h>

#include "variables.h"

/* A row as a document wants it. */
static const struct option_row {
	const char *variable, *option;
	char letter;              /* 0: none */
	const char *argument;     /* NULL: none */
	const char *initial;      /* the default value; NULL: none, and `without` says what holds then */
	const char *without;
	const char *meaning;      /* Markdown */
} rows[] = {
#define DEFAULT(value) value, NULL
#define WITHOUT(what) NULL, what
#define OPTION(NAME, option, letter, argument, fault, kind, initial, help, meaning) \
	{VARIABLE(NAME), option, letter, argument, initial, meaning},
#include "options.def"
};

enum { ROW_COUNT = sizeof rows / sizeof *rows };

/* The table in README.md. */
static void write_readme(void)
{
	puts("| variable | option | meaning | default |\n|---|---|---|---|");
	for (int i = 0; i < ROW_COUNT; i++) {
		const struct option_row *row = &rows[i];

		printf("| `%s` | `--%s`", row->variable, row->option);
		if (row->letter)
			printf(", `-%c`", row->letter);
		printf(" | %s | ", row->meaning);
		printf(row->initial ? "`%s` |\n" : "%s |\n", row->initial ? row->initial : row->without);
	}
}

static const struct { const char *name; void (*write)(void); } documents[] = {
	{"readme", write_readme},
};

int main(int count, char **arguments)
{
	for (size_t i = 0; count == 2 && i < sizeof documents / sizeof *documents; i++)
		if (!strcmp(arguments[1], documents[i].name)) {
			documents[i].write();
			return fflush(stdout) ? 1 : 0;
		}
	fputs("usage: options readme\n", stderr);
	return 2;
}
