/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * command.c - messages on standard error.
 * It must never let a control character from a dump reach the terminal.
 */
#include "analyzer/commands/command.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "analyzer/base/text.h"

/* Writes a message without control characters, since it may have texts from a dump in it. */
static void say(const char *format, va_list arguments)
{
	struct text clean = {0};
	char *text;

	if (vasprintf(&text, format, arguments) < 0)
		return;
	text_add_clean(&clean, text);
	fprintf(stderr, "flopshim-report: %s\n", clean.bytes);
	text_free(&clean);
	free(text);
}

void complain(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	say(format, arguments);
	va_end(arguments);
}

int usage_error(const char *command, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	say(format, arguments);
	va_end(arguments);
	fprintf(stderr, "Try 'flopshim-report %s --help'.\n", command);
	return EXIT_USAGE;
}
