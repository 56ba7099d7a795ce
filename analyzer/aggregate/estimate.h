/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * estimate.h - the FLOPs that each sampled stack stands for, held to what is known exactly.
 * It must never say that the stacks of a call site did more than its calls, or less.
 *
 * A sample stands for calls of its site whose stacks were not taken, so what samples say is right in the mean and wrong in each
 * case: a program whose only stack stands for 65,536 FLOPs may have done fewer. How many FLOPs a site has done in a namespace is
 * known, though. So its samples only say how those are divided among its stacks. Stacks are taken before their calls run:
 * what is in flight may be in them, too.
 */
#ifndef ANALYZER_ESTIMATE_H
#define ANALYZER_ESTIMATE_H

#include "analyzer/aggregate/aggregate.h"

struct estimate {
	u128 flops;
	bool exact; /* every call of the site in this namespace had its stack taken */
};

/* By the number of the sample; to be freed. */
struct estimate *estimates_new(const struct aggregate *aggregate);

#endif
