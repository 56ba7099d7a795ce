/* SPDX-License-Identifier: BSD-3-Clause */
/* trampoline_client.c - one dot product of 4 and one sum of 3 numbers. INTEGER is the type of the BLAS's integers. */
#include <stdint.h>
#include <stdio.h>

double ddot_(const INTEGER *n, const double *x, const INTEGER *incx, const double *y, const INTEGER *incy);
void daxpy_(const INTEGER *n, const double *a, const double *x, const INTEGER *incx, double *y, const INTEGER *incy);

int main(void)
{
	const INTEGER one = 1, three = 3, four = 4;
	const double two = 2;
	double x[4] = {1, 2, 3, 4}, y[4] = {5, 6, 7, 8};

	printf("%g", ddot_(&four, x, &one, y, &one));
	daxpy_(&three, &two, x, &one, y, &one);
	printf(" %g %g %g %g\n", y[0], y[1], y[2], y[3]);
	return 0;
}
