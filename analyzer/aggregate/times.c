/* SPDX-License-Identifier: BSD-3-Clause */
#include "analyzer/aggregate/times.h"

#include <stdlib.h>

enum {
	STEP_SHIFT = 50,  /* of a size's bits: sizes within a quarter of a power of two are one */
	STEPS_JOINED = 4, /* and within a whole one */
	CALLS_ENOUGH = 8, /* while fewer than so many were timed */
	WORD_FLOPS = 4,   /* of an element, where a routine waits for memory */
	CALL_NS = 1000,   /* what a call may take beside its work, where nothing tells */
};

#define KEY_SEED 0xa0761d6478bd642fu

enum level { SAME_OPTIONS, SAME_ROUTINE, SAME_TYPE, ANY, LEVELS };

/* Timed calls of about one size. */
struct point {
	double size, ns, calls; /* sums over the calls */
	uint64_t key;
	int step;
};

/* Points of one key in the order of their sizes. */
struct curve {
	uint64_t key;
	size_t first, count;
};

struct times {
	struct point *points;
	size_t count, capacity;
	struct hash_index index; /* of the points by key and step, while they are added up */
	struct curve *curves; /* in the order of their keys */
	size_t curve_count, curve_capacity;
	const struct aggregate *aggregate;
};

/* FLOPs and elements are different sizes, and a key is of one of them. */
static uint64_t key_of(const struct times *times, const struct row *row, enum level level, bool by_words)
{
	struct {
		uint64_t level, by_words, routine, options;
	} key = { .level = level, .by_words = by_words };

	if (level == SAME_TYPE)
		key.routine = routine_of(times->aggregate, row->routine)->type;
	if (level == SAME_OPTIONS || level == SAME_ROUTINE)
		key.routine = row->routine;
	if (level == SAME_OPTIONS)
		key.options = row->options;
	return hash_bytes(KEY_SEED, &key, sizeof key); /* words that are small and alike need a seed that is not */
}

/* Of the row's mean call: its shapes may differ in a coarse one. */
static double size_of(const struct row *row, bool by_words)
{
	return (double)(by_words ? row->words : row->flops) / (double)row->calls;
}

static int step_of(double size)
{
	uint64_t bits;

	memcpy(&bits, &size, sizeof bits);
	return (int)(bits >> STEP_SHIFT);
}

static struct point *point_of(struct times *times, uint64_t key, int step)
{
	uint32_t hash = (uint32_t)hash_word(key, (uint64_t)step), number;
	size_t slot;

	hash_reserve(&times->index);
	slot = hash_begin(&times->index, hash);
	while ((number = hash_next(&times->index, hash, &slot)) != HASH_NONE)
		if (times->points[number].key == key && times->points[number].step == step)
			return &times->points[number];
	times->points = memory_grow(times->points, times->count, &times->capacity, sizeof *times->points);
	times->points[times->count] = (struct point){ .key = key, .step = step };
	hash_put(&times->index, slot, hash, (uint32_t)times->count);
	return &times->points[times->count++];
}

static void point_add(struct times *times, const struct row *row, enum level level, bool by_words)
{
	double timed = (double)times_timed(row), size = size_of(row, by_words);
	struct point *point = point_of(times, key_of(times, row, level, by_words), step_of(size));

	point->size += size * timed;
	point->ns += (double)row->time_ns;
	point->calls += timed;
}

static int compare_points(const void *a, const void *b)
{
	const struct point *x = a, *y = b;

	if (x->key != y->key)
		return x->key < y->key ? -1 : 1;
	return x->step < y->step ? -1 : x->step > y->step;
}

static bool are_one(const struct point *before, const struct point *point)
{
	return before->key == point->key &&
	       (before->step == point->step ||
		(before->calls < CALLS_ENOUGH && point->step - before->step < STEPS_JOINED));
}

/* Adds up neighbours, and notes where each key begins. */
static void join_points(struct times *times)
{
	size_t kept = 0;

	for (size_t i = 0; i < times->count; i++) {
		struct point *point = &times->points[i];

		if (kept && are_one(&times->points[kept - 1], point)) {
			times->points[kept - 1].size += point->size;
			times->points[kept - 1].ns += point->ns;
			times->points[kept - 1].calls += point->calls;
			continue;
		}
		if (!kept || times->points[kept - 1].key != point->key) {
			times->curves = memory_grow(times->curves, times->curve_count, &times->curve_capacity,
			                            sizeof *times->curves);
			times->curves[times->curve_count++] = (struct curve){ .key = point->key, .first = kept };
		}
		times->curves[times->curve_count - 1].count++;
		times->points[kept++] = *point;
	}
	times->count = kept;
}

