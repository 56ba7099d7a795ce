/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * code.c - the table of work by functions and lines of the user's own code, whatever libraries did it.
 * It must never count work twice for a function that calls itself, nor pass what samples say off as exact.
 */
#include "analyzer/tables/code.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/aggregate/order.h"
#include "analyzer/base/memory.h"
#include "analyzer/tables/function_name.h"
#include "analyzer/tables/measures.h"
#include "analyzer/tables/places.h"
#include "analyzer/tables/stacks.h"
#include "analyzer/tables/tables.h"
#include "count.h"
#include "names.h"

/* A line of a function. */
struct code_row {
	uint32_t place; /* its number; AGGREGATE_NONE: it is not known, or the program has charged the work itself */
	struct estimate own, inclusive;
	uint64_t samples;      /* sampled calls that `inclusive` is made of */
	bool own_about, about; /* `own`, and `inclusive`, are divided among samples */
	bool manual;
};

struct code_rows {
	struct views *views;
	struct code_row *rows;
	size_t count, capacity;
	uint32_t *of_places; /* by place: the number of its row, counted from 1; 0 if it has none */
	size_t place_count, place_capacity;
	struct intern modules; /* paths of modules that have a row as a whole */
	uint32_t *of_modules;  /* their rows */
	size_t module_capacity;
	uint32_t *seen; /* by row: the turn in which it was met last, so that recursion counts once */
	uint32_t turn;
	size_t seen_capacity;
	uint64_t samples;
	u128 sampleless_flops; /* of calls of which no stack is known */
	bool about;            /* some number is divided among samples, or lacks calls of which no stack is known */
	bool own_code;         /* some row is of the user's code, and has a name */
	struct text note;
};

/* The rows that stand for what is no place. */
enum special { SPECIAL_UNKNOWN, SPECIAL_MANUAL, SPECIAL_COUNT };

/* ---- adding up ---- */

static uint32_t new_row(struct code_rows *rows, bool manual)
{
	rows->rows = memory_grow(rows->rows, rows->count, &rows->capacity, sizeof *rows->rows);
	rows->seen = memory_grow(rows->seen, rows->count, &rows->seen_capacity, sizeof *rows->seen);
	rows->rows[rows->count] = (struct code_row){.place = AGGREGATE_NONE, .manual = manual};
	rows->seen[rows->count] = 0;
	return (uint32_t)rows->count++;
}

/*
 * The number of the row of a place in a library of which neither function nor line is known. All such places of a module have one:
 * addresses in it would tell nobody anything.
 */
static uint32_t row_of_module(struct code_rows *rows, const char *module)
{
	size_t known = rows->modules.count;
	uint32_t number = intern_text(&rows->modules, module);

	if (number == known) {
		rows->of_modules =
			memory_grow(rows->of_modules, known, &rows->module_capacity, sizeof *rows->of_modules);
		rows->of_modules[number] = new_row(rows, false);
	}
	return rows->of_modules[number];
}

static bool is_nameless(const struct call_place *place)
{
	return place->module && !place->function && !place->file && !place->own;
}

/* The number of a place's row. AGGREGATE_NONE has one, too. */
static uint32_t row_of(struct code_rows *rows, uint32_t place)
{
	if (place == AGGREGATE_NONE)
		return SPECIAL_UNKNOWN;
	while (rows->place_count <= place) {
		rows->of_places =
			memory_grow(rows->of_places, rows->place_count, &rows->place_capacity, sizeof *rows->of_places);
		rows->of_places[rows->place_count++] = 0;
	}
	if (!rows->of_places[place]) {
		const struct call_place *at = places_at(views_places(rows->views), place);

		rows->of_places[place] = 1 + (is_nameless(at) ? row_of_module(rows, at->module) : new_row(rows, false));
	}
	return rows->of_places[place] - 1;
}

static void add_own(struct code_rows *rows, uint32_t number, const struct estimate *work, bool about)
{
	estimate_add(&rows->rows[number].own, work);
	rows->rows[number].own_about |= about;
}

