/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * nested.c - products of matrices that are asked for by nested functions, some of them by two ways.
 * It must never be compiled with functions put into one another: the attributes keep them apart.
 *
 * forward multiplies 3 times at order 30, backward 5 times at order 20 and once at order 30, both by multiply; main takes 7
 * inner products of 100 elements itself. With an argument, backward multiplies twice as often.
 */
#include <stdlib.h>

#include "blas.h"

#define APART __attribute__((noinline, noclone))

static double a[900], b[900], c[900];

APART static double multiply(int order)
{
	const double one = 1, zero = 0;
	integer n = order;

	F77(dgemm)("N", "N", &n, &n, &n, &one, a, &n, b, &n, &zero, c, &n, 1, 1);
	return c[0];
}

APART static double forward(void)
{
	double sum = 0;

	for (int i = 0; i < 3; i++)
		sum += multiply(30);
	return sum;
}

APART static double backward(int times)
{
	double sum = 0;

	for (int i = 0; i < 5 * times; i++)
		sum += multiply(20);
	for (int i = 0; i < times; i++)
		sum += multiply(30);
	return sum;
}

int main(int count, char **arguments)
{
	integer n = 100, stride = 1;
	double sum = forward() + backward(count > 1 && arguments[1] ? 2 : 1);

	for (int i = 0; i < 7; i++)
		sum += F77(ddot)(&n, a, &stride, b, &stride);
	return sum != 0;
}
