/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * merging.h - what `merge` and `collect` do alike: they read many dumps, and write one.
 * It must never choose which dumps these are.
 */
#ifndef ANALYZER_MERGING_H
#define ANALYZER_MERGING_H

#include <sys/types.h>

#include "analyzer/aggregate/aggregate.h"
#include "analyzer/base/text.h"

enum { MERGING_JOBS_MAX = 256 };

/* The dumps to merge. One that is all zeros is empty. */
struct dumps {
	char **paths;
	size_t count, capacity;
	unsigned jobs; /* number of processes to read with, up to MERGING_JOBS_MAX; 0: as many as there is work for */
};

/* Adds a copy of a path. The context is a struct dumps: see gather_options.found. */
void merging_add_path(void *dumps, const char *path);
void merging_free(struct dumps *dumps);

/* Opens an aggregate for merging. gather_close frees it. */
void merging_open(struct aggregate *aggregate);

/*
 * Adds all dumps, and shows the progress on a terminal. A dump that cannot be read is only noted in the aggregate. Returns
 * false, after a message, if a process that was to read has failed.
 */
bool merging_read(struct aggregate *aggregate, const struct dumps *dumps);

struct merging_target {
	const char *path;
	mode_t mode;
	bool is_new; /* nothing may have this name yet; otherwise a file is replaced, and a link to one followed */
};

/*
 * Says what is damaged, writes the merged dump, and says what it holds. Returns an exit status: EXIT_ERROR, after a message, if
 * it is not written.
 */
int merging_write(const struct aggregate *aggregate, const struct merging_target *target);

/* Reads permissions in octal that let the owner read, as of --mode. Returns false if they are anything else. */
bool merging_mode(const char *text, mode_t *mode);

/* What --mode must be given, for a message. */
#define MERGING_MODE_EXPECTED "expected permissions in octal that let you read the file, such as 640"

#endif