/* Adds to what a row includes, unless that was done in this turn. */
static void add_inclusive(struct code_rows *rows, uint32_t number, const struct estimate *work, uint64_t samples,
                          bool about)
{
	struct code_row *row = &rows->rows[number];

	if (rows->seen[number] == rows->turn)
		return;
	rows->seen[number] = rows->turn;
	estimate_add(&row->inclusive, work);
	row->samples = count_plus(row->samples, samples);
	row->about |= about;
}

/*
 * Adds work whose frames are a list. `site` is the place that all work of its call site belongs to, which is certain even where
 * samples divide the work.
 */
static void add_work(struct code_rows *rows, const struct place_list *list, uint32_t site, const struct estimate *work,
                     uint64_t samples)
{
	struct places *places = views_places(rows->views);
	bool all = rows->views->all_frames, about = !work->exact;
	uint32_t own = all && list->count ? list->numbers[0] : places_choose(places, list), number = row_of(rows, own);

	rows->turn++;
	add_own(rows, number, work, about && own != site);
	add_inclusive(rows, number, work, samples, about && own != site);
	for (size_t i = 0; i < list->count; i++)
		if (all || places_at(places, list->numbers[i])->own)
			add_inclusive(rows, row_of(rows, list->numbers[i]), work, samples,
			              about && list->numbers[i] != site);
}

/* The place that is chosen for a call site by itself. */
static uint32_t choose_for_site(struct code_rows *rows, uint32_t site, struct place_list *list)
{
	struct places *places = views_places(rows->views);

	places_list_site(places, site, list);
	if (rows->views->all_frames)
		return list->count ? list->numbers[0] : AGGREGATE_NONE;
	return places_choose(places, list);
}

static void add_samples(struct code_rows *rows, const struct estimates *estimates, struct place_list *list)
{
	const struct aggregate *aggregate = rows->views->aggregate;

	for (uint32_t i = 0; i < aggregate->samples.count; i++) {
		const struct sample_key *key = intern_at(&aggregate->samples, i);
		uint32_t site = choose_for_site(rows, key->site, list);

		places_list_stack(views_places(rows->views), key->stack, list);
		add_work(rows, list, site, &estimates->of_samples[i], aggregate->sample_totals[i].calls);
		rows->samples = count_plus(rows->samples, aggregate->sample_totals[i].calls);
	}
}

static void add_unsampled(struct code_rows *rows, const struct estimates *estimates, struct place_list *list)
{
	for (size_t i = 0; i < estimates->unsampled_count; i++) {
		const struct unsampled *unsampled = &estimates->unsampled[i];

		if (unsampled->manual) {
			rows->turn++;
			add_own(rows, SPECIAL_MANUAL, &unsampled->work, false);
			add_inclusive(rows, SPECIAL_MANUAL, &unsampled->work, 0, false);
			continue;
		}
		choose_for_site(rows, unsampled->key.site, list);
		add_work(rows, list, AGGREGATE_NONE, &unsampled->work, 0);
		rows->sampleless_flops = u128_add(rows->sampleless_flops, unsampled->work.flops);
	}
}

/* ---- order ---- */

static int compare_texts(const char *a, const char *b) { return strcmp(a ? a : "", b ? b : ""); }

static int compare_places(const struct call_place *a, const struct call_place *b)
{
	int order;

	if (!a || !b)
		return !a - !b;
	order = compare_texts(a->path, b->path);
	if (!order)
		order = (a->line > b->line) - (a->line < b->line);
	if (!order)
		order = compare_texts(a->function, b->function);
	if (!order)
		order = compare_texts(a->module, b->module);
	return order ? order : order_numbers(a->offset, b->offset);
}

/* The place of a row, valid until another part of the report asks for frames; NULL if it has none. */
static const struct call_place *place_of(struct views *views, const struct code_row *row)
{
	return row->place == AGGREGATE_NONE ? NULL : places_at(views_places(views), row->place);
}

