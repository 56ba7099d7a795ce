/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * serving.c - a BLAS of four routines that counts which of its own routines ran. ddot_ calls dasum_ and dscal_ through
 * the global offset table, like any library that is linked without -Bsymbolic. `serving_calls` is how often these two
 * were called in this library. With -DSHIFTED they have other addresses within it.
 */
#ifdef SHIFTED
void not_called(void);
__attribute__((used)) void not_called(void) { __asm__ volatile(".skip 256, 0xcc"); }
#endif
double ddot_(const int *n, const double *x, const int *incx, const double *y, const int *incy);
double dasum_(const int *n, const double *x, const int *incx);
void dscal_(const int *n, const double *a, double *x, const int *incx);
void dswap_(const int *n, double *x, const int *incx, double *y, const int *incy);

long serving_calls[2];

double dasum_(const int *n, const double *x, const int *incx)
{
	double sum = 0;

	serving_calls[0]++;
	for (int i = 0; i < *n; i++)
		sum += x[i * *incx] < 0 ? -x[i * *incx] : x[i * *incx];
	return sum;
}

void dscal_(const int *n, const double *a, double *x, const int *incx)
{
	serving_calls[1]++;
	for (int i = 0; i < *n; i++)
		x[i * *incx] *= *a;
}

/* Returns no dot product, but a number that depends on the results of both nested calls. */
double ddot_(const int *n, const double *x, const int *incx, const double *y, const int *incy)
{
	double half = 0.5, sum = dasum_(n, x, incx) + dasum_(n, y, incy);
	int one = 1;

	dscal_(&one, &half, &sum, &one);
	return sum;
}

/* A fourth routine, so that the library has enough names to look like a BLAS. */
void dswap_(const int *n, double *x, const int *incx, double *y, const int *incy)
{
	for (int i = 0; i < *n; i++) {
		double other = y[i * *incy];

		y[i * *incy] = x[i * *incx];
		x[i * *incx] = other;
	}
}
