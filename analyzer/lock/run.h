/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * run.h - makes a lock of what dumps say, and remembers the lines that calls came from, for findings.
 * It must never put a function into the lock that samples only make likely.
 */
#ifndef ANALYZER_LOCK_RUN_H
#define ANALYZER_LOCK_RUN_H

#include "analyzer/lock/lock.h"
#include "analyzer/tables/places.h"

/* The work of one line. */
struct run_line {
	const char *place, *space, *routine; /* as in the lock */
	struct call_place at;
	struct work work;
	bool exact; /* it is no estimate from samples */
};

/* A run: the dumps as a lock. run_close frees it; the aggregate and the paths must outlive it. */
struct run {
	struct lock lock;       /* its shapes are all told apart, but those that the shim has rounded */
	struct run_line *lines; /* by place, namespace and routine */
	size_t line_count, line_capacity;
	bool rounded; /* shapes are rounded, see DUMP_ROW_COARSE */
	bool sampled; /* the function of some work is only known by samples, or not at all */
	struct symbolizer *symbolizer;
	struct places places;
};

/* Why a run whose `sampled` is true cannot be compared by call site, and what to do. */
const char *run_why_sampled(const struct run *run);

/* Makes a run of the dumps, without the work that `skipping` leaves out. */
void run_open(struct run *run, const struct aggregate *aggregate, struct paths *paths, enum lock_by by,
              const struct lock *skipping);
void run_close(struct run *run);

/* Adds what ran, and on what: a program may choose its algorithm by that. */
void run_say(struct text *text, const struct aggregate *aggregate);

/*
 * Sets `lock` to the lock that --update writes of the run: a routine of many shapes is one row. Its texts are those of the run.
 */
void run_lock(const struct run *run, struct lock *lock);

#endif
