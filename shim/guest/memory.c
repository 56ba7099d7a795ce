/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * memory.c - the C library's functions that write memory, for the shim alone.
 * They must never be visible to others, or they would take the place of the program's; and the compiler must not turn
 * them into calls of themselves, which the Makefile tells it.
 *
 * A sanitizer in the program replaces the C library's functions: it would see the shim's threads write, but not the
 * locks that order these writes, and report races where there are none.
 */
#include <stdint.h>
#include <string.h>

/* Eight bytes of anything, anywhere. */
struct word {
	uint64_t bytes;
} __attribute__((packed, may_alias));

void *memcpy(void *restrict to, const void *restrict from, size_t size)
{
	unsigned char *target = to;
	const unsigned char *source = from;

	for (; size >= sizeof(uint64_t); size -= sizeof(uint64_t)) {
		*(struct word *)target = *(const struct word *)source;
		target += sizeof(uint64_t);
		source += sizeof(uint64_t);
	}
	while (size--)
		*target++ = *source++;
	return to;
}

void *memset(void *memory, int value, size_t size)
{
	unsigned char *target = memory;
	uint64_t bytes = (unsigned char)value * UINT64_C(0x0101010101010101);

	for (; size >= sizeof(bytes); size -= sizeof(bytes)) {
		((struct word *)target)->bytes = bytes;
		target += sizeof(bytes);
	}
	while (size--)
		*target++ = (unsigned char)value;
	return memory;
}

char *strcpy(char *restrict to, const char *restrict from)
{
	char *target = to;

	while ((*target++ = *from++))
		;
	return to;
}

char *strncpy(char *restrict to, const char *restrict from, size_t size)
{
	size_t i = 0;

	for (; i < size && from[i]; i++)
		to[i] = from[i];
	for (; i < size; i++)
		to[i] = 0;
	return to;
}
