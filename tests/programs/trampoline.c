/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * trampoline.c - forwards calls to a BLAS as libblastrampoline and FlexiBLAS do, but opens it as late as possible: the
 * first call of any routine opens the library that TRAMPOLINE_BLAS names, whose constructor may start threads, and
 * takes the routines from it. INTEGER is the type of its integers. With TRAMPOLINE_SIGNAL each isamax_ raises SIGUSR1
 * before it does anything.
 */
#include <dlfcn.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static void *fetch(const char *name)
{
	static void *blas;
	void *found;

	if (!blas)
		blas = dlopen(getenv("TRAMPOLINE_BLAS"), RTLD_LAZY | RTLD_LOCAL);
	found = blas ? dlsym(blas, name) : NULL;
	if (!found) {
		fprintf(stderr, "trampoline: %s\n", dlerror());
		abort();
	}
	return found;
}

INTEGER isamax_(const INTEGER *n, const float *x, const INTEGER *incx)
{
	static INTEGER (*next)(const INTEGER *, const float *, const INTEGER *);

	if (getenv("TRAMPOLINE_SIGNAL"))
		raise(SIGUSR1);
	if (!next)
		next = (INTEGER(*)(const INTEGER *, const float *, const INTEGER *))fetch("isamax_");
	return next(n, x, incx);
}

double ddot_(const INTEGER *n, const double *x, const INTEGER *incx, const double *y, const INTEGER *incy)
{
	static double (*next)(const INTEGER *, const double *, const INTEGER *, const double *, const INTEGER *);

	if (!next)
		next = (double (*)(const INTEGER *, const double *, const INTEGER *, const double *,
		                   const INTEGER *))fetch("ddot_");
	return next(n, x, incx, y, incy);
}

void daxpy_(const INTEGER *n, const double *a, const double *x, const INTEGER *incx, double *y, const INTEGER *incy)
{
	static void (*next)(const INTEGER *, const double *, const double *, const INTEGER *, double *,
	                    const INTEGER *);

	if (!next)
		next = (void (*)(const INTEGER *, const double *, const double *, const INTEGER *, double *,
		                 const INTEGER *))fetch("daxpy_");
	next(n, a, x, incx, y, incy);
}
