/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * text.h - a text buffer that grows as it is written, and what is to be known of UTF-8.
 * It must never let a control character from a dump through text_add_clean: the text goes to terminals.
 */
#ifndef ANALYZER_TEXT_H
#define ANALYZER_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* A buffer that owns its bytes. One that is all zeros is empty, with `bytes` NULL; after any addition they end in a 0. */
struct text {
	char *bytes;
	size_t length, capacity; /* in bytes; `length` is without the terminating 0 */
};

/* These append to a text. What they append must not lie in that text, which may move. Out of memory, they end the program. */
void text_add(struct text *text, const char *more);
void text_add_bytes(struct text *text, const void *more, size_t size);
void text_add_byte(struct text *text, char byte);
void text_format(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
void text_add_clean(struct text *text,
                    const char *more); /* with '?' for control characters and bytes that are not UTF-8 */

void text_clear(struct text *text); /* makes it empty, and keeps its memory */
void text_free(struct text *text);  /* frees its memory; it may be used again */

/* Returns how many columns a UTF-8 text takes on a terminal. */
size_t text_width(const char *text);

/*
 * Returns how many columns the first character of a terminated text takes: 2 for those of East Asia and for pictures, 0 for one that
 * is drawn over the one before; 1 for a byte that begins no character.
 */
size_t utf8_columns(const unsigned char *text);

/* Returns the length in bytes, 1 to 4, of the first character of a terminated UTF-8 text; 0 if it is not a valid one. */
unsigned utf8_length(const unsigned char *text);

/* Whether the character of `length` bytes at `text` is a control character: U+0000 to U+001F and U+007F to U+009F. */
bool utf8_is_control(const unsigned char *text, unsigned length);

#endif
