/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * views.c - makes what the tables of an aggregate show, each part when it is first asked for.
 * It must never look up a call site that no table shows, which is expensive.
 */
#include "analyzer/tables/views.h"

#include <stdlib.h>
#include <string.h>

#include "analyzer/tables/code.h"
#include "analyzer/tables/stacks.h"
#include "analyzer/tables/tree.h"
#include "count.h"

void views_open(struct views *views, const struct aggregate *aggregate)
{
	*views = (struct views){.aggregate = aggregate, .times = times_new(aggregate), .place_site = AGGREGATE_NONE};
}

void views_close(struct views *views)
{
	for (size_t i = 0; i < GROUP_COUNT; i++)
		group_list_free(&views->groups[i]);
	times_free(views->times);
	space_list_free(&views->spaces);
	launches_free(&views->launches);
	code_free(views->code);
	if (views->has_places) {
		places_close(&views->places);
		paths_close(&views->paths);
	}
	symbolizer_free(views->symbolizer);
	free(views->unpriced);
	free(views->notes);
	free(views->limits);
	stacks_free(views->stacks);
	tree_lines_free(views->tree);
	text_free(&views->scratch);
}

const struct group_list *views_groups(struct views *views, enum group_by by, size_t top)
{
	struct group_list *list = &views->groups[by];

	if (!views->grouped[by])
		group_rows(views->aggregate, views->times, by, list);
	views->grouped[by] = true;
	if (views->sorted[by] < top) {
		group_order(list, top);
		views->sorted[by] = top < list->count ? top : SIZE_MAX;
	}
	return list;
}

struct symbolizer *views_symbolizer(struct views *views)
{
	if (!views->symbolizer)
		views->symbolizer = symbolizer_new(views->aggregate);
	return views->symbolizer;
}

/* Whether a folder is one that programs and libraries are installed in. A program may have been run there, for its files. */
static bool is_of_installation(const char *folder)
{
	static const char *const folders[] = {"/usr", "/usr/bin", "/usr/lib", "/usr/local", "/opt", "/lib", "/bin"};

	for (unsigned i = 0; i < sizeof folders / sizeof *folders; i++)
		if (!strcmp(folder, folders[i]))
			return true;
	return false;
}

/* The folder that the programs ran in: of several the first in the order of bytes, so that the order of dumps does not matter. */
static const char *folder_of_run(const struct aggregate *aggregate)
{
	const char *folder = NULL;

	for (size_t i = 0; i < aggregate->process_count; i++) {
		const char *other = text_at(aggregate, aggregate->processes[i].directory);

		if (*other == '/' && !is_of_installation(other) && (!folder || strcmp(other, folder) < 0))
			folder = other;
	}
	return folder ? folder : "/";
}

void views_open_paths(struct paths *paths, const struct aggregate *aggregate)
{
	paths_open(paths, folder_of_run(aggregate), "");
}

struct places *views_places(struct views *views)
{
	if (!views->has_places) {
		views_open_paths(&views->paths, views->aggregate);
		places_open(&views->places, views->aggregate, &views->paths, views_symbolizer(views));
	}
	views->has_places = true;
	return &views->places;
}

const struct place *views_place(struct views *views, uint32_t site)
{
	if (views->place_site != site)
		symbolize_site(views_symbolizer(views), site, &views->place);
	views->place_site = site;
	return &views->place;
}

const struct space_list *views_spaces(struct views *views)
{
	if (!views->spaces.spaces)
		group_spaces(views->aggregate, &views->spaces);
	return &views->spaces;
}

const struct launch_list *views_launches(struct views *views)
{
	if (!views->launches.processes)
		launches_find(views->aggregate, &views->launches);
	return &views->launches;
}

struct text *views_scratch(struct views *views)
{
	text_clear(&views->scratch);
	return &views->scratch;
}

/* Sets the items of a table whose rows are groups. */
static void list_groups(struct views *views, enum group_by by, size_t top, struct table *table)
{
	const struct group_list *list = views_groups(views, by, top);

	table_set_items(table, list->groups, list->count, sizeof *list->groups);
}

void views_get(struct views *views, const struct table_kind *kind, size_t top, bool for_people, struct table *table)
{
	*table = (struct table){
		.key = kind->key,
		.title = kind->title,
		.columns = kind->columns,
		.column_count = kind->column_count,
		.data = views,
		.aggregate = views->aggregate,
		.hides_charged = views->aggregate->totals.charged == views->aggregate->totals.flops,
		.shows_spread = views->spread,
		.for_people = for_people,
	};
	if (kind->list)
		kind->list(views, table);
	else
		list_groups(views, kind->by, top, table);
	if (for_people && kind->worth)
		table->row_count = kind->worth(table);
	table_cut(table, top);
}

struct group views_times(struct views *views)
{
	const struct group_list *list = views_groups(views, GROUP_ROUTINE, SIZE_MAX);
	struct group sum = {0};

	for (size_t i = 0; i < list->count; i++) {
		const struct group *group = &list->groups[i];

		sum.time_ns = count_plus(sum.time_ns, group->time_ns);
		sum.timed_calls = count_plus(sum.timed_calls, group->timed_calls);
		sum.timed_flops = u128_add(sum.timed_flops, group->timed_flops);
		sum.estimated_ns = count_plus(sum.estimated_ns, group->estimated_ns);
		sum.extrapolated_ns = count_plus(sum.extrapolated_ns, group->extrapolated_ns);
		sum.extrapolated_calls = count_plus(sum.extrapolated_calls, group->extrapolated_calls);
		sum.timeless_calls = count_plus(sum.timeless_calls, group->timeless_calls);
		sum.calls = count_plus(sum.calls, group->calls);
	}
	return sum;
}
