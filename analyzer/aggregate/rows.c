/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * rows.c - the rows of an aggregate: which of them are equal, and the sums over all, over processes and over workers.
 * It must never depend on the order in which dumps are added, but for the numbers of the rows.
 */
#include <string.h>

#include "analyzer/aggregate/addition.h"
#include "analyzer/aggregate/times.h"
#include "analyzer/base/memory.h"
#include "count.h"

/* These hash and compare what tells rows apart. `dims` is the number of dimensions. */

static uint32_t row_hash(const struct row *key, unsigned dims)
{
	uint64_t hash = hash_word(key->options, (uint64_t)key->site << 32 | key->space);

	hash = hash_word(hash, (uint64_t)key->routine << 32 | (uint64_t)key->kind << 8 |
	                               (key->flags & ~(unsigned)DUMP_ROW_SATURATED));
	for (unsigned i = 0; i < dims; i++)
		hash = hash_word(hash, (uint64_t)key->dims[i]);
	return (uint32_t)hash;
}

static bool row_equal(const struct row *a, const struct row *b, unsigned dims)
{
	return a->options == b->options && a->site == b->site && a->space == b->space && a->routine == b->routine &&
	       a->kind == b->kind && !((a->flags ^ b->flags) & ~DUMP_ROW_SATURATED) &&
	       !memcmp(a->dims, b->dims, dims * sizeof a->dims[0]);
}

/* Returns the number of the row that `key` equals in what tells rows apart, or adds it as a row with totals of 0. */
static uint32_t row_find(struct aggregate *aggregate, const struct row *key, unsigned dims)
{
	size_t bucket, size = sizeof *key + dims * sizeof key->dims[0];
	uint32_t hash = row_hash(key, dims), number;
	struct row *row;

	hash_reserve(&aggregate->row_index);
	bucket = hash_begin(&aggregate->row_index, hash);
	while ((number = hash_next(&aggregate->row_index, hash, &bucket)) != HASH_NONE)
		if (row_equal(aggregate->rows[number], key, dims))
			return number;
	row = arena_take(&aggregate->row_arena, size);
	*row = (struct row){.options = key->options,
	                    .routine = key->routine,
	                    .site = key->site,
	                    .space = key->space,
	                    .kind = key->kind,
	                    .flags = key->flags};
	memcpy(row->dims, key->dims, dims * sizeof key->dims[0]);
	aggregate->rows =
		memory_grow(aggregate->rows, aggregate->row_count, &aggregate->row_capacity, sizeof *aggregate->rows);
	aggregate->rows[aggregate->row_count] = row;
	aggregate->spreads = memory_grow(aggregate->spreads, aggregate->row_count, &aggregate->spread_capacity,
	                                 sizeof *aggregate->spreads);
	aggregate->spreads[aggregate->row_count] = (struct spread){0};
	aggregate->rows_now = memory_grow(aggregate->rows_now, aggregate->row_count, &aggregate->now_capacity,
	                                  sizeof *aggregate->rows_now);
	aggregate->rows_now[aggregate->row_count] = (struct row_now){0};
	hash_put(&aggregate->row_index, bucket, hash, (uint32_t)aggregate->row_count);
	addition_spread_row(aggregate, (uint32_t)aggregate->row_count);
	return (uint32_t)aggregate->row_count++;
}

/* Returns the totals of the part of a row that comes from a worker, which are 0 if the part is new. */
static struct row *part_find(struct aggregate *aggregate, uint32_t row, uint32_t worker)
{
	uint32_t hash = (uint32_t)hash_word(row, worker), number;
	struct row *sums;
	size_t bucket;

