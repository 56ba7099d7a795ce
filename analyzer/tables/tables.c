/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tables.c - the order of the tables in a report, and which of them a person is shown.
 * It must never hide a table from a program.
 */
#include "analyzer/tables/tables.h"

#include <string.h>

#include "analyzer/aggregate/tree.h"
#include "analyzer/tables/code.h"
#include "analyzer/tables/tree.h"

static bool has_spaces(struct views *views)
{
	const struct aggregate *aggregate = views->aggregate;

	return aggregate->spaces.count > 1 || aggregate->limits.count;
}

static bool has_scope_limits(struct views *views)
{
	const struct aggregate *aggregate = views->aggregate;

	for (size_t i = 0; i < aggregate->limits.count; i++)
		if (((const struct limit_key *)intern_at(&aggregate->limits, (uint32_t)i))->is_scope)
			return true;
	return false;
}

static bool has_processes(struct views *views) { return views->aggregate->process_count > 1; }

static bool has_tree(struct views *views) { return views_tree(views)->nested; }

static bool has_hosts(struct views *views)
{
	const struct aggregate *aggregate = views->aggregate;

	for (size_t i = 1; i < aggregate->process_count; i++)
		if (aggregate->processes[i].host != aggregate->processes[0].host)
			return true;
	return false;
}

/* Whether there is more than one launch. Of a single one the totals above the tables say enough. */
static bool has_launches(struct views *views)
{
	const struct aggregate *aggregate = views->aggregate;
	struct launch_key key, previous;
	bool has_previous = false;

	for (size_t i = 0; i < aggregate->process_count; i++) {
		const struct process *process = &aggregate->processes[i];

		if (!process->job_size)
			continue;
		key = launch_of(aggregate, process);
		if (has_previous && memcmp(&key, &previous, sizeof key))
			return true;
		previous = key;
		has_previous = true;
	}
	return false;
}

/* clang-format off */
const struct report_table report_tables[] = {
	{ &table_damage,     11, REPORT_WHOLE, NULL },
	{ &table_code,       15, REPORT_LONG,  code_is_told },
	{ &table_namespaces,  1, 0,            has_spaces },
	{ &table_limits,      7, 0,            has_scope_limits },
	{ &table_routines,    0, 0,            NULL },
	{ &table_unpriced,    5, 0,            NULL },
	{ &table_manual,      6, 0,            NULL },
	{ &table_shapes,      2, REPORT_LONG,  NULL },
	{ &table_sites,       3, REPORT_LONG,  NULL },
	{ &table_stacks,      4, REPORT_LONG,  NULL },
	{ &table_launches,   12, 0,            has_launches },
	{ &table_hosts,      13, 0,            has_hosts },
	{ &table_tree,       14, 0,            has_tree },
	{ &table_processes,  10, 0,            has_processes },
	{ &table_libraries,   8, 0,            NULL },
	{ &table_notes,       9, 0,            NULL },
};
/* clang-format on */

const size_t report_table_count = sizeof report_tables / sizeof *report_tables;

const struct report_table *report_table_at(unsigned place)
{
	size_t i = 0;

	while (i + 1 < report_table_count && report_tables[i].place != place)
		i++;
	return &report_tables[i];
}

const struct report_table *report_table_find(const char *key)
{
	for (size_t i = 0; i < report_table_count; i++)
		if (!strcmp(report_tables[i].kind->key, key))
			return &report_tables[i];
	return NULL;
}
