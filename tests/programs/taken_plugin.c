/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * taken_plugin.c - a plug-in that returns the address of its ddot_; with -DWRAPPED that of a function of its own, which
 * jumps to ddot_. With -DUSES it returns NULL instead, and only its sum() uses a BLAS.
 */
#include <stdint.h>

double ddot_(const INTEGER *n, const double *x, const INTEGER *incx, const double *y, const INTEGER *incy);
double dasum_(const INTEGER *n, const double *x, const INTEGER *incx);

double sum(long n, const double *x);
void *get(void);

double sum(long n, const double *x)
{
	INTEGER length = (INTEGER)n, one = 1;

	return dasum_(&length, x, &one);
}

#ifdef WRAPPED
static __attribute__((noinline, optimize("O2"))) double wrapper(const INTEGER *n, const double *x, const INTEGER *incx,
                                                                const double *y, const INTEGER *incy)
{
	return ddot_(n, x, incx, y, incy);
}
#define ADDRESS wrapper
#else
#define ADDRESS ddot_
#endif

#ifdef USES
void *get(void) { return 0; }
#else
void *get(void) { return (void *)ADDRESS; }
#endif
