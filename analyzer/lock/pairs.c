/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * pairs.c - puts the rows of a lock beside those of a run, and says which are more than the lock allows.
 * It must never change the rows of either.
 */
#include "analyzer/lock/pairs.h"

#include <stdlib.h>
#include <string.h>

/* Adds what the lock and the run have of one row. */
static void add_pair(struct pairs *pairs, const struct lock *lock, const struct lock_row *row, struct work before,
                     struct work now)
{
	struct pair pair = {.row = *row, .before = before, .now = now};
	struct work most, least;

	pair.row.work = before;
	most = lock_most(lock, &pair.row);
	least = lock_least(lock, &pair.row);
	pair.over = now.flops > most.flops || now.calls > most.calls;
	if (!work_is_equal(most, before))
		pair.exceeded = (now.flops > most.flops ? 1u << LOCK_FLOPS : 0) |
		                (now.calls > most.calls ? 1u << LOCK_CALLS : 0);
	pair.under = now.flops < least.flops || now.calls < least.calls;
	pairs->pairs = memory_grow(pairs->pairs, pairs->count, &pairs->capacity, sizeof *pairs->pairs);
	pairs->pairs[pairs->count++] = pair;
}

void pairs_of_rows(struct pairs *pairs, const struct lock *lock, const struct lock_rows *old,
                   const struct lock_rows *new)
{
	static const struct work none;

	for (size_t i = 0, j = 0; i < old->count || j < new->count;) {
		int order = i == old->count ? 1 : j == new->count ? -1 : lock_compare(&old->rows[i], &new->rows[j]);

		if (order > 0)
			add_pair(pairs, lock, &new->rows[j], none, new->rows[j].work);
		else
			add_pair(pairs, lock, &old->rows[i], old->rows[i].work, order ? none : new->rows[j].work);
		i += order <= 0;
		j += order >= 0;
	}
}

static struct lock_rows copy_rows(const struct lock_rows *rows)
{
	struct lock_rows copy = {0};

	for (size_t i = 0; i < rows->count; i++)
		lock_add(&copy, &rows->rows[i]);
	return copy;
}

bool row_is_folded(const struct lock_row *row) { return row->shape && !strcmp(row->shape, LOCK_ALL); }

/* Folds the routines of `rows` that `other` has as one row of all shapes. Both are settled, and a folded routine has one row. */
static void fold_as(struct lock_rows *rows, const struct lock_rows *other)
{
	size_t first = 0;

	for (size_t i = 0; i < other->count; i++) {
		if (!row_is_folded(&other->rows[i]))
			continue;
		while (first < rows->count && lock_compare_groups(&rows->rows[first], &other->rows[i]) < 0)
			first++;
		if (first < rows->count && !lock_compare_groups(&rows->rows[first], &other->rows[i]))
			lock_fold(rows, first, lock_group_end(rows, first));
	}
	lock_settle(rows);
}

void pairs_of_shapes(struct pairs *pairs, const struct lock *lock, const struct lock *run)
{
	struct lock_rows old = copy_rows(&lock->shapes), new = copy_rows(&run->shapes);

	fold_as(&new, &old);
	fold_as(&old, &new);
	pairs_of_rows(pairs, lock, &old, &new);
	free(old.rows);
	free(new.rows);
}
