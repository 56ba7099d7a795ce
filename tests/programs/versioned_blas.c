/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * versioned_blas.c - a library with two versions of ddot_: V2, the default, and V1, which returns the negative. With
 * -DOLD it has only V1, as the default; programs that are linked to it stand for old ones.
 */
#ifdef OLD
#define DEFAULT "ddot_@@V1"
#else
#define DEFAULT "ddot_@@V2"
#endif

double dot(const int *n, const double *x, const int *incx, const double *y, const int *incy);
double dot_old(const int *n, const double *x, const int *incx, const double *y, const int *incy);
void dscal_(void);
void daxpy_(void);

__attribute__((symver(DEFAULT))) double dot(const int *n, const double *x, const int *incx, const double *y,
                                            const int *incy)
{
	double sum = 0;

	for (int i = 0; i < *n; i++)
		sum += x[i * *incx] * y[i * *incy];
	return sum;
}

#ifndef OLD
__attribute__((symver("ddot_@V1"))) double dot_old(const int *n, const double *x, const int *incx, const double *y,
                                                   const int *incy)
{
	return -dot(n, x, incx, y, incy);
}
#endif

void dscal_(void) {}
void daxpy_(void) {}
