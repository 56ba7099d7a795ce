/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tracer.c - a library that stands between a program and its BLAS for two routines, and hands their calls on by
 * dlsym(RTLD_NEXT), as tracing libraries do. It is too small to look like a BLAS.
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
