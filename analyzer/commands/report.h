/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * report.h - the parts of a report that other commands show too.
 * It must never make zeros of what could not be read.
 */
#ifndef ANALYZER_REPORT_H
#define ANALYZER_REPORT_H

#include "analyzer/commands/options.h"

/* What ran, and the totals: lines for readers of an aggregate that has answers, members for programs. */
void report_head(struct answer *answer, struct views *views);

/* The whole report, or the work by a key. */
void report_fill(struct answer *answer, const struct options *options, struct views *views);

/* On standard error: what was damaged, a few lines a file. */
void report_damage(const struct aggregate *aggregate);

/*
 * The exit status that the input calls for: EXIT_ERROR unless `found_all`, EXIT_INCOMPLETE where something is
 * lost or damaged, EXIT_FINE.
 */
int report_status(const struct aggregate *aggregate, bool found_all);

#endif
