/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * summary.c - groups rows, sorts groups, and adds namespaces up.
 * It must never sort more groups than are asked for: a program may have a million shapes.
 */
#include "analyzer/aggregate/summary.h"

#include <stdlib.h>

#include "analyzer/aggregate/order.h"
#include "count.h"

/* What the functions share that group rows. */
struct grouping {
	const struct aggregate *aggregate;
	const struct times *times;
	struct group_list *list;
	struct hash_index index; /* of the groups, by their keys */
};

/* Returns the group of the row with number `first`, and adds it if there is none. */
static struct group *group_of(struct grouping *grouping, uint32_t first)
{
	const struct row *row = grouping->aggregate->rows[first];
	struct group_list *list = grouping->list;
	struct group_key key = group_key_of(grouping->aggregate, list->by, row), other;
	uint32_t hash = group_key_hash(&key), number;
	size_t bucket;

	hash_reserve(&grouping->index);
	bucket = hash_begin(&grouping->index, hash);
	while ((number = hash_next(&grouping->index, hash, &bucket)) != HASH_NONE) {
		other = group_key_of(grouping->aggregate, list->by, list->groups[number].row);
		if (group_keys_are_equal(&key, &other))
			return &list->groups[number];
	}
	list->groups = memory_grow(list->groups, list->count, &list->capacity, sizeof *list->groups);
	list->groups[list->count] = (struct group){.row = row, .first = first, .by = list->by};
	hash_put(&grouping->index, bucket, hash, (uint32_t)list->count);
	return &list->groups[list->count++];
}

/*
 * Adds the times of a row, or of the part of a row that comes from one worker, to its group. `whole` is the row itself,
 * or the row that it is a part of: if none of the part's calls was timed, the mean of the whole row estimates them.
 */
static void add_times(const struct times *times, struct group *group, const struct row *row, const struct row *whole)
{
	uint64_t timed = times_timed(row), ns;

	if (timed) {
		group->timed_calls = count_plus(group->timed_calls, timed);
		group->time_ns = count_plus(group->time_ns, row->time_ns);
		group->timed_flops = u128_add(group->timed_flops, u128_scale(row->flops, timed, row->calls));
		times_of_row(times, row, &ns);
	} else if (row->calls && times_timed(whole)) {
		ns = u64_saturate(u128_scale(whole->time_ns, row->calls, times_timed(whole)));
	} else if (times_has_calls(row) && times_estimate(times, row, &ns)) {
		group->extrapolated_calls = count_plus(group->extrapolated_calls, row->calls);
		group->extrapolated_ns = count_plus(group->extrapolated_ns, ns);
	} else {
		group->timeless_calls = count_plus(group->timeless_calls, times_has_calls(row) ? row->calls : 0);
		return;
	}
	group->estimated_ns = count_plus(group->estimated_ns, ns);
}

/* Adds a row, or a part of the row `whole`, to its group. */
static void add_to_group(const struct grouping *grouping, struct group *group, const struct row *row,
                         const struct row *whole)
{
	const struct aggregate *aggregate = grouping->aggregate;

	group->saturated |= row->flags & DUMP_ROW_SATURATED;
	switch (row->kind) {
	case DUMP_ROW_QUERY: group->queries = count_plus(group->queries, row->calls); return;
	case DUMP_ROW_REFUSED: group->refused_calls = count_plus(group->refused_calls, row->calls); return;
	case DUMP_ROW_REJECTED: group->rejected_calls = count_plus(group->rejected_calls, row->calls); break;
	case DUMP_ROW_MANUAL: group->manual_charges = count_plus(group->manual_charges, row->calls); break;
	default:
		if (routine_of(aggregate, row->routine)->kind == DUMP_UNPRICED)
			group->unpriced_calls = count_plus(group->unpriced_calls, row->calls);
	}
	group->calls = count_plus(group->calls, row->kind == DUMP_ROW_MANUAL ? 0 : row->calls);
	group->flops = u128_add(group->flops, row->flops);
	group->charged = u128_add(group->charged, row->charged);
	group->words = u128_add(group->words, row->words);
	add_times(grouping->times, group, row, whole);
}

