/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * groups.c - tables whose items are groups of rows: routines, shapes, call sites, libraries, manual charges.
 * It must never add anything up: aggregate/summary.c does so.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "analyzer/base/memory.h"
#include "analyzer/tables/measures.h"
#include "analyzer/tables/stacks.h"
#include "analyzer/tables/tables.h"

/* Routines. */

GETTER(routine_kind, struct group, value_text(kind_name(routine_of(table->aggregate, item->row->routine)->kind)))

static const struct column routine_columns[] = {
	{"routine", "routine", COLUMN_TEXT, 0, group_routine},
	{"kind", "", COLUMN_TEXT, COLUMN_NO_TEXT, routine_kind},
	MEASURES,
	SPREAD,
	{"minimal_bytes", "", COLUMN_FLOPS, COLUMN_NO_TEXT, group_bytes},
};

/* Routines are in the order of their FLOPs. Those at the end that had workspace queries alone are not counted. */
static size_t called_routines(const struct table *table)
{
	const struct group_list *list = &views_of(table)->groups[GROUP_ROUTINE];
	size_t count = list->count;

	while (count && !list->groups[count - 1].calls && !list->groups[count - 1].refused_calls)
		count--;
	return count;
}

const struct table_kind table_routines = {
	"routines", "By routine", COLUMNS(routine_columns), GROUPS(GROUP_ROUTINE), .worth = called_routines,
};

/* Routines without a price. */

static const struct column unpriced_columns[] = {
	{"routine", "routine", COLUMN_TEXT, 0, group_routine},
	{"unpriced_calls", "calls", COLUMN_COUNT, 0, group_unpriced},
};

static const void *unpriced_at(const struct table *table, size_t row) { return views_of(table)->unpriced[row]; }

static void list_unpriced(struct views *views, struct table *table)
{
	const struct group_list *list = views_groups(views, GROUP_ROUTINE, SIZE_MAX);
	size_t count = 0;

	free(views->unpriced);
	views->unpriced = memory_new(list->count, sizeof *views->unpriced);
	for (size_t i = 0; i < list->count; i++)
		if (list->groups[i].unpriced_calls)
			views->unpriced[count++] = &list->groups[i];
	table->item = unpriced_at;
	table->row_count = count;
}

const struct table_kind table_unpriced = {
	"unpriced",
	"Not priced: counted as 0 FLOPs",
	COLUMNS(unpriced_columns),
	.list = list_unpriced,
};

/* Shapes. */

GETTER(shape_is_coarse, struct group, value_number((item->row->flags & DUMP_ROW_COARSE) != 0))

/* clang-format off */
static const struct column shape_columns[] = {
	{ "routine",           "routine", COLUMN_TEXT,  0,               group_routine },
	{ "arguments",         "shape",   COLUMN_SHAPE, 0,               group_shape },
	{ "calls",             "calls",   COLUMN_COUNT, 0,               group_calls },
	{ "flops",             "FLOPs",   COLUMN_FLOPS, 0,               group_flops },
	{ "charged",           "charged", COLUMN_FLOPS, COLUMN_CHARGED,  group_charged },
	{ "share",             "share",   COLUMN_SHARE, 0,               group_share },
	{ "estimated_time_ns", "time",    COLUMN_TIME,  COLUMN_OPTIONAL, group_time },
	{ "gflops",            "GFLOP/s", COLUMN_REAL,  COLUMN_OPTIONAL, group_rate },
	{ "of_peak",           "of peak", COLUMN_SHARE, COLUMN_OPTIONAL, group_of_peak },
	{ "time_ns",           "",        COLUMN_TIME,  COLUMN_NO_TEXT,  group_time_ns },
	{ "timed_calls",       "",        COLUMN_COUNT, COLUMN_NO_TEXT,  group_timed_calls },
	{ "words",             "",        COLUMN_FLOPS, COLUMN_NO_TEXT,  group_words },
	{ "coarse",            "",        COLUMN_BOOL,  COLUMN_NO_TEXT,  shape_is_coarse },
	SPREAD,
	{ "minimal_bytes",     "",        COLUMN_FLOPS, COLUMN_NO_TEXT,  group_bytes },
};
/* clang-format on */

