/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * options.c - writes what documents and shells must know of the settings in options.def; runs where flopshim is built.
 * It must know no setting by name: a new row of options.def changes nothing here.
 */
#include <stdio.h>
#include <string.h>

#include "docs/quoted.h"
#include "variables.h"

/* A row of options.def, with what documents say of the setting. */
static const struct option_row {
	const char *variable, *option; /* variable NULL: the launcher obeys the option */
	char letter;                   /* 0: none */
	const char *argument;          /* NULL: none */
	const char *initial;           /* the default value; NULL: none, and `without` says what holds then */
	const char *without;
	const char *values;         /* that it may have, as C spells them: "owner", "group"; empty: no list */
	const char *help, *meaning; /* plain text, and Markdown */
} rows[] = {
#define DEFAULT(value)     value, NULL
#define WITHOUT(what)      NULL, what
#define CHOICE(field, ...) #__VA_ARGS__
#define FLAG(field)        ""
#define READ(function)     ""
#define OPTION(NAME, option, letter, argument, fault, kind, initial, help, meaning) \
	{VARIABLE(NAME), option, letter, argument, initial, kind, help, meaning},
#define COMMAND(NAME, option, letter, help)     {NULL, option, letter, NULL, NULL, NULL, "", help, help},
#define PRESET(NAME, option, SETS, value, help) {NULL, option, 0, NULL, NULL, NULL, "", help, help},
#include "options.def"
};

enum { ROW_COUNT = sizeof rows / sizeof *rows };

/* Writes the table of README.md. */
static void write_readme(void)
{
	puts("| variable | option | meaning | default |\n|---|---|---|---|");
	for (int i = 0; i < ROW_COUNT; i++) {
		const struct option_row *row = &rows[i];

		if (!row->variable)
			continue;
		printf("| `%s` | `--%s`", row->variable, row->option);
		if (row->letter)
			printf(", `-%c`", row->letter);
		printf(" | %s | ", row->meaning);
		printf(row->initial ? "`%s` |\n" : "%s |\n", row->initial ? row->initial : row->without);
	}
}

/* Writes the variables of flopshim(7) as a list of terms, in Markdown. */
static void write_environment(void)
{
	for (int i = 0; i < ROW_COUNT; i++) {
		const struct option_row *row = &rows[i];

		if (!row->variable)
			continue;
		printf("`%s`\n:   %s. ", row->variable, row->meaning);
		printf(row->initial ? "Default: `%s`.\n\n" : "Without it: %s.\n\n",
		       row->initial ? row->initial : row->without);
	}
#define LAUNCHER_VARIABLE(NAME, help)  puts("`" VARIABLE(NAME) "`\n:   For **flopshim**(1): " help ".\n");
#define PLUGIN_VARIABLE(NAME, meaning) puts("`" VARIABLE(NAME) "`\n:   For the plugin of Slurm: " meaning ".\n");
#include "options.def"
}

/* ---- the options of flopshim(1) ---- */

/* Prints Markdown, whose only markup is that of code, as roff: code becomes bold, and no minus may become a hyphen. */
static void put_roff(const char *markdown)
{
	int code = 0;

	for (const char *at = markdown; *at; at++) {
		if (*at == '`')
			fputs((code = !code) ? "\\fB" : "\\fR", stdout);
		else if (*at == '-' || *at == '\\')
			printf("\\%s", *at == '-' ? "-" : "e");
		else
			putchar(*at);
	}
}

static void write_man(void)
{
	for (int i = 0; i < ROW_COUNT; i++) {
		const struct option_row *row = &rows[i];

		puts(".TP");
		if (row->letter)
			printf("\\fB\\-%c\\fR, ", row->letter);
		fputs("\\fB\\-\\-", stdout);
		put_roff(row->option);
		printf("\\fR%s%s%s\n", row->argument ? " \\fI" : "", row->argument ? row->argument : "",
		       row->argument ? "\\fR" : "");
		put_roff(row->argument || !row->variable ? row->meaning : row->help); /* `meaning` describes a value */
		putchar('\n');
		if (row->variable) {
			printf(".br\nVariable \\fB%s\\fR; default: ", row->variable);
			put_roff(row->initial ? row->initial : row->without);
			putchar('\n');
		}
	}
}

/* ---- completions ---- */

static int takes_file(const struct option_row *row)
{
	return row->argument && (!strcmp(row->argument, "FILE") || !strcmp(row->argument, "TEMPLATE"));
}

/* Prints the values of a setting, such as "owner", "group", without quotes and commas: owner group. */
static void put_values(const struct option_row *row)
{
	for (const char *at = row->values; *at; at++)
		if (*at != '"' && *at != ',')
			putchar(*at);
}

/* Prints both spellings of an option, with `between` between them; the long one alone if it has no letter. */
static void put_spellings(const struct option_row *row, const char *between)
{
	if (row->letter)
		printf("-%c%s", row->letter, between);
	printf("--%s", row->option);
}

