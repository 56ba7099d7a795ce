/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * symbolize.h - function, file and line of an address in a module, from the module's file and its debug
 * information, wherever that is. It must never answer from a file that is not the one that ran.
 */
#ifndef ANALYZER_SYMBOLIZE_H
#define ANALYZER_SYMBOLIZE_H

#include <stdbool.h>
#include <stdint.h>

#include "analyzer/aggregate/aggregate.h"
#include "analyzer/base/text.h"

struct place {
	const char *function; /* NULL if not known; demangled. All texts live as long as the symbolizer */
	uint64_t into;        /* bytes from the function's start; only without a line */
	const char *file;     /* NULL if not known */
	int line;
	const char *module;   /* path; NULL for code outside any module */
	uint64_t offset;      /* in the module, or the address */
	const char *problem;  /* why nothing better is known; NULL if there is a line, or no debug information */
};

struct symbolizer;

struct symbolizer *symbolizer_new(const struct aggregate *aggregate);
void symbolizer_free(struct symbolizer *symbolizer);

/* Where a site's call is: the instruction before its return address. */
void symbolize_site(struct symbolizer *symbolizer, uint32_t number, struct place *place);

/* The same for a return address by its module, AGGREGATE_NONE if there is none, and its offset there. */
void symbolize_return(struct symbolizer *symbolizer, uint32_t module, uint64_t offset, struct place *place);

/* "solve (lib/solve.c:12)", "solve+0x12 in libfoo.so", "libfoo.so+0x1234 (rebuilt since)". */
void place_add(struct text *text, const struct place *place);

#endif
