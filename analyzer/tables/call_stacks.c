/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * call_stacks.c - divides the work of each call site among its sampled stacks, and names the frames of these.
 * It must never look a native frame up twice: that is expensive, and many stacks share frames.
 */
#include "analyzer/tables/call_stacks.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/aggregate/order.h"
#include "analyzer/aggregate/times.h"
#include "analyzer/base/memo.h"
#include "analyzer/base/memory.h"
#include "count.h"
#include "names.h"

/* ---- the work of call sites ---- */

/* What a call site did in a namespace, and its samples. */
struct site_work {
	u128 weights[WORK_WEIGHTS];
	uint32_t samples; /* number of them */
	uint32_t first;   /* of them, in the list of all samples in order */
};

struct site_works {
	struct intern keys; /* struct place_key */
	struct site_work *works;
	size_t capacity;
};

static struct site_work *work_of(struct site_works *works, uint32_t site, uint32_t space)
{
	struct place_key key = {site, space};
	size_t known = works->keys.count;
	uint32_t number = intern_bytes(&works->keys, &key, sizeof key);

	if (number == known) {
		works->works = memory_grow(works->works, known, &works->capacity, sizeof *works->works);
		works->works[number] = (struct site_work){0};
	}
	return &works->works[number];
}

/* Adds what counts in the report's totals: calls that completed or were rejected, and manual charges. */
static void add_rows(struct site_works *works, const struct aggregate *aggregate)
{
	struct times *times = times_new(aggregate);

	for (size_t i = 0; i < aggregate->row_count; i++) {
		const struct row *row = aggregate->rows[i];
		uint64_t ns = 0;
		u128 *weights;

		if (row->kind == DUMP_ROW_QUERY || row->kind == DUMP_ROW_REFUSED || !row->calls)
			continue;
		weights = work_of(works, row->site, row->space)->weights;
		weights[WORK_FLOPS] = u128_add(weights[WORK_FLOPS], row->flops);
		weights[WORK_CHARGED] = u128_add(weights[WORK_CHARGED], row->charged);
		weights[WORK_CALLS] = u128_add(weights[WORK_CALLS], row->kind == DUMP_ROW_MANUAL ? 0 : row->calls);
		times_of_row(times, row, &ns); /* if nothing like them was timed, they add 0 */
		weights[WORK_TIME] = u128_add(weights[WORK_TIME], ns);
	}
	times_free(times);
}

/* ---- frames ---- */

static const char *keep(struct call_stacks *stacks, const char *text)
{
	return intern_at(&stacks->texts, intern_text(&stacks->texts, text));
}

/* Returns the number of a frame. Its texts are copied. */
static uint32_t frame_number(struct call_stacks *stacks, const struct call_frame *frame)
{
	/* No two frames with one key differ: the key has all members, and texts that are equal are one. */
	struct {
		const char *function, *file;
		uint64_t line, module, origin;
	} key = {keep(stacks, frame->function), frame->file ? keep(stacks, frame->file) : NULL, frame->line,
	         frame->module, frame->origin};
	size_t known = stacks->frame_keys.count;
	uint32_t number = intern_bytes(&stacks->frame_keys, &key, sizeof key);

	if (number == known) {
		stacks->frames = memory_grow(stacks->frames, known, &stacks->frame_capacity, sizeof *stacks->frames);
		stacks->frames[number] = *frame;
		stacks->frames[number].function = key.function;
		stacks->frames[number].file = key.file;
	}
	return number;
}

static uint32_t routine_frame(struct call_stacks *stacks, uint32_t site)
{
	const char *name = routine_name(stacks->aggregate, site_of(stacks->aggregate, site)->routine);

	return frame_number(stacks, &(struct call_frame){.function = *name ? name : "(unknown)",
	                                                 .module = AGGREGATE_NONE,
	                                                 .origin = FRAME_ROUTINE});
}

