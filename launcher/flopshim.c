/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * flopshim.c - the launcher: runs a program with libflopshim.so preloaded, or says why the shim cannot reach it.
 * It must never silently start a program whose work would not be counted.
 *
 * The launcher becomes the program by exec, so that pid, signals and exit status are the program's. If it does not get
 * that far, its exit status is one of those in reach.h.
 */
#include <ctype.h>
#include <elf.h>
#include <errno.h>
#include <getopt.h>
#include <gnu/libc-version.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "launcher/reach.h"
#include "names.h"
#include "preload.h"
#include "table_version.h"
#include "variables.h"
#include "version.h"

#ifndef LIBDIR /* where `make install` puts the shim, and how to get there from the launcher's own folder */
#define LIBDIR             "/usr/local/lib"
#define LIBDIR_FROM_BINDIR "../lib"
#endif

#define SHIM_VARIABLE VARIABLE(LIBRARY) /* the path of the shim; the launcher reads it, and does not pass it on */

/* Numbers of the rows of options.def that are options of the launcher. */
enum {
#define OPTION(NAME, ...)  OPTION_##NAME,
#define COMMAND(NAME, ...) OPTION_##NAME,
#define PRESET(NAME, ...)  OPTION_##NAME,
#include "options.def"
	OPTION_COUNT,
	OPTION_BASE = 256, /* getopt_long returns OPTION_BASE + i for option i, which no letter equals */
};

