/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * text.c - a text buffer that grows, and UTF-8.
 * It must never leave a text without its terminating 0.
 */
#include "analyzer/base/text.h"

#include <stdarg.h>
#include <stdint.h>
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

	while (*text) {
		unsigned length = utf8_length((const unsigned char *)text);

		width += utf8_columns((const unsigned char *)text);
		text += length ? length : 1;
	}
	return width;
}

/* Whether a character is in a sorted list of ranges, first and last. */
static bool is_in(uint32_t character, const uint32_t ranges[][2], size_t count)
{
	for (size_t i = 0; i < count && ranges[i][0] <= character; i++)
		if (character <= ranges[i][1])
			return true;
	return false;
}

size_t utf8_columns(const unsigned char *text)
{
	/* Combining marks, joiners, marks of direction and of variants. */
	static const uint32_t none[][2] = {{0x300, 0x36f},   {0x483, 0x489},   {0x591, 0x5bd},   {0x610, 0x61a},
	                                   {0x64b, 0x65f},   {0x200b, 0x200f}, {0x202a, 0x202e}, {0x2060, 0x206f},
	                                   {0x20d0, 0x20f0}, {0xfe00, 0xfe0f}, {0xfe20, 0xfe2f}, {0xfeff, 0xfeff}};
	static const uint32_t two[][2] = {{0x1100, 0x115f},   {0x231a, 0x231b},  {0x2329, 0x232a},   {0x23e9, 0x23ec},
	                                  {0x2614, 0x2615},   {0x2648, 0x2653},  {0x26a1, 0x26a1},   {0x2705, 0x2705},
	                                  {0x274c, 0x274c},   {0x2753, 0x2755},  {0x2b50, 0x2b50},   {0x2e80, 0x303e},
	                                  {0x3041, 0x33ff},   {0x3400, 0x4dbf},  {0x4e00, 0xa4cf},   {0xa960, 0xa97f},
	                                  {0xac00, 0xd7a3},   {0xf900, 0xfaff},  {0xfe10, 0xfe19},   {0xfe30, 0xfe6f},
	                                  {0xff00, 0xff60},   {0xffe0, 0xffe6},  {0x1f300, 0x1f64f}, {0x1f680, 0x1f6ff},
	                                  {0x1f900, 0x1faff}, {0x20000, 0x3fffd}};
	static const unsigned char masks[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
	unsigned length = utf8_length(text);
	uint32_t character = text[0] & masks[length];

	for (unsigned i = 1; i < length; i++)
		character = character << 6 | (text[i] & 0x3f);
	if (character < 0x300)
		return 1;
	if (is_in(character, none, sizeof none / sizeof *none))
		return 0;
	return is_in(character, two, sizeof two / sizeof *two) ? 2 : 1;
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
