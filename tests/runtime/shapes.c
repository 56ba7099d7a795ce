/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * shapes.c SHAPES CALLS - goes round through that many shapes of dgemm, up to a million (m, n and k of 1 to 100), in so
 * many calls in all. Prints the FLOPs, counted as it goes, and the kilobytes that are resident at the end.
 * For null_blas.c: there are no matrices.
 */
#include <stdio.h>
#include <stdlib.h>

#include "blas.h"

static long resident(void)
{
	FILE *file = fopen("/proc/self/status", "r");
	char line[256];
	long kilobytes = 0;

	while (fgets(line, sizeof(line), file))
		sscanf(line, "VmRSS: %ld", &kilobytes);
	fclose(file);
	return kilobytes;
}

int main(int argc, char **argv)
{
	long shapes = argc > 2 ? atol(argv[1]) : 1, calls = argc > 2 ? atol(argv[2]) : 1, flops = 0;
	double one = 1;

	for (long i = 0; i < calls; i++) {
		long shape = i % shapes;
		int m = 1 + (int)(shape % 100), n = 1 + (int)(shape / 100 % 100), k = 1 + (int)(shape / 10000 % 100);

		dgemm_("N", "T", &m, &n, &k, &one, NULL, &m, NULL, &n, &one, NULL, &m, 1, 1);
		flops += 2L * m * n * k;
	}
	printf("%ld %ld\n", flops, resident());
	return 0;
}
