/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * call_tree.c - hangs the work of each call site below its sampled stacks, or below the place of its calls where there are none.
 * It must never round work away: the parts of a call site add up to the whole.
 */
#include "analyzer/tables/call_tree.h"

#include <stdlib.h>
#include <string.h>

#include "analyzer/aggregate/estimate.h"
#include "analyzer/aggregate/order.h"
#include "analyzer/base/memory.h"
#include "count.h"
#include "names.h"

/* The calls of a site in a namespace. */
struct stratum {
	struct tree_work work;
	uint32_t site, site_place, space_place; /* number in the aggregate; as in struct work_row */
};

struct stratum_sample {
	uint32_t stratum, sample; /* numbers */
};

/* What is needed while the work of a run is added. */
struct adding {
	struct call_tree *tree;
	struct views *views;
	const struct aggregate *aggregate;
	unsigned run;
	const struct space_list *spaces; /* of the views, and of the first run or NULL */
	const struct space_list *first_spaces;
	struct estimate *estimates; /* by sample */
	struct intern keys;         /* struct place_key */
	struct stratum *strata;     /* by their numbers */
	size_t stratum_capacity;
	struct stratum_sample *samples;
	size_t sample_count;
	struct intern natives;          /* struct stack_frame */
	struct call_node *native_nodes; /* by their numbers, without parents */
	size_t native_capacity;
	struct call_node *path; /* the frames of a stack, from the innermost outwards, without parents */
	size_t path_count, path_capacity;
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

/* A node without a parent, of a place of which NULL is not known. */
static struct call_node node_of(struct call_tree *tree, enum call_tree_kind kind, const char *function,
                                const char *file, int line, const char *module)
{
	return (struct call_node){.parent = WORK_NONE,
	                          .kind = kind,
	                          .function = text_number(tree, function),
	                          .file = text_number(tree, file),
	                          .module = text_number(tree, module && tree->compared ? base_name(module) : module),
	                          .line = file && !tree->compared ? (uint32_t)line : 0,
	                          .site = WORK_NONE,
	                          .space = WORK_NONE};
}

static struct call_node node_of_place(struct call_tree *tree, const struct place *place)
{
	return node_of(tree, CALL_TREE_NATIVE, place->function, place->file, place->line, place->module);
}

/* The node of a line of Python, "function (file:line)". */
static struct call_node node_of_python(struct call_tree *tree, const char *line, size_t length)
{
	char *text = memory_text(line, length), *file = strstr(text, " ("), *colon = strrchr(text, ':');
	struct call_node node;
	int number = 0;

