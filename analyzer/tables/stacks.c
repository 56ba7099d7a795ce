/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * stacks.c - the table of sampled stacks, and the Python line that most of a call site's work came from.
 * It must never look a native frame up twice: that is expensive, and many stacks share frames.
 */
#include "analyzer/tables/stacks.h"

#include <stdlib.h>
#include <string.h>

#include "analyzer/aggregate/order.h"
#include "analyzer/base/memo.h"
#include "analyzer/base/memory.h"
#include "analyzer/tables/measures.h"
#include "analyzer/tables/tables.h"
#include "count.h"
#include "names.h"

enum { TEXT_FRAMES = 4 };

/* A row of the table: one sample, or several whose stacks look the same to a person. */
struct sampled {
	struct views *views;
	uint32_t number;            /* of the sample; of several, that of the largest */
	size_t place;               /* of that sample among all, the largest first */
	u128 flops;                 /* estimated: see estimate.h */
	u128 sampled_flops;         /* charged FLOPs, as the samples say by themselves */
	bool exact;                 /* `flops` is no estimate, see struct estimate */
	uint64_t calls;             /* that were sampled */
	const char *symbol, *space; /* symbol that was called; path of the namespace, "" for the root */
	const struct stack_head *stack;
};

/* A position in the list of samples. */
struct stacks {
	struct views *views;
	size_t next;
};

enum frame_kind { FRAMES_PYTHON, FRAMES_NATIVE };

/* A position in the frames of a stack, from the innermost outwards. */
struct frames {
	struct views *views;
	const struct stack_head *stack;
	enum frame_kind kind;
	const char *python; /* FRAMES_PYTHON: the lines that are left; NULL after the last */
	uint32_t next;      /* FRAMES_NATIVE */
};

/* Rows of the table of stacks, the largest first. */
struct stack_rows {
	struct sampled *rows;
	size_t count, capacity;
	bool made;
};

struct sampled_stacks {
	struct estimates estimates;
	uint32_t *order;           /* samples, the largest first */
	struct intern names;       /* of frames: "function (file:line)" */
	struct intern native;      /* native frames that have been looked up (struct stack_frame) */
	uint32_t *names_of_native; /* by their numbers in `native`: numbers in `names` */
	size_t native_capacity;
	struct memo lines;         /* by the number of a Python text: the number in `names` of what line_of finds */
	uint32_t *lines_of_sites;  /* by site: such a number, AGGREGATE_NONE if there is none */
	struct stack_rows rows[2]; /* for programs, and for people */
	struct text frames;        /* the list that was asked for last; each piece ends in 0 */
};

void stacks_free(struct sampled_stacks *stacks)
{
	if (!stacks)
		return;
	estimates_free(&stacks->estimates);
	free(stacks->order);
	intern_free(&stacks->names);
	intern_free(&stacks->native);
	free(stacks->names_of_native);
	memo_free(&stacks->lines);
	free(stacks->lines_of_sites);
	free(stacks->rows[0].rows);
	free(stacks->rows[1].rows);
	text_free(&stacks->frames);
	free(stacks);
}

/* The samples in order. */

static const struct sample_key *sample_at(const struct aggregate *aggregate, uint32_t number)
{
	return intern_at(&aggregate->samples, number);
}

static int compare_samples(const void *a, const void *b, void *of)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	const struct views *views = of;
	const struct estimate *estimates = views->stacks->estimates.of_samples;
	const struct sample_key *of_x = sample_at(views->aggregate, x), *of_y = sample_at(views->aggregate, y);
	int order;

	if (estimates[x].flops != estimates[y].flops)
		return estimates[x].flops < estimates[y].flops ? 1 : -1;
	order = order_sites(views->aggregate, of_x->site, of_y->site);
	if (!order)
		order = order_spaces(views->aggregate, of_x->space, of_y->space);
	return order ? order : order_stacks(views->aggregate, of_x->stack, of_y->stack);
}

/* What the views keep of stacks, made when it is first asked for. */
static struct sampled_stacks *sampled_stacks(struct views *views)
{
	const struct aggregate *aggregate = views->aggregate;
	struct sampled_stacks *stacks;

	if (views->stacks)
		return views->stacks;
	stacks = views->stacks = memory_new(1, sizeof *stacks);
	estimates_find(aggregate, views->times, &stacks->estimates);
	stacks->order = memory_new(aggregate->samples.count, sizeof *stacks->order);
	for (size_t i = 0; i < aggregate->samples.count; i++)
		stacks->order[i] = (uint32_t)i;
	if (aggregate->samples.count)
		qsort_r(stacks->order, aggregate->samples.count, sizeof *stacks->order, compare_samples, views);
	return stacks;
}