static uint32_t native_frame(struct call_stacks *stacks, uint32_t module, uint64_t offset)
{
	struct memo *memo = &stacks->of_modules[module == AGGREGATE_NONE ? stacks->aggregate->modules.count : module];
	uint32_t number = memo_find(memo, offset);
	struct call_frame frame = {.module = module, .origin = FRAME_NATIVE};
	struct text text = {0};
	struct place place;

	if (number != MEMO_NONE)
		return number;
	symbolize_return(stacks->symbolizer, module, offset, &place);
	if (place.function)
		text_add(&text, place.function);
	else
		text_format(&text, "%s+0x%" PRIx64,
		            place.module ? base_name(place.module) : "(code outside of all files)", place.offset);
	frame.function = text.bytes;
	frame.nameless = !place.function;
	frame.file = place.file;
	frame.line = place.file && place.line > 0 ? (uint32_t)place.line : 0;
	number = frame_number(stacks, &frame);
	memo_put(memo, offset, number);
	text_free(&text);
	return number;
}

/* Returns the number of a frame of Python, "function (file:line)". */
static uint32_t python_frame(struct call_stacks *stacks, const char *text)
{
	struct python_frame parts = python_frame_split(text, strlen(text));
	char *function = memory_text(text, parts.function_length);
	char *file = parts.file ? memory_text(parts.file, parts.file_length) : NULL;
	uint32_t number = frame_number(stacks, &(struct call_frame){.function = *function ? function : "(unknown)",
	                                                            .file = file,
	                                                            .line = parts.line,
	                                                            .module = AGGREGATE_NONE,
	                                                            .origin = FRAME_PYTHON});

	free(function);
	free(file);
	return number;
}

/* Whether a native frame is the interpreter's own: what its functions do is told by the frames of Python. */
static bool is_python(const struct aggregate *aggregate, const struct stack_frame *frame)
{
	const char *name = frame->module == AGGREGATE_NONE
	                           ? ""
	                           : base_name(text_at(aggregate, module_of(aggregate, frame->module)->path));

	return !strncmp(name, "python", 6) || !strncmp(name, "libpython", 9);
}

/* A stack in the making. */
struct making {
	uint32_t *frames;
	uint32_t count;
	size_t capacity;
};

static void add_frame(struct making *making, uint32_t frame)
{
	making->frames = memory_grow(making->frames, making->count, &making->capacity, sizeof *making->frames);
	making->frames[making->count++] = frame;
}

static void add_space(struct call_stacks *stacks, struct making *making, uint32_t space)
{
	const char *at = intern_at(&stacks->aggregate->spaces, space);

	while (*at) {
		size_t length = strcspn(at, ".");
		char *part = memory_text(at, length);

		add_frame(making, frame_number(stacks, &(struct call_frame){.function = length ? part : "(unknown)",
		                                                            .module = AGGREGATE_NONE,
		                                                            .origin = FRAME_NAMESPACE}));
		free(part);
		at += length + (at[length] == '.');
	}
}

/* Adds the frames of Python, the outermost first; `lines` has the innermost first. Generated code is left out. */
static void add_python(struct call_stacks *stacks, struct making *making, const char *lines)
{
	char *text = memory_text(lines, strlen(lines));

	for (char *line = text + strlen(text); line > text;) {
		*line = 0; /* over the newline behind the frame before */
		while (line > text && line[-1] != '\n')
			line--;
		if (*line && !python_frame_is_made(line))
			add_frame(making, python_frame(stacks, line));
		line -= line > text;
	}
	free(text);
}

/* Adds the native frames, the outermost first: of a Python program only those inside of the interpreter. */
static void add_native(struct call_stacks *stacks, struct making *making, const struct stack_head *head)
{
	const struct stack_frame *frames = frames_of(head);
	uint32_t count = 0;

	while (count < head->frame_count &&
	       (head->python == AGGREGATE_NONE || !is_python(stacks->aggregate, &frames[count])))
		count++;
	while (count--)
		add_frame(making, native_frame(stacks, frames[count].module, frames[count].offset));
}