static int compare_rows(const void *a, const void *b, void *views)
{
	const struct code_row *x = a, *y = b;
	int order;

	if (x->own.flops != y->own.flops)
		return x->own.flops < y->own.flops ? 1 : -1;
	if (x->inclusive.flops != y->inclusive.flops)
		return x->inclusive.flops < y->inclusive.flops ? 1 : -1;
	if (x->own.calls != y->own.calls)
		return x->own.calls < y->own.calls ? 1 : -1;
	order = compare_places(place_of(views, x), place_of(views, y));
	return order ? order : x->manual - y->manual;
}

/* ---- the rows ---- */

static bool has_work(const struct code_row *row)
{
	return row->inclusive.flops || row->inclusive.calls || row->inclusive.charged;
}

/* Gives the rows their places, drops those without work, and sorts the others. */
static void settle(struct code_rows *rows)
{
	size_t kept = 0;

	for (size_t i = rows->place_count; i-- > 0;)
		if (rows->of_places[i])
			rows->rows[rows->of_places[i] - 1].place = (uint32_t)i;
	for (size_t i = 0; i < rows->count; i++) {
		struct code_row *row = &rows->rows[i];
		const struct call_place *place = place_of(rows->views, row);

		if (!has_work(row))
			continue;
		rows->about |= row->about || row->own_about || (row->samples && rows->sampleless_flops);
		rows->own_code |= place && place->own && place->function;
		rows->rows[kept++] = *row;
	}
	rows->count = kept;
	if (kept)
		qsort_r(rows->rows, kept, sizeof *rows->rows, compare_rows, rows->views);
}

/* Whether the FLOPs of calls without a stack would show in a percentage. */
static bool lacks_much(const struct code_rows *rows)
{
	return (double)rows->sampleless_flops >= 0.0005 * (double)rows->views->aggregate->totals.flops &&
	       rows->sampleless_flops;
}

static void make_note(struct code_rows *rows)
{
	const struct totals *totals = &rows->views->aggregate->totals;
	char number[NUMBER_TEXT];

	if (!rows->about)
		return;
	text_format(&rows->note, "A number after ~ is about, from %s call%s sampled.",
	            number_grouped(rows->samples, number),
	            rows->samples == 1 ? " whose stack was" : "s whose stacks were");
	if (lacks_much(rows))
		text_format(&rows->note, " Of %.1f %% of the FLOPs no call was sampled.",
		            100 * (double)rows->sampleless_flops / (double)totals->flops);
}

static struct code_rows *code_rows(struct views *views)
{
	struct code_rows *rows = views->code;
	struct place_list list = {0};

	if (rows)
		return rows;
	rows = views->code = memory_new(1, sizeof *rows);
	rows->views = views;
	for (unsigned i = 0; i < SPECIAL_COUNT; i++)
		new_row(rows, i == SPECIAL_MANUAL);
	add_samples(rows, stacks_estimates(views), &list);
	add_unsampled(rows, stacks_estimates(views), &list);
	place_list_free(&list);
	settle(rows);
	make_note(rows);
	return rows;
}

void code_free(struct code_rows *rows)
{
	if (!rows)
		return;
	free(rows->rows);
	free(rows->of_places);
	intern_free(&rows->modules);
	free(rows->of_modules);
	free(rows->seen);
	text_free(&rows->note);
	free(rows);
}

bool code_is_told(struct views *views)
{
	const struct code_rows *rows = code_rows(views);

	return views->all_frames ? rows->count != 0 : rows->own_code;
}

/* ---- columns ---- */

/* Valid until the next value is asked for. */
static struct value function_of(const struct table *table, const struct code_row *row)
{
	const struct call_place *place = place_of(views_of(table), row);
	struct text *text = views_scratch(views_of(table));

	if (!table->for_people || !place || !place->function || place->python)
		return value_text(place ? place->function : NULL);
	function_name_add(text, place->function);
	return value_text(text->bytes);
}

