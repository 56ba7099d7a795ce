/* SPDX-License-Identifier: BSD-3-Clause */
#include "analyzer/tables/stacks.h"

#include <stdlib.h>
#include <string.h>

#include "analyzer/base/memory.h"
#include "analyzer/tables/measures.h"
#include "analyzer/tables/tables.h"

enum { TEXT_FRAMES = 4 };

static const struct sample_key *sample_at(const struct aggregate *aggregate, uint32_t number)
{
	return intern_at(&aggregate->samples, number);
}

static int compare_samples(const void *a, const void *b, void *totals)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	const struct sample *samples = totals;

	if (samples[x].flops != samples[y].flops)
		return samples[x].flops < samples[y].flops ? 1 : -1;
	return x < y ? -1 : x > y;
}

static void sort_samples(struct views *views)
{
	const struct aggregate *aggregate = views->aggregate;

	if (views->samples)
		return;
	views->samples = memory_new(aggregate->samples.count, sizeof *views->samples);
	views->python_samples = memory_new(aggregate->sites.count, sizeof *views->python_samples);
	memset(views->python_samples, 0xff, aggregate->sites.count * sizeof *views->python_samples);
	for (size_t i = 0; i < aggregate->samples.count; i++)
		views->samples[i] = (uint32_t)i;
	if (aggregate->samples.count)
		qsort_r(views->samples, aggregate->samples.count, sizeof *views->samples, compare_samples,
		        aggregate->sample_totals);
	for (size_t i = aggregate->samples.count; i--;) { /* the largest comes last, and stays */
		const struct sample_key *sample = sample_at(aggregate, views->samples[i]);

		if (stack_of(aggregate, sample->stack)->python != AGGREGATE_NONE)
			views->python_samples[sample->site] = views->samples[i];
	}
}

const char *stacks_python_of_site(struct views *views, uint32_t site)
{
	const struct aggregate *aggregate = views->aggregate;
	const struct sample_key *sample;
	const char *frames;
	struct text *text;

	sort_samples(views);
	if (views->python_samples[site] == AGGREGATE_NONE)
		return NULL;
	sample = sample_at(aggregate, views->python_samples[site]);
	frames = text_at(aggregate, stack_of(aggregate, sample->stack)->python);
	text = views_scratch(views);
	text_add_bytes(text, frames, strcspn(frames, "\n"));
	return text->bytes;
}

/* One after the other. */

struct stacks stacks_of(struct views *views)
{
	sort_samples(views);
	return (struct stacks){ .views = views };
}

static struct sampled sampled_of(struct views *views, uint32_t number)
{
	const struct aggregate *aggregate = views->aggregate;
	const struct sample_key *key = sample_at(aggregate, number);

	return (struct sampled){
		.views = views,
		.flops = aggregate->sample_totals[number].flops,
		.calls = aggregate->sample_totals[number].calls,
		.symbol = text_at(aggregate, site_of(aggregate, key->site)->symbol),
		.space = intern_at(&aggregate->spaces, key->space),
		.stack = stack_of(aggregate, key->stack),
	};
}

bool stacks_next(struct stacks *stacks, struct sampled *sampled)
{
	if (stacks->next == stacks->views->aggregate->samples.count)
		return false;
	*sampled = sampled_of(stacks->views, stacks->views->samples[stacks->next++]);
	return true;
}

struct frames frames_of_sample(const struct sampled *sampled, enum frame_kind kind)
{
	const struct stack_head *stack = sampled->stack;

	return (struct frames){
		.views = sampled->views,
		.stack = stack,
		.kind = kind,
		.python = stack->python == AGGREGATE_NONE ? NULL : text_at(sampled->views->aggregate, stack->python),
	};
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

static const char *next_native(struct frames *frames)
{
	const struct stack_frame *frame;
	struct place place;
	struct text *text;

	if (frames->next == frames->stack->frame_count)
		return NULL;
	frame = &frames_of(frames->stack)[frames->next++];
	symbolize_return(views_symbolizer(frames->views), frame->module, frame->offset, &place);
	text = views_scratch(frames->views);
	place_add(text, &place);
	return text->bytes;
}

const char *frames_next(struct frames *frames)
{
	return frames->kind == FRAMES_PYTHON ? next_python(frames) : next_native(frames);
}

/* The table. */

/* As many frames as are asked for, as texts that each end in 0. */
static struct value frames_value(const struct sampled *sampled, enum frame_kind kind, uint32_t most)
{
	struct frames frames = frames_of_sample(sampled, kind);
	struct text *text = &sampled->views->frames;
	const char *name;

	text_clear(text);
	for (uint32_t i = 0; i < most && (name = frames_next(&frames)); i++)
		text_add_bytes(text, name, strlen(name) + 1);
	return value_list(text->bytes, text->length);
}

static struct value innermost(const struct sampled *sampled)
{
	bool python = sampled->stack->python != AGGREGATE_NONE;

	return frames_value(sampled, python ? FRAMES_PYTHON : FRAMES_NATIVE, TEXT_FRAMES);
}

GETTER(stack_flops, struct sampled, value_estimate(value_number(item->flops)))
GETTER(stack_share, struct sampled, value_share(table, item->flops))
GETTER(stack_calls, struct sampled, value_number(item->calls))
GETTER(stack_symbol, struct sampled, value_text(item->symbol))
GETTER(stack_space, struct sampled, value_text(item->space))
GETTER(stack_innermost, struct sampled, innermost(item))
GETTER(stack_python, struct sampled, frames_value(item, FRAMES_PYTHON, UINT32_MAX))
GETTER(stack_native, struct sampled, frames_value(item, FRAMES_NATIVE, UINT32_MAX))

static const struct column stack_columns[] = {
	{ "estimated_flops", "FLOPs",     COLUMN_FLOPS, 0,                stack_flops },
	{ "share",           "share",     COLUMN_SHARE, 0,                stack_share },
	{ "sampled_calls",   "sampled",   COLUMN_COUNT, 0,                stack_calls },
	{ "symbol",          "symbol",    COLUMN_TEXT,  0,                stack_symbol },
	{ "namespace",       "namespace", COLUMN_TEXT,  COLUMN_OPTIONAL,  stack_space },
	{ "innermost",       "from",      COLUMN_STACK, COLUMN_ONLY_TEXT, stack_innermost },
	{ "python",          "",          COLUMN_STACK, COLUMN_NO_TEXT,   stack_python },
	{ "frames",          "",          COLUMN_STACK, COLUMN_NO_TEXT,   stack_native },
};

static const void *stack_at(const struct table *table, size_t row)
{
	struct views *views = views_of(table);

	views->sampled = sampled_of(views, views->samples[row]);
	return &views->sampled;
}

static void list_stacks(struct views *views, struct table *table)
{
	sort_samples(views);
	table->item = stack_at;
	table->row_count = views->aggregate->samples.count;
}

const struct table_kind table_stacks = {
	"stacks", "Sampled stacks", COLUMNS(stack_columns), .list = list_stacks,
};
