/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * recorded.h - reads a dump with its ordered record, for the commands that show single calls.
 * It must never show a record as whole of which calls are missing.
 */
#ifndef ANALYZER_RECORDED_H
#define ANALYZER_RECORDED_H

#include "analyzer/aggregate/record.h"
#include "analyzer/tables/symbolize.h"

struct recorded {
	struct aggregate aggregate; /* of the dump alone */
	struct record record;
	struct symbolizer *symbolizer;
};

/*
 * Reads a dump, and says on standard error what is damaged or missing. Returns -1, and recorded_close frees *recorded, which must
 * not be moved; or the exit status, after a message, if the dump cannot be opened.
 */
int recorded_open(struct recorded *recorded, const char *path);
void recorded_close(struct recorded *recorded);

/* Does the same without a message. Returns 0, or an errno value or an enum page_error, as system_open does. */
int recorded_read(struct recorded *recorded, const char *path);

/* The exit status. A merged dump has no record. */
int recorded_status(const struct recorded *recorded);

#endif