/* Orders groups as group_order does. */
static int compare_groups(const void *a, const void *b, void *of)
{
	const struct group_list *list = of;
	const struct group *x = a, *y = b;
	int order;

	if (x->flops != y->flops)
		return x->flops < y->flops ? 1 : -1;
	if (x->calls != y->calls)
		return x->calls < y->calls ? 1 : -1;
	if (x->refused_calls != y->refused_calls)
		return x->refused_calls < y->refused_calls ? 1 : -1;
	if (x->manual_charges != y->manual_charges)
		return x->manual_charges < y->manual_charges ? 1 : -1;
	order = list->by == GROUP_WORKER ? order_workers(list->aggregate, x->first, y->first)
	                                 : group_keys_order(list->aggregate, list->by, x->row, y->row);
	if (order)
		return order;
	return x->first < y->first ? -1 : x->first > y->first;
}

static void swap_groups(struct group *a, struct group *b)
{
	struct group other = *a;

	*a = *b;
	*b = other;
}

/* Moves the first `top` groups of the order to the front, in any order: quickselect with the middle one as the pivot. */
static void select_top(struct group_list *list, size_t top)
{
	struct group *groups = list->groups;
	size_t count = list->count;

	while (count > 1 && top > 0 && top < count) {
		size_t store = 0;

		swap_groups(&groups[count / 2], &groups[count - 1]);
		for (size_t i = 0; i + 1 < count; i++)
			if (compare_groups(&groups[i], &groups[count - 1], list) < 0)
				swap_groups(&groups[i], &groups[store++]);
		swap_groups(&groups[store], &groups[count - 1]);
		if (top <= store) {
			count = store;
		} else {
			groups += store + 1;
			top -= store + 1;
			count -= store + 1;
		}
	}
}

/* Adds the sums of the processes of a worker that come from merged dumps. */
static void add_merged(struct group *group, const struct process_sums *sums)
{
	group->flops = sums->flops;
	group->charged = sums->charged;
	group->words = sums->words;
	/* How many FLOPs the timed calls had is known if all calls were timed. */
	group->timed_flops = sums->timed_calls == sums->calls ? sums->flops : 0;
	group->calls = sums->calls;
	group->timed_calls = sums->timed_calls;
	group->time_ns = sums->time_ns;
	group->estimated_ns = sums->estimated_ns;
	group->timeless_calls = sums->untimed_calls;
	group->rejected_calls = sums->rejected_calls;
	group->refused_calls = sums->refused_calls;
	group->unpriced_calls = sums->unpriced_calls;
	group->queries = sums->queries;
	group->manual_charges = sums->manual_charges;
}

/*
 * Makes a group for each worker, whether rows come from it or not, and adds the parts of rows to them. A merged dump has no
 * parts, but sums.
 */
static void group_parts(const struct grouping *grouping)
{
	const struct aggregate *aggregate = grouping->aggregate;
	struct group_list *list = grouping->list;

	list->count = list->capacity = aggregate->workers.count;
	list->groups = memory_new(list->count, sizeof *list->groups);
	for (size_t i = 0; i < list->count; i++) {
		list->groups[i].first = (uint32_t)i;
		list->groups[i].by = GROUP_WORKER;
		add_merged(&list->groups[i], &aggregate->worker_totals[i].merged);
	}
	for (size_t i = 0; i < aggregate->part_count; i++) {
		const struct row_part *part = &aggregate->parts[i];

		add_to_group(grouping, &list->groups[part->worker], part->sums, aggregate->rows[part->row]);
	}
}

/* Groups the rows by their keys. */
static void group_whole_rows(struct grouping *grouping)
{
	const struct aggregate *aggregate = grouping->aggregate;

	for (size_t i = 0; i < aggregate->row_count; i++) {
		const struct row *row = aggregate->rows[i];

		if (row->calls &&
		    group_takes(grouping->list->by, row)) /* a row without calls is that of a call in flight */
			add_to_group(grouping, group_of(grouping, (uint32_t)i), row, row);
	}
}

