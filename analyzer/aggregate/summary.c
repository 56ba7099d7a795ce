/* SPDX-License-Identifier: BSD-3-Clause */
#include "analyzer/aggregate/summary.h"

#include <stdlib.h>

#include "analyzer/aggregate/times.h"

struct grouping {
	const struct aggregate *aggregate;
	struct times *times;
	enum group_by by;
	struct group_list *list;
	struct hash_index index; /* of the groups */
};

static uint32_t name_of(const struct grouping *grouping, const struct row *row)
{
	return routine_of(grouping->aggregate, row->routine)->name;
}

static uint32_t library_of(const struct grouping *grouping, const struct row *row)
{
	return site_of(grouping->aggregate, row->site)->callee_module;
}

static size_t shape_size(const struct grouping *grouping, const struct row *row)
{
	return routine_of(grouping->aggregate, row->routine)->dim_count * sizeof row->dims[0];
}

static bool takes(enum group_by by, const struct row *row)
{
	switch (by) {
	case GROUP_MANUAL:
		return row->kind == DUMP_ROW_MANUAL;
	case GROUP_SHAPE:
		return row->kind == DUMP_ROW_CALL;
	case GROUP_ROUTINE:
		return row->kind != DUMP_ROW_MANUAL;
	default:
		return row->kind != DUMP_ROW_MANUAL && row->kind != DUMP_ROW_QUERY;
	}
}

static uint32_t key_hash(const struct grouping *grouping, const struct row *row)
{
	uint64_t hash = 0;

	switch (grouping->by) {
	case GROUP_ROUTINE:
	case GROUP_MANUAL:
		hash = hash_word(hash, name_of(grouping, row));
		break;
	case GROUP_SITE:
		hash = hash_word(hash, row->site);
		break;
	case GROUP_LIBRARY:
		hash = hash_word(hash, library_of(grouping, row));
		break;
	case GROUP_SHAPE:
		hash = hash_word(hash_word(hash, row->routine), row->options);
		hash = hash_bytes(hash, row->dims, shape_size(grouping, row));
	}
	return (uint32_t)hash;
}

static bool key_equal(const struct grouping *grouping, const struct row *a, const struct row *b)
{
	switch (grouping->by) {
	case GROUP_ROUTINE:
	case GROUP_MANUAL:
		return name_of(grouping, a) == name_of(grouping, b);
	case GROUP_SITE:
		return a->site == b->site;
	case GROUP_LIBRARY:
		return library_of(grouping, a) == library_of(grouping, b);
	case GROUP_SHAPE:
		return a->routine == b->routine && a->options == b->options &&
		       !((a->flags ^ b->flags) & DUMP_ROW_COARSE) && !memcmp(a->dims, b->dims, shape_size(grouping, a));
	}
	return false;
}

static struct group *group_of(struct grouping *grouping, uint32_t first)
{
	const struct row *row = grouping->aggregate->rows[first];
	uint32_t hash = key_hash(grouping, row), number;
	struct group_list *list = grouping->list;
	size_t slot;

	hash_reserve(&grouping->index);
	slot = hash_begin(&grouping->index, hash);
	while ((number = hash_next(&grouping->index, hash, &slot)) != HASH_NONE)
		if (key_equal(grouping, list->groups[number].row, row))
			return &list->groups[number];
	list->groups = memory_grow(list->groups, list->count, &list->capacity, sizeof *list->groups);
	list->groups[list->count] = (struct group){ .row = row, .first = first };
	hash_put(&grouping->index, slot, hash, (uint32_t)list->count);
	return &list->groups[list->count++];
}

static void add_times(const struct times *times, struct group *group, const struct row *row)
{
	uint64_t timed = times_timed(row), ns;

	if (timed) {
		group->timed_calls = u64_add(group->timed_calls, timed);
		group->time_ns = u64_add(group->time_ns, row->time_ns);
		group->timed_flops = u128_add(group->timed_flops, u128_scale(row->flops, timed, row->calls));
		ns = u64_saturate(u128_scale(row->time_ns, row->calls, timed));
	} else if (times_has_calls(row) && times_estimate(times, row, &ns)) {
		group->extrapolated_calls = u64_add(group->extrapolated_calls, row->calls);
		group->extrapolated_ns = u64_add(group->extrapolated_ns, ns);
	} else {
		group->timeless_calls = u64_add(group->timeless_calls, times_has_calls(row) ? row->calls : 0);
		return;
	}
	group->estimated_ns = u64_add(group->estimated_ns, ns);
}

