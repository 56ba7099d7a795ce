/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tree.c - the table of processes as a tree: who has started whom, and what each has done, alone and with all below it.
 * It must never leave a process out for programs: only people are shown many siblings that are alike as one line.
 */
#include "analyzer/tables/tree.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/aggregate/order.h"
#include "analyzer/aggregate/tree.h"
#include "analyzer/base/memory.h"
#include "analyzer/tables/measures.h"
#include "analyzer/tables/processes.h"
#include "analyzer/tables/tables.h"
#include "count.h"
#include "names.h"

enum {
	SIBLINGS_MOST = 4, /* more siblings that are alike become one line */
	INDENT = 2,
	INDENTED_MOST = 20, /* deeper levels are not indented further */
};

/* A line of the table: a node, or for people several siblings that are alike. */
struct line {
	const struct tree_node *node;         /* the first one */
	const struct tree_node *least, *most; /* the first ones that have the fewest and the most FLOPs */
	uint64_t nodes;
	uint64_t processes;            /* number of processes in the subtrees */
	struct process_sums own, sums; /* of the nodes themselves; of their subtrees */
	bool own_known, known;         /* the counts of any of them could be read */
	bool one_host;                 /* all are on the same host */
};

struct tree_lines {
	struct process_tree tree;
	struct line *lines[2]; /* for programs, and for people */
	size_t counts[2];
};

void tree_lines_free(struct tree_lines *lines)
{
	if (!lines)
		return;
	tree_free(&lines->tree);
	free(lines->lines[0]);
	free(lines->lines[1]);
	free(lines);
}

static struct tree_lines *lines_of(struct views *views)
{
	if (!views->tree) {
		views->tree = memory_new(1, sizeof *views->tree);
		tree_find(views->aggregate, views_launches(views), &views->tree->tree);
	}
	return views->tree;
}

const struct process_tree *views_tree(struct views *views) { return &lines_of(views)->tree; }

/* ---- siblings that are alike ---- */

/* What two nodes that are alike agree in, beside the kinds of nodes below them. */
struct look {
	uint32_t program, job, array_task, step, launch; /* texts */
	uint32_t job_size;                               /* number of ranks of the launch */
	uint32_t link, ranked, has_dump;
};

static struct look look_of(const struct tree_node *node)
{
	const struct process *process = node->process;

	if (!process)
		return (struct look){.program = AGGREGATE_NONE};
	return (struct look){
		.program = process->program,
		.job = process->job,
		.array_task = process->array_task,
		.step = process->step,
		.launch = process->launch,
		.job_size = process->job_size,
		.link = (uint32_t)node->link,
		.ranked = process->rank >= 0,
		.has_dump = true,
	};
}

static int compare_numbers(const void *a, const void *b)
{
	return order_numbers(*(const uint32_t *)a, *(const uint32_t *)b);
}

/* Sorts numbers, and removes those that are there twice. Returns how many are left. */
static size_t make_set(uint32_t *numbers, size_t count)
{
	size_t kept = 0;

	if (count)
		qsort(numbers, count, sizeof *numbers, compare_numbers);
	for (size_t i = 0; i < count; i++)
		if (!kept || numbers[kept - 1] != numbers[i])
			numbers[kept++] = numbers[i];
	return kept;
}

/*
 * Returns, by node, numbers that are equal where the nodes look the same and have nodes of the same kinds below them, however
 * many of each; to be freed.
 */
static uint32_t *find_kinds(const struct process_tree *tree)
{
	uint32_t *kinds = memory_new(tree->count, sizeof *kinds);
	uint32_t *below = memory_new(tree->count, sizeof *below);
	struct intern known = {0};
	struct text key = {0};

	for (size_t i = tree->count; i-- > 0;) {
		struct look look = look_of(&tree->nodes[i]);
		size_t end = i + tree->nodes[i].size, count = 0;

		for (size_t child = i + 1; child < end; child += tree->nodes[child].size)
			below[count++] = kinds[child];
		count = make_set(below, count);
		text_clear(&key);
		text_add_bytes(&key, (const char *)&look, sizeof look);
		text_add_bytes(&key, (const char *)below, count * sizeof *below);
		kinds[i] = intern_bytes(&known, key.bytes, key.length);
	}
	text_free(&key);
	intern_free(&known);
	free(below);
	return kinds;
}

/* Returns, by node, the number of the siblings that are alike which it is one of, itself included; to be freed. */
static uint32_t *find_alike(const struct process_tree *tree, struct intern *groups)
{
	uint32_t *kinds = find_kinds(tree), *alike = memory_new(tree->count, sizeof *alike);

	for (size_t i = 0; i < tree->count; i++) {
		uint32_t key[2] = {tree->nodes[i].parent, kinds[i]};

		alike[i] = intern_bytes(groups, key, sizeof key);
	}
	free(kinds);
	return alike;
}

/* ---- lines ---- */

