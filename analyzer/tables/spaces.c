/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * spaces.c - the tables of namespaces and of budgets.
 * It must never add anything up: aggregate/ does so.
 */
#include <stdlib.h>

#include "analyzer/aggregate/order.h"
#include "analyzer/base/memory.h"
#include "analyzer/tables/measures.h"
#include "analyzer/tables/tables.h"

static const char *path_name(const char *path) { return path[0] ? path : "(all)"; }

/* Namespaces. */

/* Says that a budget was never charged, which is often a misspelt namespace; "" otherwise. */
static const char *remark_of(const struct space *space)
{
	bool untouched = space->budget && !space->budget_used && !space->inclusive_calls && !space->refused_calls;

	if (!untouched)
		return "";
	return space->path[0] ? "never charged: no call was counted under this name; is it right?"
	                      : "never charged: no call was counted";
}

GETTER(space_name, struct space, value_text(path_name(item->path)))
GETTER(space_path, struct space, value_text(item->path))
GETTER(space_own_calls, struct space, value_number(item->own_calls))
GETTER(space_own_flops, struct space, value_number(item->own_flops))
GETTER(space_calls, struct space, value_number(item->inclusive_calls))
GETTER(space_flops, struct space, value_number(item->inclusive_flops))
GETTER(space_share, struct space, value_share(table, item->inclusive_flops))
GETTER(space_own_charged, struct space, value_number(item->own_charged))
GETTER(space_charged, struct space, value_number(item->inclusive_charged))
GETTER(space_budget, struct space, value_number_if(item->budget != 0, item->budget))
GETTER(space_used, struct space, value_number_if(item->budget != 0, item->budget_used))
GETTER(space_refused, struct space, value_number(item->refused_calls))
GETTER(space_remark, struct space, value_text(remark_of(item)))

/* clang-format off */
static const struct column space_columns[] = {
	{ "name",              "namespace",   COLUMN_TEXT,  COLUMN_ONLY_TEXT, space_name },
	{ "namespace",         "",            COLUMN_TEXT,  COLUMN_NO_TEXT,   space_path },
	{ "own_calls",         "own calls",   COLUMN_COUNT, 0,                space_own_calls },
	{ "own_flops",         "own FLOPs",   COLUMN_FLOPS, 0,                space_own_flops },
	{ "inclusive_calls",   "",            COLUMN_COUNT, COLUMN_NO_TEXT,   space_calls },
	{ "inclusive_flops",   "inclusive",   COLUMN_FLOPS, 0,                space_flops },
	{ "inclusive_share",   "share",       COLUMN_SHARE, 0,                space_share },
	{ "own_charged",       "own charged", COLUMN_FLOPS, COLUMN_CHARGED,   space_own_charged },
	{ "inclusive_charged", "charged",     COLUMN_FLOPS, COLUMN_CHARGED,   space_charged },
	{ "budget",            "budget",      COLUMN_FLOPS, COLUMN_OPTIONAL,  space_budget },
	{ "budget_used",       "used",        COLUMN_FLOPS, COLUMN_OPTIONAL,  space_used },
	{ "refused_calls",     "refused",     COLUMN_COUNT, COLUMN_RARE,      space_refused },
	{ "remark",            "",            COLUMN_TEXT,  COLUMN_ONLY_TEXT | COLUMN_OPTIONAL, space_remark },
};
/* clang-format on */

static void list_spaces(struct views *views, struct table *table)
{
	const struct space_list *list = views_spaces(views);

	table_set_items(table, list->spaces, views->aggregate->answered ? list->count : 0, sizeof *list->spaces);
}

const struct table_kind table_namespaces = {
	"namespaces",
	"Namespaces",
	COLUMNS(space_columns),
	.list = list_spaces,
};

/* Limits. */

static const struct limit_key *key_of(const struct table *table, const struct limit *limit)
{
	return intern_at(&table->aggregate->limits, (uint32_t)(limit - table->aggregate->limit_totals));
}

static const char *limit_space(const struct table *table, const struct limit *limit)
{
	return intern_at(&table->aggregate->spaces, key_of(table, limit)->space);
}

GETTER(limit_name, struct limit, value_text(path_name(limit_space(table, item))))
GETTER(limit_path, struct limit, value_text(limit_space(table, item)))
GETTER(limit_kind, struct limit, value_text(key_of(table, item)->is_scope ? "scope" : "namespace"))
GETTER(limit_amount, struct limit, value_number(key_of(table, item)->amount))
GETTER(limit_count, struct limit, value_number(item->processes))
GETTER(limit_used, struct limit, value_number(item->used))
GETTER(limit_refused, struct limit, value_number(item->refused_calls))
GETTER(limit_refused_flops, struct limit, value_number(item->refused_flops))
GETTER(limit_over, struct limit, value_number(item->over_calls))

/* clang-format off */
static const struct column limit_columns[] = {
	{ "name",          "namespace",     COLUMN_TEXT,  COLUMN_ONLY_TEXT, limit_name },
	{ "namespace",     "",              COLUMN_TEXT,  COLUMN_NO_TEXT,   limit_path },
	{ "kind",          "budget of",     COLUMN_TEXT,  0,                limit_kind },
	{ "amount",        "amount",        COLUMN_FLOPS, 0,                limit_amount },
	{ "limits",        "times",         COLUMN_COUNT, 0,                limit_count },
	{ "used",          "used",          COLUMN_FLOPS, 0,                limit_used },
	{ "refused_calls", "refused",       COLUMN_COUNT, COLUMN_RARE,      limit_refused },
	{ "refused_flops", "refused FLOPs", COLUMN_FLOPS, COLUMN_RARE,      limit_refused_flops },
	{ "over_calls",    "over budget",   COLUMN_COUNT, COLUMN_RARE,      limit_over },
};
/* clang-format on */

/* Sorts by namespace and amount; of equal ones that of the namespace comes before that of scopes. */
static int compare_limits(const void *a, const void *b, void *of)
{
	const struct limit *x = *(const struct limit *const *)a, *y = *(const struct limit *const *)b;
	const struct table *table = of;
	int order = strcmp(limit_space(table, x), limit_space(table, y));

	if (!order)
		order = order_numbers(key_of(table, x)->amount, key_of(table, y)->amount);
	return order ? order : order_numbers(key_of(table, x)->is_scope, key_of(table, y)->is_scope);
}

static const void *limit_at(const struct table *table, size_t row) { return views_of(table)->limits[row]; }

static void list_limits(struct views *views, struct table *table)
{
	const struct aggregate *aggregate = views->aggregate;

	free(views->limits);
	views->limits = memory_new(aggregate->limits.count, sizeof *views->limits);
	for (size_t i = 0; i < aggregate->limits.count; i++)
		views->limits[i] = &aggregate->limit_totals[i];
	if (aggregate->limits.count)
		qsort_r(views->limits, aggregate->limits.count, sizeof *views->limits, compare_limits, table);
	table->item = limit_at;
	table->row_count = aggregate->limits.count;
}

const struct table_kind table_limits = {"limits", "Budgets", COLUMNS(limit_columns), .list = list_limits};
