/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * times.c - estimates times from a curve of time over size for each routine.
 * It must never let an estimate beyond the timed sizes fall, or grow faster than the size: see curve_ns.
 */
#include "analyzer/aggregate/times.h"

#include <stdlib.h>

enum {
	STEP_SHIFT = 50,  /* low bits of a size (a double) that its step lacks: a step is a quarter of a power of two */
	CALLS_ENOUGH = 8, /* a point with fewer timed calls than this is joined with the next ones */
	STEPS_JOINED = 4, /* within so many steps, in which the size doubles */
	WORD_FLOPS = 4,   /* most FLOPs a word of a routine that is taken to wait for memory */
	CALL_NS = 1000,   /* most nanoseconds that a call is taken to need beside its work, below all timed sizes */
};

/* Seeds the hashes of keys, whose words are small and alike. */
#define KEY_SEED 0xa0761d6478bd642fu

/* How like a row timed calls must be: the same routine and options, the same routine, the same type, or any. */
enum level { SAME_OPTIONS, SAME_ROUTINE, SAME_TYPE, ANY, LEVELS };

/* The timed calls of about one size: a point of a curve. */
struct point {
	double size, ns, calls; /* sums over the calls; their number */
	uint64_t key;           /* that of its curve; see key_of */
	int step;               /* of the size; see step_of */
};

/* A curve: the points with one key, in the order of their sizes. */
struct curve {
	uint64_t key;
	size_t first, count; /* of its points */
};

struct times {
	struct point *points;
	size_t count, capacity;
	struct hash_index index; /* of the points by key and step; only while they are added up */
	struct curve *curves;    /* in the order of their keys */
	size_t curve_count, curve_capacity;
	const struct aggregate *aggregate;
};

/* Returns the key of a row's curve at a level. Sizes in FLOPs and sizes in words have curves of their own. */
static uint64_t key_of(const struct times *times, const struct row *row, enum level level, bool by_words)
{
	struct {
		uint64_t level, by_words, routine, options;
	} key = {.level = level, .by_words = by_words};

	if (level == SAME_TYPE)
		key.routine = routine_of(times->aggregate, row->routine)->type;
	if (level == SAME_OPTIONS || level == SAME_ROUTINE)
		key.routine = row->routine;
	if (level == SAME_OPTIONS)
		key.options = row->options;
	return hash_bytes(KEY_SEED, &key, sizeof key);
}

/* Returns the mean size of the row's calls, in words or in FLOPs. In a coarse row their sizes differ. */
static double size_of(const struct row *row, bool by_words)
{
	return (double)(by_words ? row->words : row->flops) / (double)row->calls;
}

/* Returns the step that a size is in: its exponent and the two highest bits of its fraction. */
static int step_of(double size)
{
	uint64_t bits;

	memcpy(&bits, &size, sizeof bits);
	return (int)(bits >> STEP_SHIFT);
}

/* Returns the point of a key and step, and adds it if there is none. */
static struct point *point_of(struct times *times, uint64_t key, int step)
{
	uint32_t hash = (uint32_t)hash_word(key, (uint64_t)step), number;
	size_t bucket;

	hash_reserve(&times->index);
	bucket = hash_begin(&times->index, hash);
	while ((number = hash_next(&times->index, hash, &bucket)) != HASH_NONE)
		if (times->points[number].key == key && times->points[number].step == step)
			return &times->points[number];
	times->points = memory_grow(times->points, times->count, &times->capacity, sizeof *times->points);
	times->points[times->count] = (struct point){.key = key, .step = step};
	hash_put(&times->index, bucket, hash, (uint32_t)times->count);
	return &times->points[times->count++];
}

/* Adds the timed calls of a row to their point. */
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

/* Whether a point is joined with the one before it. */
static bool are_one(const struct point *before, const struct point *point)
{
	return before->key == point->key &&
	       (before->step == point->step ||
	        (before->calls < CALLS_ENOUGH && point->step - before->step < STEPS_JOINED));
}

/* Joins neighbouring points with few calls, and makes the curves. The points must be sorted. */
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
			times->curves[times->curve_count++] = (struct curve){.key = point->key, .first = kept};
		}
		times->curves[times->curve_count - 1].count++;
		times->points[kept++] = *point;
	}
	times->count = kept;
}

/*
 * Whether the timed calls of a row can estimate calls without FLOPs, such as copies, by their words: they have no FLOPs
 * either; or, at the levels of other routines, so few for each word that they wait for memory, too.
 */
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
 * Returns the time in nanoseconds of a call of this size on a curve of `count` > 0 points. Between two points it
 * interpolates. Beyond the last point it continues the line through the last two; but the time is at least that of the
 * last point, and grows at most in proportion to the size. Below the first point it continues the line through the first
 * two; but the time is at most that of the first point, and between the time in proportion to the size and CALL_NS more
 * than that.
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
		ns += (point_ns(high) - point_ns(low)) * (size - point_size(low)) /
		      (point_size(high) - point_size(low));
	if (next == 0)
		return least(least(most(ns, proportional), point_ns(end)), proportional + CALL_NS);
	return next == count ? most(least(ns, proportional), point_ns(end)) : ns;
}

/* A call without FLOPs and words, which does nothing or has no price, is estimated from calls of its routine only. */
bool times_estimate(const struct times *times, const struct row *row, uint64_t *ns)
{
	bool by_words = !row->flops && row->words;
	enum level last = row->flops || row->words ? ANY : SAME_ROUTINE;

	if (!times)
		return false;
	for (enum level level = 0; level <= last; level++) {
		uint64_t key = key_of(times, row, level, by_words);
		const struct curve *curve = times->curve_count ? bsearch(&key, times->curves, times->curve_count,
		                                                         sizeof *times->curves, compare_curves)
		                                               : NULL;
		double estimate;

		if (!curve)
			continue;
		estimate = curve_ns(&times->points[curve->first], curve->count, size_of(row, by_words)) *
		           (double)row->calls;
		*ns = estimate < 9e18 ? (uint64_t)(estimate + 0.5) : UINT64_MAX;
		return true;
	}
	return false;
}

bool times_of_row(const struct times *times, const struct row *row, uint64_t *ns)
{
	uint64_t timed = times_timed(row);

	if (timed)
		*ns = u64_saturate(u128_scale(row->time_ns, row->calls, timed));
	return timed || (times_has_calls(row) && times_estimate(times, row, ns));
}
