/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * write_file.h - writes a file that a command was asked for.
 * It must never replace a file before the new one is complete.
 */
#ifndef ANALYZER_WRITE_FILE_H
#define ANALYZER_WRITE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/types.h>

#include "analyzer/base/text.h"

/*
 * Writes a file with these permissions, following a link to it. If `is_new`, nothing may have the name yet; otherwise a file
 * is replaced. Returns false, after a message, if the file cannot be written: what was there before is then still there.
 */
bool write_file(const char *path, mode_t mode, bool is_new, const struct text *bytes);

/*
 * Writes a file with what `write` writes to the stream that it is given, beside `context`. A file that is there is replaced.
 * Returns what write_file does.
 */
bool write_file_by(const char *path, mode_t mode, void (*write)(FILE *stream, const void *context),
                   const void *context);

/* Writes all bytes to a descriptor. Returns false, with errno set, if not all can be written. */
bool write_all(int file, const char *bytes, size_t length);

#endif
