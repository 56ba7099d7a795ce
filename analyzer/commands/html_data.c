/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * html_data.c - fills the two answers of a page: one for its script, and one for where no script runs.
 * It must never show a number on a page that is not in one of the tables, or above them.
 */
#include "analyzer/commands/html_data.h"

#include <stdlib.h>
#include <string.h>

#include "analyzer/base/memory.h"
#include "analyzer/commands/report.h"
#include "analyzer/render/html/page.h"
#include "analyzer/tables/alike.h"
#include "analyzer/tables/call_tree.h"
#include "analyzer/tables/calls.h"
#include "analyzer/tables/cell.h"
#include "analyzer/tables/comparison.h"
#include "version.h"

enum {
	STATIC_TOP = 50,    /* rows of each table where no script runs */
	CALLS_MOST = 10000, /* single calls on a page */
	POINTS_MOST = 50,   /* of the roofline where no script runs */
};

#define CONVENTION                                                                                                    \
	"One real addition, subtraction, multiplication, division or square root is one FLOP; a complex addition is " \
	"2, a complex multiplication 6. Each call is priced from its dimensions by the standard algorithm, whatever " \
	"the library does. 'flopshim-report explain ROUTINE' shows the formula, and where it comes from."

/* By what a comparison is shown. Call sites come last: see change_count. */
static const struct {
	enum key_number key;
	const char *table, *title;
} changes[] = {
	{KEY_ROUTINE, "changes", "Routines that differ"},
	{KEY_SHAPE, "changes_by_shape", "Shapes that differ"},
	{KEY_NAMESPACE, "changes_by_namespace", "Namespaces that differ"},
	{KEY_SITE, "changes_by_site", "Call sites that differ"},
};

enum { CHANGES = sizeof changes / sizeof *changes };

/* What the tables of a page show. It lives until the page is written. */
struct contents {
	struct work work, old_work;
	struct call_tree tree;
	struct alike alike;
	struct calls calls;
	struct comparison comparisons[CHANGES];
	struct roofline_point points[POINTS_MOST];
	struct text names[POINTS_MOST];
	struct roofline_roof roofs[ROOF_PRECISIONS + ROOF_LEVELS];
};

static void add_table(struct answer *answer, const struct table *table)
{
	answer_table(answer, table, (struct table_options){0});
}

/* ---- what stands above the tables ---- */

static const char *text_of_kind(const struct answer *people, enum part_kind kind)
{
	for (size_t i = 0; i < people->count; i++)
		if (people->parts[i].kind == kind)
			return people->parts[i].text;
	return NULL;
}

/* Adds what people must know of the page itself. */
static void add_remarks(struct answer *people, const struct html_data *data)
{
	const struct aggregate *aggregate = &data->now->aggregate;
	size_t calls = data->now->has_record ? data->now->recorded.record.call_count : 0, dumps = 0;
	char all[NUMBER_TEXT], most[NUMBER_TEXT];

	for (size_t i = 0; i < aggregate->process_count && !data->now->has_record; i++)
		dumps += aggregate->processes[i].ordered;
	if (data->redacted)
		answer_fact(people, "redacted", "arguments, paths, hosts, and files and lines of sources are left out");
	if (calls > CALLS_MOST)
		answer_fact(people, "calls", "of %s ordered calls, the page has the %s with the most FLOPs",
		            number_grouped(calls, all), number_grouped(CALLS_MOST, most));
	if (dumps)
		answer_fact(people, "calls", "the ordered calls of %s dump%s are not on the page",
		            number_grouped(dumps, all), dumps == 1 ? "" : "s");
}

/* Adds the lines that people read above the tables. */
static void add_facts(struct answer *data, const struct answer *people)
{
	answer_begin(data, "facts", '[');
	for (size_t i = 0; i < people->count; i++) {
		const struct part *part = &people->parts[i];

		if (part->kind != PART_FACT && part->kind != PART_WARNING)
			continue;
		answer_begin(data, NULL, '{');
		answer_text(data, "label", part->key);
		answer_text(data, "text", part->text);
		answer_bool(data, "warning", part->kind == PART_WARNING);
		answer_end(data, '}');
	}
	answer_end(data, ']');
}

