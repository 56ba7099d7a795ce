/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * plugin_dot.c - a plugin that is linked to a BLAS, with a function plugin_dot that takes the arguments of ddot_ and
 * calls it.
 */
#include "blas.h"

double plugin_dot(const int *n, const double *x, const int *incx, const double *y, const int *incy)
{
	double result = ddot_(n, x, incx, y, incy);

	__asm__ volatile("" ::: "memory"); /* so that ddot_ is called and not jumped to */
	return result;
}
