/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * products.c - three products of matrices of 60 x 50 and 50 x 40, and a solution of 30 equations: prints all digits.
 * It must never include a header of BLAS, which a system without development packages lacks.
 */
#include <math.h>
#include <stdio.h>

extern void dgemm_(const char *transa, const char *transb, const int *m, const int *n, const int *k, const double *alpha,
                   const double *a, const int *lda, const double *b, const int *ldb, const double *beta, double *c,
                   const int *ldc);
extern void dgesv_(const int *n, const int *nrhs, double *a, const int *lda, int *pivots, double *b, const int *ldb,
                   int *info);

static double a[3000], b[2000], c[2400], square[900], x[30];

static void print(const double *values, int count)
{
	for (int i = 0; i < count; i++)
		printf("%a\n", values[i]);
}

int main(void)
{
	const int m = 60, n = 40, k = 50, order = 30, one = 1;
	const double zero = 0;
	int pivots[30], info;

	for (int i = 0; i < 3000; i++)
		a[i] = sin(i);
	for (int i = 0; i < 2000; i++)
		b[i] = sin(i);
	for (int i = 1; i <= 3; i++) {
		double alpha = i;

		dgemm_("N", "N", &m, &n, &k, &alpha, a, &m, b, &k, &zero, c, &m);
		print(c, m * n);
	}
	for (int i = 0; i < 900; i++)
		square[i] = a[i] + 30 * (i % 31 == 0);
	for (int i = 0; i < 30; i++)
		x[i] = 1;
	dgesv_(&order, &one, square, &order, pivots, x, &order, &info);
	print(x, order);
	return info;
}
