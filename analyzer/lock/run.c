/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * run.c - turns an aggregate into a lock: shapes with their work, and the functions that the work came from.
 * It must never lose work: what no function can be named for stands under LOCK_UNKNOWN, so that both kinds of rows have one sum.
 */
#include "analyzer/lock/run.h"

#include <stdlib.h>
#include <string.h>

#include "analyzer/aggregate/estimate.h"
#include "analyzer/aggregate/launches.h"
#include "analyzer/tables/cell.h"
#include "count.h"

#define SHAPE_REJECTED "(rejected)" /* calls that came back with INFO < 0 */

/* The work of a call site in a namespace, and of its samples. */
struct stratum {
	struct work work, sampled;
	bool exact;   /* all samples are */
	bool charged; /* the program has charged the work itself, which has no caller */
};

struct strata {
	struct intern keys; /* struct place_key */
	struct stratum *strata;
	size_t capacity;
};

static struct stratum *stratum_of(struct strata *strata, uint32_t site, uint32_t space)
{
	struct place_key key = {site, space};
	size_t known = strata->keys.count;
	uint32_t number = intern_bytes(&strata->keys, &key, sizeof key);

	if (number == known) {
		strata->strata = memory_grow(strata->strata, known, &strata->capacity, sizeof *strata->strata);
		strata->strata[number] = (struct stratum){.exact = true};
	}
	return &strata->strata[number];
}

/* Whether a row is work that the lock has: workspace queries and refused calls have done none. */
static bool is_work(const struct row *row)
{
	return row->calls &&
	       (row->kind == DUMP_ROW_CALL || row->kind == DUMP_ROW_REJECTED || row->kind == DUMP_ROW_MANUAL);
}

/* ---- shapes ---- */

static const char *shape_of(struct lock *lock, const struct aggregate *aggregate, const struct row *row)
{
	static const struct column column = {.kind = COLUMN_SHAPE};
	struct value value = value_shape(aggregate, row);
	struct text text = {0};
	const char *kept;

	if (row->kind == DUMP_ROW_REJECTED)
		return SHAPE_REJECTED;
	text_add(&text, row->kind == DUMP_ROW_MANUAL ? LOCK_CHARGED : "");
	if (row->kind == DUMP_ROW_MANUAL && *text_at(aggregate, site_of(aggregate, row->site)->detail))
		text_format(&text, " %s", text_at(aggregate, site_of(aggregate, row->site)->detail));
	else if (row->kind == DUMP_ROW_CALL)
		cell_add(&text, &column, &value);
	kept = text.length ? lock_keep(lock, text.bytes, text.length) : LOCK_SHAPELESS;
	text_free(&text);
	return kept;
}

/* Adds a row to the shapes, without what the lock does not tell apart. */
static void add_shape(struct run *run, const struct aggregate *aggregate, const struct row *row)
{
	struct lock *lock = &run->lock;
	struct lock_row shape = {.space = intern_at(&aggregate->spaces, row->space),
	                         .routine = routine_name(aggregate, row->routine),
	                         .shape = LOCK_ALL,
	                         .work = {row->calls, row->flops}};
	bool rounded = row->flags & DUMP_ROW_COARSE;

	run->rounded |= rounded;
	if (lock->by == LOCK_BY_ROUTINE || lock->by == LOCK_BY_SHAPE)
		shape.space = LOCK_ALL;
	if (lock->by == LOCK_BY_NAMESPACE)
		shape.routine = LOCK_ALL;
	else if (lock->by != LOCK_BY_ROUTINE && !rounded)
		shape.shape = shape_of(lock, aggregate, row);
	lock_add(&lock->shapes, &shape);
	lock->total = work_add(lock->total, shape.work);
}

/* Makes one row of each group that has a row of all shapes, or more than `most` rows. */
static void fold(struct lock_rows *rows, size_t most)
{
	lock_settle(rows);
	for (size_t first = 0, end; first < rows->count; first = end) {
		bool all = false;

		end = lock_group_end(rows, first);
		for (size_t i = first; i < end; i++)
			all |= !strcmp(rows->rows[i].shape, LOCK_ALL);
		if (all || end - first > most)
			lock_fold(rows, first, end);
	}
	lock_settle(rows);
}

/* ---- functions ---- */

/* Adds work of a place to the lock, unless it is only likely, and to the lines. */
static void add_line(struct run *run, const struct aggregate *aggregate, const struct place_key *key,
                     const struct call_place *at, struct work work, bool exact)
{
	struct run_line line = {.place = at->name,
	                        .space = intern_at(&aggregate->spaces, key->space),
	                        .routine = routine_name(aggregate, site_of(aggregate, key->site)->routine),
	                        .at = *at,
	                        .work = work,
	                        .exact = exact};
	struct lock_row row = {.place = line.place, .space = line.space, .routine = line.routine, .work = work};

	if (exact)
		lock_add(&run->lock.sites, &row);
	run->lines = memory_grow(run->lines, run->line_count, &run->line_capacity, sizeof *run->lines);
	run->lines[run->line_count++] = line;
}