const struct table_kind table_shapes = {
	"shapes",
	"Largest shapes",
	COLUMNS(shape_columns),
	GROUPS(GROUP_SHAPE),
};

/* Call sites. */

static const struct place *place_of(const struct table *table, const struct group *group)
{
	return views_place(views_of(table), group->row->site);
}

/* The following two return texts that are valid until the next value is asked for. */

static const char *place_line(const struct table *table, const struct group *group)
{
	struct text *text = views_scratch(views_of(table));

	place_add(text, place_of(table, group));
	return text->bytes;
}

static const char *offset_text(const struct table *table, const struct group *group)
{
	struct text *text = views_scratch(views_of(table));

	text_format(text, "0x%" PRIx64, place_of(table, group)->offset);
	return text->bytes;
}

GETTER(site_place, struct group, value_text(place_line(table, item)))
GETTER(site_function, struct group, value_text(place_of(table, item)->function))
GETTER(site_file, struct group, value_text(place_of(table, item)->file))
GETTER(site_line, struct group,
       value_number_if(place_of(table, item)->file != NULL, (unsigned)place_of(table, item)->line))
GETTER(site_module, struct group, value_text(place_of(table, item)->module))
GETTER(site_offset, struct group, value_text(offset_text(table, item)))
GETTER(site_problem, struct group, value_text(place_of(table, item)->problem))
GETTER(site_symbol_name, struct group, value_text(site_symbol(table->aggregate, item->row->site)))
GETTER(site_routine, struct group,
       value_text(routine_name(table->aggregate, site_of(table->aggregate, item->row->site)->routine)))
GETTER(site_python, struct group, value_text(stacks_python_of_site(views_of(table), item->row->site)))

/* clang-format off */
static const struct column site_columns[] = {
	{ "place",             "called from", COLUMN_TEXT,  COLUMN_ONLY_TEXT, site_place },
	{ "function",          "",            COLUMN_TEXT,  COLUMN_NO_TEXT,   site_function },
	{ "file",              "",            COLUMN_TEXT,  COLUMN_NO_TEXT,   site_file },
	{ "line",              "",            COLUMN_COUNT, COLUMN_NO_TEXT,   site_line },
	{ "module",            "",            COLUMN_TEXT,  COLUMN_NO_TEXT,   site_module },
	{ "offset",            "",            COLUMN_TEXT,  COLUMN_NO_TEXT,   site_offset },
	{ "problem",           "",            COLUMN_TEXT,  COLUMN_NO_TEXT,   site_problem },
	{ "symbol",            "symbol",      COLUMN_TEXT,  0,                site_symbol_name },
	{ "routine",           "",            COLUMN_TEXT,  COLUMN_NO_TEXT,   site_routine },
	{ "python",            "most from",   COLUMN_TEXT,  COLUMN_OPTIONAL,  site_python },
	{ "calls",             "calls",       COLUMN_COUNT, 0,                group_calls },
	{ "flops",             "FLOPs",       COLUMN_FLOPS, 0,                group_flops },
	{ "charged",           "charged",     COLUMN_FLOPS, COLUMN_CHARGED,   group_charged },
	{ "share",             "share",       COLUMN_SHARE, 0,                group_share },
	{ "estimated_time_ns", "time",        COLUMN_TIME,  COLUMN_OPTIONAL,  group_time },
	{ "refused_calls",     "refused",     COLUMN_COUNT, COLUMN_RARE,      group_refused },
	SPREAD,
};
/* clang-format on */

const struct table_kind table_sites = {"sites", "Call sites", COLUMNS(site_columns), GROUPS(GROUP_SITE)};

/* Rows. */

GETTER(row_space, struct group, value_text(intern_at(&table->aggregate->spaces, item->row->space)))
GETTER(row_kind, struct group, value_text(row_kind_name(item->row->kind)))