static const struct option_row {
	const char *name;
	char letter;          /* short form; 0: none */
	const char *variable; /* the variable that the option sets; NULL for a COMMAND */
	const char *argument; /* as --help shows it; NULL: the option takes none, and sets the variable to `value` */
	const char *value;    /* of an option without an argument */
	const char *help;
} rows[OPTION_COUNT] = {
#define OPTION(NAME, option, letter, argument, fault, kind, initial, help, meaning) \
	[OPTION_##NAME] = {option, letter, VARIABLE(NAME), argument, "1", help},
#define COMMAND(NAME, option, letter, help)     [OPTION_##NAME] = {option, letter, NULL, NULL, NULL, help},
#define PRESET(SELF, option, NAME, value, help) [OPTION_##SELF] = {option, 0, VARIABLE(NAME), NULL, value, help},
#include "options.def"
};

static bool quiet;

/* Prints a line on standard error, by one write: two might be separated by the lines of other MPI ranks. */
static void say(const char *format, va_list arguments)
{
	char *sentence = NULL, *line = NULL;
	int length = -1;

	if (vasprintf(&sentence, format, arguments) >= 0)
		length = asprintf(&line, "flopshim: %s\n", sentence);
	if (length > 0)
		make_printable(line, (size_t)length - 1);
	if (length < 0 || write(STDERR_FILENO, line, (size_t)length) < 0)
		perror("flopshim");
	free(sentence);
	free(line);
}

/* Prints an error and ends the launcher. */
static void __attribute__((format(printf, 2, 3), noreturn)) fail(int status, const char *format, ...)
{
	va_list arguments;

	fflush(stdout);
	va_start(arguments, format);
	say(format, arguments);
	va_end(arguments);
	exit(status);
}

static void __attribute__((format(printf, 1, 2))) note(const char *format, ...)
{
	va_list arguments;

	if (quiet)
		return;
	va_start(arguments, format);
	say(format, arguments);
	va_end(arguments);
}

static void __attribute__((noreturn)) fail_unreached(int status, const char *sentence) { fail(status, "%s", sentence); }

static void note_unreached(const char *sentence) { note("%s", sentence); }

static const struct reach_listener listener = {fail_unreached, note_unreached};

static void set_variable(const char *name, const char *value)
{
	if (setenv(name, value, 1))
		fail(STATUS_LAUNCHER, "cannot set %s: %s", name, strerror(errno));
}

/*
 * Gives the run a name, by which the dumps of its processes are told to belong together. A launcher that runs under
 * another one leaves that one's name, since its processes are part of that run.
 */
static void name_run(void)
{
	const char *given = getenv(VARIABLE(RUN));
	unsigned char bytes[16];
	char name[2 * sizeof(bytes) + 1];

	if ((given && *given) || getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
		/* without random bytes the run has no name; flopshim-report then goes by the dumps' other members */
		return;
	for (size_t i = 0; i < sizeof(bytes); i++)
		snprintf(name + 2 * i, 3, "%02x", bytes[i]);
	set_variable(VARIABLE(RUN), name);
}

/* ---- the shim ---- */

/* Returns the folder of the launcher's file, for the caller to free; it is empty if /proc is not there. */
static char *own_folder(void)
{
	char path[PATH_MAX];
	ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);
	char *slash;

	path[length > 0 ? length : 0] = '\0';
	slash = strrchr(path, '/');
	if (slash)
		*slash = '\0';
	return format_text("%s", slash ? path : "");
}

/*
 * Returns the absolute path of the shim, and stores its ELF machine; ends the launcher if there is no usable shim. It
 * is looked for where SHIM_VARIABLE says; without that beside the launcher (in a build folder), in the folder for
 * libraries of the same prefix, wherever that has been moved, and in LIBDIR.
 */
static char *find_shim(int *machine)
{
	const char *given = getenv(SHIM_VARIABLE);
	char *folder = own_folder();
	char *places[] = {
		format_text("%s/%s", folder, SHIM_NAME),
		format_text("%s%s%s/%s", *LIBDIR_FROM_BINDIR == '/' ? "" : folder,
	                    *LIBDIR_FROM_BINDIR == '/' ? "" : "/", LIBDIR_FROM_BINDIR, SHIM_NAME),
		format_text("%s/../lib/%s", folder, SHIM_NAME),
		format_text("%s/%s", LIBDIR, SHIM_NAME),
	};
	char *found = NULL;

	if (given)
		found = preload_path(given);
	for (size_t i = 0; !given && !found && i < sizeof places / sizeof *places; i++)
		found = preload_path(places[i]);
	if (!found && given)
		fail(STATUS_LAUNCHER, "%s=%s: %s", SHIM_VARIABLE, given, strerror(errno));
	if (!found)
		fail(STATUS_LAUNCHER, "%s is not in %s, %s/../lib or %s; set %s to its path", SHIM_NAME, folder, folder,
		     LIBDIR, SHIM_VARIABLE);
	for (size_t i = 0; i < sizeof places / sizeof *places; i++)
		free(places[i]);
	free(folder);

	if (!reach_machine(found, machine))
		fail(STATUS_LAUNCHER, "%s: %s", found, strerror(errno));
	if (*machine == EM_NONE)
		fail(STATUS_LAUNCHER, "%s is not a shared object for this machine", found);
	if (strpbrk(found, PRELOAD_SEPARATORS "\t\n"))
		fail(STATUS_LAUNCHER, "%s: LD_PRELOAD cannot hold a path with a space or a colon", found);
	return found;
}

/* ---- the environment ---- */

static void preload(const char *shim)
{
	char *list = preload_list(reach_sanitizer(), shim, getenv("LD_PRELOAD"));

	if (!list)
		fail(STATUS_LAUNCHER, "out of memory");
	set_variable("LD_PRELOAD", list);
	free(list);
}

/* Text for --help on the variables that no option sets. */
static const char own_variables[] = ""
#define LAUNCHER_VARIABLE(NAME, help) " " VARIABLE(NAME) " " help "."
#include "options.def"
	;

static void print_help(void)
{
	puts("Usage: flopshim [OPTION]... PROGRAM [ARGUMENT]...\n"
	     "Runs PROGRAM and counts the floating-point operations of its BLAS and LAPACK calls; read the dump\n"
	     "that it leaves with flopshim-report.\n");
	for (int i = 0; i < OPTION_COUNT; i++) {
		const struct option_row *row = &rows[i];
		char letter[] = {'-', row->letter ? row->letter : ' ', row->letter ? ',' : ' ', '\0'};
		char *name = format_text("--%s%s%s", row->name, row->argument ? " " : "",
		                         row->argument ? row->argument : "");

		printf("  %s %-30s %s\n", row->letter ? letter : "   ", name, row->help);
		free(name);
	}
	printf("\nEvery option sets a variable that can as well be set in the environment: --budget is\n%s and so "
	       "on.%s\n",
	       rows[OPTION_BUDGET].variable, own_variables);
	puts("\n"
	     "Exit status: the program's own; 125 an error of flopshim, 126 the program cannot be run or is out\n"
	     "of reach (static, set-user-ID, musl, another machine), 127 it was not found.");
}

static void print_version(void)
{
	printf("flopshim " FLOPSHIM_VERSION "\nC library: glibc %s\nroutine table: " TABLE_VERSION "\n",
	       gnu_get_libc_version());
}

/*
 * Sets the variable of an option. A repeated --budget is appended to the list; of another option the last value holds.
 */
static void apply(const struct option_row *row, const char *value)
{
	static bool budget_given;
	const char *old = getenv(row->variable);
	bool is_budget = row == &rows[OPTION_BUDGET];
	char *both = is_budget && budget_given && old ? format_text("%s,%s", old, value) : NULL;

	set_variable(row->variable, both ? both : value);
	free(both);
	budget_given |= is_budget;
	quiet |= row == &rows[OPTION_QUIET];
}

static const struct option_row *row_of(int option)
{
	for (int i = 0; i < OPTION_COUNT; i++)
		if (option == OPTION_BASE + i || (rows[i].letter && option == rows[i].letter))
			return &rows[i];
	return NULL;
}

/* Returns whether the value of an option is more likely the program, because the value was forgotten. */
static bool is_program(const char *value)
{
	char *path = find_program(value);

	free(path);
	return path || (strchr(value, '/') && !access(value, F_OK));
}

/* Ends the launcher because the value of an option is missing, and the program stands in its place. */
static void __attribute__((noreturn)) fail_without_value(const struct option_row *row, const char *program)
{
	bool is_budget = row == &rows[OPTION_BUDGET];

	fail(STATUS_LAUNCHER, "--%s wants %s before the program, and got %s; expected 'flopshim --%s %s %s'", row->name,
	     is_budget ? "a number of FLOPs" : row->argument, program, row->name, is_budget ? "1e9" : row->argument,
	     program);
}

/* Returns the option that a misspelt name most likely means, NULL if none is near. `name` may go on with "=VALUE". */
static const struct option_row *nearest_row(const char *name)
{
	const struct option_row *nearest = NULL;
	unsigned best = 3; /* a name that differs by as many edits is no slip of the hand any more */

	for (int i = 0; i < OPTION_COUNT; i++) {
		unsigned distance = name_distance(name, strcspn(name, "="), rows[i].name);

		if (distance < best && distance < strlen(rows[i].name) / 2) {
			best = distance;
			nearest = &rows[i];
		}
	}
	return nearest;
}

/*
 * Ends the launcher because getopt_long rejected an option. `word` is the option as the user wrote it; `letter` is
 * getopt's optopt: the letter, the value of a long option that takes no argument, or 0 if the name is not known.
 */
static void __attribute__((noreturn)) fail_of_option(const char *word, int letter)
{
	const struct option_row *row = letter ? row_of(letter) : NULL;

	if (row)
		fail(STATUS_LAUNCHER, "--%s takes no value: %s; try 'flopshim --help'", row->name, word);
	if (letter)
		fail(STATUS_LAUNCHER, "-%c: there is no such option; try 'flopshim --help'", letter);
	row = nearest_row(word + strspn(word, "-"));
	fail(STATUS_LAUNCHER, "%s: there is no such option%s%s%s; try 'flopshim --help'", word,
	     row ? "; did you mean --" : "", row ? row->name : "", row ? "?" : "");
}

/* An option's name behind one dash, which getopt would take for a letter and its value: -budget for -b udget. */
static void check_dashes(const char *word)
{
	if (!word || word[0] != '-' || word[1] == '-' || !word[1] || !word[2])
		return;
	for (int i = 0; i < OPTION_COUNT; i++)
		if (strlen(rows[i].name) == strcspn(word + 1, "=") &&
		    !strncmp(word + 1, rows[i].name, strlen(rows[i].name)))
			fail(STATUS_LAUNCHER,
			     "%s: an option's long name begins with two dashes; did you mean --%s?; try 'flopshim "
			     "--help'",
			     word, rows[i].name);
}

/* Applies the options and returns the index of PROGRAM in argv; ends the launcher if the command line is wrong. */
static int parse(int argc, char **argv)
{
	struct option options[OPTION_COUNT + 1] = {0};
	char letters[2 * OPTION_COUNT + 3] = "+:"; /* "+": stop at PROGRAM; ":": return ':' for a missing value */
	char *end = letters + 2;
	const struct option_row *last =
		NULL; /* the option whose value is the word before optind, NULL if that is no value */
	int option;

	opterr = 0;

	for (int i = 0; i < OPTION_COUNT; i++) {
		options[i] = (struct option){rows[i].name, rows[i].argument ? required_argument : no_argument, NULL,
		                             OPTION_BASE + i};
		if (rows[i].letter)
			*end++ = rows[i].letter;
		if (rows[i].letter && rows[i].argument)
			*end++ = ':';
	}
	while (check_dashes(argv[optind]), (option = getopt_long(argc, argv, letters, options, NULL)) != -1) {
		const struct option_row *row = row_of(option);

		if (option == ':') {
			row = row_of(optopt);
			fail(STATUS_LAUNCHER, "%s: expected %s after it; try 'flopshim --help'", argv[optind - 1],
			     row->argument);
		}
		if (!row)
			fail_of_option(argv[optind - 1], optopt);
		last = row->argument && optarg == argv[optind - 1] ? row : NULL;
		if (last == &rows[OPTION_BUDGET] && !isdigit((unsigned char)*optarg) && is_program(optarg))
			fail_without_value(last, optarg);
		if (row->variable) {
			apply(row, row->argument ? optarg : row->value);
			continue;
		}
		if (row == &rows[OPTION_HELP])
			print_help();
		else
			print_version();
		exit(fflush(stdout) ? STATUS_LAUNCHER : 0);
	}
	if (optind == argc && last && is_program(argv[optind - 1]))
		fail_without_value(last, argv[optind - 1]);
	if (optind == argc)
		fail(STATUS_LAUNCHER, "no program given; try 'flopshim --help'");
	return optind;
}

int main(int argc, char **argv)
{
	const char *told = getenv(VARIABLE(QUIET));
	char **arguments;
	int machine;
	char *shim, *program, *process;

	quiet = told && *told && strcmp(told, "0");
	reach_listen(&listener);
	arguments = argv + parse(argc, argv);
	shim = find_shim(&machine);
	program = find_program_or_fail(arguments[0], "");
	reach_check(program, machine);
	unsetenv(SHIM_VARIABLE);
	set_variable(VARIABLE(LAUNCHED), process = format_text("%ld", (long)getpid())); /* which exec keeps */
	free(process);
	name_run();
	preload(shim);
	execvp(program, arguments);
	fail(errno == ENOENT ? STATUS_NOT_FOUND : STATUS_UNREACHABLE, "%s: %s", program, strerror(errno));
}