const struct estimates *stacks_estimates(struct views *views) { return &sampled_stacks(views)->estimates; }

/* Begins at the largest sample of an aggregate. */
static struct stacks stacks_of(struct views *views) { return (struct stacks){.views = views}; }

/* Takes the next smaller sample; false after the last. */
static bool stacks_next(struct stacks *stacks, struct sampled *sampled)
{
	const struct aggregate *aggregate = stacks->views->aggregate;
	const struct sampled_stacks *all = sampled_stacks(stacks->views);
	const struct sample_key *key;
	uint32_t number;

	if (stacks->next == aggregate->samples.count)
		return false;
	number = all->order[stacks->next++];
	key = sample_at(aggregate, number);
	*sampled = (struct sampled){
		.views = stacks->views,
		.number = number,
		.place = stacks->next - 1,
		.flops = all->estimates.of_samples[number].flops,
		.sampled_flops = aggregate->sample_totals[number].flops,
		.exact = all->estimates.of_samples[number].exact,
		.calls = aggregate->sample_totals[number].calls,
		.symbol = site_symbol(aggregate, key->site),
		.space = intern_at(&aggregate->spaces, key->space),
		.stack = stack_of(aggregate, key->stack),
	};
	return true;
}

/* Frames. */

static struct frames frames_of_stack(struct views *views, const struct stack_head *stack, enum frame_kind kind)
{
	return (struct frames){
		.views = views,
		.stack = stack,
		.kind = kind,
		.python = stack->python == AGGREGATE_NONE ? NULL : text_at(views->aggregate, stack->python),
	};
}

static struct frames frames_of_sample(const struct sampled *sampled, enum frame_kind kind)
{
	return frames_of_stack(sampled->views, sampled->stack, kind);
}

static const char *next_python(struct frames *frames)
{
	struct text *text;
	size_t length;

	if (!frames->python)
		return NULL;
	text = views_scratch(frames->views);
	length = strcspn(frames->python, "\n");
	text_add_bytes(text, frames->python, length);
	frames->python = frames->python[length] ? frames->python + length + 1 : NULL;
	return text->bytes;
}

/* The number in `names` of a native frame's name, which is looked up when it is first asked for. */
static uint32_t native_name(struct views *views, const struct stack_frame *frame)
{
	struct sampled_stacks *stacks = sampled_stacks(views);
	size_t known = stacks->native.count;
	uint32_t number = intern_bytes(&stacks->native, frame, sizeof *frame);

	if (number == known) {
		struct text *text = views_scratch(views);
		struct place place;

		symbolize_return(views_symbolizer(views), frame->module, frame->offset, &place);
		place_add(text, &place);
		stacks->names_of_native = memory_grow(stacks->names_of_native, known, &stacks->native_capacity,
		                                      sizeof *stacks->names_of_native);
		stacks->names_of_native[number] = intern_text(&stacks->names, text->bytes);
	}
	return stacks->names_of_native[number];
}

static const char *next_native(struct frames *frames)
{
	if (frames->next == frames->stack->frame_count)
		return NULL;
	return intern_at(&sampled_stacks(frames->views)->names,
	                 native_name(frames->views, &frames_of(frames->stack)[frames->next++]));
}

/* The next frame's name, "function (file:line)", valid until the next frame or value is asked for; NULL after the last. */
static const char *frames_next(struct frames *frames)
{
	return frames->kind == FRAMES_PYTHON ? next_python(frames) : next_native(frames);
}

/* Returns what frames_next returns, but passes over Python frames of generated code. */
static const char *next_written(struct frames *frames)
{
	const char *name;

	do
		name = frames_next(frames);
	while (name && frames->kind == FRAMES_PYTHON && python_frame_is_made(name));
	return name;
}

/* The Python line that most of a call site's work comes from. */

struct line_key {
	uint32_t site, line; /* line: number in `names` */
};

struct line_sums {
	struct intern keys; /* struct line_key */
	u128 *sums;         /* by their numbers: FLOPs of the samples of a site that have a line */
	size_t capacity;
};

/*
 * The number of a stack's innermost Python frame that is not of generated code, or of the innermost one if all are;
 * AGGREGATE_NONE if it has no Python frames.
 */
static uint32_t line_of(struct views *views, const struct stack_head *stack)
{
	struct sampled_stacks *stacks = sampled_stacks(views);
	uint32_t line = memo_find(&stacks->lines, stack->python);
	struct frames frames;
	const char *name;

	if (stack->python == AGGREGATE_NONE || line != MEMO_NONE)
		return stack->python == AGGREGATE_NONE ? AGGREGATE_NONE : line;
	frames = frames_of_stack(views, stack, FRAMES_PYTHON);
	name = next_written(&frames);
	if (!name) {
		frames = frames_of_stack(views, stack, FRAMES_PYTHON);
		name = frames_next(&frames);
	}
	line = intern_text(&stacks->names, name);
	memo_put(&stacks->lines, stack->python, line);
	return line;
}