void group_rows(const struct aggregate *aggregate, const struct times *times, enum group_by by, struct group_list *list)
{
	struct grouping grouping = {.aggregate = aggregate, .times = times, .list = list};

	*list = (struct group_list){.aggregate = aggregate, .by = by};
	if (by == GROUP_WORKER)
		group_parts(&grouping);
	else
		group_whole_rows(&grouping);
	hash_free(&grouping.index);
}

void group_order(struct group_list *list, size_t top)
{
	if (top < list->count)
		select_top(list, top);
	if (list->count)
		qsort_r(list->groups, top < list->count ? top : list->count, sizeof *list->groups, compare_groups,
		        list);
}

void group_list_free(struct group_list *list)
{
	free(list->groups);
	*list = (struct group_list){0};
}

/* Namespaces. */

/* Returns the length of the path of the namespace around one whose path has `length` bytes; 0 for the root. */
static size_t parent_length(const char *path, size_t length)
{
	if (!length)
		return 0;
	while (length && path[length - 1] != '.')
		length--;
	return length ? length - 1 : 0;
}

/* Adds a row of the namespace itself. */
static void add_own(struct space *space, const struct row *row)
{
	if (row->kind == DUMP_ROW_REFUSED)
		space->refused_calls = count_plus(space->refused_calls, row->calls);
	if (row->kind == DUMP_ROW_REFUSED || row->kind == DUMP_ROW_QUERY)
		return;
	space->own_flops = u128_add(space->own_flops, row->flops);
	space->own_charged = u128_add(space->own_charged, row->charged);
	space->own_calls = count_plus(space->own_calls, row->calls);
}

/*
 * Adds the own sums of `inner` to the inclusive ones of `outer`, which is the namespace itself or one around it.
 * `refused` is the number of calls refused in `inner` itself.
 */
static void add_inclusive(struct space *outer, const struct space *inner, uint64_t refused)
{
	outer->inclusive_flops = u128_add(outer->inclusive_flops, inner->own_flops);
	outer->inclusive_charged = u128_add(outer->inclusive_charged, inner->own_charged);
	outer->inclusive_calls = count_plus(outer->inclusive_calls, inner->own_calls);
	if (outer != inner)
		outer->refused_calls = count_plus(outer->refused_calls, refused);
}

static int compare_spaces(const void *a, const void *b)
{
	return strcmp(((const struct space *)a)->path, ((const struct space *)b)->path);
}

void group_spaces(const struct aggregate *aggregate, struct space_list *list)
{
	const struct intern *paths = &aggregate->spaces;
	uint64_t *refused;

	list->count = paths->count;
	list->spaces = memory_new(paths->count, sizeof *list->spaces);
	refused = memory_new(paths->count, sizeof *refused);
	for (size_t i = 0; i < paths->count; i++) {
		list->spaces[i].path = intern_at(paths, (uint32_t)i);
		list->spaces[i].number = (uint32_t)i;
	}
	for (size_t i = 0; i < aggregate->row_count; i++)
		add_own(&list->spaces[aggregate->rows[i]->space], aggregate->rows[i]);
	for (size_t i = 0; i < paths->count; i++)
		refused[i] = list->spaces[i].refused_calls;
	for (size_t i = 0; i < paths->count; i++) {
		const char *path = list->spaces[i].path;
		size_t length = strlen(path);

		add_inclusive(&list->spaces[i], &list->spaces[i], refused[i]);
		while (length) {
			uint32_t outer = intern_find(paths, path, length = parent_length(path, length));

			if (outer != INTERN_NONE) /* a damaged dump may lack namespaces around one that it has */
				add_inclusive(&list->spaces[outer], &list->spaces[i], refused[i]);
		}
	}
	for (size_t i = 0; i < aggregate->limits.count; i++) {
		const struct limit_key *key = intern_at(&aggregate->limits, (uint32_t)i);
		struct space *space = &list->spaces[key->space];

		if (!key->is_scope && key->amount > space->budget) {
			space->budget = key->amount;
			space->budget_used = aggregate->limit_totals[i].used;
		}
	}
	free(refused);
	qsort(list->spaces, list->count, sizeof *list->spaces, compare_spaces);
}

void space_list_free(struct space_list *list)
{
	free(list->spaces);
	*list = (struct space_list){0};
}
