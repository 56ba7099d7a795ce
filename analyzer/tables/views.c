/* SPDX-License-Identifier: BSD-3-Clause */
#include "analyzer/tables/views.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "analyzer/base/memory.h"
#include "analyzer/tables/symbolize.h"

void views_open(struct views *views, const struct aggregate *aggregate)
{
	*views = (struct views){ .aggregate = aggregate };
}

void views_close(struct views *views)
{
	for (size_t i = 0; i <= GROUP_MANUAL; i++)
		group_list_free(&views->groups[i]);
	space_list_free(&views->spaces);
	symbolizer_free(views->symbolizer);
	free(views->unpriced);
	free(views->samples);
	free(views->python_samples);
	arena_free(&views->texts);
}

static const struct group_list *groups(struct views *views, enum group_by by, size_t top)
{
	struct group_list *list = &views->groups[by];

	if (views->grouped[by] && views->sorted[by] < top)
		group_list_free(list);
	else if (views->grouped[by])
		return list;
	group_rows(views->aggregate, by, top, list);
	views->grouped[by] = true;
	views->sorted[by] = top < list->count ? top : SIZE_MAX;
	return list;
}

static struct views *views_of(const struct table *table)
{
	return (struct views *)(uintptr_t)table->data;
}

/* A row's own text, taken over; it lives until the next row is filled. */
static const char *own(struct views *views, char *text)
{
	size_t size = strlen(text) + 1;
	char *copy = arena_take(&views->texts, size);

	memcpy(copy, text, size);
	free(text);
	return copy;
}

static struct symbolizer *symbolizer_of(struct views *views)
{
	if (!views->symbolizer)
		views->symbolizer = symbolizer_new(views->aggregate);
	return views->symbolizer;
}

/* Values that several tables show. */

static double ratio(u128 part, u128 whole)
{
	return whole ? (double)part / (double)whole : 0;
}

static struct value share(const struct table *table, u128 flops)
{
	u128 total = table->aggregate->totals.flops;

	return value_real(ratio(flops, total), total != 0);
}

static struct value time_estimate(const struct group *group)
{
	struct value value = value_number(group->estimated_ns);

	value.known = group->timed_calls || group->extrapolated_calls;
	value.estimated = group->timed_calls != group->calls;
	return value;
}

static struct value rate(const struct group *group)
{
	return value_real(ratio(group->timed_flops, group->time_ns), group->time_ns && group->timed_flops);
}

static const char *text_or_null(const char *text)
{
	return text && *text ? text : NULL;
}

/* Routines. */

static const struct column routine_columns[] = {
	{ "routine",           "routine",    COLUMN_TEXT,  0 },
	{ "kind",              "",           COLUMN_TEXT,  COLUMN_NO_TEXT },
	{ "calls",             "calls",      COLUMN_COUNT, 0 },
	{ "flops",             "FLOPs",      COLUMN_FLOPS, 0 },
	{ "charged",           "charged",    COLUMN_FLOPS, 0 },
	{ "share",             "share",      COLUMN_SHARE, 0 },
	{ "estimated_time_ns", "time",       COLUMN_TIME,  COLUMN_OPTIONAL },
	{ "gflops",            "GFLOP/s",    COLUMN_REAL,  COLUMN_OPTIONAL },
	{ "flops_per_word",    "FLOPs/word", COLUMN_REAL,  COLUMN_OPTIONAL },
	{ "time_ns",           "",           COLUMN_TIME,  COLUMN_NO_TEXT },
	{ "timed_calls",       "",           COLUMN_COUNT, COLUMN_NO_TEXT },
	{ "words",             "",           COLUMN_FLOPS, COLUMN_NO_TEXT },
	{ "rejected_calls",    "rejected",   COLUMN_COUNT, COLUMN_RARE },
	{ "refused_calls",     "refused",    COLUMN_COUNT, COLUMN_RARE },
	{ "unpriced_calls",    "unpriced",   COLUMN_COUNT, COLUMN_RARE },
	{ "workspace_queries", "",           COLUMN_COUNT, COLUMN_NO_TEXT },
	{ "saturated",         "saturated",  COLUMN_BOOL,  COLUMN_RARE },
};

