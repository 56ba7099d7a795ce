/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * spreads.c - keeps the fewest and the most FLOPs that a process has in a row, and in the rows of a group together.
 * It must never keep more than a few words for a group that has a single row: its spread is that of the row.
 */
#include "analyzer/aggregate/spreads.h"

#include <stdlib.h>

#include "analyzer/aggregate/addition.h"
#include "analyzer/base/memory.h"

static const enum group_by groups_by[SPREAD_WAYS] = {
	[DUMP_SPREAD_ROUTINE] = GROUP_ROUTINE,
	[DUMP_SPREAD_SHAPE] = GROUP_SHAPE,
	[DUMP_SPREAD_SITE] = GROUP_SITE,
};

enum group_by spread_group_by(unsigned by) { return groups_by[by]; }

/* Whether the FLOPs of a row count for its groups. */
static bool counts(const struct row *row) { return row->kind == DUMP_ROW_CALL || row->kind == DUMP_ROW_REJECTED; }

static void spread_add(const struct aggregate *aggregate, struct spread *spread, const struct spread *more)
{
	const struct process *processes = aggregate->processes;

	if (!more->processes)
		return;
	if (!spread->processes) {
		*spread = *more;
		return;
	}
	if (more->least < spread->least ||
	    (more->least == spread->least &&
	     process_order(aggregate, &processes[more->least_process], &processes[spread->least_process]) < 0)) {
		spread->least = more->least;
		spread->least_process = more->least_process;
	}
	if (more->most > spread->most ||
	    (more->most == spread->most &&
	     process_order(aggregate, &processes[more->most_process], &processes[spread->most_process]) < 0)) {
		spread->most = more->most;
		spread->most_process = more->most_process;
	}
	spread->processes = spread->processes + more->processes > spread->processes
	                            ? spread->processes + more->processes
	                            : UINT32_MAX;
}

void addition_spread(struct aggregate *aggregate, uint32_t row, const struct spread *more)
{
	spread_add(aggregate, &aggregate->spreads[row], more);
}

/* ---- groups ---- */

/* Returns the number of the group of a row, and adds it if there is none. */
static uint32_t group_of(struct aggregate *aggregate, unsigned by, uint32_t number)
{
	struct spread_way *way = &aggregate->spread_ways[by];
	struct group_key key = group_key_of(aggregate, groups_by[by], aggregate->rows[number]), other;
	uint32_t hash = group_key_hash(&key), group;
	size_t bucket;

	hash_reserve(&way->index);
	bucket = hash_begin(&way->index, hash);
	while ((group = hash_next(&way->index, hash, &bucket)) != HASH_NONE) {
		other = group_key_of(aggregate, groups_by[by], aggregate->rows[way->groups[group].row]);
		if (group_keys_are_equal(&key, &other))
			return group;
	}
	way->groups = memory_grow(way->groups, way->group_count, &way->group_capacity, sizeof *way->groups);
	way->groups[way->group_count] = (struct spread_group){.row = number, .first = SPREAD_NONE, .wide = SPREAD_NONE};
	hash_put(&way->index, bucket, hash, (uint32_t)way->group_count);
	return (uint32_t)way->group_count++;
}

/* Gives a group a spread of its own, since it is to have more than its first row. That row has its spread so far. */
static void widen(struct aggregate *aggregate, struct spread_way *way, struct spread_group *group)
{
	way->wides = memory_grow(way->wides, way->wide_count, &way->wide_capacity, sizeof *way->wides);
	way->wides[way->wide_count] = (struct wide_spread){.spread = aggregate->spreads[group->first]};
	group->wide = (uint32_t)way->wide_count++;
}

