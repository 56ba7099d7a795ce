/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * runs.h - finds out which dumps are of one run: of one start of the launcher, of one parallel launch, or of one process and
 * its children.
 * It must never take dumps for those of one run because of their names or times alone.
 */
#ifndef ANALYZER_RUNS_H
#define ANALYZER_RUNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "flopshim_dump.h"

struct runs {
	uint32_t
		*run; /* for each header the number of its run; runs are numbered in the order of their first headers */
	size_t count; /* of the runs */
	uint64_t *begin_ns; /* for each run when its first dump was begun, since 1970; 0 if no dump says so */
};

/*
 * Sets *runs to the runs of `count` headers; the caller frees it by runs_free. Texts of the headers must be terminated,
 * and members that a check word contradicts must be 0 (ranks -1): see header_check_process.
 */
void runs_find(struct runs *runs, const struct dump_header *headers, size_t count);
void runs_free(struct runs *runs);

/* Whether `run` is known to have begun after `other`. */
bool runs_is_later(const struct runs *runs, uint32_t run, uint32_t other);

/* Returns the number of the run that began last, of equal ones the last; 0 if there is no run. */
uint32_t runs_last(const struct runs *runs);

#endif
