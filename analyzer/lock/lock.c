/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * lock.c - the rows of a lock, what it leaves out, and how much its tolerances allow.
 * It must never let a count overflow: sums saturate.
 */
#include "analyzer/lock/lock.h"

#include <stdlib.h>
#include <string.h>

#include "count.h"

void lock_free(struct lock *lock)
{
	text_free(&lock->kept);
	free(lock->allows);
	free(lock->skips);
	free(lock->shapes.rows);
	free(lock->sites.rows);
	arena_free(&lock->texts);
	*lock = (struct lock){0};
}

const char *lock_keep(struct lock *lock, const char *text, size_t length)
{
	char *copy = arena_take(&lock->texts, length + 1);

	memcpy(copy, text, length);
	return copy;
}

struct work work_add(struct work a, struct work b)
{
	return (struct work){count_plus(a.calls, b.calls), u128_add(a.flops, b.flops)};
}

/* ---- rows ---- */

void lock_add(struct lock_rows *rows, const struct lock_row *row)
{
	rows->rows = memory_grow(rows->rows, rows->count, &rows->capacity, sizeof *rows->rows);
	rows->rows[rows->count++] = *row;
}

static int compare_texts(const char *a, const char *b) { return strcmp(a ? a : "", b ? b : ""); }

int lock_compare_groups(const struct lock_row *a, const struct lock_row *b)
{
	int order = compare_texts(a->place, b->place);

	if (!order)
		order = strcmp(a->space, b->space);
	return order ? order : strcmp(a->routine, b->routine);
}

int lock_compare(const struct lock_row *a, const struct lock_row *b)
{
	int order = lock_compare_groups(a, b);

	return order ? order : compare_texts(a->shape, b->shape);
}

static int compare_rows(const void *a, const void *b) { return lock_compare(a, b); }

void lock_settle(struct lock_rows *rows)
{
	size_t kept = 0;

	if (!rows->count)
		return;
	qsort(rows->rows, rows->count, sizeof *rows->rows, compare_rows);
	for (size_t i = 1; i < rows->count; i++) {
		struct lock_row *row = &rows->rows[kept];

		if (lock_compare(row, &rows->rows[i]))
			rows->rows[++kept] = rows->rows[i];
		else
			row->work = work_add(row->work, rows->rows[i].work);
	}
	rows->count = kept + 1;
}

size_t lock_group_end(const struct lock_rows *rows, size_t first)
{
	size_t end = first;

	while (end < rows->count && !lock_compare_groups(&rows->rows[first], &rows->rows[end]))
		end++;
	return end;
}

void lock_fold(struct lock_rows *rows, size_t first, size_t end)
{
	for (size_t i = first; i < end; i++)
		rows->rows[i].shape = LOCK_ALL;
}

/* ---- what decides ---- */

static const char *const by_names[LOCK_BY_COUNT] = {
	[LOCK_BY_DEFAULT] = "default", [LOCK_BY_ROUTINE] = "routine", [LOCK_BY_NAMESPACE] = "namespace",
	[LOCK_BY_SHAPE] = "shape",     [LOCK_BY_SITE] = "site",
};

const char *lock_by_name(enum lock_by by) { return by_names[by]; }

enum lock_by lock_by_find(const char *name)
{
	enum lock_by by = 0;

	while (by < LOCK_BY_COUNT && strcmp(by_names[by], name))
		by++;
	return by;
}

/* ---- tolerances ---- */

/* The number of bytes of the first character of a text. A byte that begins no character of UTF-8 is one. */
static size_t character(const char *text)
{
	unsigned length = utf8_length((const unsigned char *)text);

	return length ? length : 1;
}

/* Whether a pattern matches a text: `*` stands for any characters, `?` for one, and all others for themselves. */
static bool matches_text(const char *pattern, const char *text)
{
	const char *star = NULL,
		   *retry = NULL; /* the pattern behind the last `*`, and the text that follows what it took */

	while (*text) {
		if (*pattern == '*') {
			star = ++pattern;
			retry = text;
		} else if (*pattern == '?') {
			pattern++;
			text += character(text);
		} else if (*pattern == *text) {
			pattern++;
			text++;
		} else if (star) {
			retry += character(retry);
			pattern = star;
			text = retry;
		} else {
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;
	return !*pattern;
}

static const char *space_text(const char *space) { return *space ? space : LOCK_ROOT; }

/*
 * Whether a pattern matches a row: it is that of a routine in any namespace or, before the last slash, that of a namespace. The
 * root matches "(root)". A pattern may also match the place of a row that has one, "src/model.py:train".
 */
static bool matches(const char *pattern, const struct lock_row *row)
{
	const char *slash = strrchr(pattern, '/');
	char *space;
	bool same;

	if (row->place && matches_text(pattern, row->place))
		return true;
	if (!slash)
		return matches_text(pattern, row->routine);
	space = memory_text(pattern, (size_t)(slash - pattern));
	same = matches_text(space, space_text(row->space)) && matches_text(slash + 1, row->routine);
	free(space);
	return same;
}

bool lock_allow_matches(const struct lock_allow *allow, const struct lock_rows *rows)
{
	for (size_t i = 0; i < rows->count; i++)
		if (matches(allow->pattern, &rows->rows[i]))
			return true;
	return false;
}

bool lock_add_skip(struct lock *lock, const char *pattern)
{
	for (size_t i = 0; i < lock->skip_count; i++)
		if (!strcmp(lock->skips[i], pattern))
			return false;
	lock->skips = memory_grow(lock->skips, lock->skip_count, &lock->skip_capacity, sizeof *lock->skips);
	lock->skips[lock->skip_count++] = pattern;
	return true;
}

bool lock_skips(const struct lock *lock, const char *space)
{
	for (size_t i = 0; i < lock->skip_count; i++)
		if (matches_text(lock->skips[i], space_text(space)))
			return true;
	return false;
}

/* The largest of the tolerances that match a row, as an amount of the metric. */
static u128 tolerance(const struct lock *lock, const struct lock_row *row, enum lock_metric metric)
{
	u128 base = metric == LOCK_FLOPS ? row->work.flops : row->work.calls, most = 0;

	for (size_t i = 0; i < lock->allow_count; i++) {
		const struct lock_allow *allow = &lock->allows[i];
		u128 amount =
			allow->is_percent ? u128_scale(base, allow->amount, (u128)100 * LOCK_PERCENT) : allow->amount;

		if (allow->metric == metric && amount > most && matches(allow->pattern, row))
			most = amount;
	}
	return most;
}

struct work lock_most(const struct lock *lock, const struct lock_row *row)
{
	return (struct work){
		.calls = u64_saturate(u128_add(row->work.calls, tolerance(lock, row, LOCK_CALLS))),
		.flops = u128_add(row->work.flops, tolerance(lock, row, LOCK_FLOPS)),
	};
}

struct work lock_least(const struct lock *lock, const struct lock_row *row)
{
	u128 calls = tolerance(lock, row, LOCK_CALLS), flops = tolerance(lock, row, LOCK_FLOPS);

	return (struct work){
		.calls = calls < row->work.calls ? row->work.calls - (uint64_t)calls : 0,
		.flops = flops < row->work.flops ? row->work.flops - flops : 0,
	};
}
