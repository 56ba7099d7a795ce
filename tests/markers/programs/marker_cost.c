/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * marker_cost.c - measures what markers cost without the shim. It must never run under the shim, and fails if it does.
 *
 *     marker_cost           prints the time of a pair of begin and end in ns, from the fastest of many batches
 *     marker_cost PAIRS     makes PAIRS pairs, for an instruction counter
 */
#include <flopshim.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { BATCHES = 200, PAIRS = 20000 };

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1e9 + time.tv_nsec;
}

static int64_t pairs(long count)
{
	int64_t errors = 0;

	for (long i = 0; i < count; i++) {
		int64_t scope = flopshim_begin_budget("forward", 1e9);

		errors += flopshim_end(scope);
	}
	return errors;
}

int main(int argc, char **argv)
{
	double least = 1e9;

	if (flopshim_begin("x") != FLOPSHIM_ABSENT)
		return 1;
	if (argc > 1)
		return pairs(atol(argv[1])) > 0;
	for (int i = 0; i < BATCHES; i++) {
		double start = now(), taken;

		if (pairs(PAIRS) != -PAIRS)
			return 1;
		taken = (now() - start) / PAIRS;
		least = taken < least ? taken : least;
	}
	printf("%.3f\n", least);
	return 0;
}
