/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * module_map.c - the modules of a dump as a sorted array of address ranges.
 * It must never pick one of several modules that have the same address.
 */
#include "analyzer/aggregate/module_map.h"

#include <stdlib.h>

#include "analyzer/base/memory.h"

/* The first address of a module, or the first one behind it (`ends`). */
struct edge {
	uint64_t address;
	uint32_t module;
	bool ends;
};

static int compare_edges(const void *a, const void *b)
{
	const struct edge *x = a, *y = b;

	return x->address < y->address ? -1 : x->address > y->address;
}

/* Returns the edges of all modules in the order of their addresses; the caller frees them. NULL if there are none. */
static struct edge *edges_of(const struct dump *dump, size_t *count)
{
	struct edge *edges = NULL;
	size_t capacity = 0;

	*count = 0;
	for (uint32_t i = 0; i < dump->modules.count; i++) {
		const struct dump_module *module = dump_module_at(dump, i);

		if (!module || module->start >= module->end)
			continue;
		edges = memory_grow(edges, *count, &capacity, sizeof *edges);
		edges[(*count)++] = (struct edge){module->start, i, false};
		edges = memory_grow(edges, *count, &capacity, sizeof *edges);
		edges[(*count)++] = (struct edge){module->end, i, true};
	}
	if (edges)
		qsort(edges, *count, sizeof *edges, compare_edges);
	return edges;
}

void module_map_open(struct module_map *map, const struct dump *dump)
{
	/* How many modules have the current address, and the sum of their numbers: the number of a single module. */
	uint32_t modules = 0, sum = 0;
	size_t count;
	struct edge *edges = edges_of(dump, &count);

	*map = (struct module_map){.stretches = memory_new(count, sizeof *map->stretches)};
	for (size_t i = 0; i < count; i++) {
		modules += edges[i].ends ? UINT32_MAX : 1;
		sum += edges[i].ends ? -edges[i].module : edges[i].module;
		if (i + 1 == count || edges[i + 1].address != edges[i].address)
			map->stretches[map->count++] = (struct module_stretch){edges[i].address, modules, sum};
	}
	free(edges);
}

void module_map_close(struct module_map *map)
{
	free(map->stretches);
	*map = (struct module_map){0};
}

struct stack_frame module_map_frame(const struct module_map *map, struct addition *add, uint64_t address)
{
	struct stack_frame frame = {.offset = address, .module = AGGREGATE_NONE};
	const struct module_stretch *stretch;
	size_t low = 0, high = map->count;

	while (low < high) { /* finds the last stretch that begins before the address */
		size_t middle = (low + high) / 2;

		if (map->stretches[middle].start < address)
			low = middle + 1;
		else
			high = middle;
	}
	stretch = low ? &map->stretches[low - 1] : NULL;
	if (stretch && stretch->modules == 1) {
		frame.offset = address - dump_module_at(&add->dump, stretch->module)->bias;
		frame.module = addition_module(add, stretch->module);
	}
	if (add->aggregate->options.merge)
		addition_settle(&frame.offset, &frame.module);
	return frame;
}
