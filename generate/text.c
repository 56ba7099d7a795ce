// SPDX-License-Identifier: BSD-3-Clause
/*
 * text.c - what every part of the generator uses: memory that is never freed, texts, and messages that end the
 * generator. It must never know more of a table than the place that a message names.
 */
#include "generate/generate.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *allocate(size_t size)
{
	void *memory = calloc(1, size ? size : 1);

	if (!memory) {
		fputs("generate: out of memory\n", stderr);
		exit(1);
	}
	return memory;
}

/* The capacity is `count` rounded up to a power of two, so that the array is full only if `count` is a power of two. */
void *grow(void *array, unsigned count, size_t size)
{
	void *larger;

	if (count & (count - 1))
		return array;
	larger = realloc(array, (count ? 2 * (size_t)count : 1) * size);
	if (!larger) {
		fputs("generate: out of memory\n", stderr);
		exit(1);
	}
	return larger;
}

char *copy_text(const char *start, size_t length) { return memcpy(allocate(length + 1), start, length); }

const char *trim(const char *text)
{
	size_t length;

	text += strspn(text, " \t");
	length = strlen(text);
	while (length && strchr(" \t\r\n", text[length - 1]))
		length--;
	return copy_text(text, length);
}

void fail_at(struct place place, const char *format, ...)
{
	va_list args;

	fprintf(stderr, "%s:%u: ", place.file, place.line);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	exit(1);
}

void fail_row(const struct row *row, const char *format, ...)
{
	va_list args;

	fprintf(stderr, "%s:%u: row '%s': ", row->place.file, row->place.line, row->name);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	exit(1);
}
