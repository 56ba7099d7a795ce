/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * base64.c - writes and reads base64.
 * It must never read beyond the text that it is given, which need not end in a 0.
 */
#include "analyzer/base/base64.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { LINE_BYTES = 90 }; /* bytes in a line of 120 letters; a multiple of 3 */

static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* Appends one to three bytes as four letters. */
static void add_group(struct text *text, const unsigned char *bytes, size_t size)
{
	uint32_t bits = (uint32_t)bytes[0] << 16 | (size > 1 ? (uint32_t)bytes[1] << 8 : 0) | (size > 2 ? bytes[2] : 0);
	char group[4];

	for (unsigned i = 0; i < sizeof group; i++)
		group[i] = i <= size ? letters[bits >> (18 - 6 * i) & 63] : '=';
	text_add_bytes(text, group, sizeof group);
}

void base64_add(struct text *text, const void *bytes, size_t size)
{
	for (size_t at = 0; at < size; at += 3) {
		add_group(text, (const unsigned char *)bytes + at, size - at < 3 ? size - at : 3);
		if ((at + 3) % LINE_BYTES == 0 || at + 3 >= size)
			text_add_byte(text, '\n');
	}
}

static bool is_space(char letter) { return letter == '\n' || letter == '\r' || letter == ' ' || letter == '\t'; }

/* By letter, its value plus 1; 0 for what is no letter of base64. */
static void fill_values(unsigned char values[256])
{
	memset(values, 0, 256);
	for (unsigned i = 0; i < 64; i++)
		values[(unsigned char)letters[i]] = (unsigned char)(i + 1);
}

unsigned char *base64_decode(const char *text, size_t length, size_t *size)
{
	unsigned char values[256], *bytes = malloc(length / 4 * 3 + 3);
	uint32_t bits = 0;
	size_t count = 0, padding = 0;

	*size = 0;
	fill_values(values);
	for (size_t i = 0; bytes && i < length; i++) {
		unsigned value = values[(unsigned char)text[i]];

		if (is_space(text[i]))
			continue;
		padding += text[i] == '=';
		if ((padding && text[i] != '=') || (!value && text[i] != '=')) {
			free(bytes);
			return NULL;
		}
		bits = bits << 6 | (value ? value - 1 : 0);
		if (++count % 4)
			continue;
		bytes[(*size)++] = (unsigned char)(bits >> 16);
		bytes[(*size)++] = (unsigned char)(bits >> 8);
		bytes[(*size)++] = (unsigned char)bits;
	}
	if (!bytes || count % 4 || padding > 2 || padding > *size) {
		free(bytes);
		return NULL;
	}
	*size -= padding;
	return bytes;
}