/* ---- stacks ---- */

/* Adds a stack of a site in a namespace. `number` is that of a sampled stack; AGGREGATE_NONE: the site's own place alone. */
static struct call_stack *add_stack(struct call_stacks *stacks, struct making *making, const struct place_key *place,
                                    uint32_t number, bool namespaces)
{
	const struct site_key *site = site_of(stacks->aggregate, place->site);
	const struct stack_head *head = number == AGGREGATE_NONE ? NULL : stack_of(stacks->aggregate, number);
	struct call_stack *stack;
	uint32_t *frames;

	making->count = 0;
	if (namespaces)
		add_space(stacks, making, place->space);
	if (head && head->python != AGGREGATE_NONE)
		add_python(stacks, making, text_at(stacks->aggregate, head->python));
	if (head)
		add_native(stacks, making, head);
	if ((!head || !head->frame_count) &&
	    (site->caller_module != AGGREGATE_NONE || site->offset)) /* it has a place */
		add_frame(making, native_frame(stacks, site->caller_module, site->offset));
	add_frame(making, routine_frame(stacks, place->site));
	frames = arena_take(&stacks->arena, making->count * sizeof *frames);
	memcpy(frames, making->frames, making->count * sizeof *frames);
	stacks->stacks = memory_grow(stacks->stacks, stacks->count, &stacks->capacity, sizeof *stacks->stacks);
	stack = &stacks->stacks[stacks->count++];
	*stack = (struct call_stack){
		.frames = frames, .depth = making->count, .site = place->site, .space = place->space};
	return stack;
}

/*
 * Divides a number in the ratio of parts, of which `before` was given out already: what is given to one part is what is then
 * given to all, less what was given before, so that nothing is lost by rounding.
 */
static u128 next_share(u128 whole, u128 before, u128 part, u128 all)
{
	return u128_scale(whole, u128_add(before, part), all) - u128_scale(whole, before, all);
}

/* Divides the work of a site in a namespace among its samples, `numbers`. */
static void divide(struct call_stacks *stacks, struct making *making, const struct place_key *place,
                   const struct site_work *work, const uint32_t *numbers, bool namespaces)
{
	const struct aggregate *aggregate = stacks->aggregate;
	u128 flops = 0, calls = 0, flops_before = 0, calls_before = 0;
	bool all_taken;

	for (uint32_t i = 0; i < work->samples; i++) {
		flops = u128_add(flops, aggregate->sample_totals[numbers[i]].flops);
		calls = u128_add(calls, aggregate->sample_totals[numbers[i]].calls);
	}
	all_taken = calls >= work->weights[WORK_CALLS];
	for (uint32_t i = 0; i < work->samples; i++) {
		const struct sample *sample = &aggregate->sample_totals[numbers[i]];
		const struct sample_key *key = intern_at(&aggregate->samples, numbers[i]);
		struct call_stack *stack = add_stack(stacks, making, place, key->stack, namespaces);

		stack->source = all_taken ? STACK_EXACT : STACK_SAMPLED;
		for (unsigned weight = 0; weight < WORK_WEIGHTS; weight++)
			/* calls that were charged nothing, or that all had their stacks taken, are divided as they were counted */
			stack->weights[weight] =
				!flops || (weight == WORK_CALLS && all_taken)
					? next_share(work->weights[weight], calls_before, sample->calls, calls)
					: next_share(work->weights[weight], flops_before, sample->flops, flops);
		flops_before = u128_add(flops_before, sample->flops);
		calls_before = u128_add(calls_before, sample->calls);
	}
}

static int compare_places(const void *a, const void *b, void *of)
{
	const struct place_key *x = *(const struct place_key *const *)a, *y = *(const struct place_key *const *)b;
	int order = order_sites(of, x->site, y->site);

	return order ? order : order_spaces(of, x->space, y->space);
}

