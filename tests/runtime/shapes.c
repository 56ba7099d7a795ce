/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * shapes.c SHAPES CALLS [FACTORIZATIONS] - goes round through that many shapes of dgemm, up to a million (m, n and k of 1
 * to 100), in so many calls in all; then calls dpotrf of ever new orders so many times, and in between as often with a
 * leading dimension that it rejects. Prints the FLOPs, counted as it goes, and the kilobytes that are resident at the end.
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
	for (int n = 1; n <= (argc > 3 ? atoi(argv[3]) : 0); n++)
		for (int lda = n; lda >= 0; lda -= n) {
			int info;

			dpotrf_("L", &n, NULL, &lda, &info, 1);
			flops += info ? 0 : (2L * n * n * n + 3L * n * n + n) / 6;
		}
	printf("%ld %ld\n", flops, resident());
	return 0;
}
