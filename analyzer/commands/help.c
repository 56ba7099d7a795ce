/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * help.c - writes the texts of --help, which are broken where the terminal has fewer columns than they need.
 * It must never join lines of a list.
 */
#include "analyzer/commands/help.h"

#include <stdio.h>
#include <string.h>

#include "analyzer/read/system.h"
#include "analyzer/render/shorten.h"

/* The column in which the second part of a line of a list begins; that of the first part, if there is no other. */
static size_t second_column(const char *line, size_t length)
{
	size_t first = strspn(line, " ");

	for (size_t i = first; first && i + 2 < length; i++)
		if (line[i] == ' ' && line[i + 1] == ' ')
			return i + strspn(line + i, " ");
	return first;
}

/* Whether the line of a list or a paragraph that has this indent goes on in the next line. */
static bool goes_on(const char *next, size_t indent)
{
	size_t blanks = strspn(next, " ");

	return next[blanks] && next[blanks] != '\n' && blanks == indent;
}

static bool fits(const char *help, size_t columns)
{
	for (; *help; help += strcspn(help, "\n"), help += *help == '\n')
		if (strcspn(help, "\n") > columns)
			return false;
	return true;
}

void help_put(const char *help)
{
	size_t columns = system_columns();
	struct text line = {0}, text = {0};

	if (!columns || fits(help, columns)) {
		fputs(help, stdout);
		return;
	}
	while (*help) {
		size_t length = strcspn(help, "\n"), indent = second_column(help, length);

		text_clear(&line);
		text_add_bytes(&line, help, length);
		help += length + (help[length] == '\n');
		while (length && goes_on(help, indent)) {
			help += indent;
			text_add_byte(&line, ' ');
			text_add_bytes(&line, help, strcspn(help, "\n"));
			help += strcspn(help, "\n");
			help += *help == '\n';
		}
		text_clear(&text);
		fold(&text, line.bytes, 0, indent, columns);
		puts(text.bytes);
	}
	text_free(&line);
	text_free(&text);
}