	hash_reserve(&aggregate->part_index);
	bucket = hash_begin(&aggregate->part_index, hash);
	while ((number = hash_next(&aggregate->part_index, hash, &bucket)) != HASH_NONE)
		if (aggregate->parts[number].row == row && aggregate->parts[number].worker == worker)
			return aggregate->parts[number].sums;
	sums = arena_take(&aggregate->row_arena, sizeof *sums);
	sums->options = aggregate->rows[row]->options;
	sums->routine = aggregate->rows[row]->routine;
	sums->site = aggregate->rows[row]->site;
	sums->space = aggregate->rows[row]->space;
	sums->kind = aggregate->rows[row]->kind;
	sums->flags = aggregate->rows[row]->flags;
	aggregate->parts = memory_grow(aggregate->parts, aggregate->part_count, &aggregate->part_capacity,
	                               sizeof *aggregate->parts);
	aggregate->parts[aggregate->part_count] = (struct row_part){row, worker, sums};
	hash_put(&aggregate->part_index, bucket, hash, (uint32_t)aggregate->part_count++);
	return sums;
}

/* Adds the totals of `more` to those of `row`. */
static void row_sum(struct row *row, const struct row *more)
{
	row->flops = u128_add(row->flops, more->flops);
	row->charged = u128_add(row->charged, more->charged);
	row->words = u128_add(row->words, more->words);
	row->calls = count_plus(row->calls, more->calls);
	row->time_ns = count_plus(row->time_ns, more->time_ns);
	row->timed_calls = count_plus(row->timed_calls, more->timed_calls);
	row->flags |= more->flags & DUMP_ROW_SATURATED;
}

/* Adds a row to the totals of the aggregate. `kind` is the enum dump_kind of its routine. */
static void count_row(struct totals *totals, const struct row *row, unsigned kind)
{
	switch (row->kind) {
	case DUMP_ROW_QUERY: totals->queries = count_plus(totals->queries, row->calls); return;
	case DUMP_ROW_REFUSED:
		totals->refused_calls = count_plus(totals->refused_calls, row->calls);
		totals->refused_flops = u128_add(totals->refused_flops, row->flops);
		return;
	case DUMP_ROW_MANUAL: totals->manual_charges = count_plus(totals->manual_charges, row->calls); break;
	case DUMP_ROW_REJECTED:
		totals->rejected_calls = count_plus(totals->rejected_calls, row->calls);
		/* fall through */
	default:
		totals->calls = count_plus(totals->calls, row->calls);
		if (row->kind == DUMP_ROW_CALL && kind == DUMP_UNPRICED)
			totals->unpriced_calls = count_plus(totals->unpriced_calls, row->calls);
		if (row->kind == DUMP_ROW_CALL && kind == DUMP_EXEMPT)
			totals->exempt_calls = count_plus(totals->exempt_calls, row->calls);
	}
	if (row->flags & DUMP_ROW_OVER)
		totals->over_calls = count_plus(totals->over_calls, row->calls);
	totals->flops = u128_add(totals->flops, row->flops);
	totals->charged = u128_add(totals->charged, row->charged);
	totals->words = u128_add(totals->words, row->words);
	totals->timed_calls = count_plus(totals->timed_calls, row->timed_calls);
	totals->time_ns = count_plus(totals->time_ns, row->time_ns);
}

/* Adds a row to the sums of a process, but for the times. `kind` is the enum dump_kind of its routine. */
static void count_row_of_process(struct process_sums *sums, const struct row *row, unsigned kind)
{
	switch (row->kind) {
	case DUMP_ROW_QUERY: sums->queries = count_plus(sums->queries, row->calls); return;
	case DUMP_ROW_REFUSED: sums->refused_calls = count_plus(sums->refused_calls, row->calls); return;
	case DUMP_ROW_REJECTED: sums->rejected_calls = count_plus(sums->rejected_calls, row->calls); break;
	case DUMP_ROW_MANUAL: sums->manual_charges = count_plus(sums->manual_charges, row->calls); break;
	default:
		if (kind == DUMP_UNPRICED)
			sums->unpriced_calls = count_plus(sums->unpriced_calls, row->calls);
	}
	sums->calls = count_plus(sums->calls, row->kind == DUMP_ROW_MANUAL ? 0 : row->calls);
	sums->flops = u128_add(sums->flops, row->flops);
	sums->charged = u128_add(sums->charged, row->charged);
	sums->words = u128_add(sums->words, row->words);
}