	if (file && colon && colon > file) {
		*file = *colon = 0;
		file += 2;
		number = atoi(colon + 1);
	} else {
		file = NULL;
	}
	node = node_of(tree, CALL_TREE_PYTHON, text, file, number, NULL);
	free(text);
	return node;
}

static const struct call_node *node_of_native(struct adding *adding, const struct stack_frame *frame)
{
	size_t known = adding->natives.count;
	uint32_t number = intern_bytes(&adding->natives, frame, sizeof *frame);

	if (number == known) {
		struct place place;

		symbolize_return(views_symbolizer(adding->views), frame->module, frame->offset, &place);
		adding->native_nodes = memory_grow(adding->native_nodes, known, &adding->native_capacity,
		                                   sizeof *adding->native_nodes);
		adding->native_nodes[number] = node_of_place(adding->tree, &place);
	}
	return &adding->native_nodes[number];
}

/* ---- paths ---- */

static void path_add(struct adding *adding, const struct call_node *node)
{
	adding->path = memory_grow(adding->path, adding->path_count, &adding->path_capacity, sizeof *adding->path);
	adding->path[adding->path_count++] = *node;
}

/* Whether a frame is one of Python's own, which runs the lines of Python. */
static bool is_interpreter(const struct aggregate *aggregate, const struct stack_frame *frame)
{
	const char *module = frame->module == AGGREGATE_NONE
	                             ? ""
	                             : base_name(text_at(aggregate, module_of(aggregate, frame->module)->path));

	return !strncmp(module, "python", 6) || !strncmp(module, "libpython", 9);
}

/* Of a stack with lines of Python, the native frames are those of the library that the innermost line has called. */
static void path_of_stack(struct adding *adding, uint32_t stack)
{
	const struct aggregate *aggregate = adding->aggregate;
	const struct stack_head *head = stack_of(aggregate, stack);
	const char *python = head->python == AGGREGATE_NONE ? NULL : text_at(aggregate, head->python);

	adding->path_count = 0;
	for (uint32_t i = 0; i < head->frame_count; i++) {
		const struct stack_frame *frame = &frames_of(head)[i];

		if (python && is_interpreter(aggregate, frame))
			break;
		path_add(adding, node_of_native(adding, frame));
	}
	while (python && *python) {
		size_t length = strcspn(python, "\n");
		struct call_node node = node_of_python(adding->tree, python, length);

		path_add(adding, &node);
		python += length + (python[length] != 0);
	}
}

static void path_of_site(struct adding *adding, uint32_t site)
{
	struct call_node node;
	struct place place;

	symbolize_site(views_symbolizer(adding->views), site, &place);
	node = node_of_place(adding->tree, &place);
	adding->path_count = 0;
	path_add(adding, &node);
}

/* Adds the nodes of the path, and returns the innermost one. Frames of one module without names that follow each other are one. */
static uint32_t path_end(struct adding *adding)
{
	uint32_t parent = WORK_NONE;

	for (size_t i = adding->path_count; i-- > 0;) {
		struct call_node node = adding->path[i];
		const struct call_node *above = parent == WORK_NONE ? NULL : node_at(adding->tree, parent);

		if (above && node.function == WORK_NONE && node.file == WORK_NONE && above->function == WORK_NONE &&
		    above->file == WORK_NONE && above->kind == node.kind && above->module == node.module)
			continue;
		node.parent = parent;
		parent = node_add(adding->tree, &node);
	}
	return parent;
}

/* ---- work ---- */

/* The number of a leaf of the first run that differs in its site alone; WORK_NONE if there is none. */
static uint32_t joined_leaf(struct call_tree *tree, const struct call_node *leaf)
{
	struct call_node key = *leaf;
	uint32_t number;

	key.site = WORK_NONE;
	number = intern_find(&tree->joined, &key, sizeof key);
	return number == INTERN_NONE ? WORK_NONE : tree->of_joined[number];
}

static void join_leaf(struct call_tree *tree, const struct call_node *leaf, uint32_t number)
{
	struct call_node key = *leaf;
	size_t known = tree->joined.count;
	uint32_t joined;

	key.site = WORK_NONE;
	joined = intern_bytes(&tree->joined, &key, sizeof key);
	if (joined != known)
		return;
	tree->of_joined = memory_grow(tree->of_joined, known, &tree->joined_capacity, sizeof *tree->of_joined);
	tree->of_joined[joined] = number;
}

/* The row of a namespace in the table of the first run; WORK_NONE if that lacks it. */
static uint32_t space_in_first(const struct adding *adding, uint32_t place)
{
	const char *path = adding->spaces->spaces[place].path;

	if (!adding->first_spaces)
		return place;
	for (size_t i = 0; i < adding->first_spaces->count; i++)
		if (!strcmp(adding->first_spaces->spaces[i].path, path))
			return (uint32_t)i;
	return WORK_NONE;
}

static void leaf_add(struct adding *adding, struct call_node leaf, const struct tree_work *more)
{
	struct call_tree *tree = adding->tree;
	uint32_t number = WORK_NONE;
	struct tree_work *work;

	leaf.space = space_in_first(adding, leaf.space);
	if (adding->run != CALL_TREE_NOW) {
		number = joined_leaf(tree, &leaf);
		leaf.site = WORK_NONE; /* it would be a row of the other run's table */
	}
	if (number == WORK_NONE)
		number = node_add(tree, &leaf);
	if (tree->compared && adding->run == CALL_TREE_NOW)
		join_leaf(tree, &leaf, number);
	work = &tree->work[adding->run][number];
	work->flops = u128_add(work->flops, more->flops);
	work->charged = u128_add(work->charged, more->charged);
	work->calls = count_plus(work->calls, more->calls);
	work->ns = count_plus(work->ns, more->ns);
	work->has_time |= more->has_time;
	work->about |= more->about;
	work->about_time |= more->about_time;
}

static void add_stratum_leaf(struct adding *adding, const struct stratum *stratum, const struct tree_work *work)
{
	struct call_node leaf =
		node_of(adding->tree, CALL_TREE_ROUTINE, site_symbol(adding->aggregate, stratum->site), NULL, 0, NULL);

	leaf.parent = path_end(adding);
	leaf.site = stratum->site_place;
	leaf.space = stratum->space_place;
	leaf_add(adding, leaf, work);
}

/* What stands between two parts of a whole; 0 <= before <= after <= all. */
static u128 part(u128 whole, u128 before, u128 after, u128 all)
{
	return u128_scale(whole, after, all) - u128_scale(whole, before, all);
}

static struct sample sum_with(const struct adding *adding, const struct sample *sum, uint32_t number)
{
	const struct sample *more = &adding->aggregate->sample_totals[number];

