/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * runs.h - which dumps are of one run: what one start of the launcher, one parallel launch, or one process with its children left.
 * It must never take dumps together for their names or their times alone.
 */
#ifndef ANALYZER_RUNS_H
#define ANALYZER_RUNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "flopshim_dump.h"

struct runs {
	uint32_t *run; /* of each header: a number below `count`, in the order of their first headers */
	size_t count;
	uint64_t *begin_ns; /* of each run: when the first of its dumps was begun, since 1970; 0 if no dump says it */
};

/* Texts of the headers must be terminated, and what their check words contradict must be 0, or -1 in place of a rank. */
void runs_find(struct runs *runs, const struct dump_header *headers, size_t count);
void runs_free(struct runs *runs);

/* Whether the one run is known to have begun after the other. */
bool runs_is_later(const struct runs *runs, uint32_t run, uint32_t other);

/* The run that began last; of none, 0. */
uint32_t runs_last(const struct runs *runs);

#endif
