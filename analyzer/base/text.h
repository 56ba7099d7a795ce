/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * text.h - text that grows as it is written, UTF-8, and names of files.
 * It must never let a control character of somebody else's text through where it says "clean".
 */
#ifndef ANALYZER_TEXT_H
#define ANALYZER_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* Zeroed, it is empty and its `bytes` are NULL; from the first addition on they end in 0. */
struct text {
	char *bytes;
	size_t length, capacity;
};

void text_add(struct text *text, const char *more);
void text_add_bytes(struct text *text, const void *more, size_t size);
void text_add_byte(struct text *text, char byte);
void text_format(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Control characters and bytes that are no UTF-8 become '?'. */
void text_add_clean(struct text *text, const char *more);
void text_clear(struct text *text); /* empty, with its room */
void text_free(struct text *text);

/* How many characters a text has, taken to be as wide as one another. */
size_t text_width(const char *text);

/* Length of the UTF-8 character at `text`, 0 if there is none that is valid. */
unsigned utf8_length(const unsigned char *text);
bool utf8_is_control(const unsigned char *text, unsigned length);

#endif
