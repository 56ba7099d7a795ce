/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * f2c_blas.c - a BLAS by f2c's conventions, with integers of type INTEGER: complex functions take the address of their
 * result before their arguments, and real functions return double. With -DLARGE it has enough names to look like a BLAS
 * beyond doubt.
 */
#include <complex.h>
#include <stdint.h>

#define VECTORS \
	const INTEGER *n, const double complex *x, const INTEGER *incx, const double complex *y, const INTEGER *incy
#define FLOATS const INTEGER *n, const float *x, const INTEGER *incx

/* Writes nothing for n = 0: as in some translations by f2c, the caller must have stored 0 before. */
#define DOT(name, x_of)                                           \
	void name(double complex *result, VECTORS)                \
	{                                                         \
		double complex sum = 0;                           \
                                                                  \
		for (INTEGER i = 0; i < *n; i++)                  \
			sum += x_of(x[i * *incx]) * y[i * *incy]; \
		if (*n > 0)                                       \
			*result = sum;                            \
	}
DOT(zdotu_, )
DOT(zdotc_, conj)

void zladiv_(double complex *result, const double complex *x, const double complex *y) { *result = *x / *y; }

void cdotu_(float complex *result, const INTEGER *n, const float complex *x, const INTEGER *incx,
            const float complex *y, const INTEGER *incy)
{
	float complex sum = 0;

	for (INTEGER i = 0; i < *n; i++)
		sum += x[i * *incx] * y[i * *incy];
	*result = sum;
}

double snrm2_(FLOATS)
{
	double sum = 0;

	for (INTEGER i = 0; i < *n; i++)
		sum += x[i * *incx] * x[i * *incx];
	return sum;
}

INTEGER isamax_(FLOATS)
{
	INTEGER largest = 0;

	for (INTEGER i = 1; i < *n; i++)
		if (x[i * *incx] * x[i * *incx] > x[largest * *incx] * x[largest * *incx])
			largest = i;
	return *n > 0 ? largest + 1 : 0;
}

#ifdef LARGE
#define NAME(name) \
	void name(void) {}
/* clang-format off */
NAME(sscal_) NAME(dscal_) NAME(cscal_) NAME(zscal_)
NAME(saxpy_) NAME(daxpy_) NAME(caxpy_) NAME(zaxpy_)
NAME(scopy_) NAME(dcopy_) NAME(ccopy_) NAME(zcopy_)
NAME(sgemm_) NAME(dgemm_) NAME(cgemm_) NAME(zgemm_)
/* clang-format on */
#endif
