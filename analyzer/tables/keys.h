/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * keys.h - the keys that work can be added up by: --by KEY.
 * It must never give two groups of one aggregate the same name unless a comparison may add them up.
 */
#ifndef ANALYZER_KEYS_H
#define ANALYZER_KEYS_H

#include "analyzer/tables/key_sets.h"
#include "analyzer/tables/tables.h"

enum key_flags {
	KEY_OF_PROCESSES = 1 << 0, /* its rows are sums of processes: a merged dump cannot price these anew */
	KEY_HAS_SPREAD = 1 << 1,   /* its table has columns of COLUMN_SPREAD */
};

struct key {
	const char *name;     /* on the command line */
	const char *title;    /* of the table of a report by this key */
	const char *compared; /* of the table of a comparison by it */
	enum group_by by;
	unsigned worker;               /* what the aggregate must tell apart: a set of enum worker_part */
	const struct table_kind *kind; /* the table of a report by it; NULL: it is made of `columns` and measures */
	/* These say which group it is. Their getters take a struct group. */
	const struct column *columns;
	unsigned column_count;
	unsigned flags; /* a set of enum key_flags */
};

extern const struct key keys[KEY_COUNT];

/* Finds a key by its name; NULL if there is none, or if it is not in the set. */
const struct key *key_find(const char *name, unsigned set);

/* Adds the names of a set to a text: "routine, shape or host". */
void keys_add_names(struct text *text, unsigned set);

/*
 * Adds the texts of the key's columns for a group, with `separator` between them, but for columns that have a flag of
 * `without`. `table` has the views and the aggregate of the group. With COLUMN_ONLY_TEXT for `without`, the text of a group
 * is the same in every aggregate that has it.
 */
void key_add_name(struct text *text, const struct key *key, const struct table *table, const struct group *group,
                  enum column_flags without, const char *separator);

/* Describes the table of all work by a key, as views_get does. The table holds until the next call, or views_close. */
void key_table(struct views *views, const struct key *key, size_t top, bool for_people, struct table *table);

#endif
