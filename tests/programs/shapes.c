/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * shapes.c SHAPES CALLS [FACTORIZATIONS] - calls dgemm CALLS times with SHAPES shapes in turn, up to a million (m, n
 * and k from 1 to 100); then calls dpotrf FACTORIZATIONS times with a new order each time, and as often with a leading
 * dimension that it rejects. Prints the FLOPs, which it counts itself, and the resident kilobytes at the end. It must
 * only be linked to null_blas.c, since there are no matrices.
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
