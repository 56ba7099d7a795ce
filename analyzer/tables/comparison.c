/* SPDX-License-Identifier: BSD-3-Clause */
#include "analyzer/tables/comparison.h"

#include <stdlib.h>
#include <string.h>

#include "analyzer/base/memory.h"

const char *metric_name(enum metric metric)
{
	static const char *const names[] = {
		[METRIC_FLOPS] = "flops", [METRIC_CHARGED] = "charged", [METRIC_CALLS] = "calls", [METRIC_WORDS] = "words",
	};

	return names[metric];
}

static struct side side_of_totals(const struct totals *totals)
{
	return (struct side){ { totals->flops, totals->charged, totals->calls, totals->words } };
}

static struct side side_of_group(const struct group *group)
{
	return (struct side){ { group->flops, group->charged, group->calls, group->words } };
}

static const char *routine_name(const struct aggregate *aggregate, const struct group *group)
{
	return text_at(aggregate, routine_of(aggregate, group->row->routine)->name);
}

static u128 difference(u128 a, u128 b)
{
	return a > b ? a - b : b - a;
}

static int compare_pairs(const void *a, const void *b)
{
	const struct pair *x = a, *y = b;
	u128 dx = difference(x->old.numbers[METRIC_FLOPS], x->new.numbers[METRIC_FLOPS]);
	u128 dy = difference(y->old.numbers[METRIC_FLOPS], y->new.numbers[METRIC_FLOPS]);

	if (dx != dy)
		return dx < dy ? 1 : -1;
	return strcmp(x->routine, y->routine);
}

static void keep_changed(struct comparison *comparison)
{
	size_t kept = 0;

	for (size_t i = 0; i < comparison->pair_count; i++)
		if (memcmp(&comparison->pairs[i].old, &comparison->pairs[i].new, sizeof comparison->pairs[i].old))
			comparison->pairs[kept++] = comparison->pairs[i];
	comparison->pair_count = kept;
}

void comparison_open(struct comparison *comparison, const struct aggregate *old, const struct aggregate *new)
{
	struct group_list before, after;

	*comparison = (struct comparison){ .old = side_of_totals(&old->totals), .new = side_of_totals(&new->totals) };
	group_rows(old, GROUP_ROUTINE, SIZE_MAX, &before);
	group_rows(new, GROUP_ROUTINE, SIZE_MAX, &after);
	comparison->pairs = memory_new(before.count + after.count, sizeof *comparison->pairs);
	for (size_t i = 0; i < before.count; i++)
		comparison->pairs[comparison->pair_count++] = (struct pair){
			.routine = routine_name(old, &before.groups[i]), .old = side_of_group(&before.groups[i]),
		};
	for (size_t i = 0; i < after.count; i++) {
		const char *name = routine_name(new, &after.groups[i]);
		size_t j = 0;

		while (j < before.count && strcmp(comparison->pairs[j].routine, name))
			j++;
		if (j == before.count)
			j = comparison->pair_count++;
		comparison->pairs[j].routine = name;
		comparison->pairs[j].new = side_of_group(&after.groups[i]);
	}
	keep_changed(comparison);
	qsort(comparison->pairs, comparison->pair_count, sizeof *comparison->pairs, compare_pairs);
	group_list_free(&before);
	group_list_free(&after);
}

void comparison_close(struct comparison *comparison)
{
	free(comparison->pairs);
}

static struct value change(u128 old, u128 new)
{
	return value_real(old ? ((double)new - (double)old) / (double)old : 0, old != 0);
}

static const struct column total_columns[] = {
	{ "metric",  "",        COLUMN_TEXT,   0 },
	{ "old",     "old",     COLUMN_COUNT,  0 },
	{ "new",     "new",     COLUMN_COUNT,  0 },
	{ "change",  "change",  COLUMN_CHANGE, 0 },
	{ "allowed", "allowed", COLUMN_COUNT,  COLUMN_OPTIONAL },
	{ "verdict", "",        COLUMN_TEXT,   COLUMN_OPTIONAL },
};

static void fill_total(const struct table *table, size_t row, struct value *values)
{
	const struct comparison *comparison = table->data;
	u128 old = comparison->old.numbers[row], new = comparison->new.numbers[row];

	values[0] = value_text(metric_name((enum metric)row));
	values[1] = value_number(old);
	values[2] = value_number(new);
	values[3] = change(old, new);
	values[4] = value_number(comparison->allowed[row]);
	values[4].known = comparison->limited[row];
	values[5] = value_text(new > comparison->allowed[row] ? "regression" : "fine");
	values[5].known = comparison->limited[row];
}

void comparison_totals(const struct comparison *comparison, struct table *table)
{
	*table = (struct table){ .key = "totals", .title = "Totals", TABLE_COLUMNS(total_columns), .row_count = METRIC_COUNT,
	                         .fill = fill_total, .data = comparison };
}

static const struct column pair_columns[] = {
	{ "routine",     "routine",     COLUMN_TEXT,   0 },
	{ "old_calls",   "old calls",   COLUMN_COUNT,  0 },
	{ "new_calls",   "new calls",   COLUMN_COUNT,  0 },
	{ "old_flops",   "old FLOPs",   COLUMN_FLOPS,  0 },
	{ "new_flops",   "new FLOPs",   COLUMN_FLOPS,  0 },
	{ "change",      "change",      COLUMN_CHANGE, 0 },
	{ "old_charged", "old charged", COLUMN_FLOPS,  COLUMN_NO_TEXT },
	{ "new_charged", "new charged", COLUMN_FLOPS,  COLUMN_NO_TEXT },
	{ "old_words",   "",            COLUMN_FLOPS,  COLUMN_NO_TEXT },
	{ "new_words",   "",            COLUMN_FLOPS,  COLUMN_NO_TEXT },
};

static void fill_pair(const struct table *table, size_t row, struct value *values)
{
	const struct pair *pair = &((const struct comparison *)table->data)->pairs[row];

	values[0] = value_text(pair->routine);
	values[1] = value_number(pair->old.numbers[METRIC_CALLS]);
	values[2] = value_number(pair->new.numbers[METRIC_CALLS]);
	values[3] = value_number(pair->old.numbers[METRIC_FLOPS]);
	values[4] = value_number(pair->new.numbers[METRIC_FLOPS]);
	values[5] = change(pair->old.numbers[METRIC_FLOPS], pair->new.numbers[METRIC_FLOPS]);
	values[6] = value_number(pair->old.numbers[METRIC_CHARGED]);
	values[7] = value_number(pair->new.numbers[METRIC_CHARGED]);
	values[8] = value_number(pair->old.numbers[METRIC_WORDS]);
	values[9] = value_number(pair->new.numbers[METRIC_WORDS]);
}

void comparison_routines(const struct comparison *comparison, size_t top, struct table *table)
{
	size_t count = comparison->pair_count;

	*table = (struct table){ .key = "routines", .title = "Routines that differ", TABLE_COLUMNS(pair_columns),
	                         .row_count = count < top ? count : top, .fill = fill_pair, .data = comparison,
	                         .more = count > top ? count - top : 0 };
}