/* clang-format off */
static const struct column row_columns[] = {
	{ "namespace",      "namespace",   COLUMN_TEXT,  0,               row_space },
	{ "routine",        "routine",     COLUMN_TEXT,  0,               group_routine },
	{ "kind",           "",            COLUMN_TEXT,  COLUMN_NO_TEXT,  row_kind },
	{ "arguments",      "shape",       COLUMN_SHAPE, 0,               group_shape },
	{ "coarse",         "",            COLUMN_BOOL,  COLUMN_NO_TEXT,  shape_is_coarse },
	{ "symbol",         "symbol",      COLUMN_TEXT,  0,               site_symbol_name },
	{ "place",          "called from", COLUMN_TEXT,  COLUMN_ONLY_TEXT, site_place },
	{ "function",       "",            COLUMN_TEXT,  COLUMN_NO_TEXT,  site_function },
	{ "file",           "",            COLUMN_TEXT,  COLUMN_NO_TEXT,  site_file },
	{ "line",           "",            COLUMN_COUNT, COLUMN_NO_TEXT,  site_line },
	{ "module",         "",            COLUMN_TEXT,  COLUMN_NO_TEXT,  site_module },
	{ "offset",         "",            COLUMN_TEXT,  COLUMN_NO_TEXT,  site_offset },
	{ "python",         "most from",   COLUMN_TEXT,  COLUMN_OPTIONAL, site_python },
	MEASURES,
	{ "manual_charges", "charges",     COLUMN_COUNT, COLUMN_RARE,     group_charges },
};
/* clang-format on */

const struct table_kind table_rows = {"rows", "Rows", COLUMNS(row_columns), GROUPS(GROUP_ROW)};

/* Manual charges. */

/* clang-format off */
static const struct column manual_columns[] = {
	{ "name",    "name",    COLUMN_TEXT,  0,              group_routine },
	{ "charges", "charges", COLUMN_COUNT, 0,              group_charges },
	{ "flops",   "FLOPs",   COLUMN_FLOPS, 0,              group_flops },
	{ "charged", "charged", COLUMN_FLOPS, COLUMN_CHARGED, group_charged },
	{ "share",   "share",   COLUMN_SHARE, 0,              group_share },
};
/* clang-format on */

const struct table_kind table_manual = {
	"manual",
	"Charged by the program itself",
	COLUMNS(manual_columns),
	GROUPS(GROUP_MANUAL),
};

/* Libraries. */

static uint32_t library_of(const struct table *table, const struct group *group)
{
	return site_of(table->aggregate, group->row->site)->callee_module;
}

static const char *library_name(const struct table *table, uint32_t number)
{
	return number == AGGREGATE_NONE ? "(unknown)"
	                                : text_at(table->aggregate, module_of(table->aggregate, number)->path);
}

/* The width of the library's integers; NULL where the library is not known. */
static const char *integers_of(const struct table *table, uint32_t number)
{
	if (number == AGGREGATE_NONE)
		return NULL;
	return table->aggregate->module_totals[number].flags & DUMP_MODULE_ILP64 ? "ILP64" : "LP64";
}

/* In hexadecimal digits, valid until the next value is asked for; NULL where the library is not known, or has none. */
static const char *build_id_of(const struct table *table, uint32_t number)
{
	struct text *text = views_scratch(views_of(table));

	if (number == AGGREGATE_NONE)
		return NULL;
	for (uint32_t i = 0; i < module_of(table->aggregate, number)->build_id_size; i++)
		text_format(text, "%02x", module_of(table->aggregate, number)->build_id[i]);
	return text->bytes;
}

GETTER(library_path, struct group, value_text(library_name(table, library_of(table, item))))
GETTER(library_integers, struct group, value_text(integers_of(table, library_of(table, item))))
GETTER(library_build_id, struct group, value_filled(build_id_of(table, library_of(table, item))))

/* clang-format off */
static const struct column library_columns[] = {
	{ "path",     "served by", COLUMN_TEXT,  0,              library_path },
	{ "integers", "integers",  COLUMN_TEXT,  0,              library_integers },
	{ "calls",    "calls",     COLUMN_COUNT, 0,              group_calls },
	{ "flops",    "FLOPs",     COLUMN_FLOPS, 0,              group_flops },
	{ "build_id", "",          COLUMN_TEXT,  COLUMN_NO_TEXT, library_build_id },
};
/* clang-format on */

const struct table_kind table_libraries = {
	"libraries",
	"Libraries",
	COLUMNS(library_columns),
	GROUPS(GROUP_LIBRARY),
};
