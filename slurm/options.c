/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * options.c - reads the list of options behind --flopshim=, and has their values judged by the shim's reader.
 * It must never judge a value itself, nor guess what a wrong list may have meant.
 */
#include "slurm/options.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "names.h"
#include "shim/guest/config.h"
#include "variables.h"

enum { VARIABLE_NAME_MAX = 64 };

/* Numbers of the rows of options.def that are settings. */
enum {
#define OPTION(NAME, ...) ROW_##NAME,
#include "options.def"
	ROW_COUNT
};

static const struct row {
	const char *name, *variable;
	const char *argument; /* NULL: none, the option sets the variable to 1 */
	const char *help;
} rows[ROW_COUNT] = {
#define OPTION(NAME, option, letter, argument, fault, kind, initial, help, meaning) \
	[ROW_##NAME] = {option, VARIABLE(NAME), argument, help},
#include "options.def"
};

/* A part of the list between commas. */
struct part {
	const char *text;
	size_t name_length, length;
};

static bool __attribute__((format(printf, 2, 3))) fail(char *fault, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(fault, FAULT_SIZE, format, arguments);
	va_end(arguments);
	make_printable(fault, strlen(fault));
	return false;
}

/* Returns the number of the row with this name; ROW_COUNT if there is none. */
static int row_find(const struct part *part)
{
	int row = 0;

	while (row < ROW_COUNT &&
	       (strlen(rows[row].name) != part->name_length || memcmp(rows[row].name, part->text, part->name_length)))
		row++;
	return row;
}

/* Says that an option does not exist. `before` is the row of the part before it, ROW_COUNT at the start. */
static bool fail_unknown(char *fault, const struct part *part, int before)
{
	const char *nearest = NULL;
	unsigned best = 3; /* a name that differs by as many edits is no slip of the hand any more */

	for (int row = 0; row < ROW_COUNT; row++) {
		unsigned distance = name_distance(part->text, part->name_length, rows[row].name);

		if (distance < best && distance < strlen(rows[row].name) / 2) {
			best = distance;
			nearest = rows[row].name;
		}
	}
	if (before == ROW_BUDGET && !nearest)
		return fail(fault, "'%.*s': a comma begins another option; for a second budget, write budget=%.*s",
		            (int)part->length, part->text, (int)part->length, part->text);
	if (nearest)
		return fail(fault, "'%.*s': there is no such option; did you mean %s?", (int)part->name_length,
		            part->text, nearest);
	return fail(fault, "'%.*s': there is no such option; --flopshim=help lists them", (int)part->name_length,
	            part->text);
}

/* Keeps the value of an option. A second budget is one more, and a second value of another option is a fault. */
static bool keep(struct wanted *wanted, int row, const char *value, size_t length, char *fault)
{
	char *old = wanted->values[row], *kept;

	if (old && row != ROW_BUDGET)
		return fail(fault, "%s is given twice", rows[row].name);
	if (asprintf(&kept, "%s%s%.*s", old ? old : "", old ? "," : "", (int)length, value) < 0)
		return fail(fault, "out of memory");
	free(old);
	wanted->values[row] = kept;
	return true;
}

static bool read_part(struct wanted *wanted, const struct part *part, int *before, char *fault)
{
	int row = row_find(part);
	size_t skipped = part->name_length + 1; /* the name and the '=' */

	if (!part->length)
		return fail(fault, "there is an empty option; expected NAME=VALUE,NAME=VALUE...");
	if (row == ROW_COUNT)
		return fail_unknown(fault, part, *before);
	*before = row;
	if (part->name_length < part->length)
		return keep(wanted, row, part->text + skipped, part->length - skipped, fault);
	if (!rows[row].argument)
		return keep(wanted, row, "1", 1, fault);
	return fail(fault, "%s has no value; expected %s=%s", rows[row].name, rows[row].name, rows[row].argument);
}

static bool is_one_of(const char *text, const char *one, const char *other)
{
	return !strcmp(text, one) || !strcmp(text, other);
}

bool wanted_read(struct wanted *wanted, const char *options, char fault[FAULT_SIZE])
{
	int before = ROW_COUNT;

	*wanted = (struct wanted){.on = true};
	/* Some versions of Slurm hand on an option without an argument as the text "(null)". */
	if (!options || is_one_of(options, "", "(null)") || is_one_of(options, "on", "1"))
		return true;
	if (is_one_of(options, "off", "0") || !strcmp(options, "help")) {
		wanted->on = false;
		wanted->help = *options == 'h';
		return true;
	}
	wanted->values = calloc(ROW_COUNT, sizeof *wanted->values);
	if (!wanted->values)
		return fail(fault, "out of memory");
	for (struct part part = {.text = options};; part.text += part.length + 1) {
		part.length = strcspn(part.text, ",");
		part.name_length = strcspn(part.text, ",=");
		if (!read_part(wanted, &part, &before, fault))
			return false;
		if (!part.text[part.length])
			return true;
	}
}

void wanted_free(struct wanted *wanted)
{
	for (int row = 0; wanted->values && row < ROW_COUNT; row++)
		free(wanted->values[row]);
	free(wanted->values);
	*wanted = (struct wanted){0};
}

void wanted_each(const struct wanted *wanted, void (*set)(const char *variable, const char *value, void *context),
                 void *context)
{
	for (int row = 0; wanted->values && row < ROW_COUNT; row++)
		if (wanted->values[row])
			set(rows[row].variable, wanted->values[row], context);
}

void wanted_help(void)
{
	puts("--flopshim[=OPTIONS] counts the floating-point operations of BLAS and LAPACK calls in each task.\n"
	     "OPTIONS are on, off, or a list such as out=DIRECTORY,budget=1e15 of these:\n");
	for (int row = 0; row < ROW_COUNT; row++) {
		char name[VARIABLE_NAME_MAX];

		snprintf(name, sizeof name, "%s%s%s", rows[row].name, rows[row].argument ? "=" : "",
		         rows[row].argument ? rows[row].argument : "");
		printf("  %-30s %s\n", name, rows[row].help);
	}
	puts("\nEach stands for a variable, which can as well be set in the environment of the job: out "
	     "for\n" VARIABLE(OUT) ". A value with a comma can only be given so. " VARIABLE(
		     SLURM) "=OPTIONS in the\n"
	                    "environment of srun, sbatch or salloc does what --flopshim=OPTIONS does.");
}

/* ---- asking the shim's reader ---- */

struct environment {
	char *entries[ROW_COUNT + 1]; /* ended by NULL */
	size_t count;
};

static void add_entry(const char *variable, const char *value, void *context)
{
	struct environment *environment = context;

	if (asprintf(&environment->entries[environment->count], "%s=%s", variable, value) >= 0)
		environment->count++;
	else
		environment->entries[environment->count] = NULL;
}

/* Reads the variables as the shim would, and ends the process: with status 0 if nothing was wrong. */
static void __attribute__((noreturn)) judge(const struct wanted *wanted)
{
	struct environment environment = {0};

	wanted_each(wanted, add_entry, &environment);
	config_read(environment.entries);
	for (char *line = config.warnings, *next; *line; line = next) {
		char *end = strchr(line, '\n'), *consequence = strstr(line, CONFIG_DEFAULT_USED);

		next = end + 1;
		end = consequence && consequence < end ? consequence : end; /* no default is used: the job is refused */
		fprintf(stderr, "flopshim: %.*s\n", (int)(end - line), line);
	}
	fflush(stderr);
	_exit(*config.warnings != 0);
}

bool wanted_is_accepted(const struct wanted *wanted)
{
	pid_t child = wanted->values ? fork() : 0, ended;
	int status = 0;

	if (!wanted->values || child < 0) /* without a child, the shim judges the values where the tasks run */
		return true;
	if (!child)
		judge(wanted);
	do
		ended = waitpid(child, &status, 0);
	while (ended < 0 && errno == EINTR);
	return ended < 0 || !status;
}
