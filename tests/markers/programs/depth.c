/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * depth.c - measures what a call costs inside of one scope and inside of 10,000, in ns, as medians of many batches.
 * It must never judge the times. It prints
 *     KIND ONE MANY
 * for small calls in scopes without budgets, small calls in scopes with budgets, and calls too expensive for a lease.
 */
#include <flopshim.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "work.h"

enum { DEPTH = 10000, BATCHES = 101, CALLS = 200 };

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1e9 + time.tv_nsec;
}

static int compare(const void *a, const void *b)
{
	return (*(double *)a > *(double *)b) - (*(double *)a < *(double *)b);
}

static void small(void)
{
	static double x[4] = {1, 1, 1, 1};

	cblas_ddot(4, x, 1, x, 1);
}

/* Costs more than any lease, so that the shim checks every limit on the way up. */
static void expensive(void) { flopshim_charge("expensive", 1 << 25, NULL, 0, NULL); }

static double cost_of(void (*call)(void))
{
	double batches[BATCHES];

	for (int i = 0; i < BATCHES; i++) {
		double start = now();

		for (int j = 0; j < CALLS; j++)
			call();
		batches[i] = (now() - start) / CALLS;
	}
	qsort(batches, BATCHES, sizeof(double), compare);
	return batches[BATCHES / 2];
}

static double at_depth(int depth, double budget, void (*call)(void))
{
	int64_t first = 0;
	double cost;

	for (int i = 0; i < depth; i++) {
		int64_t scope = budget ? flopshim_begin_budget("", budget) : flopshim_begin("");

		if (scope <= 0)
			exit(1);
		if (!i)
			first = scope;
	}
	cost = cost_of(call);
	if (flopshim_end(first) != depth)
		exit(1);
	return cost;
}

int main(void)
{
	printf("small %.1f %.1f\n", at_depth(1, 0, small), at_depth(DEPTH, 0, small));
	printf("small-limited %.1f %.1f\n", at_depth(1, 1e15, small), at_depth(DEPTH, 1e15, small));
	printf("expensive-limited %.1f %.1f\n", at_depth(1, 1e15, expensive), at_depth(DEPTH, 1e15, expensive));
	return 0;
}
