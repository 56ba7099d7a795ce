/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * own_names.c - a library (-DLIBRARY) with a few functions that have the names of BLAS routines and take other
 * arguments, and a program that calls them, with -DFETCHED by dlsym. One function prints a line if anything but the
 * program calls it.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

#define EACH(X)                                                 \
	X(double, ddot_, (double a, double b))                  \
	X(double, dnrm2_, (int n))                              \
	X(int, isamax_, (int n))                                \
	X(double, dasum_, (long n))                             \
	X(long, dscal_, (long a, const char *text, int b))      \
	X(double, daxpy_, (const double *a, int b))             \
	X(double, cblas_ddot, (int n, int count, double scale)) \
	X(int, cblas_dgemm, (int n))                            \
	X(double, cblas_dnrm2, (int n, long at))

#ifdef LIBRARY
#define DECLARE(result, name, arguments) result name arguments;
EACH(DECLARE)
double ddot_(double a, double b) { return a * b; }
double dnrm2_(int n) { return n; }
double dasum_(long n) { return n + .5; }
long dscal_(long a, const char *text, int b) { return a * b + text[0]; }
double daxpy_(const double *a, int b) { return *a + b; }
double cblas_ddot(int n, int count, double scale) { return n * count * scale; }
int cblas_dgemm(int n) { return n + 1; }
double cblas_dnrm2(int n, long at) { return (double)n / (double)at; }

int isamax_(int n)
{
	if (n != 7)
		abort();
	return n;
}
#else
#ifdef FETCHED
#define DECLARE(result, name, arguments) static result(*name) arguments;
#define FETCH(result, name, arguments)   *(void **)&name = dlsym(library, #name);
#else
#define DECLARE(result, name, arguments) result name arguments;
#define FETCH(result, name, arguments)
#endif
EACH(DECLARE)

int main(int argc, char **argv)
{
	void *library = argc > 1 ? dlopen(argv[1], RTLD_NOW) : NULL;
	double number = 1e9;

	if (!library && argc > 1)
		return 1;
	EACH(FETCH)
	for (int i = 0; i < 30; i++) {
		printf("%g %g %d %g\n", ddot_(2, i), dnrm2_(5), isamax_(7), dasum_(9));
		printf("%ld %g\n", dscal_(i, "text", 3), daxpy_(&number, i));
		printf("%g %d %g\n", cblas_ddot(1000, 50, .5), cblas_dgemm(i), cblas_dnrm2(100000, 1000));
	}
	return 0;
}
#endif
