/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * module_map.h - finds the module of a dump that an address is in.
 * It must never search all modules for an address: a damaged dump may have very many of both.
 */
#ifndef ANALYZER_MODULE_MAP_H
#define ANALYZER_MODULE_MAP_H

#include "analyzer/aggregate/addition.h"

/*
 * A range of addresses with the same modules: those above `start`, up to and including the `start` of the next range. A
 * return address may be the first one behind its module, if a call is the last instruction there.
 */
struct module_stretch {
	uint64_t start;
	uint32_t modules; /* number of modules that have these addresses */
	uint32_t module;  /* number of the module in the dump, if it is a single one */
};

struct module_map {
	struct module_stretch *stretches; /* in the order of their addresses */
	size_t count;
};

/* Makes the map of all modules of a dump. The caller frees it by module_map_close. */
void module_map_open(struct module_map *map, const struct dump *dump);
void module_map_close(struct module_map *map);

/*
 * Returns the frame of a return address. Its module is AGGREGATE_NONE where the dump has no module, or several, one of
 * which may have been unloaded before another was loaded there.
 */
struct stack_frame module_map_frame(const struct module_map *map, struct addition *add, uint64_t address);

#endif
