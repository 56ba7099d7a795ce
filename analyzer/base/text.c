/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * text.c - a text buffer that grows, and UTF-8.
 * It must never leave a text without its terminating 0.
 */
#include "analyzer/base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/base/memory.h"

/* Makes room for `more` bytes and a terminating 0. */
static void reserve(struct text *text, size_t more)
{
	enum { FIRST = 64 };

	if (text->length + more < text->capacity)
		return;
	text->capacity = text->length + more + 1 > 2 * text->capacity ? text->length + more + 1 : 2 * text->capacity;
	if (text->capacity < FIRST)
		text->capacity = FIRST;
	text->bytes = memory_resize(text->bytes, text->capacity, 1);
}

void text_add_bytes(struct text *text, const void *more, size_t size)
{
	reserve(text, size);
	memcpy(text->bytes + text->length, more, size);
	text->length += size;
	text->bytes[text->length] = 0;
}

void text_add(struct text *text, const char *more) { text_add_bytes(text, more, strlen(more)); }

void text_add_byte(struct text *text, char byte) { text_add_bytes(text, &byte, 1); }

void text_format(struct text *text, const char *format, ...)
{
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vsnprintf(NULL, 0, format, arguments);
	va_end(arguments);
	if (length < 0)
		return;
	reserve(text, (size_t)length);
	va_start(arguments, format);
	vsnprintf(text->bytes + text->length, (size_t)length + 1, format, arguments);
	va_end(arguments);
	text->length += (size_t)length;
}

/* Whether a byte is the last one of "##[", by which a line in the log of GitHub's runner gives it commands. */
static bool begins_command(const struct text *text, const unsigned char *at)
{
	return *at == '[' && text->length >= 2 && !memcmp(text->bytes + text->length - 2, "##", 2);
}

void text_add_clean(struct text *text, const char *more)
{
	const unsigned char *at = (const unsigned char *)more;

	while (*at) {
		unsigned length = utf8_length(at);

		if (!length || utf8_is_control(at, length) || begins_command(text, at))
			text_add_byte(text, '?');
		else
			text_add_bytes(text, at, length);
		at += length ? length : 1;
	}
	text_add_bytes(text, "", 0); /* so that an empty text has bytes, too */
}

void text_clear(struct text *text)
{
	text->length = 0;
	text_add_bytes(text, "", 0);
}

void text_free(struct text *text)
{
	free(text->bytes);
	*text = (struct text){0};
}

size_t text_width(const char *text)
{
	size_t width = 0;

	for (; *text; text++)
		width += ((unsigned char)*text & 0xc0) != 0x80;
	return width;
}

unsigned utf8_length(const unsigned char *text)
{
	unsigned length = text[0] < 0x80                      ? 1
	                  : text[0] >= 0xc2 && text[0] < 0xe0 ? 2
	                  : text[0] >= 0xe0 && text[0] < 0xf0 ? 3
	                  : text[0] >= 0xf0 && text[0] < 0xf5 ? 4
	                                                      : 0;

	for (unsigned i = 1; i < length; i++)
		if ((text[i] & 0xc0) != 0x80)
			return 0;
	if ((text[0] == 0xe0 && text[1] < 0xa0) || (text[0] == 0xed && text[1] >= 0xa0) ||
	    (text[0] == 0xf0 && text[1] < 0x90) || (text[0] == 0xf4 && text[1] >= 0x90))
		return 0;
	return length;
}

bool utf8_is_control(const unsigned char *text, unsigned length)
{
	return text[0] < 0x20 || text[0] == 0x7f || (length == 2 && text[0] == 0xc2 && text[1] < 0xa0);
}