static void routine_row(const struct table *table, const struct group *group, struct value *values)
{
	const struct routine_key *routine = routine_of(table->aggregate, group->row->routine);

	values[0] = value_text(text_at(table->aggregate, routine->name));
	values[1] = value_text(kind_name(routine->kind));
	values[2] = value_number(group->calls);
	values[3] = value_number(group->flops);
	values[4] = value_number(group->charged);
	values[5] = share(table, group->flops);
	values[6] = time_estimate(group);
	values[7] = rate(group);
	values[8] = value_real(ratio(group->flops, group->words), group->words != 0);
	values[9] = value_number(group->time_ns);
	values[10] = value_number(group->timed_calls);
	values[11] = value_number(group->words);
	values[12] = value_number(group->rejected_calls);
	values[13] = value_number(group->refused_calls);
	values[14] = value_number(group->unpriced_calls);
	values[15] = value_number(group->queries);
	values[16] = value_number(group->saturated);
}

static void fill_routine(const struct table *table, size_t row, struct value *values)
{
	routine_row(table, &views_of(table)->groups[GROUP_ROUTINE].groups[row], values);
}

/* Routines without a price. */

static const struct column unpriced_columns[] = {
	{ "routine",        "routine", COLUMN_TEXT,  0 },
	{ "unpriced_calls", "calls",   COLUMN_COUNT, 0 },
};

static void fill_unpriced(const struct table *table, size_t row, struct value *values)
{
	const struct group *group = views_of(table)->unpriced[row];

	values[0] = value_text(text_at(table->aggregate, routine_of(table->aggregate, group->row->routine)->name));
	values[1] = value_number(group->unpriced_calls);
}

static size_t list_unpriced(struct views *views)
{
	const struct group_list *list = groups(views, GROUP_ROUTINE, SIZE_MAX);

	free(views->unpriced);
	views->unpriced = memory_new(list->count, sizeof *views->unpriced);
	views->unpriced_count = 0;
	for (size_t i = 0; i < list->count; i++)
		if (list->groups[i].unpriced_calls)
			views->unpriced[views->unpriced_count++] = &list->groups[i];
	return views->unpriced_count;
}

/* Shapes. */

static const struct column shape_columns[] = {
	{ "routine",           "routine", COLUMN_TEXT,  0 },
	{ "arguments",         "shape",   COLUMN_SHAPE, 0 },
	{ "calls",             "calls",   COLUMN_COUNT, 0 },
	{ "flops",             "FLOPs",   COLUMN_FLOPS, 0 },
	{ "charged",           "charged", COLUMN_FLOPS, 0 },
	{ "share",             "share",   COLUMN_SHARE, 0 },
	{ "estimated_time_ns", "time",    COLUMN_TIME,  COLUMN_OPTIONAL },
	{ "gflops",            "GFLOP/s", COLUMN_REAL,  COLUMN_OPTIONAL },
	{ "time_ns",           "",        COLUMN_TIME,  COLUMN_NO_TEXT },
	{ "timed_calls",       "",        COLUMN_COUNT, COLUMN_NO_TEXT },
	{ "words",             "",        COLUMN_FLOPS, COLUMN_NO_TEXT },
	{ "coarse",            "",        COLUMN_BOOL,  COLUMN_NO_TEXT },
};

static void fill_shape(const struct table *table, size_t row, struct value *values)
{
	const struct group *group = &views_of(table)->groups[GROUP_SHAPE].groups[row];

	values[0] = value_text(text_at(table->aggregate, routine_of(table->aggregate, group->row->routine)->name));
	values[1] = (struct value){ .known = true, .row = group->row };
	values[2] = value_number(group->calls);
	values[3] = value_number(group->flops);
	values[4] = value_number(group->charged);
	values[5] = share(table, group->flops);
	values[6] = time_estimate(group);
	values[7] = rate(group);
	values[8] = value_number(group->time_ns);
	values[9] = value_number(group->timed_calls);
	values[10] = value_number(group->words);
	values[11] = value_number(group->row->flags & DUMP_ROW_COARSE);
}

/* Call sites. */

