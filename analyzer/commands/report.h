/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * report.h - the parts of a report that other commands show too.
 */
#ifndef ANALYZER_REPORT_H
#define ANALYZER_REPORT_H

#include "analyzer/render/render.h"
#include "analyzer/tables/views.h"

/* The lines on top of a text report: what ran, and the totals. For aggregates that have answers. */
void report_head(struct output *output, struct views *views);

/* The members "complete", "processes" and "totals" of a JSON report. Totals are null where nothing could be read. */
void report_totals_json(struct output *output, struct views *views);

/* On standard error: what was damaged, a few lines a file. */
void report_damage(const struct aggregate *aggregate);

/*
 * The exit status that the input calls for: EXIT_ERROR unless `found_all`, EXIT_INCOMPLETE where something is
 * lost or damaged, EXIT_FINE.
 */
int report_status(const struct aggregate *aggregate, bool found_all);

#endif
