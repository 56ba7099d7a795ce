/* SPDX-License-Identifier: BSD-3-Clause */
#include "command.h"

#include <stdarg.h>
#include <stdio.h>

void complain(const char *format, ...)
{
	va_list arguments;

	fputs("flopshim-report: ", stderr);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
}

int usage_error(const char *command, const char *format, ...)
{
	va_list arguments;

	fputs("flopshim-report: ", stderr);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fprintf(stderr, "\nTry 'flopshim-report %s --help'.\n", command);
	return EXIT_USAGE;
}
