/* SPDX-License-Identifier: BSD-3-Clause */
#include "analyzer/commands/command.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* Texts from a dump may be in the message: no byte of them may control the terminal. */
static void say(const char *format, va_list arguments)
{
	char *text;

	if (vasprintf(&text, format, arguments) < 0)
		return;
	for (char *at = text; *at; at++)
		if ((unsigned char)*at < 0x20 || *at == 0x7f)
			*at = '?';
	fprintf(stderr, "flopshim-report: %s\n", text);
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
