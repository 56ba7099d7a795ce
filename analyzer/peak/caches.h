/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * caches.h - the sizes of this machine's caches and memory.
 * It must never invent a size: what the system does not say is 0.
 */
#ifndef ANALYZER_CACHES_H
#define ANALYZER_CACHES_H

#include <stdint.h>

struct caches {
	uint64_t first, second, last; /* bytes, of data; `last` is 0 if there are only two */
	uint64_t memory;              /* bytes that can still be used */
	unsigned processors;          /* that this process may use */
};

void caches_read(struct caches *caches);

#endif
