/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * callee.c - a BLAS that computes next to nothing, so that a call's time is the time that it takes to get there.
 * It must define enough names for the shim to recognize a BLAS, and must never ignore dimensions that a real one reads.
 */
#include <stdint.h>

double ddot_(const int *n, const double *x, const int *incx, const double *y, const int *incy);

double ddot_(const int *n, const double *x, const int *incx, const double *y, const int *incy)
{
	return *n + *incx + *incy > 0 ? x[0] * y[0] : 0;
}

double cblas_ddot(int n, const double *x, int incx, const double *y, int incy)
{
	return n + incx + incy > 0 ? x[0] * y[0] : 0;
}

void dgemm_(const char *transa, const char *transb, const int *m, const int *n, const int *k, const double *alpha,
            const double *a, const int *lda, const double *b, const int *ldb, const double *beta, double *c,
            const int *ldc)
{
	if (*m + *n + *k + *lda + *ldb + *ldc > 0 && *transa == *transb)
		c[0] = *alpha * a[0] * b[0] + *beta;
}

void dgesv_(const int *n, const int *nrhs, double *a, const int *lda, int *pivots, double *b, const int *ldb, int *info)
{
	pivots[0] = *n + *nrhs + *lda + *ldb;
	b[0] = a[0];
	*info = 0;
}

/* Calls ddot_ n times through the dynamic linker, as the reference LAPACK calls its BLAS. */
void dpotrf_(const char *uplo, const int *n, double *a, const int *lda, int *info)
{
	static const int four = 4, one = 1;
	double sum = 0;

	for (int i = 0; i < *n; i++)
		sum += ddot_(&four, a, &one, a, &one);
	a[0] = sum > 0 && *uplo == 'L' && *lda ? a[0] : sum;
	*info = 0;
}

/* The shim calls this to find out how wide the library's integers are. */
int isamax_(const int *n, const float *x, const int *incx) { return *n == 3 && *incx == 1 && x[1] > x[0] ? 2 : 0; }
