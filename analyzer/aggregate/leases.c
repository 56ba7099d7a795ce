/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * leases.c - sums up leases, each of which is on two limits and on all limits around these.
 * It must never follow the chain of limits without end: in a damaged dump it may lead in a circle.
 */
#include "analyzer/aggregate/leases.h"

#include <stdlib.h>

#include "analyzer/base/memory.h"
#include "count.h"

enum { STEPS_MAX = 10000000 }; /* most steps from one limit to the next, of all leases together */

struct lease {
	uint64_t flops;     /* unspent */
	uint32_t limits[2]; /* numbers plus 1, as in struct dump_lane */
};

/* Returns the leases of all lanes, to be freed; NULL if there are none. */
static struct lease *lanes_read(struct dump *dump, size_t *count)
{
	const struct dump_lane *lane;
	struct lease *list = NULL;
	struct dump_cursor cursor;
	size_t capacity = 0;

	*count = 0;
	dump_cursor_open(&cursor, dump, DUMP_LANES, sizeof *lane);
	while ((lane = dump_cursor_next(&cursor))) {
		if (lane->lease <= 0 || !(lane->lease_limits[0] || lane->lease_limits[1]))
			continue;
		list = memory_grow(list, *count, &capacity, sizeof *list);
		list[(*count)++] =
			(struct lease){(uint64_t)lane->lease, {lane->lease_limits[0], lane->lease_limits[1]}};
	}
	dump_cursor_close(&cursor);
	return list;
}

/* Returns the parents of all limits, by number and as in struct dump_limit; to be freed. Stops where a number is missing. */
static uint32_t *parents_read(struct dump *dump, size_t *count)
{
	const struct dump_limit *limit;
	uint32_t *parents = NULL;
	struct dump_cursor cursor;
	size_t capacity = 0;

	*count = 0;
	dump_cursor_open(&cursor, dump, DUMP_LIMITS, sizeof *limit);
	while ((limit = dump_cursor_next(&cursor))) {
		if (cursor.number != *count)
			break; /* damaged */
		parents = memory_grow(parents, *count, &capacity, sizeof *parents);
		parents[(*count)++] = limit->parent;
	}
	dump_cursor_close(&cursor);
	return parents;
}

void leases_read(struct leases *leases, struct dump *dump)
{
	size_t lease_count, steps = 0;
	struct lease *list = lanes_read(dump, &lease_count);
	uint32_t *parents;

	*leases = (struct leases){0};
	if (!lease_count)
		return;
	parents = parents_read(dump, &leases->count);
	leases->unspent = memory_new(leases->count + 1, sizeof *leases->unspent);
	for (size_t i = 0; i < 2 * lease_count; i++) {
		uint32_t limit = list[i / 2].limits[i % 2];

		for (; limit && limit <= leases->count && steps < STEPS_MAX; limit = parents[limit - 1], steps++)
			leases->unspent[limit - 1] = count_plus(leases->unspent[limit - 1], list[i / 2].flops);
	}
	free(parents);
	free(list);
}

void leases_free(struct leases *leases)
{
	free(leases->unspent);
	*leases = (struct leases){0};
}

uint64_t leases_on(const struct leases *leases, uint32_t limit)
{
	return leases->unspent && limit < leases->count ? leases->unspent[limit] : 0;
}