static const struct column site_columns[] = {
	{ "place",             "called from", COLUMN_TEXT,  COLUMN_ONLY_TEXT },
	{ "function",          "",            COLUMN_TEXT,  COLUMN_NO_TEXT },
	{ "file",              "",            COLUMN_TEXT,  COLUMN_NO_TEXT },
	{ "line",              "",            COLUMN_COUNT, COLUMN_NO_TEXT },
	{ "module",            "",            COLUMN_TEXT,  COLUMN_NO_TEXT },
	{ "offset",            "",            COLUMN_TEXT,  COLUMN_NO_TEXT },
	{ "problem",           "",            COLUMN_TEXT,  COLUMN_NO_TEXT },
	{ "symbol",            "symbol",      COLUMN_TEXT,  0 },
	{ "routine",           "",            COLUMN_TEXT,  COLUMN_NO_TEXT },
	{ "python",            "most from",   COLUMN_TEXT,  COLUMN_OPTIONAL },
	{ "calls",             "calls",       COLUMN_COUNT, 0 },
	{ "flops",             "FLOPs",       COLUMN_FLOPS, 0 },
	{ "charged",           "charged",     COLUMN_FLOPS, 0 },
	{ "share",             "share",       COLUMN_SHARE, 0 },
	{ "estimated_time_ns", "time",        COLUMN_TIME,  COLUMN_OPTIONAL },
	{ "refused_calls",     "refused",     COLUMN_COUNT, COLUMN_RARE },
};

static int compare_samples(const void *a, const void *b, void *totals)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	const struct sample *samples = totals;

	if (samples[x].flops != samples[y].flops)
		return samples[x].flops < samples[y].flops ? 1 : -1;
	return x < y ? -1 : x > y;
}

