/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * quoted.h - texts between apostrophes, as the completions of all shells have them.
 * It must know no shell: its callers say how theirs writes an apostrophe.
 */
#ifndef DOCS_QUOTED_H
#define DOCS_QUOTED_H

#include <stdio.h>
#include <string.h>

/* Prints a text for a word between apostrophes, with `apostrophe` for each in it, and a backslash before those of `marked`. */
static void put_quoted(const char *text, const char *apostrophe, const char *marked)
{
	for (; *text; text++) {
		if (strchr(marked, *text))
			putchar('\\');
		if (*text == '\'')
			fputs(apostrophe, stdout);
		else
			putchar(*text);
	}
}

#endif
