/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * copies.h - which files are copies of one dump, and which of them says most.
 * It must never take the dumps of two programs for one, nor a damaged copy in place of a sound one.
 */
#ifndef ANALYZER_COPIES_H
#define ANALYZER_COPIES_H

#include "analyzer/read/read.h"

/* Dumps with equal keys are copies of one. Keys are compared by their bytes. */
struct copy_key {
	uint64_t id[2];
	uint64_t start_ticks, start_realtime_ns, start_monotonic_ns, pid; /* where there is no id */
	char host[sizeof((struct dump_header *)0)->host];
};

/* False where nothing tells the dump from others. */
bool copy_key_of(struct copy_key *key, const struct dump_header *header);

/* What a copy is worth. */
struct copy_worth {
	bool sound, closed;
	uint64_t calls, size; /* in its rows; of its blocks */
};

void copy_worth_find(struct copy_worth *worth, const struct dump_source *source);

/* Whether `other` is the better copy. Copies of one dump only ever grow, so that the one with more calls is the later one. */
bool copy_is_better(const struct copy_worth *other, const struct copy_worth *worth);

/* Whether `other`, the worse one, shows that the process did more than is in `worth`. */
bool copy_knows_more(const struct copy_worth *other, const struct copy_worth *worth);

#endif
