/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * gzip.h - wraps bytes as a gzip file, which readers of profiles expect.
 * It must never depend on a library, nor on the time: equal bytes give equal files.
 */
#ifndef ANALYZER_GZIP_H
#define ANALYZER_GZIP_H

#include <stddef.h>
#include <stdio.h>

/* Writes bytes as a gzip file (RFC 1952) in stored blocks, without compressing them. */
void gzip_write(FILE *stream, const void *bytes, size_t size);

#endif