/* Prints the pattern with which a `case` of bash finds the options for which `wanted` holds. */
static void put_pattern(int (*wanted)(const struct option_row *row))
{
	const char *between = "";

	for (int i = 0; i < ROW_COUNT; i++)
		if (wanted(&rows[i])) {
			fputs(between, stdout);
			put_spellings(&rows[i], "|");
			between = "|";
		}
}

static int takes_argument(const struct option_row *row) { return row->argument != NULL; }

static void write_bash(void)
{
	puts("# Completion of flopshim for bash.\n"
	     "_flopshim() {\n"
	     "\tlocal word=${COMP_WORDS[COMP_CWORD]} last=${COMP_WORDS[COMP_CWORD-1]} i\n"
	     "\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
	     "\t\tcase ${COMP_WORDS[i]} in");
	fputs("\t\t", stdout);
	put_pattern(takes_argument);
	puts(") ((i++)) ;;\n"
	     "\t\t-*) ;;\n"
	     "\t\t*) # the program, and what is its own\n"
	     "\t\t\tif declare -F _command_offset >/dev/null; then _command_offset $i; else COMPREPLY=($(compgen -f -- "
	     "\"$word\")); fi\n"
	     "\t\t\treturn ;;\n"
	     "\t\tesac\n"
	     "\tdone\n"
	     "\tcase $last in");
	for (int i = 0; i < ROW_COUNT; i++)
		if (*rows[i].values) {
			fputs("\t", stdout);
			put_spellings(&rows[i], "|");
			fputs(") COMPREPLY=($(compgen -W '", stdout);
			put_values(&rows[i]);
			puts("' -- \"$word\")); return ;;");
		}
	fputs("\t", stdout);
	put_pattern(takes_file);
	puts(") COMPREPLY=($(compgen -f -- \"$word\")); return ;;");
	fputs("\t", stdout);
	put_pattern(takes_argument);
	puts(") return ;;\n\tesac\n\tcase $word in");
	fputs("\t-*) COMPREPLY=($(compgen -W '", stdout);
	for (int i = 0; i < ROW_COUNT; i++) {
		fputs(i ? " " : "", stdout);
		put_spellings(&rows[i], " ");
	}
	puts("' -- \"$word\")) ;;\n"
	     "\t*) COMPREPLY=($(compgen -c -- \"$word\")) ;;\n"
	     "\tesac\n"
	     "}\n"
	     "complete -o filenames -F _flopshim flopshim");
}

/* Prints a help text as it must stand between brackets in zsh, within apostrophes. */
static void put_zsh_help(const char *help) { put_quoted(help, "'\\''", "[]:"); }

static void write_zsh(void)
{
	puts("#compdef flopshim\n_arguments -S \\");
	for (int i = 0; i < ROW_COUNT; i++) {
		const struct option_row *row = &rows[i];

		fputs("\t", stdout);
		if (row->letter)
			printf("{-%c,--%s}", row->letter, row->option);
		else
			printf("--%s", row->option);
		fputs("'[", stdout);
		put_zsh_help(row->help);
		putchar(']');
		if (row->argument) {
			putchar(':');
			put_zsh_help(row->argument);
			putchar(':');
		}
		if (*row->values) {
			putchar('(');
			put_values(row);
			putchar(')');
		} else if (takes_file(row)) {
			fputs("_files", stdout);
		}
		puts("' \\");
	}
	puts("\t'(-):program:_command_names -e' \\\n\t'*::argument:_normal'");
}

static void write_fish(void)
{
	puts("# Completion of flopshim for fish.\n"
	     "complete -c flopshim -x -a '(__fish_complete_subcommand)'");
	for (int i = 0; i < ROW_COUNT; i++) {
		const struct option_row *row = &rows[i];

		fputs("complete -c flopshim", stdout);
		if (row->letter)
			printf(" -s %c", row->letter);
		printf(" -l %s%s", row->option, takes_file(row) ? " -r -F" : row->argument ? " -x" : "");
		if (*row->values) {
			fputs(" -a '", stdout);
			put_values(row);
			putchar('\'');
		}
		fputs(" -d '", stdout);
		put_quoted(row->help, "\\'", "\\");
		puts("'");
	}
}

static const struct {
	const char *name;
	void (*write)(void);
} documents[] = {
	{"readme", write_readme}, {"environment", write_environment},
	{"man", write_man},       {"bash", write_bash},
	{"zsh", write_zsh},       {"fish", write_fish},
};

int main(int count, char **arguments)
{
	for (size_t i = 0; count == 2 && i < sizeof documents / sizeof *documents; i++)
		if (!strcmp(arguments[1], documents[i].name)) {
			documents[i].write();
			return fflush(stdout) ? 1 : 0;
		}
	fputs("usage: options readme | environment | man | bash | zsh | fish\n", stderr);
	return 2;
}
