/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tracer.c - a library that interposes two routines of a BLAS, and calls the real ones, which it finds by
 * dlsym(RTLD_NEXT), as tracing libraries do. It has too few names to look like a BLAS.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stddef.h>

double ddot_(const int *n, const double *x, const int *incx, const double *y, const int *incy);

double ddot_(const int *n, const double *x, const int *incx, const double *y, const int *incy)
{
	static double (*next)(const int *, const double *, const int *, const double *, const int *);

	if (!next)
		*(void **)&next = dlsym(RTLD_NEXT, "ddot_");
	return next(n, x, incx, y, incy);
}
