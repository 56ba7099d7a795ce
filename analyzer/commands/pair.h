/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * pair.h - whether two runs, an old one and a new one, can be compared.
 * It must never let the sum of several runs pass for one.
 */
#ifndef ANALYZER_PAIR_H
#define ANALYZER_PAIR_H

#include "analyzer/commands/gather.h"

/*
 * Whether each side is of a single run, tells apart what `by` groups, which may be NULL, and is priced as the other is. If not, a
 * message says why. `paths` are those of the old one and the new one on the command line.
 */
bool pair_fits(const struct aggregate *old, const struct aggregate *new, char *const *paths, const struct key *by);

#endif
