/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * statistics.c - medians and quartiles, which a few disturbed rounds do not change.
 * It must never use a mean, which one such round changes.
 */
#include <stdlib.h>
#include <time.h>

#include "bench.h"

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

struct summary summarize(double *values, unsigned count)
{
	qsort(values, count, sizeof(*values), compare);
	return (struct summary){
		.median = count % 2 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2,
		.lowest = values[0],
		.spread = (values[count * 3 / 4] - values[count / 4]) / 2,
	};
}

double now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1e9 + now.tv_nsec;
}