static void add_to_group(const struct grouping *grouping, struct group *group, const struct row *row)
{
	const struct aggregate *aggregate = grouping->aggregate;

	group->saturated |= row->flags & DUMP_ROW_SATURATED;
	switch (row->kind) {
	case DUMP_ROW_QUERY:
		group->queries = u64_add(group->queries, row->calls);
		return;
	case DUMP_ROW_REFUSED:
		group->refused_calls = u64_add(group->refused_calls, row->calls);
		return;
	case DUMP_ROW_REJECTED:
		group->rejected_calls = u64_add(group->rejected_calls, row->calls);
		break;
	default:
		if (routine_of(aggregate, row->routine)->kind == DUMP_UNPRICED)
			group->unpriced_calls = u64_add(group->unpriced_calls, row->calls);
	}
	group->calls = u64_add(group->calls, row->calls);
	group->flops = u128_add(group->flops, row->flops);
	group->charged = u128_add(group->charged, row->charged);
	group->words = u128_add(group->words, row->words);
	add_times(grouping->times, group, row);
}

/* The dearest first; equals as their rows appeared. */
static int compare_groups(const void *a, const void *b)
{
	const struct group *x = a, *y = b;

	if (x->flops != y->flops)
		return x->flops < y->flops ? 1 : -1;
	if (x->calls != y->calls)
		return x->calls < y->calls ? 1 : -1;
	if (x->refused_calls != y->refused_calls)
		return x->refused_calls < y->refused_calls ? 1 : -1;
	return x->first < y->first ? -1 : x->first > y->first;
}

static void swap_groups(struct group *a, struct group *b)
{
	struct group other = *a;

	*a = *b;
	*b = other;
}

/* Brings the first `top` to the front in any order: quickselect with the middle as the pivot. */
static void select_top(struct group *groups, size_t count, size_t top)
{
	while (count > 1 && top > 0 && top < count) {
		size_t store = 0;

		swap_groups(&groups[count / 2], &groups[count - 1]);
		for (size_t i = 0; i + 1 < count; i++)
			if (compare_groups(&groups[i], &groups[count - 1]) < 0)
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

void group_rows(const struct aggregate *aggregate, enum group_by by, size_t top, struct group_list *list)
{
	struct grouping grouping = { .aggregate = aggregate, .by = by, .list = list };

	*list = (struct group_list){ 0 };
	if (by != GROUP_MANUAL)
		grouping.times = times_new(aggregate);
	for (size_t i = 0; i < aggregate->row_count; i++)
		if (aggregate->rows[i]->calls && takes(by, aggregate->rows[i])) /* none: its only call is in flight */
			add_to_group(&grouping, group_of(&grouping, (uint32_t)i), aggregate->rows[i]);
	hash_free(&grouping.index);
	times_free(grouping.times);
	if (top < list->count)
		select_top(list->groups, list->count, top);
	if (list->count)
		qsort(list->groups, top < list->count ? top : list->count, sizeof *list->groups, compare_groups);
}

void group_list_free(struct group_list *list)
{
	free(list->groups);
	*list = (struct group_list){ 0 };
}

/* Namespaces. */

/* Length of the path of the namespace around this one; `length` itself for the root. */
static size_t parent_length(const char *path, size_t length)
{
	if (!length)
		return 0;
	while (length && path[length - 1] != '.')
		length--;
	return length ? length - 1 : 0;
}

static void add_own(struct space *space, const struct row *row)
{
	if (row->kind == DUMP_ROW_REFUSED)
		space->refused_calls = u64_add(space->refused_calls, row->calls);
	if (row->kind == DUMP_ROW_REFUSED || row->kind == DUMP_ROW_QUERY)
		return;
	space->own_flops = u128_add(space->own_flops, row->flops);
	space->own_charged = u128_add(space->own_charged, row->charged);
	space->own_calls = u64_add(space->own_calls, row->calls);
}

/* `inner` with all that is inside it, into `outer`. */
static void add_inclusive(struct space *outer, const struct space *inner, uint64_t refused)
{
	outer->inclusive_flops = u128_add(outer->inclusive_flops, inner->own_flops);
	outer->inclusive_charged = u128_add(outer->inclusive_charged, inner->own_charged);
	outer->inclusive_calls = u64_add(outer->inclusive_calls, inner->own_calls);
	if (outer != inner)
		outer->refused_calls = u64_add(outer->refused_calls, refused);
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

			if (outer != INTERN_NONE) /* the shim gives every ancestor an entry; damage can take it */
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
	*list = (struct space_list){ 0 };
}
