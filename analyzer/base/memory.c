/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * memory.c - allocation that succeeds or ends the program.
 * It must never return NULL.
 */
#include "analyzer/base/memory.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	ARENA_FIRST = 1 << 12,   /* bytes in the first chunk of an arena; each later one is twice as large, */
	ARENA_LARGEST = 1 << 20, /* up to this size, unless a single piece needs more */
	ARENA_ALIGN = 16,        /* alignment of a piece, in bytes */
};

struct arena_chunk {
	struct arena_chunk *next;
	size_t size;
	_Alignas(ARENA_ALIGN) unsigned char bytes[];
};

static void *checked(void *memory)
{
	if (!memory) {
		fputs("flopshim-report: out of memory\n", stderr);
		exit(1);
	}
	return memory;
}

void *memory_new(size_t count, size_t size) { return checked(calloc(count ? count : 1, size)); }

void *memory_resize(void *old, size_t count, size_t size)
{
	return checked(reallocarray(old, count ? count : 1, size));
}

char *memory_text(const char *text, size_t length)
{
	char *copy = memory_new(length + 1, 1);

	memcpy(copy, text, length);
	return copy;
}

char *memory_format_list(const char *format, va_list arguments)
{
	char *text = NULL;

	if (vasprintf(&text, format, arguments) < 0)
		text = NULL;
	return checked(text);
}

char *memory_format(const char *format, ...)
{
	va_list arguments;
	char *text;

	va_start(arguments, format);
	text = memory_format_list(format, arguments);
	va_end(arguments);
	return text;
}

void *memory_grow(void *array, size_t count, size_t *capacity, size_t size)
{
	if (count < *capacity)
		return array;
	*capacity = *capacity ? 2 * *capacity : 16;
	return memory_resize(array, *capacity, size);
}

void *arena_take(struct arena *arena, size_t size)
{
	void *piece;

	size = (size + ARENA_ALIGN - 1) / ARENA_ALIGN * ARENA_ALIGN;
	if (!arena->chunk || arena->chunk->size - arena->used < size) {
		size_t room = arena->chunk ? 2 * arena->chunk->size : ARENA_FIRST;
		struct arena_chunk *chunk;

		if (room > ARENA_LARGEST)
			room = ARENA_LARGEST;
		if (room < size)
			room = size;
		chunk = memory_new(1, sizeof *chunk + room);

		chunk->next = arena->chunk;
		chunk->size = room;
		arena->chunk = chunk;
		arena->used = 0;
	}
	piece = arena->chunk->bytes + arena->used;
	arena->used += size;
	return piece;
}

void arena_free(struct arena *arena)
{
	while (arena->chunk) {
		struct arena_chunk *next = arena->chunk->next;

		free(arena->chunk);
		arena->chunk = next;
	}
	arena->used = 0;
}