/* Adds a node to a line, which is all zeros before its first one. */
static void add_node(struct line *line, const struct tree_node *node)
{
	if (!line->nodes++) {
		line->node = node;
		line->one_host = true;
	}
	if (node->answered && (!line->least || node->sums.flops < line->least->sums.flops))
		line->least = node;
	if (node->answered && (!line->most || node->sums.flops > line->most->sums.flops))
		line->most = node;
	line->one_host &= node->host == line->node->host;
	line->processes += node->processes;
	if (node->process)
		process_sums_add(&line->own, &node->process->sums);
	line->own_known |= node->process && node->process->answered;
	line->known |= node->answered != 0;
	process_sums_add(&line->sums, &node->sums);
}

/* One line for each node. */
static size_t list_nodes(const struct process_tree *tree, struct line *lines)
{
	for (size_t i = 0; i < tree->count; i++)
		add_node(&lines[i], &tree->nodes[i]);
	return tree->count;
}

/* One line for each node, but one for many siblings that are alike, which stands where the first of them is. */
static size_t list_alike(const struct process_tree *tree, struct line *lines)
{
	struct intern groups = {0};
	uint32_t *alike = find_alike(tree, &groups), *counts = memory_new(groups.count, sizeof *counts);
	size_t *places = memory_new(groups.count, sizeof *places), count = 0; /* the lines of groups, counted from 1 */

	for (size_t i = 0; i < tree->count; i++)
		counts[alike[i]]++;
	for (size_t i = 0; i < tree->count;) {
		const struct tree_node *node = &tree->nodes[i];
		bool is_one = counts[alike[i]] <= SIBLINGS_MOST;

		if (is_one || !places[alike[i]])
			places[alike[i]] = ++count;
		add_node(&lines[places[alike[i]] - 1], node);
		i += is_one ? 1 : node->size;
	}
	intern_free(&groups);
	free(places);
	free(counts);
	free(alike);
	return count;
}

static void list_tree(struct views *views, struct table *table)
{
	struct tree_lines *lines = lines_of(views);
	bool for_people = table->for_people;

	if (!lines->lines[for_people]) {
		lines->lines[for_people] = memory_new(lines->tree.count, sizeof(struct line));
		lines->counts[for_people] =
			(for_people ? list_alike : list_nodes)(&lines->tree, lines->lines[for_people]);
	}
	table_set_items(table, lines->lines[for_people], lines->counts[for_people], sizeof(struct line));
}

/* ---- columns ---- */

static const struct tree_node *first_node(const struct table *table) { return views_tree(views_of(table))->nodes; }

static void add_program(struct text *text, const struct table *table, const struct process *process)
{
	const char *program = text_at(table->aggregate, process->program);

	text_add(text, *program ? base_name(program) : "(unknown program)");
}

/* The name of a line for people, indented by its depth; valid until the next value is asked for. */
static const char *name_of(const struct table *table, const struct line *line)
{
	struct text *text = views_scratch(views_of(table));
	const struct process *process = line->node->process;
	char number[NUMBER_TEXT];
	uint32_t depth = line->node->depth;

	text_format(text, "%*s", (int)(INDENT * (depth < INDENTED_MOST ? depth : INDENTED_MOST)), "");
	if (depth > INDENTED_MOST)
		text_format(text, "(level %" PRIu32 ") ", depth);
	if (line->nodes > 1)
		text_format(text, "%s %s%s", number_grouped(line->nodes, number),
		            process && process->rank >= 0 ? "ranks" : "processes", process ? " of " : " ");
	if (process)
		add_program(text, table, process);
	else
		text_add(text, "(no dump)");
	return text->bytes;
}

/* Which of the nodes of a line has the most; valid until the next value is asked for. NULL if there is nothing to compare. */
static const char *where_most(const struct table *table, const struct line *line)
{
	struct text *text = views_scratch(views_of(table));

	if (!line->most || line->least->sums.flops == line->most->sums.flops || !line->most->process)
		return NULL;
	process_add_name(text, table->aggregate, line->most->process);
	return text->bytes;
}

static const char *link_name(enum kin_link link)
{
	static const char *const names[] = {
		[KIN_ALONE] = NULL, [KIN_EXEC] = "exec", [KIN_FORK] = "fork", [KIN_CHILD] = "child"};

	return names[link];
}

static struct value number_of_node(const struct table *table, const struct tree_node *node)
{
	return value_number((u128)(node - first_node(table)));
}

/* A value of the process of a node; not known for several, and for one without a dump. */
#define OF_PROCESS(value) (item->nodes == 1 && item->node->process ? (value) : value_text(NULL))

static struct value text_of(const struct table *table, uint32_t text)
{
	return value_filled(text_at(table->aggregate, text));
}