static const char *old_name(const struct html_data *data) { return data->redacted ? "the old run" : data->old->name; }
static const char *new_name(const struct html_data *data) { return data->redacted ? "the new run" : data->now->name; }

static void add_meta(struct answer *answer, const struct html_data *data, const struct answer *people,
                     const char *title)
{
	answer_text(answer, "title", title);
	answer_text(answer, "version", FLOPSHIM_VERSION);
	answer_bool(answer, "redacted", data->redacted);
	answer_text(answer, "what", text_of_kind(people, PART_TITLE));
	answer_text(answer, "how", text_of_kind(people, PART_PARAGRAPH));
	answer_text(answer, "convention", CONVENTION);
	add_facts(answer, people);
	if (!data->old)
		return;
	answer_begin(answer, "compare", '{');
	answer_text(answer, "old", old_name(data));
	answer_text(answer, "new", new_name(data));
	answer_end(answer, '}');
}

/* ---- tables ---- */

static void add_calls(struct contents *contents, struct html_run *run, struct answer *data)
{
	size_t all = run->has_record ? run->recorded.record.call_count : 0;
	struct table table;

	answer_number(data, "calls_left_out", all > CALLS_MOST ? all - CALLS_MOST : 0);
	if (!run->has_record)
		return;
	calls_open(&contents->calls, &run->recorded.aggregate, &run->recorded.record, run->recorded.symbolizer);
	calls_choose(&contents->calls, CALLS_MOST);
	calls_table(&contents->calls, &table);
	add_table(data, &table);
}

/* Where texts are left out, call sites are not compared: they are told apart by files of sources. */
static unsigned change_count(const struct html_data *data) { return data->redacted ? CHANGES - 1 : CHANGES; }

static void open_changes(struct contents *contents, const struct html_data *data)
{
	for (unsigned i = 0; i < change_count(data); i++)
		comparison_open(&contents->comparisons[i], &keys[changes[i].key], &data->old->aggregate,
		                &data->now->aggregate);
}

static void add_changes(struct contents *contents, const struct html_data *data, struct answer *answer, size_t top)
{
	struct table table;

	comparison_totals(&contents->comparisons[0], &table);
	table.key = "change_totals";
	add_table(answer, &table);
	for (unsigned i = 0; i < change_count(data); i++) {
		comparison_groups(&contents->comparisons[i], top, &table);
		table.key = changes[i].table;
		table.title = changes[i].title;
		add_table(answer, &table);
	}
}

static void close_changes(struct contents *contents, const struct html_data *data)
{
	for (unsigned i = 0; i < change_count(data); i++)
		comparison_close(&contents->comparisons[i]);
}

static void add_work(struct contents *contents, struct html_data *data, struct answer *answer)
{
	struct views *views = &data->now->views;
	struct table table;

	work_open(&contents->work, views);
	work_table(&contents->work, &table);
	add_table(answer, &table);
	contents->tree.compared = data->old != NULL;
	call_tree_add(&contents->tree, views, &contents->work, CALL_TREE_NOW, NULL);
	if (data->old) {
		work_open(&contents->old_work, &data->old->views);
		call_tree_add(&contents->tree, &data->old->views, &contents->old_work, CALL_TREE_OLD,
		              views_spaces(views));
	}
	call_tree_table(&contents->tree, &table);
	add_table(answer, &table);
	alike_open(&contents->alike, views);
	alike_table(&contents->alike, &table);
	add_table(answer, &table);
}

/* ---- the roofline where no script runs ---- */

static void find_points(struct contents *contents, struct views *views, struct roofline *roofline)
{
	const struct group_list *list = views_groups(views, GROUP_SHAPE, SIZE_MAX);
	const struct aggregate *aggregate = views->aggregate;
	const struct column shape = {.kind = COLUMN_SHAPE};

	roofline->points = contents->points;
	for (size_t i = 0; i < list->count && roofline->point_count < POINTS_MOST; i++) {
		const struct group *group = &list->groups[i];
		struct value value = value_shape(aggregate, group->row);
		double bytes = (double)group->words * type_size(routine_of(aggregate, group->row->routine)->type);
		struct text *name = &contents->names[roofline->point_count];

		if (!group->time_ns || !group->timed_flops || bytes <= 0)
			continue;
		text_format(name, "%s ", routine_name(aggregate, group->row->routine));
		cell_add(name, &shape, &value);
		contents->points[roofline->point_count++] =
			(struct roofline_point){.name = name->bytes,
		                                .intensity = (double)group->flops / bytes,
		                                .gflops = (double)group->timed_flops / (double)group->time_ns};
	}
}

