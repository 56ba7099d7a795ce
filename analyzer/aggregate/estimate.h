/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * estimate.h - divides all work among the sampled stacks that it came from, and the call sites of which there is no sample.
 * It must never say that the stacks of a call site did more work than its calls, or less.
 *
 * A sample stands for calls of its site whose stacks were not taken. So the FLOPs that samples stand for are right on
 * average, but not in each case: a program whose only sample stands for 65,536 FLOPs may have done fewer. The FLOPs of a
 * site in a namespace are known exactly, however, so its samples are only used to divide these among its stacks. Stacks are
 * taken before their calls run, so that calls in flight may be among them.
 */
#ifndef ANALYZER_ESTIMATE_H
#define ANALYZER_ESTIMATE_H

#include "analyzer/aggregate/times.h"

/* Work that is done, and that is in flight. The parts that samples divide are whole numbers, whose sum is that of their site. */
struct estimate {
	u128 flops, charged; /* before and after weights */
	uint64_t calls;      /* those that came back with INFO < 0 among them */
	uint64_t time_ns;    /* of completed calls, itself an estimate unless all were timed: see struct group */
	/* every call of the site in this namespace had its stack taken, and the charge of each tells its FLOPs */
	bool exact;
};

/* The work of a site in a namespace that has no sample. */
struct unsampled {
	struct place_key key;
	bool manual; /* the program has charged it itself: it has no caller */
	struct estimate work;
};

struct estimates {
	struct estimate *of_samples; /* by the number of the sample */
	struct unsampled *unsampled;
	size_t unsampled_count;
};

/* Sets *estimates, to be freed by estimates_free. `times` is what times_new has returned for the aggregate, and may be NULL. */
void estimates_find(const struct aggregate *aggregate, const struct times *times, struct estimates *estimates);
void estimates_free(struct estimates *estimates);

/* Adds the numbers of `more` to `sum`. */
void estimate_add(struct estimate *sum, const struct estimate *more);

#endif
