/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * gather.h - finds the dumps that a command line names and adds them up.
 * It must never leave out a dump without a word.
 */
#ifndef ANALYZER_GATHER_H
#define ANALYZER_GATHER_H

#include "analyzer/tables/keys.h"

struct gather_options {
	bool last;     /* takes the last of the runs that are found, and no other */
	bool siblings; /* takes a file for its run: with the dumps that have their names from its name */
	/* Says on standard error which dumps of the named files' runs, or of later ones, lie beside them; only without those two. */
	bool beside;
	bool quiet;    /* says nothing on standard error: a first gathering has */
};

/*
 * Adds the dumps of `paths`: files, and directories with all *.dump in them. With no path: the current
 * directory. What cannot be opened, and a file of an earlier run than its siblings', is said on standard error; false then.
 * Of copies of a dump the best is added, and the others are said. What is damaged is only noted in the aggregate.
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

/* Says that dumps of two versions cannot be "added up", or whatever else was to be done with them. */
void gather_complain_of_versions(const struct aggregate *a, const struct version *of_a, const struct aggregate *b,
                                 const struct version *of_b, const char *what);

#endif
