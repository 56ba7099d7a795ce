/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * symbolize.h - finds function, file and line of an address in a module, from the module's file and its debug information.
 * It must never answer from a file that is not the one that ran.
 */
#ifndef ANALYZER_SYMBOLIZE_H
#define ANALYZER_SYMBOLIZE_H

#include <stdbool.h>
#include <stdint.h>

#include "analyzer/aggregate/aggregate.h"
#include "analyzer/base/text.h"

/* Where a call is made. All texts live as long as the symbolizer and its aggregate. */
struct place {
	const char *function; /* demangled; NULL if not known */
	uint64_t into;       /* bytes from the start of the function's symbol to the call's last byte; 0 if not known */
	const char *file;    /* of the source; NULL if not known */
	int line;            /* valid only with `file` */
	const char *module;  /* its path; NULL for code outside of all modules */
	uint64_t offset;     /* of the return address in the module; the address where there is no module */
	const char *problem; /* why nothing better is known; NULL if the module's file was read */
};

/* Problems of addresses that are in no module. */
#define PLACE_OUTSIDE "code outside any module"
#define PLACE_UNKNOWN "the caller is not known"

struct symbolizer;

/* Why this build finds neither functions nor lines; NULL if it does. */
const char *symbolize_missing(void);

/* The aggregate, which gets no more modules and sites, must outlive the symbolizer. To be freed by symbolizer_free, which takes NULL, too. */
struct symbolizer *symbolizer_new(const struct aggregate *aggregate);
void symbolizer_free(struct symbolizer *symbolizer);

const struct aggregate *symbolizer_aggregate(const struct symbolizer *symbolizer);

/* Where the symbolizer keeps the text of a site, which is empty at first. */
struct text *symbolizer_site(struct symbolizer *symbolizer, uint32_t number);

/*
 * Keeps where the files of the modules are, so that the aggregate can be redacted. Places have no files and lines of sources any
 * more. It must be called before any place is asked for.
 */
void symbolizer_redact(struct symbolizer *symbolizer);

/* Finds the place of a call site: that of the instruction before its return address. What is not known is NULL or 0. */
void symbolize_site(struct symbolizer *symbolizer, uint32_t number, struct place *place);

/*
 * Finds the place of the instruction before a return address, which is given by its module (AGGREGATE_NONE if there is none)
 * and its offset there. What is not known is NULL or 0.
 */
void symbolize_return(struct symbolizer *symbolizer, uint32_t module, uint64_t offset, struct place *place);

enum { SYMBOLIZE_MOST = 64 }; /* as many places as symbolize_inlined is ever worth asking for */

/*
 * Does the same, and where the instruction is part of an inlined function, finds the places that it was inlined to, from the
 * innermost outwards, each with the line of the call. Returns how many places there are, from 1 to `most`.
 */
unsigned symbolize_inlined(struct symbolizer *symbolizer, uint32_t module, uint64_t offset, struct place *places,
                           unsigned most);

/* Adds a place in one line: "solve (lib/solve.c:12)", "solve+0x12 in libfoo.so", "libfoo.so+0x1234 (PROBLEM)". */
void place_add(struct text *text, const struct place *place);

/* Returns the place of a call site in one line, which is looked up once, and lives as long as the symbolizer. */
const char *symbolize_site_text(struct symbolizer *symbolizer, uint32_t number);

#endif
