/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * trampoline_client.c [signal] - makes a dot product of 4 elements and a sum of 3. INTEGER is the type of the BLAS's
 * integers. With `signal` a handler of SIGUSR1 makes dot products of 2 elements, and their number is printed last.
 */
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

double ddot_(const INTEGER *n, const double *x, const INTEGER *incx, const double *y, const INTEGER *incy);
void daxpy_(const INTEGER *n, const double *a, const double *x, const INTEGER *incx, double *y, const INTEGER *incy);

static volatile sig_atomic_t handled;

static void on_signal(int number)
{
	const INTEGER one = 1, two = 2;
	const double x[2] = {1, 2};

	(void)number;
	if (ddot_(&two, x, &one, x, &one) != 5)
		_exit(3);
	handled++;
}

int main(int argc, char **argv)
{
	const INTEGER one = 1, three = 3, four = 4;
	const double two = 2;
	double x[4] = {1, 2, 3, 4}, y[4] = {5, 6, 7, 8};

	(void)argv;
	if (argc > 1)
		signal(SIGUSR1, on_signal);
	printf("%g", ddot_(&four, x, &one, y, &one));
	daxpy_(&three, &two, x, &one, y, &one);
	printf(" %g %g %g %g", y[0], y[1], y[2], y[3]);
	if (argc > 1)
		printf(" %d", (int)handled);
	printf("\n");
	return 0;
}
