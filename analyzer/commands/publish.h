/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * publish.h - writes what a check has found where the options of CI systems say.
 * It must never write over the lockfile, nor let two formats go to one file.
 */
#ifndef ANALYZER_PUBLISH_H
#define ANALYZER_PUBLISH_H

#include "analyzer/ci/ci.h"
#include "analyzer/commands/options.h"

/* Which formats are asked for. One that is all zeros asks for none. */
struct publish {
	bool chosen[CI_COUNT];
	const char *files[CI_COUNT]; /* of formats that take one */
};

/* Takes the option of a format. `file` is NULL if it takes none. Returns -1, or the exit status after a message. */
int publish_take(struct publish *publish, int format, const char *file);

/* Whether the choice can be served beside the lock and the answer. Returns -1, or the exit status after a message. */
int publish_doubt(const struct publish *publish, const struct options *options, const char *lock);

/*
 * Writes all formats that are asked for: files, and at last what goes to standard output. Returns whether all could be written,
 * after a message for each that could not; output_finish tells that of standard output.
 */
bool publish(const struct publish *publish, const struct ci_check *check, struct output *output);

#endif