GETTER(line_name, struct line, value_text(name_of(table, item)))
GETTER(line_node, struct line, number_of_node(table, item->node))
GETTER(line_parent, struct line, value_number_if(item->node->parent != AGGREGATE_NONE, item->node->parent))
GETTER(line_depth, struct line, value_number(item->node->depth))
GETTER(line_link, struct line, value_text(link_name(item->node->link)))
GETTER(line_pid, struct line, value_number_if(item->nodes == 1, item->node->pid))
GETTER(line_rank, struct line, OF_PROCESS(value_unless_negative(item->node->process->rank)))
GETTER(line_host, struct line, value_text(item->one_host ? text_at(table->aggregate, item->node->host) : NULL))
GETTER(line_processes, struct line, value_number(item->processes))
GETTER(line_program, struct line, OF_PROCESS(text_of(table, item->node->process->program)))
GETTER(line_file, struct line, OF_PROCESS(text_of(table, item->node->process->file)))
GETTER(line_own_flops, struct line, value_number_if(item->own_known, item->own.flops))
GETTER(line_own_charged, struct line, value_number_if(item->own_known, item->own.charged))
GETTER(line_own_calls, struct line, value_number_if(item->own_known, item->own.calls))
GETTER(line_own_time, struct line, value_sums_time(&item->own))
GETTER(line_flops, struct line, value_number_if(item->known, item->sums.flops))
GETTER(line_charged, struct line, value_number_if(item->known, item->sums.charged))
GETTER(line_share, struct line, value_ratio(item->sums.flops, table->aggregate->totals.flops))
GETTER(line_calls, struct line, value_number_if(item->known, item->sums.calls))
GETTER(line_time, struct line, value_sums_time(&item->sums))
GETTER(line_least, struct line,
       value_number_if(item->nodes > 1 && item->least, item->least ? item->least->sums.flops : 0))
GETTER(line_most, struct line, value_number_if(item->nodes > 1 && item->most, item->most ? item->most->sums.flops : 0))
GETTER(line_where, struct line, value_text(where_most(table, item)))

/* clang-format off */
static const struct column tree_columns[] = {
	{ "name",                         "process",     COLUMN_TEXT,   COLUMN_ONLY_TEXT,                 line_name },
	{ "node",                         "",            COLUMN_COUNT,  COLUMN_NO_TEXT,                   line_node },
	{ "parent",                       "",            COLUMN_COUNT,  COLUMN_NO_TEXT,                   line_parent },
	{ "depth",                        "",            COLUMN_COUNT,  COLUMN_NO_TEXT,                   line_depth },
	{ "began_by",                     "by",          COLUMN_TEXT,   COLUMN_OPTIONAL,                  line_link },
	{ "pid",                          "pid",         COLUMN_NUMBER, COLUMN_OPTIONAL,                  line_pid },
	{ "rank",                         "rank",        COLUMN_NUMBER, COLUMN_OPTIONAL,                  line_rank },
	{ "host",                         "host",        COLUMN_TEXT,   0,                                line_host },
	{ "processes",                    "processes",   COLUMN_COUNT,  0,                                line_processes },
	{ "program",                      "",            COLUMN_TEXT,   COLUMN_NO_TEXT,                   line_program },
	{ "file",                         "",            COLUMN_TEXT,   COLUMN_NO_TEXT,                   line_file },
	{ "own_calls",                    "",            COLUMN_COUNT,  COLUMN_NO_TEXT,                   line_own_calls },
	{ "own_flops",                    "own FLOPs",   COLUMN_FLOPS,  0,                                line_own_flops },
	{ "own_charged",                  "own charged", COLUMN_FLOPS,  COLUMN_CHARGED,                   line_own_charged },
	{ "own_estimated_time_ns",        "",            COLUMN_TIME,   COLUMN_NO_TEXT,                   line_own_time },
	{ "inclusive_calls",              "calls",       COLUMN_COUNT,  0,                                line_calls },
	{ "inclusive_flops",              "inclusive",   COLUMN_FLOPS,  0,                                line_flops },
	{ "inclusive_share",              "share",       COLUMN_SHARE,  0,                                line_share },
	{ "inclusive_charged",            "charged",     COLUMN_FLOPS,  COLUMN_CHARGED,                   line_charged },
	{ "inclusive_estimated_time_ns",  "time",        COLUMN_TIME,   COLUMN_OPTIONAL,                  line_time },
	{ "least_flops",                  "least",       COLUMN_FLOPS,  COLUMN_ONLY_TEXT | COLUMN_OPTIONAL, line_least },
	{ "most_flops",                   "most",        COLUMN_FLOPS,  COLUMN_ONLY_TEXT | COLUMN_OPTIONAL, line_most },
	{ "where_most",                   "most in",     COLUMN_TEXT,   COLUMN_ONLY_TEXT | COLUMN_OPTIONAL, line_where },
};
/* clang-format on */

const struct table_kind table_tree = {"process_tree", "Process tree", COLUMNS(tree_columns), .list = list_tree};
