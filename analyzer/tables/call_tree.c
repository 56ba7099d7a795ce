/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * call_tree.c - joins the stacks of one or two runs into a tree, whose leaves have the work.
 * It must never tell two nodes apart by what differs between two runs of the same program: addresses, or lines where runs are
 * compared.
 */
#include "analyzer/tables/call_tree.h"

#include <stdlib.h>
#include <string.h>

#include "analyzer/base/memory.h"
#include "count.h"
#include "names.h"

/* What is needed while the work of a run is added. */
struct adding {
	struct call_tree *tree;
	struct call_stacks stacks;
	uint32_t *sites,
		*spaces; /* by number in the aggregate: rows of the tables, of namespaces those of the first run */
	unsigned run;
	bool all_timed; /* every call was timed */
};

void call_tree_free(struct call_tree *tree)
{
	intern_free(&tree->nodes);
	intern_free(&tree->texts);
	intern_free(&tree->joined);
	free(tree->of_joined);
	for (unsigned run = 0; run < CALL_TREE_RUNS; run++)
		free(tree->work[run]);
}

/* ---- nodes ---- */

static const struct call_node *node_at(const struct call_tree *tree, uint32_t number)
{
	return intern_at(&tree->nodes, number);
}

static uint32_t node_add(struct call_tree *tree, const struct call_node *node)
{
	size_t known = tree->nodes.count;
	uint32_t number = intern_bytes(&tree->nodes, node, sizeof *node);

	for (unsigned run = 0; number == known && run < CALL_TREE_RUNS; run++) {
		tree->work[run] = memory_grow(tree->work[run], known, &tree->capacity[run], sizeof *tree->work[run]);
		tree->work[run][number] = (struct tree_work){0};
	}
	return number;
}

static uint32_t text_number(struct call_tree *tree, const char *text)
{
	return text ? intern_text(&tree->texts, text) : WORK_NONE;
}

/* A node without a parent. */
static struct call_node node_of(const struct adding *adding, const struct call_frame *frame)
{
	static const enum call_tree_kind kinds[] = {
		[FRAME_PYTHON] = CALL_TREE_PYTHON,
		[FRAME_NATIVE] = CALL_TREE_NATIVE,
		[FRAME_ROUTINE] = CALL_TREE_ROUTINE,
	};
	const struct aggregate *aggregate = adding->stacks.aggregate;
	struct call_tree *tree = adding->tree;
	const char *module =
		frame->module == AGGREGATE_NONE ? NULL : text_at(aggregate, module_of(aggregate, frame->module)->path);

	return (struct call_node){.parent = WORK_NONE,
	                          .kind = kinds[frame->origin],
	                          .function = text_number(tree, frame->nameless ? NULL : frame->function),
	                          .file = text_number(tree, frame->file),
	                          .module = text_number(tree, module && tree->compared ? base_name(module) : module),
	                          .line = tree->compared ? 0 : frame->line,
	                          .site = WORK_NONE,
	                          .space = WORK_NONE};
}

/* Whether nothing but the module is known of a node. */
static bool is_nameless(const struct call_node *node) { return node->function == WORK_NONE && node->file == WORK_NONE; }

/* Adds the nodes of a stack but the last one, which does the work, and returns the innermost of them. */
static uint32_t add_callers(const struct adding *adding, const struct call_stack *stack)
{
	struct call_tree *tree = adding->tree;
	uint32_t parent = WORK_NONE;

	for (uint32_t i = 0; i + 1 < stack->depth; i++) {
		struct call_node node = node_of(adding, call_stack_frame(&adding->stacks, stack, i));

		/* Frames of one module without names that follow each other are one. */
		if (parent != WORK_NONE && is_nameless(&node) && is_nameless(node_at(tree, parent)) &&
		    node.module == node_at(tree, parent)->module)
			continue;
		node.parent = parent;
		parent = node_add(tree, &node);
	}
	return parent;
}

/* ---- leaves ---- */

/* The number of a leaf of the first run that differs in its site alone; WORK_NONE if there is none. */
static uint32_t joined_leaf(const struct call_tree *tree, struct call_node leaf)
{
	uint32_t number;

	leaf.site = WORK_NONE;
	number = intern_find(&tree->joined, &leaf, sizeof leaf);
	return number == INTERN_NONE ? WORK_NONE : tree->of_joined[number];
}

static void join_leaf(struct call_tree *tree, struct call_node leaf, uint32_t number)
{
	size_t known = tree->joined.count;
	uint32_t joined;

	leaf.site = WORK_NONE;
	joined = intern_bytes(&tree->joined, &leaf, sizeof leaf);
	if (joined != known)
		return;
	tree->of_joined = memory_grow(tree->of_joined, known, &tree->joined_capacity, sizeof *tree->of_joined);
	tree->of_joined[joined] = number;
}

