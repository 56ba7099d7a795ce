/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * pairs.h - the rows of a lock beside those of a run.
 * It must never leave out a row that only one of them has.
 */
#ifndef ANALYZER_LOCK_PAIRS_H
#define ANALYZER_LOCK_PAIRS_H

#include "analyzer/lock/lock.h"

/* A row that the lock has, the run, or both. */
struct pair {
	struct lock_row row; /* its names */
	struct work before, now;
	bool over, under;  /* more than the lock allows; less than it has */
	unsigned exceeded; /* bits of enum lock_metric: which of both is over; 0 where no tolerance matches the row */
};

struct pairs {
	struct pair *pairs; /* in the order of lock_compare */
	size_t count, capacity;
};

static inline bool work_is_equal(struct work a, struct work b) { return a.calls == b.calls && a.flops == b.flops; }
static inline bool pair_differs(const struct pair *pair) { return !work_is_equal(pair->before, pair->now); }
static inline bool work_is_more(struct work a, struct work b) { return a.flops > b.flops || a.calls > b.calls; }

/* The differences of two counts, without their signs. */
static inline struct work work_between(struct work a, struct work b)
{
	return (struct work){a.calls > b.calls ? a.calls - b.calls : b.calls - a.calls,
	                     a.flops > b.flops ? a.flops - b.flops : b.flops - a.flops};
}

/* Whether the first is the larger one, by FLOPs and then by calls. */
static inline bool work_is_larger(struct work a, struct work b)
{
	return a.flops != b.flops ? a.flops > b.flops : a.calls > b.calls;
}

/* Whether there is more now than before, by FLOPs and, where these are equal, by calls. */
static inline bool pair_has_grown(const struct pair *pair) { return work_is_larger(pair->now, pair->before); }

/* Pairs rows that are settled. The tolerances are those of `lock`. */
void pairs_of_rows(struct pairs *pairs, const struct lock *lock, const struct lock_rows *old,
                   const struct lock_rows *new);

/* Pairs the rows of shapes. Where one side does not tell the shapes of a routine apart, neither does the comparison. */
void pairs_of_shapes(struct pairs *pairs, const struct lock *lock, const struct lock *run);

bool row_is_folded(const struct lock_row *row); /* it stands for all shapes of a routine */

#endif
