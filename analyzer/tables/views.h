/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * views.h - the data of one aggregate's tables: groups, namespaces, launches, stacks and places of call sites.
 * It must never outlive its aggregate, nor change it.
 */
#ifndef ANALYZER_VIEWS_H
#define ANALYZER_VIEWS_H

#include "analyzer/aggregate/launches.h"
#include "analyzer/aggregate/summary.h"
#include "analyzer/tables/places.h"
#include "analyzer/tables/roofs.h"
#include "analyzer/tables/table.h"

struct code_rows;
struct sampled_stacks;
struct tree_lines;

/* Each part is made when a table first needs it. Other folders use no members but the first four. */
struct views {
	const struct aggregate *aggregate;
	bool spread;               /* people are shown COLUMN_SPREAD */
	bool all_frames;           /* work by code is shown for all frames, and not only for the user's */
	const struct roofs *roofs; /* what the machine can do at most; NULL if that is not known */
	struct group_list groups[GROUP_COUNT];
	bool grouped[GROUP_COUNT];  /* `groups` is made */
	size_t sorted[GROUP_COUNT]; /* how many of the groups, from the first on, are in order; SIZE_MAX: all */
	struct times *times;
	const struct group **unpriced; /* routines without a price: the rows of their table */
	const struct note **notes;     /* in the order of their table, and so are the limits */
	const struct limit **limits;
	struct space_list spaces;
	struct launch_list launches;
	struct sampled_stacks *stacks; /* see stacks.h */
	struct code_rows *code;        /* see code.h */
	struct tree_lines *tree;       /* see tree.h */
	struct symbolizer *symbolizer;
	struct places places;
	struct paths paths;  /* of the places */
	bool has_places;     /* both are made */
	struct text scratch; /* text of the value that was asked for last */
	/* The place that was looked up last, and its site: several columns of one row ask for it. */
	struct place place;
	uint32_t place_site;
	struct column columns[TABLE_COLUMNS_MAX]; /* of the table that key_table made last */
};

/* Opens views of an aggregate, which must outlive them. views_close frees all that they have given out. */
void views_open(struct views *views, const struct aggregate *aggregate);
void views_close(struct views *views);

/* The views that a table shows a part of; for tables that views_get or key_table has described. */
static inline struct views *views_of(const struct table *table) { return table->data; }

/*
 * All groups by one criterion, of which at least the first `top` are in order. A later call with a larger `top` does not move
 * these.
 */
const struct group_list *views_groups(struct views *views, enum group_by by, size_t top);

struct symbolizer *views_symbolizer(struct views *views);
/* The frames of stacks. The user's own files are told apart by where the programs ran, as their dumps say. */
struct places *views_places(struct views *views);
/* The place where a site's calls are made, valid until the next one is asked for. */
const struct place *views_place(struct views *views, uint32_t site);
const struct space_list *views_spaces(struct views *views);
const struct launch_list *views_launches(struct views *views);

/* An empty text for a getter to write its value to, valid until the next call. */
struct text *views_scratch(struct views *views);

/* Adds up calls and times of all routines, in nanoseconds. The other members are 0: they are in the aggregate's totals. */
struct group views_times(struct views *views);

/* A table that can be made of any aggregate. */
struct table_kind {
	const char *key, *title; /* names, for programs and for people */
	const struct column *columns;
	unsigned column_count;
	/* Sets the table's rows, in order, as `for_people` asks for them. NULL: the rows are groups by `by`. */
	void (*list)(struct views *views, struct table *table);
	enum group_by by;
	/* How many of the first rows are worth showing to people; NULL: all. */
	size_t (*worth)(const struct table *table);
};

/* Initialize the columns of a struct table_kind with an array, and the criterion of its groups. */
#define COLUMNS(array) array, sizeof array / sizeof *array
#define GROUPS(what)   .by = what

/*
 * Describes a table of the aggregate with at most `top` rows, and without rows that are not worth showing if it is for
 * people. The table holds until views_close.
 */
void views_get(struct views *views, const struct table_kind *kind, size_t top, bool for_people, struct table *table);

/* Opens paths by which the user's own code in the dumps is told from other code. paths_close closes them. */
void views_open_paths(struct paths *paths, const struct aggregate *aggregate);

#endif
