/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * base64.h - bytes as text that may stand in an HTML page: base64 (RFC 4648) in lines.
 * It must never take a text for base64 that has anything else in it.
 */
#ifndef ANALYZER_BASE64_H
#define ANALYZER_BASE64_H

#include "analyzer/base/text.h"

/* Appends the bytes as base64, in lines that each end in a line feed. */
void base64_add(struct text *text, const void *bytes, size_t size);

/*
 * Decodes `length` bytes of base64, and passes over white space. Returns the bytes, to be freed, and sets *size; NULL if it is
 * no base64, or if there is no memory for it.
 */
unsigned char *base64_decode(const char *text, size_t length, size_t *size);

#endif
