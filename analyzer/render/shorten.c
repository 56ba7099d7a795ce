/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * shorten.c - makes texts fit into the columns of a terminal.
 * It must never cut a character of several bytes.
 */
#include "analyzer/render/shorten.h"

#include <string.h>

#define BETWEEN_FRAMES " < "

/* How many bytes of a text, from its beginning, have at most `width` columns. */
static size_t head_length(const char *text, size_t width)
{
	size_t length = 0;

	while (text[length]) {
		unsigned bytes = utf8_length((const unsigned char *)text + length);
		size_t columns = utf8_columns((const unsigned char *)text + length);

		if (columns > width)
			break;
		width -= columns;
		length += bytes ? bytes : 1;
	}
	return length;
}

/* Where the end of a text begins that has at most `width` columns. */
static const char *tail_of(const char *text, size_t width)
{
	size_t all = text_width(text);

	while (all > width) {
		unsigned bytes = utf8_length((const unsigned char *)text);

		all -= utf8_columns((const unsigned char *)text);
		text += bytes ? bytes : 1;
	}
	return text;
}

/* Leaves out the middle of a text; of a path, if there is room for that, not its last part. */
static void cut_middle(struct text *text, const char *plain, size_t width, bool unicode)
{
	const char *dots = ellipsis(unicode), *slash = strrchr(plain, '/');
	size_t room = width - text_width(dots), tail = room / 2, last = slash ? text_width(slash) : 0;

	if (last > tail)
		tail = last <= room ? last : room - room / 3;
	text_add_bytes(text, plain, head_length(plain, room - tail));
	text_add(text, dots);
	text_add(text, tail_of(plain, tail));
}

/* Leaves out the end of a text, from a blank on if there is one near. */
static void cut_end(struct text *text, const char *plain, size_t width, bool unicode)
{
	const char *dots = ellipsis(unicode);
	size_t length = head_length(plain, width - text_width(dots) - 1), word = length;

	while (word && plain[word] != ' ')
		word--;
	text_add_bytes(text, plain, word > length / 2 ? word : length);
	text_add(text, word > length / 2 ? " " : "");
	text_add(text, dots);
}

/* Adds a frame, "function (folders/file:line)", without its folders. */
static void add_frame(struct text *text, const char *frame, size_t length, bool unicode)
{
	const char *open = NULL, *slash = NULL;

	for (const char *at = frame; at < frame + length; at++) {
		if (at[0] == ' ' && at[1] == '(' && at + 2 < frame + length) {
			open = at + 2;
			slash = NULL;
		}
		if (*at == '/')
			slash = at;
	}
	if (open && slash && slash > open + 1) {
		text_add_bytes(text, frame, (size_t)(open - frame));
		text_add(text, ellipsis(unicode));
		length -= (size_t)(slash - frame);
		frame = slash;
	}
	text_add_bytes(text, frame, length);
}

/* Leaves out the folders of frames, and as many of the outer frames as there is no room for. */
static void cut_stack(struct text *text, const char *plain, size_t width, bool unicode)
{
	size_t rest = text_width(BETWEEN_FRAMES) + text_width(ellipsis(unicode));
	struct text last = {0};

	text_add(&last, "");
	while (*plain) {
		const char *end = strstr(plain, BETWEEN_FRAMES);
		size_t length = end ? (size_t)(end - plain) : strlen(plain);
		struct text next = {0};

		text_add(&next, last.bytes);
		text_add(&next, last.length ? BETWEEN_FRAMES : "");
		add_frame(&next, plain, length, unicode);
		plain += length + (end ? strlen(BETWEEN_FRAMES) : 0);
		if (text_width(next.bytes) + (*plain ? rest : 0) > width) {
			if (!last.length) /* not even the innermost frame fits */
				cut_middle(text, next.bytes, width, unicode);
			else
				text_format(&last, "%s%s", BETWEEN_FRAMES, ellipsis(unicode));
			text_free(&next);
			break;
		}
		text_free(&last);
		last = next;
	}
	if (text_width(last.bytes) <= width)
		text_add(text, last.bytes);
	text_free(&last);
}

/* Whether a text is a place, "function (folders/file:line)", and no more. */
static bool is_place(const char *plain)
{
	const char *open = strstr(plain, " (");

	return open && strchr(open, '/') && plain[strlen(plain) - 1] == ')';
}

/* Leaves out the folders of a place, and what else must be. */
static void cut_place(struct text *text, const char *plain, size_t width, bool unicode)
{
	struct text place = {0};

	add_frame(&place, plain, strlen(plain), unicode);
	if (text_width(place.bytes) <= width)
		text_add(text, place.bytes);
	else
		cut_middle(text, place.bytes, width, unicode);
	text_free(&place);
}

void shorten(struct text *text, const char *plain, enum column_kind kind, size_t width, bool unicode)
{
	if (text_width(plain) <= width)
		text_add(text, plain);
	else if (kind == COLUMN_STACK)
		cut_stack(text, plain, width, unicode);
	else if (kind == COLUMN_LIST || kind == COLUMN_SHAPE)
		cut_end(text, plain, width, unicode);
	else if (is_place(plain))
		cut_place(text, plain, width, unicode);
	else
		cut_middle(text, plain, width, unicode);
}

void fold(struct text *text, const char *plain, size_t at, size_t indent, size_t width)
{
	size_t room = width > at ? width - at : 1;

	while (width && text_width(plain) > room) {
		size_t length = head_length(plain, room), word = length;

		while (word && plain[word] != ' ')
			word--;
		while (word && plain[word - 1] == ' ')
			word--;
		if (!word && at > indent) { /* the first word fits into the next line, or at least more of it */
			length = 0;
		} else if (word) {
			length = word;
		} else if (!length) {
			length = head_length(plain, 2);
		}
		text_add_bytes(text, plain, length);
		plain += length;
		plain += strspn(plain, " ");
		if (!*plain)
			return;
		text_format(text, "\n%*s", (int)indent, "");
		at = indent;
		room = width > indent ? width - indent : 1;
	}
	text_add(text, plain);
}