/* Notes what the process has in a row. */
static void touch(struct aggregate *aggregate, uint32_t number, const struct row *sums)
{
	struct row_now *now = &aggregate->rows_now[number];

	if (!now->touched) {
		aggregate->touched = memory_grow(aggregate->touched, aggregate->touched_count,
		                                 &aggregate->touched_capacity, sizeof *aggregate->touched);
		aggregate->touched[aggregate->touched_count++] = number;
		now->touched = true;
	}
	now->flops = u128_add(now->flops, sums->flops);
	now->calls = count_plus(now->calls, sums->calls);
	now->timed_calls = count_plus(now->timed_calls, sums->timed_calls);
	now->time_ns = count_plus(now->time_ns, sums->time_ns);
}

uint32_t addition_row(struct addition *add, const struct row *sums, unsigned dims, unsigned kind)
{
	struct aggregate *aggregate = add->aggregate;
	uint32_t number = row_find(aggregate, sums, dims);

	count_row(&aggregate->totals, sums, kind);
	row_sum(aggregate->rows[number], sums);
	if (!add->process)
		return number; /* of a merged dump, whose processes bring their own sums */
	count_row_of_process(&add->process->sums, sums, kind);
	touch(aggregate, number, sums);
	if (aggregate->options.worker)
		row_sum(part_find(aggregate, number, add->worker), sums);
	return number;
}

void process_sums_add(struct process_sums *sums, const struct process_sums *more)
{
	sums->flops = u128_add(sums->flops, more->flops);
	sums->charged = u128_add(sums->charged, more->charged);
	sums->words = u128_add(sums->words, more->words);
	sums->calls = count_plus(sums->calls, more->calls);
	sums->timed_calls = count_plus(sums->timed_calls, more->timed_calls);
	sums->time_ns = count_plus(sums->time_ns, more->time_ns);
	sums->estimated_ns = count_plus(sums->estimated_ns, more->estimated_ns);
	sums->untimed_calls = count_plus(sums->untimed_calls, more->untimed_calls);
	sums->rejected_calls = count_plus(sums->rejected_calls, more->rejected_calls);
	sums->refused_calls = count_plus(sums->refused_calls, more->refused_calls);
	sums->unpriced_calls = count_plus(sums->unpriced_calls, more->unpriced_calls);
	sums->queries = count_plus(sums->queries, more->queries);
	sums->manual_charges = count_plus(sums->manual_charges, more->manual_charges);
}

/* Adds the times that the process has in a row of this kind to its sums. */
static void sum_times(struct process_sums *sums, const struct row_now *now, uint8_t kind)
{
	uint64_t timed = now->timed_calls < now->calls ? now->timed_calls : now->calls;

	if (!timed && kind == DUMP_ROW_CALL)
		sums->untimed_calls = count_plus(sums->untimed_calls, now->calls);
	if (!timed)
		return;
	sums->timed_calls = count_plus(sums->timed_calls, timed);
	sums->time_ns = count_plus(sums->time_ns, now->time_ns);
	sums->estimated_ns = count_plus(sums->estimated_ns, u64_saturate(u128_scale(now->time_ns, now->calls, timed)));
}

void addition_rows_end(struct addition *add)
{
	struct aggregate *aggregate = add->aggregate;
	uint32_t process = (uint32_t)(add->process - aggregate->processes);

	for (size_t i = 0; i < aggregate->touched_count; i++) {
		uint32_t number = aggregate->touched[i];
		struct row_now *now = &aggregate->rows_now[number];
		uint8_t kind = aggregate->rows[number]->kind;

		if (now->calls || now->flops) { /* a row without either is that of a call in flight */
			addition_spread(aggregate, number,
			                &(struct spread){now->flops, now->flops, process, process, 1});
			addition_spread_part(aggregate, number, now->flops);
		}
		if (kind != DUMP_ROW_QUERY && kind != DUMP_ROW_REFUSED)
			sum_times(&add->process->sums, now, kind);
		*now = (struct row_now){0};
	}
	aggregate->touched_count = 0;
	addition_spread_end(aggregate, process);
}