/* Whether it tells something of rows without FLOPs: it has none itself, or memory is what such calls wait for. */
static bool moves_words(const struct row *row, enum level level)
{
	return row->words && (level <= SAME_ROUTINE ? !row->flops : row->flops <= WORD_FLOPS * row->words);
}

struct times *times_new(const struct aggregate *aggregate)
{
	struct times *times;
	bool timed = false, untimed = false;

	for (size_t i = 0; i < aggregate->row_count; i++)
		if (times_has_calls(aggregate->rows[i]))
			*(times_timed(aggregate->rows[i]) ? &timed : &untimed) = true;
	if (!timed || !untimed)
		return NULL;
	times = memory_new(1, sizeof *times);
	times->aggregate = aggregate;
	for (size_t i = 0; i < aggregate->row_count; i++) {
		const struct row *row = aggregate->rows[i];

		if (!times_has_calls(row) || !times_timed(row))
			continue;
		for (enum level level = 0; level < LEVELS; level++) {
			if (row->flops)
				point_add(times, row, level, false);
			if (moves_words(row, level))
				point_add(times, row, level, true);
		}
	}
	hash_free(&times->index);
	if (times->count)
		qsort(times->points, times->count, sizeof *times->points, compare_points);
	join_points(times);
	return times;
}

void times_free(struct times *times)
{
	if (!times)
		return;
	free(times->points);
	free(times->curves);
	free(times);
}

static int compare_curves(const void *key, const void *curve)
{
	uint64_t x = *(const uint64_t *)key, y = ((const struct curve *)curve)->key;

	return x < y ? -1 : x > y;
}

static double least(double a, double b) { return a < b ? a : b; }
static double most(double a, double b) { return a > b ? a : b; }
static double point_size(const struct point *point) { return point->size / point->calls; }
static double point_ns(const struct point *point) { return point->ns / point->calls; }

/*
 * Of a call of this size. Beyond the last size time goes on as between the last two, but no faster than the size and not
 * down; below the first one too, but no faster than the size, and then there is no more than CALL_NS beside it.
 */
static double curve_ns(const struct point *points, size_t count, double size)
{
	size_t next = 0;
	double ns, proportional;
	const struct point *low, *high, *end;

	while (next < count && point_size(&points[next]) < size)
		next++;
	end = &points[next == count ? count - 1 : next];
	proportional = point_size(end) > 0 ? point_ns(end) * size / point_size(end) : point_ns(end);
	if (count == 1)
		return next == count ? proportional : least(point_ns(end), proportional + CALL_NS);
	low = next == 0 ? &points[0] : &points[next == count ? count - 2 : next - 1];
	high = low + 1;
	ns = point_ns(low);
	if (point_size(high) > point_size(low))
		ns += (point_ns(high) - point_ns(low)) * (size - point_size(low)) / (point_size(high) - point_size(low));
	if (next == 0)
		return least(least(most(ns, proportional), point_ns(end)), proportional + CALL_NS);
	return next == count ? most(least(ns, proportional), point_ns(end)) : ns;
}

/* A call of no size at all, which has nothing to do or no price, is like the others of its routine at most. */
bool times_estimate(const struct times *times, const struct row *row, uint64_t *ns)
{
	bool by_words = !row->flops && row->words;
	enum level last = row->flops || row->words ? ANY : SAME_ROUTINE;

	if (!times)
		return false;
	for (enum level level = 0; level <= last; level++) {
		uint64_t key = key_of(times, row, level, by_words);
		const struct curve *curve = times->curve_count ? bsearch(&key, times->curves, times->curve_count,
		                                                         sizeof *times->curves, compare_curves) : NULL;
		double estimate;

		if (!curve)
			continue;
		estimate = curve_ns(&times->points[curve->first], curve->count, size_of(row, by_words)) * (double)row->calls;
		*ns = estimate < 9e18 ? (uint64_t)(estimate + 0.5) : UINT64_MAX;
		return true;
	}
	return false;
}
