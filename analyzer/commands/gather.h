/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * gather.h - finds the dumps that a command line names and adds them up.
 * It must never leave out a dump without a word.
 */
#ifndef ANALYZER_GATHER_H
#define ANALYZER_GATHER_H

#include "analyzer/tables/keys.h"

struct gather_options {
	bool last;     /* the last of the runs that are found, and no other */
	bool siblings; /* a file stands for its run: the dumps too that have their names from its name */
	bool beside;   /* without those two: what of that lies beside the files that are named is said */
	bool quiet;    /* what cannot be opened has been said already, and what is a copy */
};

/*
 * Adds the dumps of `paths`: files, and directories with all *.dump in them. With no path: the current
 * directory. What cannot be opened, and a file of an earlier run than its siblings', is said on standard error; false then.
 * Of copies of a dump the best is added, and the others are said. What is damaged is in the aggregate alone.
 */
bool gather(struct aggregate *aggregate, char *const *paths, size_t count, struct gather_options options);

/*
 * Opens an aggregate that tells living processes, prices anew where `reprice`, and tells apart what `by` needs,
 * which may be NULL.
 */
void gather_open(struct aggregate *aggregate, bool reprice, const struct key *by);
void gather_close(struct aggregate *aggregate);

/*
 * Whether the dumps may be added up: all of one version of the routine table, or priced anew. Says on standard
 * error why not.
 */
bool gather_is_of_one_version(const struct aggregate *aggregate);

#endif