static const struct sample_key *sample_at(const struct aggregate *aggregate, uint32_t number)
{
	return intern_at(&aggregate->samples, number);
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

/* The Python line that most of a site's sampled work came from; NULL if it is not known. */
static const char *python_of_site(struct views *views, uint32_t site)
{
	const struct aggregate *aggregate = views->aggregate;
	const struct sample_key *sample;
	const char *frames;

	sort_samples(views);
	if (views->python_samples[site] == AGGREGATE_NONE)
		return NULL;
	sample = sample_at(aggregate, views->python_samples[site]);
	frames = text_at(aggregate, stack_of(aggregate, sample->stack)->python);
	return own(views, memory_text(frames, strcspn(frames, "\n")));
}

static void fill_site(const struct table *table, size_t row, struct value *values)
{
	struct views *views = views_of(table);
	const struct group *group = &views->groups[GROUP_SITE].groups[row];
	const struct site_key *site = site_of(table->aggregate, group->row->site);
	struct place place;

	arena_free(&views->texts);
	symbolize_site(symbolizer_of(views), group->row->site, &place);
	values[0] = value_text(own(views, place_text(&place)));
	values[1] = value_text(place.function);
	values[2] = value_text(place.file);
	values[3] = value_number((unsigned)place.line);
	values[3].known = place.file != NULL;
	values[4] = value_text(place.module);
	values[5] = value_text(own(views, memory_format("0x%" PRIx64, place.offset)));
	values[6] = value_text(place.problem);
	values[7] = value_text(text_at(table->aggregate, site->symbol));
	values[8] = value_text(text_at(table->aggregate, routine_of(table->aggregate, site->routine)->name));
	values[9] = value_text(python_of_site(views, group->row->site));
	values[10] = value_number(group->calls);
	values[11] = value_number(group->flops);
	values[12] = value_number(group->charged);
	values[13] = share(table, group->flops);
	values[14] = time_estimate(group);
	values[15] = value_number(group->refused_calls);
}

/* Sampled stacks. */

enum { TEXT_FRAMES = 4 };

static const struct column stack_columns[] = {
	{ "estimated_flops", "FLOPs",     COLUMN_FLOPS, 0 },
	{ "share",           "share",     COLUMN_SHARE, 0 },
	{ "sampled_calls",   "sampled",   COLUMN_COUNT, 0 },
	{ "symbol",          "symbol",    COLUMN_TEXT,  0 },
	{ "namespace",       "namespace", COLUMN_TEXT,  COLUMN_OPTIONAL },
	{ "innermost",       "from",      COLUMN_STACK, COLUMN_ONLY_TEXT },
	{ "python",          "",          COLUMN_STACK, COLUMN_NO_TEXT },
	{ "frames",          "",          COLUMN_STACK, COLUMN_NO_TEXT },
};

/* The Python frames as texts that each end in 0. */
static struct value python_frames(struct views *views, uint32_t python)
{
	struct value value = { .known = true, .text = "" };
	char *frames;

	if (python == AGGREGATE_NONE)
		return value;
	value.number = strlen(text_at(views->aggregate, python)) + 1;
	value.text = frames = arena_take(&views->texts, (size_t)value.number);
	memcpy(frames, text_at(views->aggregate, python), (size_t)value.number);
	for (; *frames; frames++)
		if (*frames == '\n')
			*frames = 0;
	return value;
}

static struct value native_frames(struct views *views, const struct stack_head *stack)
{
	struct value value = { .known = true };
	char *text;
	size_t size;
	FILE *stream = open_memstream(&text, &size);

	if (!stream)
		return (struct value){ 0 };
	for (uint32_t i = 0; i < stack->frame_count; i++) {
		const struct stack_frame *frame = &frames_of(stack)[i];
		struct place place;
		char *name;

		symbolize_return(symbolizer_of(views), frame->module, frame->offset, &place);
		name = place_text(&place);
		fwrite(name, 1, strlen(name) + 1, stream);
		free(name);
	}
	fclose(stream);
	value.number = size;
	value.text = arena_take(&views->texts, size + 1);
	memcpy((char *)(uintptr_t)value.text, text, size);
	free(text);
	return value;
}

static struct value innermost(struct value frames)
{
	const char *at = frames.text, *end = frames.text + frames.number;

	for (unsigned i = 0; i < TEXT_FRAMES && at < end; i++)
		at += strlen(at) + 1;
	frames.number = (size_t)(at - frames.text);
	return frames;
}

static void fill_stack(const struct table *table, size_t row, struct value *values)
{
	const struct aggregate *aggregate = table->aggregate;
	struct views *views = views_of(table);
	const struct sample_key *key = sample_at(aggregate, views->samples[row]);
	const struct sample *sample = &aggregate->sample_totals[views->samples[row]];
	const struct stack_head *stack = stack_of(aggregate, key->stack);

	arena_free(&views->texts);
	values[0] = value_number(sample->flops);
	values[0].estimated = true;
	values[1] = share(table, sample->flops);
	values[2] = value_number(sample->calls);
	values[3] = value_text(text_at(aggregate, site_of(aggregate, key->site)->symbol));
	values[4] = value_text(intern_at(&aggregate->spaces, key->space));
	values[6] = python_frames(views, stack->python);
	values[7] = native_frames(views, stack);
	values[5] = innermost(values[6].number ? values[6] : values[7]);
}

/* Manual charges. */

static const struct column manual_columns[] = {
	{ "name",    "name",    COLUMN_TEXT,  0 },
	{ "charges", "charges", COLUMN_COUNT, 0 },
	{ "flops",   "FLOPs",   COLUMN_FLOPS, 0 },
	{ "charged", "charged", COLUMN_FLOPS, 0 },
	{ "share",   "share",   COLUMN_SHARE, 0 },
};

static void fill_manual(const struct table *table, size_t row, struct value *values)
{
	const struct group *group = &views_of(table)->groups[GROUP_MANUAL].groups[row];

	values[0] = value_text(text_at(table->aggregate, routine_of(table->aggregate, group->row->routine)->name));
	values[1] = value_number(group->calls);
	values[2] = value_number(group->flops);
	values[3] = value_number(group->charged);
	values[4] = share(table, group->flops);
}

/* Namespaces. */

static const struct column space_columns[] = {
	{ "name",              "namespace",   COLUMN_TEXT,  COLUMN_ONLY_TEXT },
	{ "namespace",         "",            COLUMN_TEXT,  COLUMN_NO_TEXT },
	{ "own_calls",         "own calls",   COLUMN_COUNT, 0 },
	{ "own_flops",         "own FLOPs",   COLUMN_FLOPS, 0 },
	{ "inclusive_calls",   "",            COLUMN_COUNT, COLUMN_NO_TEXT },
	{ "inclusive_flops",   "inclusive",   COLUMN_FLOPS, 0 },
	{ "inclusive_share",   "share",       COLUMN_SHARE, 0 },
	{ "own_charged",       "own charged", COLUMN_FLOPS, 0 },
	{ "inclusive_charged", "charged",     COLUMN_FLOPS, 0 },
	{ "budget",            "budget",      COLUMN_FLOPS, COLUMN_OPTIONAL },
	{ "budget_used",       "used",        COLUMN_FLOPS, COLUMN_OPTIONAL },
	{ "refused_calls",     "refused",     COLUMN_COUNT, COLUMN_RARE },
	{ "remark",            "",            COLUMN_TEXT,  COLUMN_ONLY_TEXT | COLUMN_OPTIONAL },
};

static void fill_space(const struct table *table, size_t row, struct value *values)
{
	const struct space *space = &views_of(table)->spaces.spaces[row];
	bool untouched = space->budget && !space->inclusive_calls && !space->refused_calls;

	values[0] = value_text(space->path[0] ? space->path : "(all)");
	values[1] = value_text(space->path);
	values[2] = value_number(space->own_calls);
	values[3] = value_number(space->own_flops);
	values[4] = value_number(space->inclusive_calls);
	values[5] = value_number(space->inclusive_flops);
	values[6] = share(table, space->inclusive_flops);
	values[7] = value_number(space->own_charged);
	values[8] = value_number(space->inclusive_charged);
	values[9] = value_number(space->budget);
	values[10] = value_number(space->budget_used);
	values[9].known = values[10].known = space->budget != 0;
	values[11] = value_number(space->refused_calls);
	values[12] = value_text(untouched ? "never charged: is the name right?" : "");
}

/* Limits. */

static const struct column limit_columns[] = {
	{ "name",          "namespace",     COLUMN_TEXT,  COLUMN_ONLY_TEXT },
	{ "namespace",     "",              COLUMN_TEXT,  COLUMN_NO_TEXT },
	{ "kind",          "budget of",     COLUMN_TEXT,  0 },
	{ "amount",        "amount",        COLUMN_FLOPS, 0 },
	{ "limits",        "times",         COLUMN_COUNT, 0 },
	{ "used",          "used",          COLUMN_FLOPS, 0 },
	{ "refused_calls", "refused",       COLUMN_COUNT, COLUMN_RARE },
	{ "refused_flops", "refused FLOPs", COLUMN_FLOPS, COLUMN_RARE },
	{ "over_calls",    "over budget",   COLUMN_COUNT, COLUMN_RARE },
};

static void fill_limit(const struct table *table, size_t row, struct value *values)
{
	const struct limit_key *key = intern_at(&table->aggregate->limits, (uint32_t)row);
	const struct limit *limit = &table->aggregate->limit_totals[row];
	const char *path = intern_at(&table->aggregate->spaces, key->space);

	values[0] = value_text(path[0] ? path : "(all)");
	values[1] = value_text(path);
	values[2] = value_text(key->is_scope ? "scope" : "namespace");
	values[3] = value_number(key->amount);
	values[4] = value_number(limit->processes);
	values[5] = value_number(limit->used);
	values[6] = value_number(limit->refused_calls);
	values[7] = value_number(limit->refused_flops);
	values[8] = value_number(limit->over_calls);
}

/* Libraries. */

static const struct column library_columns[] = {
	{ "path",     "served by", COLUMN_TEXT,  0 },
	{ "integers", "integers",  COLUMN_TEXT,  0 },
	{ "calls",    "calls",     COLUMN_COUNT, 0 },
	{ "flops",    "FLOPs",     COLUMN_FLOPS, 0 },
	{ "build_id", "",          COLUMN_TEXT,  COLUMN_NO_TEXT },
};

static void fill_library(const struct table *table, size_t row, struct value *values)
{
	const struct group *group = &views_of(table)->groups[GROUP_LIBRARY].groups[row];
	const struct aggregate *aggregate = table->aggregate;
	uint32_t number = site_of(aggregate, group->row->site)->callee_module;
	char build_id[2 * sizeof(((struct module_key *)0)->build_id) + 1] = "";

	values[2] = value_number(group->calls);
	values[3] = value_number(group->flops);
	if (number == AGGREGATE_NONE) {
		values[0] = value_text("(unknown)");
		return;
	}
	values[0] = value_text(text_at(aggregate, module_of(aggregate, number)->path));
	values[1] = value_text(aggregate->module_totals[number].flags & DUMP_MODULE_ILP64 ? "ILP64" : "LP64");
	for (uint32_t i = 0; i < module_of(aggregate, number)->build_id_size; i++)
		sprintf(build_id + 2 * i, "%02x", module_of(aggregate, number)->build_id[i]);
	arena_free(&views_of(table)->texts);
	values[4] = value_text(build_id[0] ? own(views_of(table), memory_text(build_id, strlen(build_id))) : NULL);
}

/* Notes. */

static const struct column note_columns[] = {
	{ "text",      "what",    COLUMN_TEXT,  0 },
	{ "kind",      "",        COLUMN_TEXT,  COLUMN_NO_TEXT },
	{ "count",     "times",   COLUMN_COUNT, COLUMN_OPTIONAL },
	{ "processes", "",        COLUMN_COUNT, COLUMN_NO_TEXT },
	{ "meaning",   "meaning", COLUMN_TEXT,  0 },
};

static const struct { const char *kind, *meaning; } note_kinds[] = {
	[DUMP_NOTE_NOT_BLAS] = { "not_blas", "does not look like a BLAS or LAPACK: its calls were passed on, uncounted" },
	[DUMP_NOTE_HIDDEN] = { "hidden", "stands before libflopshim.so: its calls were not seen" },
	[DUMP_NOTE_THUNKS_FULL] = { "thunks_full", "too many results of dlsym: calls through this one were not seen" },
	[DUMP_NOTE_OUTER_UNPRICED] = { "outer_unpriced", "has no price: the work inside it was neither charged nor limited" },
	[DUMP_NOTE_ENVIRONMENT] = { "environment", "a setting that was wrong" },
	[DUMP_NOTE_PYTHON] = { "python", "Python frames that could not be read: so many stacks are without them" },
	[DUMP_NOTE_MESSAGE] = { "message", "a message that standard error could not take" },
	[DUMP_NOTE_ADDRESS] = { "address", "called by an address that could be another library's too" },
	[DUMP_NOTE_DEEPBIND] = { "deepbind", "bound to its own BLAS past the shim: its calls were not seen" },
};

static void fill_note(const struct table *table, size_t row, struct value *values)
{
	const struct note_key *key = intern_at(&table->aggregate->notes, (uint32_t)row);
	bool known = key->kind < sizeof note_kinds / sizeof *note_kinds && note_kinds[key->kind].kind;

	values[0] = value_text(text_at(table->aggregate, key->text));
	values[1] = value_text(known ? note_kinds[key->kind].kind : "other");
	values[2] = value_number(table->aggregate->note_totals[row].count);
	values[3] = value_number(table->aggregate->note_totals[row].processes);
	values[4] = value_text(known ? note_kinds[key->kind].meaning : "");
}

/* Processes. */

static const struct column process_columns[] = {
	{ "file",          "dump",    COLUMN_TEXT,  0 },
	{ "program",       "",        COLUMN_TEXT,  COLUMN_NO_TEXT },
	{ "arguments",     "",        COLUMN_LIST,  COLUMN_NO_TEXT },
	{ "environment",   "",        COLUMN_LIST,  COLUMN_NO_TEXT },
	{ "directory",     "",        COLUMN_TEXT,  COLUMN_NO_TEXT },
	{ "host",          "host",    COLUMN_TEXT,  0 },
	{ "pid",           "pid",     COLUMN_COUNT, COLUMN_NO_TEXT },
	{ "parent_pid",    "",        COLUMN_COUNT, COLUMN_NO_TEXT },
	{ "forked",        "",        COLUMN_BOOL,  COLUMN_NO_TEXT },
	{ "rank",          "rank",    COLUMN_COUNT, COLUMN_OPTIONAL },
	{ "job",           "job",     COLUMN_TEXT,  COLUMN_OPTIONAL },
	{ "state",         "state",   COLUMN_TEXT,  0 },
	{ "exit_status",   "",        COLUMN_COUNT, COLUMN_NO_TEXT },
	{ "complete",      "",        COLUMN_BOOL,  COLUMN_NO_TEXT },
	{ "started",       "",        COLUMN_TEXT,  COLUMN_NO_TEXT },
	{ "elapsed_ns",    "ran",     COLUMN_TIME,  COLUMN_OPTIONAL },
	{ "calls",         "calls",   COLUMN_COUNT, 0 },
	{ "flops",         "FLOPs",   COLUMN_FLOPS, 0 },
	{ "charged",       "charged", COLUMN_FLOPS, 0 },
	{ "losses",        "losses",  COLUMN_LIST,  COLUMN_OPTIONAL },
};

const char *row_kind_name(unsigned kind)
{
	static const char *const names[] = {
		[DUMP_ROW_CALL] = "call", [DUMP_ROW_QUERY] = "query", [DUMP_ROW_REJECTED] = "rejected",
		[DUMP_ROW_REFUSED] = "refused", [DUMP_ROW_MANUAL] = "manual",
	};

	return names[kind];
}

const char *state_name(enum process_state state)
{
	static const char *const names[] = {
		[PROCESS_RUNNING] = "running", [PROCESS_CLOSED] = "closed", [PROCESS_REPLACED] = "exec",
		[PROCESS_ENDED] = "ended", [PROCESS_UNKNOWN] = "unknown",
	};

	return names[state];
}

enum { LOSS_NAMES = 64 };

/* The losses of a process as texts that each end in 0; returns their bytes, at most LOSS_NAMES. */
static size_t loss_names(uint32_t losses, char *names)
{
	static const char *const texts[] = { "calls", "space", "sites", "shapes_coarse", "log", "stacks", "not_durable" };
	char *at = names;

	for (unsigned i = 0; i < sizeof texts / sizeof *texts; i++)
		if (losses >> i & 1)
			at = stpcpy(at, texts[i]) + 1;
	return (size_t)(at - names);
}

/* In UTC; NULL if it is not known. */
static char *start_text(uint64_t realtime_ns)
{
	time_t seconds = (time_t)(realtime_ns / 1000000000u);
	char text[64];
	struct tm parts;

	if (!realtime_ns || !gmtime_r(&seconds, &parts) || !strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts))
		return NULL;
	return memory_text(text, strlen(text));
}