/* Where a row is, as people read it; valid until the next value is asked for. */
static const char *place_text(const struct table *table, const struct code_row *row)
{
	struct views *views = views_of(table);
	struct text *text = views_scratch(views);
	const struct call_place *place = place_of(views, row);

	if (!place)
		return row->manual ? "(charged by the program itself)" : "(not known)";
	if (place->file && !place->line) /* of a redacted page */
		text_add(text, places_shown_file(views_places(views), place));
	else if (place->file)
		text_format(text, "%s:%d", places_shown_file(views_places(views), place), place->line);
	else if (!place->module && place->function)
		return ""; /* of a redacted page */
	else if (!place->module)
		text_format(text, "0x%" PRIx64, place->offset);
	else if (place->function || !place->own)
		text_format(text, "in %s", base_name(place->module));
	else
		text_format(text, "%s+0x%" PRIx64, base_name(place->module), place->offset);
	return text->bytes;
}

static struct value about(struct value value, bool estimated)
{
	value.estimated = estimated;
	return value;
}

/*
 * Whether the inclusive numbers of a row are about: of calls without a stack it is not known who else has called for them. That
 * is not worth telling people of FLOPs in which it does not show.
 */
static bool is_about(const struct table *table, const struct code_row *row, bool of_flops)
{
	const struct code_rows *rows = views_of(table)->code;

	if (row->about || !row->samples || !rows->sampleless_flops)
		return row->about;
	return !(table->for_people && of_flops) || lacks_much(rows);
}

/* The part of the FLOPs done and in flight: stacks have both. */
static struct value share(const struct table *table, u128 flops)
{
	const struct totals *totals = &table->aggregate->totals;

	return value_ratio(flops, u128_add(totals->flops, totals->in_flight_flops));
}

static struct value time_of(const struct table *table, const struct estimate *work, bool estimated)
{
	const struct totals *totals = &table->aggregate->totals;

	return about(value_number_if(totals->timed_calls && work->time_ns, work->time_ns),
	             estimated || totals->timed_calls != totals->calls);
}

/* The offset of a place of the user's without a name, as that of a call site is written; valid until the next value is asked for. */
static const char *offset_text(const struct table *table, const struct code_row *row)
{
	const struct call_place *place = place_of(views_of(table), row);
	struct text *text = views_scratch(views_of(table));

	if (!place || !place->offset || is_nameless(place))
		return NULL;
	text_format(text, "0x%" PRIx64, place->offset);
	return text->bytes;
}

static bool is_yours(const struct table *table, const struct code_row *row)
{
	const struct call_place *place = place_of(views_of(table), row);

	return row->manual || (place && place->own);
}

static struct value line_of(const struct table *table, const struct code_row *row)
{
	const struct call_place *place = place_of(views_of(table), row);

	return value_number_if(place && place->path && place->line, place ? (unsigned)place->line : 0);
}

static const char *path_of(const struct table *table, const struct code_row *row)
{
	const struct call_place *place = place_of(views_of(table), row);

	return place ? place->path : NULL;
}

static const char *module_path(const struct table *table, const struct code_row *row)
{
	const struct call_place *place = place_of(views_of(table), row);

	return place ? place->module : NULL;
}

