/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * views.h - what the tables of one aggregate are made of, each part made when a table first needs it.
 * It must never outlive its aggregate, nor change it.
 */
#ifndef ANALYZER_VIEWS_H
#define ANALYZER_VIEWS_H

#include "analyzer/aggregate/launches.h"
#include "analyzer/aggregate/summary.h"
#include "analyzer/tables/symbolize.h"
#include "analyzer/tables/table.h"

struct sampled_stacks;

struct views {
	const struct aggregate *aggregate;
	struct group_list groups[GROUP_COUNT];
	bool grouped[GROUP_COUNT];
	size_t sorted[GROUP_COUNT];       /* how many of the groups are in order */
	struct times *times;
	const struct group **unpriced;    /* routines without a price */
	struct space_list spaces;
	struct launch_list launches;
	struct sampled_stacks *stacks;    /* see stacks.h */
	struct symbolizer *symbolizer;
	struct text scratch;              /* the text of the value that was asked for last */
	/* What was looked up last: several columns of one row ask for it. */
	struct place place;
	uint32_t place_site;
	struct column columns[TABLE_COLUMNS_MAX]; /* of a table that is put together from others' columns */
};

void views_open(struct views *views, const struct aggregate *aggregate);
void views_close(struct views *views);

static inline struct views *views_of(const struct table *table)
{
	return table->data;
}

/* Groups, of which the first `top` are in order; who asks for more later moves none of those. */
const struct group_list *views_groups(struct views *views, enum group_by by, size_t top);

struct symbolizer *views_symbolizer(struct views *views);
/* Where the calls of a site are made; valid until the next one is asked for. */
const struct place *views_place(struct views *views, uint32_t site);
const struct space_list *views_spaces(struct views *views);
const struct launch_list *views_launches(struct views *views);

/* Empties the scratch text, for a getter to write its value to. */
struct text *views_scratch(struct views *views);

/* Sums over all routines; only the times and the FLOPs of timed calls are not in the aggregate's totals. */
struct group views_times(struct views *views);

/* What a table is called, has and shows: one line of its file. */
struct table_kind {
	const char *key, *title;
	const struct column *columns;
	unsigned column_count;
	/* Sets the table's items, in order, and how many there are, for whom it says. NULL: groups of rows. */
	void (*list)(struct views *views, struct table *table);
	enum group_by by;
	/* How many rows are worth showing to readers; NULL: all. */
	size_t (*worth)(const struct table *table);
};

#define COLUMNS(array) array, sizeof array / sizeof *array
#define GROUPS(what) .by = what

/* Describes a table with at most `top` rows; for readers without the rows at its end that say nothing. */
void views_get(struct views *views, const struct table_kind *kind, size_t top, bool for_readers, struct table *table);

#endif