	return (struct sample){.flops = u128_add(sum->flops, more->flops),
	                       .calls = count_plus(sum->calls, more->calls)};
}

/* What the samples of a stratum stand for together. */
static struct sample sum_of_samples(const struct adding *adding, const struct stratum_sample *samples, size_t count)
{
	struct sample sum = {0};

	for (size_t i = 0; i < count; i++)
		sum = sum_with(adding, &sum, samples[i].sample);
	return sum;
}

/*
 * Divides the work of a stratum among its samples, in proportion to the FLOPs that these stand for, or else to their calls. The
 * calls are known exactly where the stack of each was taken.
 */
static void divide(struct adding *adding, const struct stratum *stratum, const struct stratum_sample *samples,
                   size_t count)
{
	const struct tree_work *whole = &stratum->work;
	struct sample all = sum_of_samples(adding, samples, count), before = {0};
	bool by_flops = all.flops != 0, all_calls = all.calls >= whole->calls;

	for (size_t i = 0; i < count; i++) {
		struct sample after = sum_with(adding, &before, samples[i].sample);
		u128 from = by_flops ? before.flops : before.calls, to = by_flops ? after.flops : after.calls;
		u128 end = by_flops ? all.flops : all.calls;
		struct tree_work work = {
			.flops = part(whole->flops, from, to, end),
			.charged = part(whole->charged, from, to, end),
			.calls = (uint64_t)(all_calls ? part(whole->calls, before.calls, after.calls, all.calls)
		                                      : part(whole->calls, from, to, end)),
			.ns = (uint64_t)part(whole->ns, from, to, end),
			.has_time = whole->has_time,
			.about = !adding->estimates[samples[i].sample].exact,
			.about_time = whole->about_time || count > 1,
		};

		path_of_stack(adding, sample_of(adding->aggregate, samples[i].sample)->stack);
		add_stratum_leaf(adding, stratum, &work);
		before = after;
	}
}

/* ---- a run ---- */

static void add_manual(struct adding *adding, const struct work_row *row)
{
	struct call_node leaf = node_of(adding->tree, CALL_TREE_MANUAL,
	                                routine_name(adding->aggregate, row->row->routine), NULL, 0, NULL);
	struct tree_work work = {.flops = row->row->flops, .charged = row->row->charged};

	leaf.space = row->space;
	leaf_add(adding, leaf, &work);
}

static void add_to_stratum(struct adding *adding, const struct work_row *row)
{
	struct place_key key = {row->row->site, row->row->space};
	size_t known = adding->keys.count;
	uint32_t number = intern_bytes(&adding->keys, &key, sizeof key);
	struct tree_work *work;

	if (number == known) {
		adding->strata = memory_grow(adding->strata, known, &adding->stratum_capacity, sizeof *adding->strata);
		adding->strata[number] =
			(struct stratum){.site = row->row->site, .site_place = row->site, .space_place = row->space};
	}
	work = &adding->strata[number].work;
	work->flops = u128_add(work->flops, row->row->flops);
	work->charged = u128_add(work->charged, row->row->charged);
	work->calls = count_plus(work->calls, row->row->calls);
	work->ns = count_plus(work->ns, row->has_time ? row->ns : 0);
	work->has_time |= row->has_time;
	work->about_time |= times_timed(row->row) != row->row->calls;
}

static int compare_samples(const void *a, const void *b, void *of)
{
	const struct stratum_sample *x = a, *y = b;
	const struct aggregate *aggregate = of;

	if (x->stratum != y->stratum)
		return x->stratum < y->stratum ? -1 : 1;
	return order_stacks(aggregate, sample_of(aggregate, x->sample)->stack, sample_of(aggregate, y->sample)->stack);
}

/* Finds the samples of the strata. Those of calls that have not returned may have none. */
static void find_samples(struct adding *adding)
{
	const struct aggregate *aggregate = adding->aggregate;

	adding->samples = memory_new(aggregate->samples.count, sizeof *adding->samples);
	for (uint32_t i = 0; i < aggregate->samples.count; i++) {
		const struct sample_key *sample = sample_of(aggregate, i);
		struct place_key key = {sample->site, sample->space};
		uint32_t stratum = intern_find(&adding->keys, &key, sizeof key);

		if (stratum != INTERN_NONE)
			adding->samples[adding->sample_count++] = (struct stratum_sample){stratum, i};
	}
	if (adding->sample_count)
		qsort_r(adding->samples, adding->sample_count, sizeof *adding->samples, compare_samples,
		        (void *)(uintptr_t)aggregate);
}

static void add_strata(struct adding *adding)
{
	size_t at = 0;

	for (uint32_t i = 0; i < adding->keys.count; i++) {
		size_t first = at;

		while (at < adding->sample_count && adding->samples[at].stratum == i)
			at++;
		if (at > first) {
			divide(adding, &adding->strata[i], &adding->samples[first], at - first);
			continue;
		}
		path_of_site(adding, adding->strata[i].site);
		add_stratum_leaf(adding, &adding->strata[i], &adding->strata[i].work);
	}
}

void call_tree_add(struct call_tree *tree, struct views *views, const struct work *work, unsigned run,
                   const struct space_list *spaces)
{
	struct adding adding = {.tree = tree,
	                        .views = views,
	                        .aggregate = views->aggregate,
	                        .run = run,
	                        .spaces = views_spaces(views),
	                        .first_spaces = spaces,
	                        .estimates = estimates_new(views->aggregate)};

	for (size_t i = 0; i < work->count; i++)
		if (work->rows[i].row->kind == DUMP_ROW_MANUAL)
			add_manual(&adding, &work->rows[i]);
		else
			add_to_stratum(&adding, &work->rows[i]);
	find_samples(&adding);
	add_strata(&adding);
	free(adding.estimates);
	intern_free(&adding.keys);
	free(adding.strata);
	free(adding.samples);
	intern_free(&adding.natives);
	free(adding.native_nodes);
	free(adding.path);
}

/* ---- the table ---- */

/* A node in the table. */
struct node_item {
	const struct call_node *node;
	const struct tree_work *work[CALL_TREE_RUNS];
};

/* The item of a row, valid until the next call. */
static const void *item_at(const struct table *table, size_t row)
{
	static struct node_item item;
	const struct call_tree *tree = table->data;

	item.node = node_at(tree, (uint32_t)row);
	for (unsigned run = 0; run < CALL_TREE_RUNS; run++)
		item.work[run] = &tree->work[run][row];
	return &item;
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

static struct value time_value(const struct call_node *node, const struct tree_work *work)
{
	struct value value = value_number_if(!is_leaf(node) || work->has_time, work->ns);

	value.estimated = work->about_time;
	return value;
}

#define WORK(run, member) value_number(item->work[run]->member)

GETTER(node_parent, struct node_item, value_number_if(item->node->parent != WORK_NONE, item->node->parent))
GETTER(node_kind, struct node_item, value_text(kind_text(item->node->kind)))
GETTER(node_function, struct node_item, value_text(node_text(table, item->node->function)))
GETTER(node_file, struct node_item, value_text(node_text(table, item->node->file)))
GETTER(node_line, struct node_item, value_number_if(item->node->line != 0, item->node->line))
GETTER(node_module, struct node_item, value_text(node_text(table, item->node->module)))
GETTER(node_site, struct node_item, value_number_if(item->node->site != WORK_NONE, item->node->site))
GETTER(node_space, struct node_item, value_number_if(item->node->space != WORK_NONE, item->node->space))
GETTER(node_calls, struct node_item, WORK(CALL_TREE_NOW, calls))
GETTER(node_flops, struct node_item, WORK(CALL_TREE_NOW, flops))
GETTER(node_charged, struct node_item, WORK(CALL_TREE_NOW, charged))
GETTER(node_time, struct node_item, time_value(item->node, item->work[CALL_TREE_NOW]))
GETTER(node_about, struct node_item, WORK(CALL_TREE_NOW, about))
GETTER(node_old_calls, struct node_item, WORK(CALL_TREE_OLD, calls))
GETTER(node_old_flops, struct node_item, WORK(CALL_TREE_OLD, flops))
GETTER(node_old_charged, struct node_item, WORK(CALL_TREE_OLD, charged))
GETTER(node_old_time, struct node_item, time_value(item->node, item->work[CALL_TREE_OLD]))
GETTER(node_old_about, struct node_item, WORK(CALL_TREE_OLD, about))

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

void call_tree_table(const struct call_tree *tree, struct table *table)
{
	*table = (struct table){.key = "call_tree",
	                        .title = "Call stacks",
	                        TABLE_COLUMNS(columns),
	                        .row_count = tree->nodes.count,
	                        .item = item_at,
	                        .data = (void *)(uintptr_t)tree};
	if (!tree->compared)
		table->column_count -= OLD_COLUMNS;
}