static void add_line(struct line_sums *lines, const struct line_key *key, u128 flops)
{
	size_t known = lines->keys.count;
	uint32_t number = intern_bytes(&lines->keys, key, sizeof *key);

	if (number == known) {
		lines->sums = memory_grow(lines->sums, known, &lines->capacity, sizeof *lines->sums);
		lines->sums[number] = 0;
	}
	lines->sums[number] = u128_add(lines->sums[number], flops);
}

/* Finds, for all sites, the line with the largest sum. */
static void find_lines(struct views *views)
{
	const struct aggregate *aggregate = views->aggregate;
	struct sampled_stacks *stacks = sampled_stacks(views);
	u128 *most = memory_new(aggregate->sites.count, sizeof *most);
	struct line_sums lines = {0};

	for (size_t i = 0; i < aggregate->samples.count; i++) {
		const struct sample_key *sample = sample_at(aggregate, stacks->order[i]);
		struct line_key key = {sample->site, line_of(views, stack_of(aggregate, sample->stack))};

		if (key.line != AGGREGATE_NONE)
			add_line(&lines, &key, stacks->estimates.of_samples[stacks->order[i]].flops);
	}
	stacks->lines_of_sites = memory_new(aggregate->sites.count, sizeof *stacks->lines_of_sites);
	memset(stacks->lines_of_sites, 0xff, aggregate->sites.count * sizeof *stacks->lines_of_sites);
	for (uint32_t i = 0; i < lines.keys.count; i++) {
		const struct line_key *key = intern_at(&lines.keys, i);

		if (stacks->lines_of_sites[key->site] != AGGREGATE_NONE && lines.sums[i] <= most[key->site])
			continue;
		stacks->lines_of_sites[key->site] = key->line;
		most[key->site] = lines.sums[i];
	}
	intern_free(&lines.keys);
	free(lines.sums);
	free(most);
}

const char *stacks_python_of_site(struct views *views, uint32_t site)
{
	struct sampled_stacks *stacks = sampled_stacks(views);

	if (!stacks->lines_of_sites)
		find_lines(views);
	return stacks->lines_of_sites[site] == AGGREGATE_NONE ? NULL
	                                                      : intern_at(&stacks->names, stacks->lines_of_sites[site]);
}

/* The table. */

/* Adds the names of the next frames, at most `most`, each of which ends in 0. */
static void add_frames(struct text *text, struct frames frames, const char *(*next)(struct frames *), uint32_t most)
{
	const char *name;

	for (uint32_t i = 0; i < most && (name = next(&frames)); i++)
		text_add_bytes(text, name, strlen(name) + 1);
}

/* Sets `text` to the frames that a person is shown: the innermost ones, of Python where there are any. */
static void add_innermost(struct text *text, struct views *views, const struct stack_head *stack)
{
	text_clear(text);
	text_add(text, "");
	add_frames(text, frames_of_stack(views, stack, FRAMES_PYTHON), next_written, TEXT_FRAMES);
	if (!text->length)
		add_frames(text, frames_of_stack(views, stack, FRAMES_NATIVE), next_written, TEXT_FRAMES);
}

/* Numbers for what a person is shown of stacks. */
struct looks {
	struct intern known;
	struct memo of_python; /* by the number of a Python text: each is read once, however many stacks have it */
	struct text text;
};

/* Two stacks have equal numbers if a person is shown the same frames of both. */
static uint32_t look_of(struct looks *looks, struct views *views, const struct stack_head *stack)
{
	uint32_t look = memo_find(&looks->of_python, stack->python);

	if (look != MEMO_NONE)
		return look;
	add_innermost(&looks->text, views, stack);
	look = intern_bytes(&looks->known, looks->text.bytes, looks->text.length);
	if (stack->python != AGGREGATE_NONE)
		memo_put(&looks->of_python, stack->python, look);
	return look;
}

static int compare_rows(const void *a, const void *b)
{
	const struct sampled *x = a, *y = b;

	if (x->flops != y->flops)
		return x->flops < y->flops ? 1 : -1;
	return x->place < y->place ? -1 : x->place > y->place;
}

/* Adds a sample to the row with this number, which is a new one if it is `rows->count`. */
static void add_row(struct stack_rows *rows, uint32_t number, const struct sampled *sampled)
{
	struct sampled *row;

	if (number == rows->count) {
		rows->rows = memory_grow(rows->rows, rows->count, &rows->capacity, sizeof *rows->rows);
		rows->rows[rows->count++] = *sampled;
		return;
	}
	row = &rows->rows[number];
	row->flops = u128_add(row->flops, sampled->flops);
	row->sampled_flops = u128_add(row->sampled_flops, sampled->sampled_flops);
	row->calls = count_plus(row->calls, sampled->calls);
	row->exact &= sampled->exact;
}

