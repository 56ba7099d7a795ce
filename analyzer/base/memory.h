/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * memory.h - allocation for a short-lived command: a function here succeeds, or ends the program with a message and status 1.
 * It must never be used for a size that a dump states and nothing has checked: if that is too large, the dump is damaged.
 */
#ifndef ANALYZER_MEMORY_H
#define ANALYZER_MEMORY_H

#include <stdarg.h>
#include <stddef.h>

/* The caller owns what these functions return, and frees it by free(). */

void *memory_new(size_t count, size_t size); /* zeroed; never NULL, not even for a count of 0 */
void *memory_resize(void *old, size_t count,
                    size_t size);                   /* as realloc: `old` may be NULL, and new bytes are not zeroed */
char *memory_text(const char *text, size_t length); /* a terminated copy of `length` bytes */
char *memory_format_list(const char *format, va_list arguments) __attribute__((format(printf, 1, 0)));
char *memory_format(const char *format, ...) __attribute__((format(printf, 1, 2)));

/*
 * Makes room for one more item of `size` bytes in an array with `count` items, and returns the array, which may have moved.
 * `*capacity` is the number of items that it has room for, and is doubled when it is full. `array` is NULL at first, with a
 * capacity of 0.
 */
void *memory_grow(void *array, size_t count, size_t *capacity, size_t size);

/* An allocator whose pieces never move and are freed together. One that is all zeros is empty. */
struct arena {
	struct arena_chunk *chunk; /* the chunk that pieces are taken from; the full ones are linked behind it */
	size_t used;               /* bytes of that chunk */
};

void *arena_take(struct arena *arena, size_t size); /* a piece aligned to 16 bytes, zeroed */
void arena_free(struct arena *arena);               /* frees all pieces */

#endif