/* Finds the row of each namespace in the table of the first run; WORK_NONE where that lacks it. */
static void find_space_rows(const struct adding *adding, const struct aggregate *aggregate,
                            const struct space_list *first_spaces)
{
	struct intern paths = {0}; /* no two namespaces have one path, so that its numbers are those of the rows */

	_Static_assert(WORK_NONE == INTERN_NONE, "what is not found is no row");
	for (size_t i = 0; i < first_spaces->count; i++)
		intern_text(&paths, first_spaces->spaces[i].path);
	for (uint32_t i = 0; i < aggregate->spaces.count; i++) {
		const char *path = intern_at(&aggregate->spaces, i);

		adding->spaces[i] = intern_find(&paths, path, strlen(path));
	}
	intern_free(&paths);
}

static uint32_t leaf_number(const struct adding *adding, struct call_node *leaf)
{
	struct call_tree *tree = adding->tree;
	uint32_t number = adding->run == CALL_TREE_NOW ? WORK_NONE : joined_leaf(tree, *leaf);

	if (number != WORK_NONE)
		return number;
	if (adding->run != CALL_TREE_NOW)
		leaf->site = WORK_NONE; /* it would be a row of the other run's table */
	number = node_add(tree, leaf);
	if (tree->compared && adding->run == CALL_TREE_NOW)
		join_leaf(tree, *leaf, number);
	return number;
}

static void add_stack(const struct adding *adding, const struct call_stack *stack)
{
	struct call_node leaf = node_of(adding, call_stack_frame(&adding->stacks, stack, stack->depth - 1));
	struct tree_work *work;
	uint32_t number;

	leaf.parent = add_callers(adding, stack);
	leaf.site = adding->sites[stack->site];
	if (leaf.site == WORK_NONE)
		leaf.kind = CALL_TREE_MANUAL; /* the table of call sites has all others */
	leaf.space = adding->spaces[stack->space];
	number = leaf_number(adding, &leaf);
	work = &adding->tree->work[adding->run][number];
	for (unsigned weight = 0; weight < WORK_WEIGHTS; weight++)
		work->weights[weight] = u128_add(work->weights[weight], stack->weights[weight]);
	work->about |= stack->source == STACK_SAMPLED;
	work->about_time |= !adding->all_timed || stack->source != STACK_NONE;
}

void call_tree_add(struct call_tree *tree, struct views *views, const struct work *work, unsigned run,
                   const struct space_list *spaces)
{
	const struct aggregate *aggregate = views->aggregate;
	const struct space_list *own = views_spaces(views);
	struct adding adding = {.tree = tree,
	                        .sites = memory_new(aggregate->sites.count, sizeof *adding.sites),
	                        .spaces = memory_new(aggregate->spaces.count, sizeof *adding.spaces),
	                        .run = run,
	                        .all_timed = aggregate->totals.timed_calls == aggregate->totals.calls};

	memset(adding.sites, 0xff, aggregate->sites.count * sizeof *adding.sites); /* WORK_NONE */
	for (size_t i = 0; i < work->count; i++)
		adding.sites[work->rows[i].row->site] = work->rows[i].site;
	if (spaces)
		find_space_rows(&adding, aggregate, spaces);
	for (size_t i = 0; i < own->count && !spaces; i++)
		adding.spaces[own->spaces[i].number] = (uint32_t)i;
	call_stacks_open_by(&adding.stacks, aggregate, views_symbolizer(views), false);
	for (size_t i = 0; i < adding.stacks.count; i++)
		add_stack(&adding, &adding.stacks.stacks[i]);
	call_stacks_close(&adding.stacks);
	free(adding.sites);
	free(adding.spaces);
}

/* ---- the table ---- */

static const void *item_at(const struct table *table, size_t row)
{
	struct call_tree *tree = table->data;

	tree->item.node = node_at(tree, (uint32_t)row);
	for (unsigned run = 0; run < CALL_TREE_RUNS; run++)
		tree->item.work[run] = &tree->work[run][row];
	return &tree->item;
}

static const char *kind_text(uint32_t kind)
{
	static const char *const names[] = {
		[CALL_TREE_PYTHON] = "python",
		[CALL_TREE_NATIVE] = "native",
		[CALL_TREE_ROUTINE] = "routine",
		[CALL_TREE_MANUAL] = "manual",
	};

	return names[kind];
}

static const char *node_text(const struct table *table, uint32_t text)
{
	return text == WORK_NONE ? NULL : intern_at(&((const struct call_tree *)table->data)->texts, text);
}

static bool is_leaf(const struct call_node *node)
{
	return node->kind == CALL_TREE_ROUTINE || node->kind == CALL_TREE_MANUAL;
}

