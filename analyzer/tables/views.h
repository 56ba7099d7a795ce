/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * views.h - the tables that the commands show, each described once: what its columns are called and hold.
 */
#ifndef ANALYZER_VIEWS_H
#define ANALYZER_VIEWS_H

#include "analyzer/render/render.h"
#include "analyzer/aggregate/summary.h"

enum table_id {
	TABLE_ROUTINES,
	TABLE_NAMESPACES,
	TABLE_SHAPES,
	TABLE_SITES,
	TABLE_STACKS,
	TABLE_UNPRICED,
	TABLE_MANUAL,
	TABLE_LIMITS,
	TABLE_LIBRARIES,
	TABLE_NOTES,
	TABLE_PROCESSES,
	TABLE_DAMAGE,
	TABLE_COUNT
};

/* What the tables are made of, each part when a table first needs it. */
struct views {
	const struct aggregate *aggregate;
	struct group_list groups[GROUP_MANUAL + 1];
	bool grouped[GROUP_MANUAL + 1];
	size_t sorted[GROUP_MANUAL + 1]; /* how many of the groups are in order */
	struct group **unpriced;         /* routines */
	size_t unpriced_count;
	struct space_list spaces;
	uint32_t *samples;               /* numbers, the largest first */
	uint32_t *python_samples;        /* by site: its largest sample with a Python frame, AGGREGATE_NONE if none */
	struct symbolizer *symbolizer;
	struct arena texts;              /* of the row that was filled last */
};

void views_open(struct views *views, const struct aggregate *aggregate);
void views_close(struct views *views);

/* Describes a table with at most `top` rows. */
void views_get(struct views *views, enum table_id id, size_t top, struct table *table);

/* Takes routines that were only asked for their workspace out of the end of their table. */
void views_drop_uncalled(const struct views *views, struct table *table);

/* The name by which the command line and JSON know the table; TABLE_COUNT for a name that none has. */
const char *table_key(enum table_id id);
enum table_id table_by_key(const char *key);

/* Sums over all routines; only the times and the FLOPs of timed calls are not in the aggregate's totals. */
struct group views_times(struct views *views);

/* "call", "query", "rejected", "refused", "manual": of an enum dump_row_kind. */
const char *row_kind_name(unsigned kind);

const char *state_name(enum process_state state); /* as in JSON */

#endif