/* Adds work whose function is not known to the lock: `place` says why. */
static void add_unknown(struct run *run, const struct aggregate *aggregate, const struct place_key *key,
                        struct work work, const char *place)
{
	lock_add(&run->lock.sites,
	         &(struct lock_row){.place = place,
	                            .space = intern_at(&aggregate->spaces, key->space),
	                            .routine = routine_name(aggregate, site_of(aggregate, key->site)->routine),
	                            .work = work});
	run->sampled |= !strcmp(place, LOCK_UNKNOWN);
}

static struct work work_of_sample(const struct aggregate *aggregate, const struct estimate *estimates, size_t sample)
{
	return (struct work){aggregate->sample_totals[sample].calls, estimates[sample].flops};
}

static void add_samples(struct strata *strata, const struct aggregate *aggregate, const struct estimate *estimates)
{
	for (size_t i = 0; i < aggregate->samples.count; i++) {
		const struct sample_key *key = intern_at(&aggregate->samples, (uint32_t)i);
		struct stratum *stratum = stratum_of(strata, key->site, key->space);

		stratum->sampled = work_add(stratum->sampled, work_of_sample(aggregate, estimates, i));
		stratum->exact &= estimates[i].exact;
	}
}

/* Whether the samples of a stratum tell where all of its work came from. */
static bool is_told(const struct stratum *stratum)
{
	return stratum->exact && stratum->sampled.calls == stratum->work.calls &&
	       stratum->sampled.flops == stratum->work.flops;
}

/* Adds the functions that the samples name: exactly where they are of all calls of their stratum. */
static void add_sampled(struct run *run, struct strata *strata, const struct aggregate *aggregate,
                        const struct estimate *estimates)
{
	for (size_t i = 0; i < aggregate->samples.count; i++) {
		const struct sample_key *sample = intern_at(&aggregate->samples, (uint32_t)i);
		struct place_key key = {sample->site, sample->space};
		const struct stratum *stratum = stratum_of(strata, key.site, key.space);
		struct call_place at;

		places_of_site(&run->places, sample->site, &at);
		if (at.own || !stratum->work.calls)
			continue; /* add_direct has added it, or all of its calls are in flight */
		places_of_stack(&run->places, sample->stack, &at);
		if (at.name)
			add_line(run, aggregate, &key, &at, work_of_sample(aggregate, estimates, i), is_told(stratum));
		else if (is_told(stratum))
			add_unknown(run, aggregate, &key, work_of_sample(aggregate, estimates, i), LOCK_UNKNOWN);
	}
}

/* Adds the work of sites that are in the user's own code themselves, and that whose function no sample tells exactly. */
static void add_direct(struct run *run, const struct strata *strata, const struct aggregate *aggregate)
{
	for (size_t i = 0; i < strata->keys.count; i++) {
		const struct place_key *key = intern_at(&strata->keys, (uint32_t)i);
		const struct stratum *stratum = &strata->strata[i];
		struct call_place at;

		places_of_site(&run->places, key->site, &at);
		if (!stratum->work.calls)
			continue;
		if (at.own)
			add_line(run, aggregate, key, &at, stratum->work, true);
		else if (stratum->charged || !is_told(stratum))
			add_unknown(run, aggregate, key, stratum->work, stratum->charged ? LOCK_CHARGED : LOCK_UNKNOWN);
	}
}

static int compare_lines(const void *a, const void *b)
{
	const struct run_line *x = a, *y = b;
	int order = strcmp(x->place, y->place);

	if (!order)
		order = strcmp(x->space, y->space);
	if (!order)
		order = strcmp(x->routine, y->routine);
	if (!order)
		order = x->at.line < y->at.line ? -1 : x->at.line > y->at.line;
	return order;
}

/* Sorts the lines, and joins those that differ in what a line does not tell. */
static void settle_lines(struct run *run)
{
	size_t kept = 0;

	if (!run->line_count)
		return;
	qsort(run->lines, run->line_count, sizeof *run->lines, compare_lines);
	for (size_t i = 1; i < run->line_count; i++) {
		struct run_line *line = &run->lines[kept];

		if (compare_lines(line, &run->lines[i])) {
			run->lines[++kept] = run->lines[i];
			continue;
		}
		line->work = work_add(line->work, run->lines[i].work);
		line->exact &= run->lines[i].exact;
	}
	run->line_count = kept + 1;
}

/* ---- the run ---- */

