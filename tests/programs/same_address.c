/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * same_address.c [LIBRARY] - a program that is linked to a BLAS, and compares the addresses of routines with those that
 * dlsym returns for RTLD_DEFAULT, for the program's own handle and for the library's. Prints for each whether they are
 * equal.
 */
#include <dlfcn.h>
#include <stdio.h>

#include "blas.h"

int main(int argc, char **argv)
{
	const double x[3] = {1, 2, 3};
	int n = 3, one = 1;
	void *handles[3] = {RTLD_DEFAULT, dlopen(NULL, RTLD_NOW), argc > 1 ? dlopen(argv[1], RTLD_NOW) : NULL};

	for (int i = 0; i < (argc > 1 ? 3 : 2); i++) {
		double (*dot)(const int *, const double *, const int *, const double *, const int *);

		*(void **)&dot = dlsym(handles[i], "ddot_");
		printf("%d %g\n", (void *)dot == (void *)ddot_, dot(&n, x, &one, x, &one));
		printf("%d\n", dlsym(handles[i], "dgemm_") == (void *)dgemm_);
	}
	return 0;
}