static void fill_process(const struct table *table, size_t row, struct value *values)
{
	const struct aggregate *aggregate = table->aggregate;
	const struct process *process = &aggregate->processes[row];
	struct views *views = views_of(table);
	char *started = start_text(process->start_realtime_ns), *losses;

	arena_free(&views->texts);
	values[0] = value_text(text_at(aggregate, process->file));
	values[1] = value_text(text_or_null(text_at(aggregate, process->program)));
	values[2] = (struct value){ .known = true, .text = text_at(aggregate, process->arguments),
	                            .number = process->argument_bytes };
	values[3] = (struct value){ .known = true, .text = text_at(aggregate, process->environment),
	                            .number = process->environment_bytes };
	values[4] = value_text(text_or_null(text_at(aggregate, process->directory)));
	values[5] = value_text(text_at(aggregate, process->host));
	values[6] = value_number(process->pid);
	values[7] = value_number(process->parent_pid);
	values[8] = value_number(process->forked);
	values[9] = value_number((u128)(process->rank < 0 ? 0 : process->rank));
	values[9].known = process->rank >= 0;
	values[10] = value_text(text_at(aggregate, process->job));
	values[11] = value_text(state_name(process->state));
	values[12] = value_number((u128)(process->exit_status < 0 ? 0 : process->exit_status));
	values[12].known = process->exit_status >= 0;
	values[13] = value_number(process->complete);
	values[14] = value_text(started ? own(views, started) : NULL);
	values[15] = value_number(process->elapsed_ns);
	values[15].known = process->elapsed_ns != 0;
	values[16] = value_number(process->calls);
	values[17] = value_number(process->flops);
	values[18] = value_number(process->charged);
	values[16].known = values[17].known = values[18].known = process->answered;
	losses = arena_take(&views->texts, LOSS_NAMES);
	values[19] = (struct value){ .known = true, .text = losses, .number = loss_names(process->losses, losses) };
}