GETTER(code_place, struct code_row, value_text(place_text(table, item)))
GETTER(code_function, struct code_row, function_of(table, item))
GETTER(code_file, struct code_row, value_text(path_of(table, item)))
GETTER(code_line, struct code_row, line_of(table, item))
GETTER(code_module, struct code_row, value_text(module_path(table, item)))
GETTER(code_offset, struct code_row, value_text(offset_text(table, item)))
GETTER(code_yours, struct code_row, value_number(is_yours(table, item)))
GETTER(code_own_flops, struct code_row, about(value_number(item->own.flops), item->own_about))
GETTER(code_own_charged, struct code_row, about(value_number(item->own.charged), item->own_about))
GETTER(code_own_share, struct code_row, about(share(table, item->own.flops), item->own_about))
GETTER(code_own_calls, struct code_row, about(value_number(item->own.calls), item->own_about))
GETTER(code_own_time, struct code_row, time_of(table, &item->own, item->own_about))
GETTER(code_flops, struct code_row, about(value_number(item->inclusive.flops), is_about(table, item, true)))
GETTER(code_charged, struct code_row, about(value_number(item->inclusive.charged), is_about(table, item, true)))
GETTER(code_share, struct code_row, about(share(table, item->inclusive.flops), is_about(table, item, true)))
GETTER(code_calls, struct code_row, about(value_number(item->inclusive.calls), is_about(table, item, false)))
GETTER(code_time, struct code_row, time_of(table, &item->inclusive, is_about(table, item, false)))
GETTER(code_samples, struct code_row, value_number(item->samples))
GETTER(code_own_about, struct code_row, value_number(item->own_about))
GETTER(code_about, struct code_row, value_number(is_about(table, item, false)))

/* clang-format off */
static const struct column code_columns[] = {
	{ "place",                       "line",        COLUMN_TEXT,  COLUMN_ONLY_TEXT, code_place },
	{ "function",                    "function",    COLUMN_TEXT,  0,                code_function },
	{ "file",                        "",            COLUMN_TEXT,  COLUMN_NO_TEXT,   code_file },
	{ "line",                        "",            COLUMN_COUNT, COLUMN_NO_TEXT,   code_line },
	{ "module",                      "",            COLUMN_TEXT,  COLUMN_NO_TEXT,   code_module },
	{ "offset",                      "",            COLUMN_TEXT,  COLUMN_NO_TEXT,   code_offset },
	{ "yours",                       "",            COLUMN_BOOL,  COLUMN_NO_TEXT,   code_yours },
	{ "own_flops",                   "own FLOPs",   COLUMN_FLOPS, 0,                code_own_flops },
	{ "own_share",                   "share",       COLUMN_SHARE, 0,                code_own_share },
	{ "inclusive_flops",             "inclusive",   COLUMN_FLOPS, 0,                code_flops },
	{ "inclusive_share",             "share",       COLUMN_SHARE, 0,                code_share },
	{ "own_charged",                 "own charged", COLUMN_FLOPS, COLUMN_CHARGED,   code_own_charged },
	{ "inclusive_charged",           "charged",     COLUMN_FLOPS, COLUMN_CHARGED,   code_charged },
	{ "own_estimated_time_ns",       "",            COLUMN_TIME,  COLUMN_NO_TEXT,   code_own_time },
	{ "inclusive_estimated_time_ns", "time",        COLUMN_TIME,  COLUMN_OPTIONAL,  code_time },
	{ "own_calls",                   "",            COLUMN_COUNT, COLUMN_NO_TEXT,   code_own_calls },
	{ "inclusive_calls",             "calls",       COLUMN_COUNT, 0,                code_calls },
	{ "samples",                     "sampled",     COLUMN_COUNT, COLUMN_OPTIONAL,  code_samples },
	{ "own_about",                   "",            COLUMN_BOOL,  COLUMN_NO_TEXT,   code_own_about },
	{ "about",                       "",            COLUMN_BOOL,  COLUMN_NO_TEXT,   code_about },
};
/* clang-format on */

static void list_code(struct views *views, struct table *table)
{
	const struct code_rows *rows = code_rows(views);

	if (views->all_frames)
		table->title = "By all code, that of libraries included";
	table->note = rows->note.bytes;
	table_set_items(table, rows->rows, rows->count, sizeof *rows->rows);
}

/* People are not shown the rows at the end that have no FLOPs, unless none has any. */
static size_t rows_with_flops(const struct table *table)
{
	const struct code_rows *rows = views_of(table)->code;
	size_t count = table->row_count;

	while (count && !rows->rows[count - 1].inclusive.flops)
		count--;
	return count ? count : table->row_count;
}

const struct table_kind table_code = {
	"code", "By your code", COLUMNS(code_columns), .list = list_code, .worth = rows_with_flops,
};
