/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * comparison.c - pairs the groups of two aggregates, and makes the tables of what differs.
 * It must never leave out a group that only one of the two has.
 */
#include "analyzer/tables/comparison.h"

#include <stdlib.h>
#include <string.h>

#include "analyzer/base/memory.h"

const char *metric_name(enum metric metric)
{
	static const char *const names[] = {
		[METRIC_FLOPS] = "flops",
		[METRIC_CHARGED] = "charged",
		[METRIC_CALLS] = "calls",
		[METRIC_WORDS] = "words",
	};

	return names[metric];
}

static struct side side_of_totals(const struct totals *totals)
{
	return (struct side){{totals->flops, totals->charged, totals->calls, totals->words}};
}

static u128 difference(u128 a, u128 b) { return a > b ? a - b : b - a; }

static int compare_pairs(const void *a, const void *b, void *names)
{
	const struct pair *x = a, *y = b;
	u128 dx = difference(x->old.numbers[METRIC_FLOPS], x->new.numbers[METRIC_FLOPS]);
	u128 dy = difference(y->old.numbers[METRIC_FLOPS], y->new.numbers[METRIC_FLOPS]);

	if (dx != dy)
		return dx < dy ? 1 : -1;
	return strcmp(intern_at(names, x->name), intern_at(names, y->name));
}

static void keep_changed(struct comparison *comparison)
{
	size_t kept = 0;

	for (size_t i = 0; i < comparison->pair_count; i++)
		if (memcmp(&comparison->pairs[i].old, &comparison->pairs[i].new, sizeof comparison->pairs[i].old))
			comparison->pairs[kept++] = comparison->pairs[i];
	comparison->pair_count = kept;
}

/* Groups. */

/* The pair of a group, added where there is none. Until keep_changed moves them, pairs lie at the numbers of their names. */
static struct pair *pair_of(struct comparison *comparison, const struct table *table, const struct group *group)
{
	struct text text = {0};
	uint32_t name;

	key_add_name(&text, comparison->key, table, group, COLUMN_ONLY_TEXT | COLUMN_OF_RUN, "\t");
	name = intern_bytes(&comparison->names, text.bytes, text.length);
	text_free(&text);
	if (name == comparison->pair_count) {
		comparison->pairs = memory_grow(comparison->pairs, comparison->pair_count, &comparison->pair_capacity,
		                                sizeof *comparison->pairs);
		comparison->pairs[comparison->pair_count++] =
			(struct pair){.group = group, .table = table, .name = name};
	}
	return &comparison->pairs[name];
}

/* Several groups may have one name: calls on two lines of one function, for example. */
static void add_to_side(struct side *side, const struct group *group)
{
	const u128 numbers[METRIC_COUNT] = {[METRIC_FLOPS] = group->flops,
	                                    [METRIC_CHARGED] = group->charged,
	                                    [METRIC_CALLS] = group->calls,
	                                    [METRIC_WORDS] = group->words};

	for (unsigned i = 0; i < METRIC_COUNT; i++)
		side->numbers[i] = u128_add(side->numbers[i], numbers[i]);
}

/* Adds all groups of one aggregate to the pairs: of the old one if `number` is 0, of the new one if it is 1. */
static void add_groups(struct comparison *comparison, unsigned number, const struct aggregate *aggregate)
{
	struct views *views = &comparison->views[number];
	struct table *table = &comparison->tables[number];
	const struct group_list *list;

	views_open(views, aggregate);
	*table = (struct table){.data = views, .aggregate = aggregate};
	list = views_groups(views, comparison->key->by, SIZE_MAX);
	for (size_t i = 0; i < list->count; i++) {
		struct pair *pair = pair_of(comparison, table, &list->groups[i]);

		add_to_side(number ? &pair->new : &pair->old, &list->groups[i]);
	}
}

void comparison_open(struct comparison *comparison, const struct key *key, const struct aggregate *old,
                     const struct aggregate *new)
{
	*comparison = (struct comparison){
		.key = key, .old = side_of_totals(&old->totals), .new = side_of_totals(&new->totals)};
	add_groups(comparison, 0, old);
	add_groups(comparison, 1, new);
	keep_changed(comparison);
	if (comparison->pair_count)
		qsort_r(comparison->pairs, comparison->pair_count, sizeof *comparison->pairs, compare_pairs,
		        &comparison->names);
}

void comparison_close(struct comparison *comparison)
{
	views_close(&comparison->views[0]);
	views_close(&comparison->views[1]);
	intern_free(&comparison->names);
	free(comparison->pairs);
}

/* Tables. */

/* The relative change, which is unknown where the old number is 0. */
static struct value change(u128 old, u128 new)
{
	return value_real(old ? ((double)new - (double)old) / (double)old : 0, old != 0);
}

