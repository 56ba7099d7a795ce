/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * copies.h - tells which files are copies of one dump, and which of the copies is to be counted.
 * It must never take the dumps of two programs for one, nor prefer a damaged copy to a sound one.
 */
#ifndef ANALYZER_COPIES_H
#define ANALYZER_COPIES_H

#include "analyzer/read/read.h"

/* Dumps with equal keys are copies of one dump. Keys are compared by their bytes. Members are those of the header. */
struct copy_key {
	uint64_t id[2]; /* both 0 if the header has no id; otherwise all other members are 0 */
	uint64_t start_ticks, start_realtime_ns, start_monotonic_ns, pid;
	char host[sizeof((struct dump_header *)0)->host];
};

/* Sets *key to the key of a dump. Returns false if the header has nothing by which the dump could be told from others. */
bool copy_key_of(struct copy_key *key, const struct dump_header *header);

/*
 * Sets `id` to the number by which the dump with this key is known in a merged dump: its id, or one that is made from what
 * tells it from others.
 */
void copy_identity(const struct copy_key *key, uint64_t id[2]);

/* By what copies are compared. */
struct copy_worth {
	bool sound, closed;   /* it is not damaged; its state is DUMP_CLOSED */
	uint64_t calls, size; /* calls in all its rows; the header's size, in bytes */
};

/*
 * The processes of a merged dump, each as the header that its own dump had, as far as the merged dump tells it; and what its
 * record is worth as a copy of that dump, with a size of 0.
 */
struct members {
	struct dump_header *headers;
	struct copy_worth *worths;
	size_t count, capacity, worth_capacity;
};

/* Reads the processes of a merged dump; none if it cannot be read. The caller frees them by members_free. */
void members_read(struct members *members, const struct dump_source *source);
void members_free(struct members *members);

/* Reads a dump for its worth, which is all zeros if the dump cannot be read. */
void copy_worth_find(struct copy_worth *worth, const struct dump_source *source);

/*
 * Whether `other` is the copy to count, rather than the one with `worth`. A sound copy is better than a damaged one. A
 * dump only grows, so that a closed copy, or one with more calls, was made later and is better.
 */
bool copy_is_better(const struct copy_worth *other, const struct copy_worth *worth);

/* Whether `other`, the worse copy, shows that the process has done more than the one with `worth` says. */
bool copy_knows_more(const struct copy_worth *other, const struct copy_worth *worth);

#endif
