/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * grouping.c - tells which rows belong to one group.
 * It must never take rows for one group that a report shows as two.
 */
#include "analyzer/aggregate/grouping.h"

#include <string.h>

#include "analyzer/aggregate/order.h"

/* A way to group rows. */
struct way {
	bool (*takes)(const struct row *row); /* whether the row takes part */
	/* Writes the key of a row, and returns how many words it has. */
	unsigned (*key)(const struct aggregate *aggregate, const struct row *row, uint64_t *words);
	int (*order)(const struct aggregate *aggregate, const struct row *a, const struct row *b);
};

static bool is_call(const struct row *row) { return row->kind == DUMP_ROW_CALL; }
static bool is_manual(const struct row *row) { return row->kind == DUMP_ROW_MANUAL; }
static bool is_not_manual(const struct row *row) { return row->kind != DUMP_ROW_MANUAL; }
static bool is_work(const struct row *row) { return row->kind != DUMP_ROW_QUERY; }
static bool is_any(const struct row *row) { return row != NULL; }
static bool is_call_of_site(const struct row *row) { return is_not_manual(row) && is_work(row); }

static unsigned by_name(const struct aggregate *aggregate, const struct row *row, uint64_t *words)
{
	words[0] = routine_of(aggregate, row->routine)->name;
	return 1;
}

static unsigned by_shape(const struct aggregate *aggregate, const struct row *row, uint64_t *words)
{
	unsigned dims = routine_of(aggregate, row->routine)->dim_count;

	words[0] = row->routine;
	words[1] = row->options;
	words[2] = row->flags & DUMP_ROW_COARSE;
	memcpy(&words[3], row->dims, dims * sizeof row->dims[0]);
	return 3 + dims;
}

static unsigned by_site(const struct aggregate *aggregate, const struct row *row, uint64_t *words)
{
	(void)aggregate;
	words[0] = row->site;
	return 1;
}

static unsigned by_library(const struct aggregate *aggregate, const struct row *row, uint64_t *words)
{
	words[0] = site_of(aggregate, row->site)->callee_module;
	return 1;
}

static unsigned by_space(const struct aggregate *aggregate, const struct row *row, uint64_t *words)
{
	(void)aggregate;
	words[0] = row->space;
	return 1;
}

static unsigned by_itself(const struct aggregate *aggregate, const struct row *row, uint64_t *words)
{
	(void)aggregate;
	words[0] = (uintptr_t)row;
	return 1;
}

static int order_names(const struct aggregate *aggregate, const struct row *a, const struct row *b)
{
	return strcmp(routine_name(aggregate, a->routine), routine_name(aggregate, b->routine));
}

static int order_by_site(const struct aggregate *aggregate, const struct row *a, const struct row *b)
{
	return order_sites(aggregate, a->site, b->site);
}

static int order_libraries(const struct aggregate *aggregate, const struct row *a, const struct row *b)
{
	return order_modules(aggregate, site_of(aggregate, a->site)->callee_module,
	                     site_of(aggregate, b->site)->callee_module);
}

static int order_by_space(const struct aggregate *aggregate, const struct row *a, const struct row *b)
{
	return order_spaces(aggregate, a->space, b->space);
}

static int order_rows(const struct aggregate *aggregate, const struct row *a, const struct row *b)
{
	int order = order_shapes(aggregate, a, b);

	if (!order)
		order = order_sites(aggregate, a->site, b->site);
	if (!order)
		order = order_spaces(aggregate, a->space, b->space);
	return order ? order : order_numbers(a->kind, b->kind);
}

static const struct way ways[GROUP_COUNT] = {
	[GROUP_ROUTINE] = {is_not_manual, by_name, order_names},
	[GROUP_SHAPE] = {is_call, by_shape, order_shapes},
	[GROUP_SITE] = {is_call_of_site, by_site, order_by_site},
	[GROUP_LIBRARY] = {is_call_of_site, by_library, order_libraries},
	[GROUP_MANUAL] = {is_manual, by_name, order_names},
	[GROUP_SPACE] = {is_work, by_space, order_by_space},
	[GROUP_ROW] = {is_any, by_itself, order_rows},
};

bool group_takes(enum group_by by, const struct row *row) { return ways[by].takes(row); }

struct group_key group_key_of(const struct aggregate *aggregate, enum group_by by, const struct row *row)
{
	struct group_key key;

	key.count = ways[by].key(aggregate, row, key.words);
	return key;
}

uint32_t group_key_hash(const struct group_key *key)
{
	return (uint32_t)hash_bytes(0, key->words, key->count * sizeof key->words[0]);
}

bool group_keys_are_equal(const struct group_key *a, const struct group_key *b)
{
	return a->count == b->count && !memcmp(a->words, b->words, a->count * sizeof a->words[0]);
}

int group_keys_order(const struct aggregate *aggregate, enum group_by by, const struct row *a, const struct row *b)
{
	return ways[by].order(aggregate, a, b);
}
