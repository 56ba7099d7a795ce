/* SPDX-License-Identifier: BSD-3-Clause */
#include "analyzer/commands/command.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "analyzer/base/text.h"

/* Texts from a dump may be in the message: no byte of them may control the terminal. */
static void say(const char *format, va_list arguments)
{
	struct text clean = { 0 };
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