GETTER(total_name, struct total, value_text(item->name))
GETTER(total_old, struct total, value_number(item->old))
GETTER(total_new, struct total, value_number(item->new))
GETTER(total_change, struct total, change(item->old, item->new))
GETTER(total_allowed, struct total, value_number_if(item->limited, item->allowed))
GETTER(total_verdict, struct total,
       value_text(!item->limited              ? NULL
                  : item->new > item->allowed ? "regression"
                                              : "fine"))

/* clang-format off */
static const struct column total_columns[] = {
	{ "metric",  "",        COLUMN_TEXT,   0,               total_name },
	{ "old",     "old",     COLUMN_COUNT,  0,               total_old },
	{ "new",     "new",     COLUMN_COUNT,  0,               total_new },
	{ "change",  "change",  COLUMN_CHANGE, 0,               total_change },
	{ "allowed", "allowed", COLUMN_COUNT,  COLUMN_OPTIONAL, total_allowed },
	{ "verdict", "",        COLUMN_TEXT,   COLUMN_OPTIONAL, total_verdict },
};
/* clang-format on */

void comparison_totals(struct comparison *comparison, struct table *table)
{
	for (unsigned i = 0; i < METRIC_COUNT; i++)
		comparison->totals[i] =
			(struct total){metric_name((enum metric)i), comparison->old.numbers[i],
		                       comparison->new.numbers[i], comparison->allowed[i], comparison->limited[i]};
	*table = (struct table){.key = "totals", .title = "Totals", TABLE_COLUMNS(total_columns), .data = comparison};
	table_set_items(table, comparison->totals, METRIC_COUNT, sizeof *comparison->totals);
}

/* The value of a column of the key for a pair. A pair's group may be of either aggregate, and is given to its own table. */
static struct value pair_key(const struct table *table, const void *item, const struct column *column)
{
	const struct comparison *comparison = table->data;
	const struct pair *pair = item;

	return column_get(comparison->key_columns[column - table->columns], pair->table, pair->group);
}

GETTER(pair_old_calls, struct pair, value_number(item->old.numbers[METRIC_CALLS]))
GETTER(pair_new_calls, struct pair, value_number(item->new.numbers[METRIC_CALLS]))
GETTER(pair_old_flops, struct pair, value_number(item->old.numbers[METRIC_FLOPS]))
GETTER(pair_new_flops, struct pair, value_number(item->new.numbers[METRIC_FLOPS]))
GETTER(pair_change, struct pair, change(item->old.numbers[METRIC_FLOPS], item->new.numbers[METRIC_FLOPS]))
GETTER(pair_old_charged, struct pair, value_number(item->old.numbers[METRIC_CHARGED]))
GETTER(pair_new_charged, struct pair, value_number(item->new.numbers[METRIC_CHARGED]))
GETTER(pair_old_words, struct pair, value_number(item->old.numbers[METRIC_WORDS]))
GETTER(pair_new_words, struct pair, value_number(item->new.numbers[METRIC_WORDS]))

/* clang-format off */
static const struct column pair_columns[] = {
	{ "old_calls",   "old calls",   COLUMN_COUNT,  0,              pair_old_calls },
	{ "new_calls",   "new calls",   COLUMN_COUNT,  0,              pair_new_calls },
	{ "old_flops",   "old FLOPs",   COLUMN_FLOPS,  0,              pair_old_flops },
	{ "new_flops",   "new FLOPs",   COLUMN_FLOPS,  0,              pair_new_flops },
	{ "change",      "change",      COLUMN_CHANGE, 0,              pair_change },
	{ "old_charged", "old charged", COLUMN_FLOPS,  COLUMN_NO_TEXT, pair_old_charged },
	{ "new_charged", "new charged", COLUMN_FLOPS,  COLUMN_NO_TEXT, pair_new_charged },
	{ "old_words",   "",            COLUMN_FLOPS,  COLUMN_NO_TEXT, pair_old_words },
	{ "new_words",   "",            COLUMN_FLOPS,  COLUMN_NO_TEXT, pair_new_words },
};
/* clang-format on */

void comparison_groups(struct comparison *comparison, size_t top, struct table *table)
{
	const struct key *key = comparison->key;
	unsigned count = 0;

	for (unsigned i = 0; i < key->column_count; i++) {
		if (key->columns[i].flags & COLUMN_OF_RUN)
			continue;
		comparison->key_columns[count] = &key->columns[i];
		comparison->columns[count] = key->columns[i];
		comparison->columns[count++].get = pair_key;
	}
	memcpy(comparison->columns + count, pair_columns, sizeof pair_columns);
	*table = (struct table){.key = "groups",
	                        .title = key->compared,
	                        .columns = comparison->columns,
	                        .column_count = count + sizeof pair_columns / sizeof *pair_columns,
	                        .data = comparison};
	table_set_items(table, comparison->pairs, comparison->pair_count, sizeof *comparison->pairs);
	table_cut(table, top);
}
