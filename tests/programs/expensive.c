/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * expensive.c ORDER TURNS - calls dgemm of ORDER by ORDER TURNS times from two places: three times from one place for
 * each time from the other. Prints the nanoseconds that the loop took, as wall-clock time and as CPU time.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "blas.h"

static double *a, *b, *c;

static void __attribute__((noinline)) often(int n)
{
	const double one = 1, zero = 0;

	F77(dgemm)("N", "N", &n, &n, &n, &one, a, &n, b, &n, &zero, c, &n, 1, 1);
}

static void __attribute__((noinline)) seldom(int n)
{
	const double one = 1, zero = 0;

	F77(dgemm)("N", "N", &n, &n, &n, &one, b, &n, a, &n, &zero, c, &n, 1, 1);
}

static long long clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return now.tv_sec * 1000000000LL + now.tv_nsec;
}

int main(int argc, char **argv)
{
	int n = argc > 2 ? atoi(argv[1]) : 1, turns = argc > 2 ? atoi(argv[2]) : 1;
	size_t size = (size_t)n * (size_t)n * sizeof(double);
	long long wall, processor;

	a = calloc(1, size);
	b = calloc(1, size);
	c = calloc(1, size);
	if (!a || !b || !c)
		return 1;
	wall = clock_ns(CLOCK_MONOTONIC);
	processor = clock_ns(CLOCK_THREAD_CPUTIME_ID);
	for (int i = 0; i < turns; i++) {
		if (i % 4)
			often(n);
		else
			seldom(n);
	}
	processor = clock_ns(CLOCK_THREAD_CPUTIME_ID) - processor;
	printf("%lld %lld\n", clock_ns(CLOCK_MONOTONIC) - wall, processor);
	return 0;
}
