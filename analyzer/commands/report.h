/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * report.h - the parts of a report that other commands show, too.
 * It must never show 0 for what could not be read.
 */
#ifndef ANALYZER_REPORT_H
#define ANALYZER_REPORT_H

#include "analyzer/commands/options.h"

/* Adds what ran, and the totals. For people, the aggregate must have a dump that could be read (`answered`). */
void report_head(struct answer *answer, struct views *views);

/* Adds the whole report, or the work by the key of --by. For people it adds nothing if no dump could be read. */
void report_fill(struct answer *answer, const struct options *options, struct views *views);

/* Says on standard error what is damaged or missing, in at most 21 lines, unless it has been said. */
void report_damage(const struct aggregate *aggregate);

/*
 * Returns EXIT_ERROR unless `found_all`, or if a dump is of a later format; EXIT_INCOMPLETE if something is lost or damaged;
 * EXIT_FINE otherwise.
 */
int report_status(const struct aggregate *aggregate, bool found_all);

#endif