/* Orders samples by their site, then by namespace, and then by stack. */
static int compare_samples(const void *a, const void *b, void *of)
{
	const struct aggregate *aggregate = of;
	const struct sample_key *x = intern_at(&aggregate->samples, *(const uint32_t *)a);
	const struct sample_key *y = intern_at(&aggregate->samples, *(const uint32_t *)b);

	if (x->site != y->site)
		return x->site < y->site ? -1 : 1;
	if (x->space != y->space)
		return x->space < y->space ? -1 : 1;
	return order_stacks(aggregate, x->stack, y->stack);
}

/* Returns the samples in order, to be freed, and tells each site which are its own. */
static uint32_t *list_samples(struct site_works *works, const struct aggregate *aggregate)
{
	size_t count = aggregate->samples.count;
	uint32_t *samples = memory_new(count, sizeof *samples);

	for (size_t i = 0; i < count; i++)
		samples[i] = (uint32_t)i;
	if (count)
		qsort_r(samples, count, sizeof *samples, compare_samples, (void *)aggregate);
	for (size_t i = count; i--;) {
		const struct sample_key *key = intern_at(&aggregate->samples, samples[i]);
		struct site_work *work = work_of(works, key->site, key->space);

		work->first = (uint32_t)i;
		work->samples++;
	}
	return samples;
}

static void add_work(struct call_stacks *stacks, struct site_works *works, bool namespaces)
{
	uint32_t *samples = list_samples(works, stacks->aggregate);
	const struct place_key **places = memory_new(works->keys.count, sizeof *places);
	struct making making = {0};

	for (size_t i = 0; i < works->keys.count; i++)
		places[i] = intern_at(&works->keys, (uint32_t)i);
	if (works->keys.count)
		qsort_r(places, works->keys.count, sizeof *places, compare_places, (void *)stacks->aggregate);
	for (size_t i = 0; i < works->keys.count; i++) {
		const struct site_work *work = work_of(works, places[i]->site, places[i]->space);
		struct call_stack *stack;

		for (unsigned weight = 0; weight < WORK_WEIGHTS; weight++)
			stacks->totals[weight] = u128_add(stacks->totals[weight], work->weights[weight]);
		if (work->samples) {
			divide(stacks, &making, places[i], work, samples + work->first, namespaces);
			continue;
		}
		stack = add_stack(stacks, &making, places[i], AGGREGATE_NONE, namespaces);
		stack->source = STACK_NONE;
		memcpy(stack->weights, work->weights, sizeof stack->weights);
	}
	free(making.frames);
	free(places);
	free(samples);
}

void call_stacks_open_by(struct call_stacks *stacks, const struct aggregate *aggregate, struct symbolizer *symbolizer,
                         bool namespaces)
{
	struct site_works works = {0};

	*stacks = (struct call_stacks){
		.aggregate = aggregate,
		.symbolizer = symbolizer,
		.of_modules = memory_new(aggregate->modules.count + 1, sizeof *stacks->of_modules),
	};
	add_rows(&works, aggregate);
	add_work(stacks, &works, namespaces);
	intern_free(&works.keys);
	free(works.works);
}

void call_stacks_open(struct call_stacks *stacks, const struct aggregate *aggregate, bool namespaces)
{
	struct symbolizer *own = symbolizer_new(aggregate);

	call_stacks_open_by(stacks, aggregate, own, namespaces);
	stacks->own = own;
}

void call_stacks_close(struct call_stacks *stacks)
{
	for (size_t i = 0; i <= stacks->aggregate->modules.count; i++)
		memo_free(&stacks->of_modules[i]);
	free(stacks->of_modules);
	free(stacks->frames);
	free(stacks->stacks);
	intern_free(&stacks->frame_keys);
	intern_free(&stacks->texts);
	arena_free(&stacks->arena);
	symbolizer_free(stacks->own);
}
