/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * memory.h - allocation for a short-lived command: it succeeds, or ends the command with status 1.
 * The dump reader must not use it for sizes that a dump states: there, too much is damage.
 */
#ifndef ANALYZER_MEMORY_H
#define ANALYZER_MEMORY_H

#include <stdarg.h>
#include <stddef.h>

void *memory_new(size_t count, size_t size);              /* zeroed */
void *memory_resize(void *old, size_t count, size_t size);
char *memory_text(const char *text, size_t length);       /* a terminated copy */
char *memory_format_list(const char *format, va_list arguments) __attribute__((format(printf, 1, 0)));
char *memory_format(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Room for one more item of `size` in an array of `count`; `*capacity` is doubled when it is full. */
void *memory_grow(void *array, size_t count, size_t *capacity, size_t size);

/* Blocks whose pieces never move and are freed together. */
struct arena {
	struct arena_chunk *chunk;
	size_t used;
};

void *arena_take(struct arena *arena, size_t size); /* aligned to 16 bytes, zeroed */
void arena_free(struct arena *arena);

#endif