/* Damage. */

static const struct column damage_columns[] = {
	{ "file",  "dump",  COLUMN_TEXT,  0 },
	{ "text",  "what",  COLUMN_TEXT,  0 },
	{ "count", "times", COLUMN_COUNT, 0 },
};

static void fill_damage(const struct table *table, size_t row, struct value *values)
{
	const struct damage *damage = &table->aggregate->damage[row];

	values[0] = value_text(text_at(table->aggregate, damage->file));
	values[1] = value_text(damage->text);
	values[2] = value_number(damage->count);
}

/* All of them. */

#define COLUMNS(array) array, sizeof array / sizeof *array

static const struct description {
	const char *key, *title;
	const struct column *columns;
	unsigned column_count;
	void (*fill)(const struct table *table, size_t row, struct value *values);
	uint32_t charged; /* columns, by bit, that repeat others unless there are weights or multipliers */
} descriptions[TABLE_COUNT] = {
	[TABLE_ROUTINES] = { "routines", "By routine", COLUMNS(routine_columns), fill_routine, 1u << 4 },
	[TABLE_NAMESPACES] = { "namespaces", "Namespaces", COLUMNS(space_columns), fill_space, 3u << 7 },
	[TABLE_SHAPES] = { "shapes", "Largest shapes", COLUMNS(shape_columns), fill_shape, 1u << 4 },
	[TABLE_SITES] = { "sites", "Call sites", COLUMNS(site_columns), fill_site, 1u << 12 },
	[TABLE_STACKS] = { "stacks", "Sampled stacks", COLUMNS(stack_columns), fill_stack, 0 },
	[TABLE_UNPRICED] = { "unpriced", "Not priced: counted as 0 FLOPs", COLUMNS(unpriced_columns), fill_unpriced, 0 },
	[TABLE_MANUAL] = { "manual", "Charged by the program itself", COLUMNS(manual_columns), fill_manual, 1u << 3 },
	[TABLE_LIMITS] = { "limits", "Budgets", COLUMNS(limit_columns), fill_limit, 0 },
	[TABLE_LIBRARIES] = { "libraries", "Libraries", COLUMNS(library_columns), fill_library, 0 },
	[TABLE_NOTES] = { "notes", "Out of reach, and other remarks", COLUMNS(note_columns), fill_note, 0 },
	[TABLE_PROCESSES] = { "process_list", "Processes", COLUMNS(process_columns), fill_process, 1u << 18 },
	[TABLE_DAMAGE] = { "damage", "Damaged or missing", COLUMNS(damage_columns), fill_damage, 0 },
};