static void add_roof(struct contents *contents, struct roofline *roofline, const char *name, double value,
                     bool is_memory)
{
	if (value > 0)
		contents->roofs[roofline->roof_count++] =
			(struct roofline_roof){.name = name, .value = value, .is_memory = is_memory};
}

static void find_roofs(struct contents *contents, const struct roofs *roofs, struct roofline *roofline)
{
	roofline->roofs = contents->roofs;
	for (unsigned i = 0; i < ROOF_PRECISIONS; i++)
		add_roof(contents, roofline, roof_precisions[i], roofs->gflops[i][roofs->used], false);
	for (unsigned i = 0; i < ROOF_LEVELS; i++)
		add_roof(contents, roofline, roof_titles[i], roofs->gbytes[i][roofs->used], true);
}

/* ---- the page ---- */

/* Sets `title` to what stands at the top of the page: `ran`, what ran, unless the user has said something else. */
static void find_title(struct text *title, const struct html_data *data, const char *ran)
{
	if (data->title)
		text_add(title, data->title);
	else if (data->old)
		text_format(title, "From %s to %s", old_name(data), new_name(data));
	else
		text_add(title, ran ? ran : "flopshim");
}

/* Fills the answer for where no script runs. */
static void fill_people(struct answer *people, struct contents *contents, const struct html_data *data,
                        const char *title)
{
	const struct options options = {.top = STATIC_TOP};

	if (data->title || data->old)
		answer_say(people, PART_TITLE, "%s", title);
	if (data->old)
		add_changes(contents, data, people, STATIC_TOP);
	report_fill(people, &options, &data->now->views);
	add_remarks(people, data);
	answer_say(people, PART_PARAGRAPH, CONVENTION);
}

static void fill_data(struct answer *answer, struct contents *contents, struct html_data *data,
                      const struct answer *head, const char *title)
{
	const struct options options = {.top = SIZE_MAX};

	report_fill(answer, &options, &data->now->views);
	add_work(contents, data, answer);
	add_calls(contents, data->now, answer);
	if (data->old)
		add_changes(contents, data, answer, SIZE_MAX);
	add_meta(answer, data, head, title);
}

static void contents_free(struct contents *contents, const struct html_data *data)
{
	if (data->old)
		close_changes(contents, data);
	work_close(&contents->work);
	work_close(&contents->old_work);
	call_tree_free(&contents->tree);
	alike_close(&contents->alike);
	if (data->now->has_record)
		calls_close(&contents->calls);
	for (unsigned i = 0; i < POINTS_MOST; i++)
		text_free(&contents->names[i]);
	free(contents);
}

void html_data_add(struct text *html, struct html_data *data)
{
	struct contents *contents = memory_new(1, sizeof *contents);
	struct page page = {.dump = data->dump};
	struct answer answer, head, people;
	struct text title = {0};

	answer_open(&answer, FOR_PROGRAM, false, NULL);
	answer_open(&head, FOR_DOCUMENT, false, NULL);
	answer_open(&people, FOR_DOCUMENT, false, NULL);
	if (data->old)
		open_changes(contents, data);
	report_head(&head, &data->now->views);
	add_remarks(&head, data);
	find_title(&title, data, text_of_kind(&head, PART_TITLE));
	fill_data(&answer, contents, data, &head, title.bytes);
	fill_people(&people, contents, data, title.bytes);
	find_points(contents, &data->now->views, &page.roofline);
	find_roofs(contents, &data->now->roofs, &page.roofline);
	page.title = title.bytes;
	page.data = &answer;
	page.people = &people;
	page_add(html, &page);
	contents_free(contents, data);
	text_free(&title);
	answer_close(&answer);
	answer_close(&head);
	answer_close(&people);
}