const char *run_why_sampled(const struct run *run)
{
	const struct aggregate *aggregate = run->places.aggregate; /* NULL in a run that was not made of dumps */

	for (size_t i = 0; aggregate && i < aggregate->process_count; i++)
		if (aggregate->processes[i].losses & DUMP_LOST_STACKS)
			return "some stacks of this run could not be taken, or are too many to be kept: lock by "
			       "namespace or "
			       "routine instead";
	return "the stacks of this run were only sampled: run the program with 'flopshim --for-check'";
}

/* The ranks of all launches whose size is known, and other processes that have a rank. */
static uint64_t count_ranks(const struct aggregate *aggregate)
{
	struct launch_list launches;
	uint64_t ranks = 0;

	launches_find(aggregate, &launches);
	for (size_t i = 0; i < launches.count; i++)
		ranks += launches.launches[i].size;
	launches_free(&launches);
	for (size_t i = 0; i < aggregate->process_count; i++)
		ranks += aggregate->processes[i].rank >= 0 && !aggregate->processes[i].job_size;
	return ranks;
}

void run_open(struct run *run, const struct aggregate *aggregate, struct paths *paths, enum lock_by by,
              const struct lock *skipping)
{
	struct estimates estimates;
	struct strata strata = {0};

	estimates_find(aggregate, NULL, &estimates);
	*run = (struct run){.lock = {.by = by, .processes = aggregate->process_count}};
	run->lock.ranks = count_ranks(aggregate);
	run->lock.prices = aggregate->version_count ? text_at(aggregate, aggregate->versions[0].text) : "-";
	run->symbolizer = symbolizer_new(aggregate);
	places_open(&run->places, aggregate, paths, run->symbolizer);
	for (size_t i = 0; i < aggregate->row_count; i++) {
		const struct row *row = aggregate->rows[i];
		struct stratum *stratum;

		if (!is_work(row) || lock_skips(skipping, intern_at(&aggregate->spaces, row->space)))
			continue;
		add_shape(run, aggregate, row);
		stratum = stratum_of(&strata, row->site, row->space);
		stratum->work = work_add(stratum->work, (struct work){row->calls, row->flops});
		stratum->charged |= row->kind == DUMP_ROW_MANUAL;
	}
	add_samples(&strata, aggregate, estimates.of_samples);
	add_sampled(run, &strata, aggregate, estimates.of_samples);
	add_direct(run, &strata, aggregate);
	fold(&run->lock.shapes, SIZE_MAX);
	lock_settle(&run->lock.sites);
	settle_lines(run);
	intern_free(&strata.keys);
	free(strata.strata);
	estimates_free(&estimates);
}

void run_close(struct run *run)
{
	lock_free(&run->lock);
	free(run->lines);
	places_close(&run->places);
	symbolizer_free(run->symbolizer);
}

static void copy_rows(struct lock_rows *to, const struct lock_rows *from)
{
	for (size_t i = 0; i < from->count; i++)
		lock_add(to, &from->rows[i]);
}

void run_lock(const struct run *run, struct lock *lock)
{
	*lock = (struct lock){.by = run->lock.by,
	                      .prices = run->lock.prices,
	                      .processes = run->lock.processes,
	                      .ranks = run->lock.ranks,
	                      .total = run->lock.total};
	copy_rows(&lock->shapes, &run->lock.shapes);
	copy_rows(&lock->sites, &run->lock.sites);
	fold(&lock->shapes, lock->by == LOCK_BY_SHAPE ? SIZE_MAX : LOCK_SHAPES_MAX);
}

static void add_count(struct text *text, uint64_t count, const char *one, const char *several)
{
	char number[NUMBER_TEXT];

	text_format(text, "%s %s", number_grouped(count, number), count == 1 ? one : several);
}

void run_say(struct text *text, const struct aggregate *aggregate)
{
	uint64_t unclosed = 0;
	bool *serves = memory_new(aggregate->modules.count, sizeof *serves);
	const char *separator = " on ";

	for (uint32_t i = 0; i < aggregate->sites.count; i++)
		if (site_of(aggregate, i)->callee_module != AGGREGATE_NONE)
			serves[site_of(aggregate, i)->callee_module] = true;
	add_count(text, aggregate->process_count, "process", "processes");
	text_add(text, " of ");
	add_count(text, aggregate->totals.threads, "thread", "threads");
	for (uint32_t i = 0; i < aggregate->modules.count; i++) {
		if (!serves[i])
			continue;
		text_format(text, "%s%s", separator, text_at(aggregate, module_of(aggregate, i)->path));
		separator = ", ";
	}
	free(serves);
	for (size_t i = 0; i < aggregate->process_count; i++)
		unclosed += aggregate->processes[i].state == PROCESS_ENDED;
	if (!unclosed)
		return;
	text_add(text, "; ");
	add_count(text, unclosed, "process", "processes");
	text_add(text,
	         " ended without closing the dump, as by _exit or a signal, and may have done less than otherwise");
}