enum table_id table_by_key(const char *key)
{
	unsigned id = 0;

	while (id < TABLE_COUNT && strcmp(descriptions[id].key, key))
		id++;
	return (enum table_id)id;
}

const char *table_key(enum table_id id)
{
	return descriptions[id].key;
}

static size_t count_rows(struct views *views, enum table_id id, size_t top)
{
	switch (id) {
	case TABLE_ROUTINES:
		return groups(views, GROUP_ROUTINE, SIZE_MAX)->count;
	case TABLE_SHAPES:
		return groups(views, GROUP_SHAPE, top)->count;
	case TABLE_SITES:
		return groups(views, GROUP_SITE, top)->count;
	case TABLE_STACKS:
		sort_samples(views);
		return views->aggregate->samples.count;
	case TABLE_MANUAL:
		return groups(views, GROUP_MANUAL, top)->count;
	case TABLE_LIBRARIES:
		return groups(views, GROUP_LIBRARY, top)->count;
	case TABLE_UNPRICED:
		return list_unpriced(views);
	case TABLE_NAMESPACES:
		if (!views->spaces.spaces)
			group_spaces(views->aggregate, &views->spaces);
		return views->aggregate->answered ? views->spaces.count : 0;
	case TABLE_LIMITS:
		return views->aggregate->limits.count;
	case TABLE_NOTES:
		return views->aggregate->notes.count;
	case TABLE_PROCESSES:
		return views->aggregate->process_count;
	default:
		return views->aggregate->damage_count;
	}
}

