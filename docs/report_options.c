/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * report_options.c - writes the completions of flopshim-report for shells, of its table of options; runs where flopshim
 * is built.
 * It must know no option by name but those that every command has: a new row of the table changes nothing here.
 */
#include <stdio.h>
#include <string.h>

#include "docs/quoted.h"
#include "analyzer/peak/measure.h"
#include "analyzer/tables/key_sets.h"
#include "variables.h"

static const char export_names[] =
#define EXPORT_FORMAT(id, name, source, help) name " "
#include "analyzer/export/formats.def"
#undef EXPORT_FORMAT
	;
#define EXPORT_NAMES export_names

enum kind { FILES, ANSWER, TABLES };

static const struct command_row {
	const char *name;
	unsigned keys;
	enum kind kind;
	const char *help;
} commands[] = {
#define REPORT_COMMAND(name, keys, by_help, kind, help) {#name, keys, kind, help},
#include "analyzer/commands/options.def"
};

static const struct option_row {
	const char *command, *name;
	char letter; /* 0: none */
	const char *argument, *values, *help;
} rows[] = {
#define REPORT_OPTION(command, CODE, name, letter, argument, values, help) \
	{#command, name, letter, argument, values, help},
#include "analyzer/commands/options.def"
};

static const char *const formats[] = {
#define FORMAT(name) #name,
#include "analyzer/render/formats.def"
#undef FORMAT
};

static const char *const keys[KEY_COUNT] = {
#define KEY(NUMBER, name, ...) name,
#include "analyzer/tables/keys.def"
};

enum {
	COMMANDS = sizeof commands / sizeof *commands,
	ROWS = sizeof rows / sizeof *rows,
	FORMATS = sizeof formats / sizeof *formats,
};

typedef void writer(const struct command_row *command, const struct option_row *row);

/* The names of the keys that a command takes, with blanks between them. The text holds until the next call. */
static const char *key_names(const struct command_row *command)
{
	static char names[200];

	names[0] = '\0';
	for (unsigned i = 0; i < KEY_COUNT; i++)
		if (command->keys & KEY_BIT(i)) {
			strcat(names, keys[i]);
			strcat(names, " ");
		}
	return names;
}

/* Calls a writer for each option of a command: those of the table, and those that all commands have, or all that answer. */
static void each_option(const struct command_row *command, writer *write)
{
	struct option_row common = {.command = command->name, .values = ""};
	char help[80];

	for (int i = 0; i < ROWS; i++) {
		struct option_row row = rows[i];

		if (!strcmp(row.name, "by"))
			row.values = key_names(command);
		if (!strcmp(row.command, command->name))
			write(command, &row);
	}
	for (int i = 1; i < FORMATS && command->kind != FILES; i++) { /* the first needs no option */
		snprintf(help, sizeof help, "write %s", formats[i]);
		common.name = formats[i];
		common.help = help;
		common.argument = command->kind == TABLES && !strcmp(formats[i], "csv") ? "[=TABLE]" : NULL;
		write(command, &common);
	}
	common.argument = NULL;
	if (command->kind != FILES) {
		common.name = "wide";
		common.help = "in text, shorten no name and break no line";
		write(command, &common);
	}
	if (command->kind != FILES && command->keys) {
		common = (struct option_row){command->name, "by", 0, "KEY", key_names(command), "by what it is shown"};
		write(command, &common);
		common.argument = NULL;
		common.values = "";
	}
	common.name = "help";
	common.help = "print the options of the command, and exit";
	write(command, &common);
}

static int may_lack_argument(const struct option_row *row) { return row->argument && *row->argument == '['; }

static int needs_argument(const struct option_row *row) { return row->argument && *row->argument != '['; }

static int takes_file(const struct option_row *row)
{
	return row->argument && (!strcmp(row->argument, "FILE") || !strcmp(row->argument, "PEAK"));
}

static int takes_directory(const struct option_row *row) { return row->argument && !strcmp(row->argument, "DIR"); }

/* ---- a list, for tests ---- */

static void list_option(const struct command_row *command, const struct option_row *row)
{
	printf("%s --%s\n", command->name, row->name);
	if (row->letter)
		printf("%s -%c\n", command->name, row->letter);
}

static void write_list(void)
{
	for (int i = 0; i < COMMANDS; i++)
		each_option(&commands[i], list_option);
}

/* ---- bash ---- */

static void bash_argument(const struct command_row *command, const struct option_row *row)
{
	if (!needs_argument(row))
		return;
	printf("\t'%s --%s'", command->name, row->name);
	if (row->letter)
		printf("|'%s -%c'", command->name, row->letter);
	fputs(") ", stdout);
	if (*row->values)
		printf("COMPREPLY=($(compgen -W '%s'%s -- \"$word\")); ", row->values, takes_file(row) ? " -f" : "");
	else if (takes_file(row) || takes_directory(row))
		printf("COMPREPLY=($(compgen %s -- \"$word\")); ", takes_file(row) ? "-f" : "-d");
	puts("return ;;");
}

static void bash_option(const struct command_row *command, const struct option_row *row)
{
	(void)command;
	if (row->letter)
		printf(" -%c", row->letter);
	printf(" --%s", row->name);
	if (may_lack_argument(row) && *row->values)
		printf(" --%s=%s", row->name, row->values);
}

static void put_command_names(const char *between)
{
	for (int i = 0; i < COMMANDS; i++)
		printf("%s%s", i ? between : "", commands[i].name);
}

static void write_bash(void)
{
	puts("# Completion of flopshim-report for bash.\n"
	     "_flopshim_report() {\n"
	     "\tlocal word=${COMP_WORDS[COMP_CWORD]} last=${COMP_WORDS[COMP_CWORD-1]} command=report options=\n"
	     "\tif ((COMP_CWORD > 1)); then\n"
	     "\t\tcase ${COMP_WORDS[1]} in");
	fputs("\t\t", stdout);
	put_command_names("|");
	puts(") command=${COMP_WORDS[1]} ;;\n"
	     "\t\tesac\n"
	     "\tfi\n"
	     "\tcase \"$command $last\" in");
	for (int i = 0; i < COMMANDS; i++)
		each_option(&commands[i], bash_argument);
	puts("\tesac\n"
	     "\tcase $command in");
	for (int i = 0; i < COMMANDS; i++) {
		printf("\t%s) options='", commands[i].name);
		each_option(&commands[i], bash_option);
		puts("' ;;");
	}
	puts("\tesac\n"
	     "\tcase $word in\n"
	     "\t-*) ((COMP_CWORD > 1)) || options=\"$options --version\"\n"
	     "\t\tCOMPREPLY=($(compgen -W \"$options\" -- \"$word\")) ;;\n"
	     "\t*) COMPREPLY=($(compgen -f -- \"$word\"))");
	fputs("\t\t((COMP_CWORD > 1)) || COMPREPLY+=($(compgen -W '", stdout);
	put_command_names(" ");
	puts("' -- \"$word\")) ;;\n"
	     "\tesac\n"
	     "}\n"
	     "complete -o filenames -F _flopshim_report flopshim-report");
}

/* ---- zsh ---- */

static void zsh_option(const struct command_row *command, const struct option_row *row)
{
	const char *sign = may_lack_argument(row) ? "=-" : row->argument ? "=" : "";

	(void)command;
	fputs(" \\\n\t\t", stdout);
	if (row->letter)
		printf("{-%c,--%s%s}", row->letter, row->name, sign);
	else
		printf("--%s%s", row->name, sign);
	fputs("'[", stdout);
	put_quoted(row->help, "'\\''", "[]:");
	putchar(']');
	if (row->argument) {
		fputs(may_lack_argument(row) ? "::" : ":", stdout);
		put_quoted(may_lack_argument(row) ? "value" : row->argument, "", "[]:");
		putchar(':');
		if (*row->values)
			printf("(%s)", row->values);
		else if (takes_file(row) || takes_directory(row))
			fputs(takes_file(row) ? "_files" : "_files -/", stdout);
	}
	putchar('\'');
}

static void write_zsh(void)
{
	puts("#compdef flopshim-report\n"
	     "local -a commands\n"
	     "commands=(");
	for (int i = 0; i < COMMANDS; i++) {
		printf("\t'%s:", commands[i].name);
		put_quoted(commands[i].help, "'\\''", ":");
		puts("'");
	}
	puts(")\n"
	     "if (( CURRENT == 2 )) && [[ $words[2] != -* ]]; then\n"
	     "\t_describe command commands\n"
	     "\t_files\n"
	     "\treturn\n"
	     "fi\n"
	     "local command=report\n"
	     "if (( CURRENT > 2 )) && (( ${commands[(I)$words[2]:*]} )); then\n"
	     "\tcommand=$words[2]\n"
	     "\tshift words\n"
	     "\t(( CURRENT-- ))\n"
	     "fi\n"
	     "case $command in");
	for (int i = 0; i < COMMANDS; i++) {
		printf("%s)\n\t_arguments -S", commands[i].name);
		each_option(&commands[i], zsh_option);
		if (!i)
			fputs(" \\\n\t\t--version'[print the version and exit]'", stdout);
		puts(" \\\n\t\t'*:file:_files' ;;");
	}
	puts("esac");
}

/* ---- fish ---- */

static void fish_option(const struct command_row *command, const struct option_row *row)
{
	if (command == commands) {
		fputs("complete -c flopshim-report -n 'not __fish_seen_subcommand_from ", stdout);
		for (int i = 1; i < COMMANDS; i++)
			printf("%s%s", i > 1 ? " " : "", commands[i].name);
	} else {
		printf("complete -c flopshim-report -n '__fish_seen_subcommand_from %s", command->name);
	}
	putchar('\'');
	if (row->letter)
		printf(" -s %c", row->letter);
	printf(" -l %s", row->name);
	if (needs_argument(row))
		fputs(takes_file(row) || takes_directory(row) ? " -r -F" : " -x", stdout);
	if (*row->values)
		printf(" -a '%s'", row->values);
	fputs(" -d '", stdout);
	put_quoted(row->help, "\\'", "\\");
	puts("'");
}

static void write_fish(void)
{
	puts("# Completion of flopshim-report for fish.");
	for (int i = 0; i < COMMANDS; i++) {
		printf("complete -c flopshim-report -n __fish_use_subcommand -a %s -d '", commands[i].name);
		put_quoted(commands[i].help, "\\'", "\\");
		puts("'");
	}
	puts("complete -c flopshim-report -n __fish_use_subcommand -l version -d 'print the version and exit'");
	for (int i = 0; i < COMMANDS; i++)
		each_option(&commands[i], fish_option);
}

static const struct {
	const char *name;
	void (*write)(void);
} documents[] = {
	{"list", write_list},
	{"bash", write_bash},
	{"zsh", write_zsh},
	{"fish", write_fish},
};

int main(int count, char **arguments)
{
	for (size_t i = 0; count == 2 && i < sizeof documents / sizeof *documents; i++)
		if (!strcmp(arguments[1], documents[i].name)) {
			documents[i].write();
			return fflush(stdout) ? 1 : 0;
		}
	fputs("usage: report_options list | bash | zsh | fish\n", stderr);
	return 2;
}
