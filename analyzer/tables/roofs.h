/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * roofs.h - what a machine can do at most: FLOPs per second, and bytes per second from each of its memories.
 * It must never hold a guess: what was neither measured nor given is 0.
 */
#ifndef ANALYZER_ROOFS_H
#define ANALYZER_ROOFS_H

#include <stdbool.h>
#include <stdint.h>

enum roof_precision { ROOF_DOUBLE, ROOF_SINGLE, ROOF_PRECISIONS };

enum roof_level { ROOF_FIRST, ROOF_SECOND, ROOF_LAST, ROOF_MEMORY, ROOF_LEVELS };

/* Of one thread, and of as many as a program would use. */
enum roof_threads { ROOF_ONE, ROOF_ALL, ROOF_THREADS };

enum { ROOF_TEXT = 256, ROOF_PATH = 1024 };

/* Roofs; 0 or "" is not known. */
struct roofs {
	double gflops[ROOF_PRECISIONS][ROOF_THREADS]; /* GFLOP/s of products of matrices */
	double gbytes[ROOF_LEVELS][ROOF_THREADS];     /* GB/s */
	uint64_t bytes[ROOF_LEVELS];                  /* size of a cache; of memory, of the set that was measured */
	unsigned threads;                             /* how many ROOF_ALL are */
	uint64_t measured;                            /* when, in seconds since 1970 */
	char host[ROOF_TEXT], processor[ROOF_TEXT], library[ROOF_TEXT];
	char origin[ROOF_PATH]; /* the file that they were read from */
	enum roof_threads used; /* the roofs that a program is held against */
};

extern const char *const roof_precisions[ROOF_PRECISIONS]; /* "double", "single" */
extern const char *const roof_levels[ROOF_LEVELS];         /* "first", "second", "last", "memory" */
extern const char *const roof_titles[ROOF_LEVELS];         /* "first cache", ..., "memory" */

/* Whether any roof is known. `roofs` may be NULL. */
bool roofs_are_known(const struct roofs *roofs);

/* The compute roof for routines of a type, 's' 'd' 'c' or 'z'; 0 if not known. `roofs` may be NULL. */
double roofs_peak(const struct roofs *roofs, uint8_t type);

#endif
