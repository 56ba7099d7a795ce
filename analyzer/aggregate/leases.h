/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * leases.h - sums up the leases of a process on its limits: FLOPs that threads have reserved and not spent.
 * It must never count a lease as work that was done.
 *
 * dump_limit.used includes all leases. A process gives them back when it ends, but one that was killed, or still runs,
 * has them.
 */
#ifndef ANALYZER_LEASES_H
#define ANALYZER_LEASES_H

#include <stddef.h>
#include <stdint.h>

#include "analyzer/read/read.h"

struct leases {
	uint64_t *unspent; /* by the number of the limit, in charged FLOPs; NULL if no thread has a lease */
	size_t count;
};

/* Reads the leases from the lanes of a dump; the caller frees them by leases_free. */
void leases_read(struct leases *leases, struct dump *dump);
void leases_free(struct leases *leases);

/* Returns the unspent FLOPs of all leases on the limit with this number. */
uint64_t leases_on(const struct leases *leases, uint32_t limit);

#endif
