/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * module_map.h - which of a dump's modules an address is in. For the files that add dumps up.
 * It must never take time with the number of modules for each address.
 */
#ifndef ANALYZER_MODULE_MAP_H
#define ANALYZER_MODULE_MAP_H

#include "analyzer/aggregate/addition.h"

/* Addresses behind `start`, up to and with the next one's `start`, have so many modules; `module` where it is one. */
struct module_stretch {
	uint64_t start;
	uint32_t modules, module;
};

struct module_map {
	struct module_stretch *stretches; /* by address */
	size_t count;
};

void module_map_open(struct module_map *map, const struct dump *dump);
void module_map_close(struct module_map *map);

/* The frame of a return address. Where modules took turns at an address, it cannot be told whose it is. */
struct stack_frame module_map_frame(const struct module_map *map, struct addition *add, uint64_t address);

#endif
