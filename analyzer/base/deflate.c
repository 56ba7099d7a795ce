/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * deflate.c - calls zlib, or says that the build had none.
 * It must never be the reason that flopshim-report cannot be built.
 */
#include "analyzer/base/deflate.h"

#include <stdint.h>
#include <stdlib.h>

#ifdef HAVE_ZLIB

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <zlib.h>

enum { CHUNK = 1 << 16 };

const char *deflate_missing(void) { return NULL; }

void deflate_add(struct text *text, const void *bytes, size_t size)
{
	z_stream stream = {.next_in = (unsigned char *)(uintptr_t)bytes};
	unsigned char chunk[CHUNK];
	const char *end = (const char *)bytes + size;
	int status;

	if (deflateInit(&stream, Z_DEFAULT_COMPRESSION) != Z_OK) {
		fputs("flopshim-report: out of memory\n", stderr);
		exit(1);
	}
	do {
		size_t left = (size_t)(end - (const char *)stream.next_in);

		stream.avail_in = left > INT_MAX ? INT_MAX : (unsigned)left;
		stream.next_out = chunk;
		stream.avail_out = sizeof chunk;
		status = deflate(&stream, left == stream.avail_in ? Z_FINISH : Z_NO_FLUSH);
		text_add_bytes(text, chunk, sizeof chunk - stream.avail_out);
	} while (status != Z_STREAM_END);
	deflateEnd(&stream);
}

unsigned char *inflate_bytes(const void *bytes, size_t size, size_t most, size_t *length)
{
	z_stream stream = {.next_in = (unsigned char *)(uintptr_t)bytes};
	const char *end = (const char *)bytes + size;
	unsigned char *result = NULL;
	size_t capacity = 0;
	int status = inflateInit(&stream);

	*length = 0;
	while (status == Z_OK && *length <= most) {
		size_t left = (size_t)(end - (const char *)stream.next_in);

		if (capacity - *length < CHUNK) {
			unsigned char *more = realloc(result, capacity = 2 * capacity + 2 * CHUNK);

			if (!more)
				break;
			result = more;
		}
		stream.avail_in = left > INT_MAX ? INT_MAX : (unsigned)left;
		stream.next_out = result + *length;
		stream.avail_out = CHUNK - 1; /* there is always room for the 0 */
		status = inflate(&stream, Z_NO_FLUSH);
		*length = (size_t)(stream.next_out - result);
	}
	inflateEnd(&stream);
	if (status != Z_STREAM_END || *length > most) {
		free(result);
		return NULL;
	}
	result[*length] = 0;
	return result;
}

#else

const char *deflate_missing(void) { return "this program was built without zlib"; }

void deflate_add(struct text *text, const void *bytes, size_t size)
{
	(void)text;
	(void)bytes;
	(void)size;
}

unsigned char *inflate_bytes(const void *bytes, size_t size, size_t most, size_t *length)
{
	(void)bytes;
	(void)size;
	(void)most;
	*length = 0;
	return NULL;
}

#endif
