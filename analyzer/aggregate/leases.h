/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * leases.h - what threads of a process had reserved on its limits and not spent: no work that was done.
 * A process gives its leases back when it ends; one that was killed, or still runs, has them.
 * It must never take away more than a limit has used.
 */
#ifndef ANALYZER_LEASES_H
#define ANALYZER_LEASES_H

#include <stddef.h>
#include <stdint.h>

#include "analyzer/read/read.h"

struct leases {
	uint64_t *unspent; /* by the limit's number; NULL where no thread has a lease */
	size_t count;
};

/* To be freed by leases_free. */
void leases_read(struct leases *leases, struct dump *dump);
void leases_free(struct leases *leases);

/* Unspent FLOPs of the leases on a limit. */
uint64_t leases_on(const struct leases *leases, uint32_t limit);

#endif
