/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tables.h - the tables of a report, in the order in which a person sees them.
 * It must never change the name or the place of an existing table, which programs that read JSON or CSV rely on.
 */
#ifndef ANALYZER_TABLES_H
#define ANALYZER_TABLES_H

#include "analyzer/tables/views.h"

extern const struct table_kind table_routines, table_unpriced, table_shapes, table_sites, table_manual, table_libraries;
extern const struct table_kind table_stacks, table_code;
extern const struct table_kind table_rows; /* of no report: all that is known of each row, for exports */
extern const struct table_kind table_namespaces, table_limits;
extern const struct table_kind table_processes, table_tree, table_launches, table_hosts;
extern const struct table_kind table_notes, table_damage;

enum report_table_flags {
	REPORT_LONG = 1 << 0,  /* it may be long: JSON has its first rows, and says how many it leaves out */
	REPORT_WHOLE = 1 << 1, /* people are shown more rows of it than of other tables */
};

struct report_table {
	const struct table_kind *kind;
	unsigned place; /* among the tables of a JSON report, whose order must stay; no two have the same */
	unsigned flags; /* a set of enum report_table_flags */
	bool (*applies)(struct views *views); /* whether people are shown it; NULL: if it has rows */
};

extern const struct report_table report_tables[];
extern const size_t report_table_count;

/* The table with this place, which must be less than report_table_count. */
const struct report_table *report_table_at(unsigned place);

/* The table whose name on the command line and in JSON is `key`; NULL if there is none. */
const struct report_table *report_table_find(const char *key);

#endif
