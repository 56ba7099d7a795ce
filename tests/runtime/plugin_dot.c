/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * plugin_dot.c - a plugin that is linked to a BLAS, with a function of the arguments of ddot_ that calls it.
 */
#include "blas.h"

double plugin_dot(const int *n, const double *x, const int *incx, const double *y, const int *incy)
{
	double result = ddot_(n, x, incx, y, incy);

	__asm__ volatile("" ::: "memory"); /* a call from here, not a jump */
	return result;
}