void views_get(struct views *views, enum table_id id, size_t top, struct table *table)
{
	const struct description *description = &descriptions[id];
	const struct totals *totals = &views->aggregate->totals;

	*table = (struct table){
		.key = description->key,
		.title = description->title,
		.columns = description->columns,
		.column_count = description->column_count,
		.row_count = count_rows(views, id, top),
		.fill = description->fill,
		.data = views,
		.aggregate = views->aggregate,
		.hidden = totals->charged == totals->flops ? description->charged : 0,
	};
	if (table->row_count > top) {
		table->more = table->row_count - top;
		table->row_count = top;
	}
}

void views_drop_uncalled(const struct views *views, struct table *table)
{
	const struct group_list *list = &views->groups[GROUP_ROUTINE];
	size_t count = list->count;

	while (count && !list->groups[count - 1].calls && !list->groups[count - 1].refused_calls)
		count--;
	table->more = count > table->row_count ? count - table->row_count : 0;
	if (table->row_count > count)
		table->row_count = count;
}

struct group views_times(struct views *views)
{
	const struct group_list *list = groups(views, GROUP_ROUTINE, SIZE_MAX);
	struct group sum = { 0 };

	for (size_t i = 0; i < list->count; i++) {
		const struct group *group = &list->groups[i];

		sum.time_ns = u64_add(sum.time_ns, group->time_ns);
		sum.timed_calls = u64_add(sum.timed_calls, group->timed_calls);
		sum.timed_flops = u128_add(sum.timed_flops, group->timed_flops);
		sum.estimated_ns = u64_add(sum.estimated_ns, group->estimated_ns);
		sum.extrapolated_ns = u64_add(sum.extrapolated_ns, group->extrapolated_ns);
		sum.extrapolated_calls = u64_add(sum.extrapolated_calls, group->extrapolated_calls);
		sum.timeless_calls = u64_add(sum.timeless_calls, group->timeless_calls);
		sum.calls = u64_add(sum.calls, group->calls);
	}
	return sum;
}
