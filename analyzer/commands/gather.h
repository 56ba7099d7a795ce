/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * gather.h - finds the dumps that a command line names and adds them up.
 * It must never leave out a dump without a message, unless --last has asked for it.
 */
#ifndef ANALYZER_GATHER_H
#define ANALYZER_GATHER_H

#include "analyzer/tables/keys.h"

struct gather_options {
	bool last;     /* add the last of the runs that are found, and no other */
	bool siblings; /* a dump stands for its run: add the dumps of its run that have their names from it, too */
	/* Say on standard error which dumps of the named dumps' runs, or of later runs, lie beside them and were not found. */
	bool beside;
	bool quiet; /* say nothing on standard error, for a second gathering of the same dumps */
	/* Called with the path of each dump that is to be added, which is not added then. NULL: the dumps are added. */
	void (*found)(void *context, const char *path);
	void *context; /* first argument of `found` */
};

/*
 * Adds the dumps of `paths`, which are files, and directories with all *.dump in them; without any path, those of the current
 * directory. Of several copies of a dump the best is added, and a message names the others. Damage is only noted in the
 * aggregate. Returns false, after messages, if a file cannot be opened or a directory has no dump, or if `siblings` is set and
 * a dump has a sibling of a later run.
 */
bool gather(struct aggregate *aggregate, char *const *paths, size_t count, struct gather_options options);

/* Adds one dump. Returns 0; or, if it cannot be opened, an errno value as system_open does, and adds nothing then. */
int gather_add(struct aggregate *aggregate, const char *path);

/*
 * Opens an aggregate, which can tell whether processes of this machine still run. With `reprice`, calls are priced by the
 * current routine table. `by` is the key whose groups the aggregate must tell apart, or NULL. gather_close frees it.
 */
void gather_open(struct aggregate *aggregate, bool reprice, const struct key *by);
void gather_close(struct aggregate *aggregate);

/*
 * Whether the dumps may be added up, which is so if all were priced by one version of the routine table, or are repriced.
 * If not, a message says why.
 */
bool gather_is_of_one_version(const struct aggregate *aggregate);

/* Whether two runs were priced by one version of the routine table, as far as both say; each is of one version. */
bool gather_are_of_one_version(const struct aggregate *a, const struct aggregate *b);

/*
 * Whether a file can be written of what was gathered, all of whose dumps must be of one version. If not, a message says why; `what`
 * is what cannot be done with them then: "cannot be merged".
 */
bool gather_is_writable(const struct aggregate *aggregate, const char *what);

/*
 * Whether the dumps tell apart what `by` groups, and can price it. If not, since one is a merged dump, a message says so. `by` may
 * be NULL.
 */
bool gather_tells(const struct aggregate *aggregate, const struct key *by);

/* Writes the message that dumps of two versions cannot be "added up", or whatever else `what` says. */
void gather_complain_of_versions(const struct aggregate *a, const struct version *of_a, const struct aggregate *b,
                                 const struct version *of_b, const char *what);

#endif