/* A time of 0 is that of calls of which none was timed, nor any that are like them. */
static struct value time_value(const struct call_node *node, const struct tree_work *work)
{
	struct value value = value_number_if(!is_leaf(node) || work->weights[WORK_TIME], work->weights[WORK_TIME]);

	value.estimated = work->about_time;
	return value;
}

static struct value weight_value(const struct tree_work *work, enum work_weight weight)
{
	struct value value = value_number(work->weights[weight]);

	value.estimated = work->about;
	return value;
}

#define WORK(run, weight) weight_value(item->work[run], weight)

GETTER(node_parent, struct call_item, value_number_if(item->node->parent != WORK_NONE, item->node->parent))
GETTER(node_kind, struct call_item, value_text(kind_text(item->node->kind)))
GETTER(node_function, struct call_item, value_text(node_text(table, item->node->function)))
GETTER(node_file, struct call_item, value_text(node_text(table, item->node->file)))
GETTER(node_line, struct call_item, value_number_if(item->node->line != 0, item->node->line))
GETTER(node_module, struct call_item, value_text(node_text(table, item->node->module)))
GETTER(node_site, struct call_item, value_number_if(item->node->site != WORK_NONE, item->node->site))
GETTER(node_space, struct call_item, value_number_if(item->node->space != WORK_NONE, item->node->space))
GETTER(node_calls, struct call_item, WORK(CALL_TREE_NOW, WORK_CALLS))
GETTER(node_flops, struct call_item, WORK(CALL_TREE_NOW, WORK_FLOPS))
GETTER(node_charged, struct call_item, WORK(CALL_TREE_NOW, WORK_CHARGED))
GETTER(node_time, struct call_item, time_value(item->node, item->work[CALL_TREE_NOW]))
GETTER(node_about, struct call_item, value_number(item->work[CALL_TREE_NOW]->about))
GETTER(node_old_calls, struct call_item, WORK(CALL_TREE_OLD, WORK_CALLS))
GETTER(node_old_flops, struct call_item, WORK(CALL_TREE_OLD, WORK_FLOPS))
GETTER(node_old_charged, struct call_item, WORK(CALL_TREE_OLD, WORK_CHARGED))
GETTER(node_old_time, struct call_item, time_value(item->node, item->work[CALL_TREE_OLD]))
GETTER(node_old_about, struct call_item, value_number(item->work[CALL_TREE_OLD]->about))

/* clang-format off */
static const struct column columns[] = {
	{ "parent",                "",         COLUMN_NUMBER, COLUMN_NO_TEXT, node_parent },
	{ "kind",                  "",         COLUMN_TEXT,   COLUMN_NO_TEXT, node_kind },
	{ "function",              "function", COLUMN_TEXT,   0,              node_function },
	{ "file",                  "file",     COLUMN_TEXT,   0,              node_file },
	{ "line",                  "line",     COLUMN_NUMBER, 0,              node_line },
	{ "module",                "module",   COLUMN_TEXT,   0,              node_module },
	{ "site",                  "",         COLUMN_NUMBER, COLUMN_NO_TEXT, node_site },
	{ "namespace",             "",         COLUMN_NUMBER, COLUMN_NO_TEXT, node_space },
	{ "calls",                 "calls",    COLUMN_COUNT,  0,              node_calls },
	{ "flops",                 "FLOPs",    COLUMN_FLOPS,  0,              node_flops },
	{ "charged",               "charged",  COLUMN_FLOPS,  COLUMN_CHARGED, node_charged },
	{ "estimated_time_ns",     "time",     COLUMN_TIME,   0,              node_time },
	{ "about",                 "",         COLUMN_BOOL,   COLUMN_NO_TEXT, node_about },
	/* Of two runs only. */
	{ "old_calls",             "",         COLUMN_COUNT,  COLUMN_NO_TEXT, node_old_calls },
	{ "old_flops",             "",         COLUMN_FLOPS,  COLUMN_NO_TEXT, node_old_flops },
	{ "old_charged",           "",         COLUMN_FLOPS,  COLUMN_NO_TEXT, node_old_charged },
	{ "old_estimated_time_ns", "",         COLUMN_TIME,   COLUMN_NO_TEXT, node_old_time },
	{ "old_about",             "",         COLUMN_BOOL,   COLUMN_NO_TEXT, node_old_about },
};
/* clang-format on */

enum { OLD_COLUMNS = 5 };

void call_tree_table(struct call_tree *tree, struct table *table)
{
	*table = (struct table){.key = "call_tree",
	                        .title = "Call stacks",
	                        TABLE_COLUMNS(columns),
	                        .row_count = tree->nodes.count,
	                        .item = item_at,
	                        .data = tree};
	if (!tree->compared)
		table->column_count -= OLD_COLUMNS;
}
