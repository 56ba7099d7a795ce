/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * gzip.c - writes gzip files in stored blocks.
 * It must never be given a stream in text mode.
 */
#include "analyzer/export/gzip.h"

#include <stdbool.h>
#include <stdint.h>

enum {
	STORED_MAX = 65535, /* bytes of a stored block */
	OS_UNKNOWN = 255,   /* so that the file does not depend on the system */
	CRC_POLYNOMIAL_BITS = 8,
};

#define CRC_POLYNOMIAL 0xedb88320u

/* Writes the lowest `count` bytes of a number, the lowest first. */
static void put(FILE *stream, uint32_t number, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		fputc((int)(number >> (8 * i) & 0xff), stream);
}

static uint32_t crc_of(const unsigned char *bytes, size_t size)
{
	uint32_t table[256], crc = UINT32_MAX;

	for (uint32_t i = 0; i < 256; i++) {
		table[i] = i;
		for (unsigned bit = 0; bit < CRC_POLYNOMIAL_BITS; bit++)
			table[i] = table[i] >> 1 ^ (table[i] & 1 ? CRC_POLYNOMIAL : 0);
	}
	for (size_t i = 0; i < size; i++)
		crc = crc >> 8 ^ table[(crc ^ bytes[i]) & 0xff];
	return ~crc;
}

void gzip_write(FILE *stream, const void *bytes, size_t size)
{
	static const unsigned char head[] = {0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, OS_UNKNOWN};
	const unsigned char *at = bytes;
	size_t left = size;
	bool last;

	fwrite(head, 1, sizeof head, stream);
	do {
		uint32_t length = left < STORED_MAX ? (uint32_t)left : STORED_MAX;

		last = length == left;
		put(stream, last, 1);
		put(stream, length, 2);
		put(stream, ~length, 2);
		fwrite(at, 1, length, stream);
		at += length;
		left -= length;
	} while (!last);
	put(stream, crc_of(bytes, size), 4);
	put(stream, (uint32_t)size, 4);
}