void addition_spread_row(struct aggregate *aggregate, uint32_t number)
{
	const struct row *row = aggregate->rows[number];

	for (unsigned by = 0; by < SPREAD_WAYS; by++) {
		struct spread_way *way = &aggregate->spread_ways[by];
		struct spread_group *group;

		way->of_rows = memory_grow(way->of_rows, number, &way->row_capacity, sizeof *way->of_rows);
		way->of_rows[number] = SPREAD_NONE;
		if (!group_takes(groups_by[by], row))
			continue;
		way->of_rows[number] = group_of(aggregate, by, number);
		group = &way->groups[way->of_rows[number]];
		if (!counts(row))
			continue;
		if (group->first == SPREAD_NONE)
			group->first = number;
		else if (group->wide == SPREAD_NONE)
			widen(aggregate, way, group);
	}
}

/* Returns the spread of its own that the group of a row has; NULL if it has none, or the row does not count for it. */
static struct wide_spread *wide_of(const struct aggregate *aggregate, unsigned by, uint32_t row)
{
	const struct spread_way *way = &aggregate->spread_ways[by];
	uint32_t group = way->of_rows[row];

	if (group == SPREAD_NONE || way->groups[group].wide == SPREAD_NONE || !counts(aggregate->rows[row]))
		return NULL;
	return &way->wides[way->groups[group].wide];
}

/* Notes that the dump that is being added has a group. */
static void touch(struct spread_way *way, struct wide_spread *wide)
{
	if (wide->touched)
		return;
	wide->touched = true;
	way->touched = memory_grow(way->touched, way->touched_count, &way->touched_capacity, sizeof *way->touched);
	way->touched[way->touched_count++] = (uint32_t)(wide - way->wides);
}

void addition_spread_part(struct aggregate *aggregate, uint32_t row, u128 flops)
{
	for (unsigned by = 0; by < SPREAD_WAYS; by++) {
		struct wide_spread *wide = wide_of(aggregate, by, row);

		if (!wide)
			continue;
		touch(&aggregate->spread_ways[by], wide);
		wide->now = u128_add(wide->now, flops);
	}
}

void addition_spread_end(struct aggregate *aggregate, uint32_t process)
{
	for (unsigned by = 0; by < SPREAD_WAYS; by++) {
		struct spread_way *way = &aggregate->spread_ways[by];

		for (size_t i = 0; i < way->touched_count; i++) {
			struct wide_spread *wide = &way->wides[way->touched[i]];

			if (process != AGGREGATE_NONE)
				spread_add(aggregate, &wide->spread,
				           &(struct spread){wide->now, wide->now, process, process, 1});
			wide->now = 0;
			wide->touched = false;
		}
		way->touched_count = 0;
	}
}

bool addition_spread_group(struct aggregate *aggregate, unsigned by, uint32_t row, const struct spread *more)
{
	struct wide_spread *wide = by < SPREAD_WAYS ? wide_of(aggregate, by, row) : NULL;

	if (!wide || wide->touched)
		return false;
	touch(&aggregate->spread_ways[by], wide);
	spread_add(aggregate, &wide->spread, more);
	return true;
}

/* ---- what readers of the aggregate ask for ---- */

uint32_t spread_group(const struct aggregate *aggregate, unsigned by, uint32_t row)
{
	return counts(aggregate->rows[row]) ? aggregate->spread_ways[by].of_rows[row] : SPREAD_NONE;
}

const struct spread *spread_of_group(const struct aggregate *aggregate, enum group_by by, uint32_t row)
{
	static const struct spread unknown;

	for (unsigned i = 0; i < SPREAD_WAYS; i++) {
		const struct spread_way *way = &aggregate->spread_ways[i];
		const struct spread_group *group;

		if (groups_by[i] != by)
			continue;
		if (way->of_rows[row] == SPREAD_NONE)
			return &unknown;
		group = &way->groups[way->of_rows[row]];
		if (group->wide != SPREAD_NONE)
			return &way->wides[group->wide].spread;
		return group->first == SPREAD_NONE ? &unknown : &aggregate->spreads[group->first];
	}
	return NULL;
}

void addition_spreads_free(struct aggregate *aggregate)
{
	for (unsigned by = 0; by < SPREAD_WAYS; by++) {
		struct spread_way *way = &aggregate->spread_ways[by];

		hash_free(&way->index);
		free(way->groups);
		free(way->wides);
		free(way->of_rows);
		free(way->touched);
	}
}
