/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * estimate.h - estimates the FLOPs of each sampled stack.
 * It must never say that the stacks of a call site did more work than its calls, or less.
 *
 * A sample stands for calls of its site whose stacks were not taken. So the FLOPs that samples stand for are right on
 * average, but not in each case: a program whose only sample stands for 65,536 FLOPs may have done fewer. The FLOPs of a
 * site in a namespace are known exactly, however, so its samples are only used to divide these among its stacks. Stacks are
 * taken before their calls run, so that calls in flight may be among them.
 */
#ifndef ANALYZER_ESTIMATE_H
#define ANALYZER_ESTIMATE_H

#include "analyzer/aggregate/aggregate.h"

struct estimate {
	u128 flops; /* before weights */
	/* every call of the site in this namespace had its stack taken, and the charge of each tells its FLOPs */
	bool exact;
};

/* Returns an array with an estimate for each sample of the aggregate, by its number; the caller frees it by free(). */
struct estimate *estimates_new(const struct aggregate *aggregate);

#endif
