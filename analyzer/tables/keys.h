/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * keys.h - what work can be added up by: --by KEY.
 * It must never name two groups alike that are not the same.
 */
#ifndef ANALYZER_KEYS_H
#define ANALYZER_KEYS_H

#include "analyzer/tables/tables.h"

enum key_number {
	KEY_ROUTINE, KEY_SHAPE, KEY_NAMESPACE, KEY_SITE, KEY_THREAD, KEY_PROCESS, KEY_RANK, KEY_HOST,
	KEY_COUNT
};

/* Sets of keys: for commands to say which they can do with. */
#define KEY_BIT(number) (1u << (number))
#define KEYS_ALL (KEY_BIT(KEY_COUNT) - 1)

struct key {
	const char *name;          /* on the command line */
	const char *title;         /* of a table by it */
	const char *compared;      /* of a table of what differs */
	enum group_by by;
	unsigned origin;           /* what the aggregate must tell apart: a set of enum origin_part */
	const struct table_kind *kind; /* the table of a report by it; NULL: put together from `columns` and measures */
	/* What says which group it is, for items that are groups of rows. */
	const struct column *columns;
	unsigned column_count;
};

extern const struct key keys[KEY_COUNT];

/* By its name; NULL if there is none, or it is not in the set. */
const struct key *key_find(const char *name, unsigned set);

/* The names of a set: "routine, shape or host". */
void keys_add_names(struct text *text, unsigned set);

/*
 * What the key's columns say of a group, but those with a flag of `without`; `table` is one of its aggregate. Without
 * COLUMN_ONLY_TEXT it is the same in every aggregate that has the group, and that of no other.
 */
void key_add_name(struct text *text, const struct key *key, const struct table *table, const struct group *group,
                  enum column_flags without, const char *separator);

/* Describes the table of all work by a key, as views_get does. */
void key_table(struct views *views, const struct key *key, size_t top, bool for_readers, struct table *table);

#endif