/* For people, samples whose stacks look the same are one row: they differ in frames further out, or within a line. */
static void make_rows(struct views *views, bool for_people, struct stack_rows *rows)
{
	const struct aggregate *aggregate = views->aggregate;
	struct looks looks = {0};
	struct intern shown = {0};
	struct sampled sampled;

	for (struct stacks stacks = stacks_of(views); stacks_next(&stacks, &sampled);) {
		const struct sample_key *sample = sample_at(aggregate, sampled.number);
		uint32_t key[3] = {0, site_of(aggregate, sample->site)->symbol, sample->space};

		if (for_people)
			key[0] = look_of(&looks, views, sampled.stack);
		add_row(rows, for_people ? intern_bytes(&shown, key, sizeof key) : (uint32_t)rows->count, &sampled);
	}
	if (rows->count)
		qsort(rows->rows, rows->count, sizeof *rows->rows, compare_rows);
	rows->made = true;
	intern_free(&looks.known);
	memo_free(&looks.of_python);
	text_free(&looks.text);
	intern_free(&shown);
}

static struct value frames_value(const struct sampled *sampled, enum frame_kind kind)
{
	struct text *text = &sampled->views->stacks->frames;

	text_clear(text);
	add_frames(text, frames_of_sample(sampled, kind), frames_next, UINT32_MAX);
	return value_list(text->bytes, text->length);
}

static struct value innermost(const struct sampled *sampled)
{
	struct text *text = &sampled->views->stacks->frames;

	add_innermost(text, sampled->views, sampled->stack);
	return value_list(text->bytes, text->length);
}

static struct value flops_of(const struct sampled *sampled)
{
	struct value value = value_number(sampled->flops);

	value.estimated = !sampled->exact;
	return value;
}

/* The part of the FLOPs done and in flight. Stacks are taken before their calls run, so that samples have both. */
static struct value share_of(const struct table *table, const struct sampled *sampled)
{
	const struct totals *totals = &table->aggregate->totals;
	struct value value = value_ratio(sampled->flops, u128_add(totals->flops, totals->in_flight_flops));

	value.estimated = !sampled->exact;
	return value;
}

GETTER(stack_flops, struct sampled, flops_of(item))
GETTER(stack_share, struct sampled, share_of(table, item))
GETTER(stack_calls, struct sampled, value_number(item->calls))
GETTER(stack_symbol, struct sampled, value_text(item->symbol))
GETTER(stack_space, struct sampled, value_text(item->space))
GETTER(stack_innermost, struct sampled, innermost(item))
GETTER(stack_python, struct sampled, frames_value(item, FRAMES_PYTHON))
GETTER(stack_native, struct sampled, frames_value(item, FRAMES_NATIVE))
GETTER(stack_sampled_flops, struct sampled, value_number(item->sampled_flops))
GETTER(stack_is_exact, struct sampled, value_number(item->exact))

/* clang-format off */
static const struct column stack_columns[] = {
	{ "estimated_flops", "FLOPs",     COLUMN_FLOPS, 0,                stack_flops },
	{ "share",           "share",     COLUMN_SHARE, 0,                stack_share },
	{ "sampled_calls",   "sampled",   COLUMN_COUNT, 0,                stack_calls },
	{ "symbol",          "symbol",    COLUMN_TEXT,  0,                stack_symbol },
	{ "namespace",       "namespace", COLUMN_TEXT,  COLUMN_OPTIONAL,  stack_space },
	{ "innermost",       "from",      COLUMN_STACK, COLUMN_ONLY_TEXT, stack_innermost },
	{ "python",          "",          COLUMN_STACK, COLUMN_NO_TEXT,   stack_python },
	{ "frames",          "",          COLUMN_STACK, COLUMN_NO_TEXT,   stack_native },
	{ "sampled_flops",   "",          COLUMN_FLOPS, COLUMN_NO_TEXT,   stack_sampled_flops },
	{ "exact",           "",          COLUMN_BOOL,  COLUMN_NO_TEXT,   stack_is_exact },
};
/* clang-format on */

static void list_stacks(struct views *views, struct table *table)
{
	struct stack_rows *rows = &sampled_stacks(views)->rows[table->for_people];

	if (!rows->made)
		make_rows(views, table->for_people, rows);
	table_set_items(table, rows->rows, rows->count, sizeof *rows->rows);
}

const struct table_kind table_stacks = {
	"stacks",
	"Sampled stacks",
	COLUMNS(stack_columns),
	.list = list_stacks,
};
