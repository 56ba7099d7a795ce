/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tables.h - the tables of a report, in its order.
 * It must never change the name or the place of a table that is there: JSON and CSV have both.
 */
#ifndef ANALYZER_TABLES_H
#define ANALYZER_TABLES_H

#include "analyzer/tables/views.h"

extern const struct table_kind table_routines, table_unpriced, table_shapes, table_sites, table_manual, table_libraries;
extern const struct table_kind table_stacks;
extern const struct table_kind table_namespaces, table_limits;
extern const struct table_kind table_processes, table_launches, table_notes, table_damage;

enum report_table_flags {
	REPORT_LONG = 1 << 0,  /* JSON has the first rows of it, and says how many it leaves out */
	REPORT_WHOLE = 1 << 1, /* readers get more rows of it than of others */
};

struct report_table {
	const struct table_kind *kind;
	unsigned place; /* among the members of a JSON report, which has them in the order of its first version */
	unsigned flags;
	bool (*applies)(const struct aggregate *aggregate); /* whether readers are shown it; NULL: where it has rows */
};

extern const struct report_table report_tables[];
extern const size_t report_table_count;

/* By its place. */
const struct report_table *report_table_at(unsigned place);

/* By the name that the command line and JSON know it by; NULL if there is none. */
const struct report_table *report_table_find(const char *key);

#endif
