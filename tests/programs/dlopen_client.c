/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * dlopen_client.c MODE LIBRARY - a program that is not linked to a BLAS and opens one by dlopen, with MODE local,
 * global or deepbind, and dlsym. It must never print an address, since its output is compared between runs.
 *
 * Calls: ddot n=4 three times by handle (the last time after closing and opening the library again), cblas_ddot n=4 and
 * dgemm 2x2x2 once each; in mode global ddot n=4 through RTLD_DEFAULT too.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#include "blas.h"

typedef double ddot_function(const int *, const double *, const int *, const double *, const int *);
typedef double cblas_ddot_function(int, const double *, int, const double *, int);
typedef void dgemm_function(const char *, const char *, const int *, const int *, const int *, const double *,
                            const double *, const int *, const double *, const int *, const double *, double *,
                            const int *, length, length);

static const double x[] = {1, 2, 3, 4}, y[] = {5, 6, 7, 8};

static void call_ddot(const char *how, ddot_function *ddot)
{
	int n = 4, stride = 1;

	if (ddot)
		printf("%s: %a\n", how, ddot(&n, x, &stride, y, &stride));
	else
		printf("%s: absent\n", how);
}

static void *open_library(const char *mode, const char *library)
{
	int flags = RTLD_NOW;
	void *handle;

	flags |= strcmp(mode, "global") ? RTLD_LOCAL : RTLD_GLOBAL;
	if (!strcmp(mode, "deepbind"))
		flags |= RTLD_DEEPBIND;
	handle = dlopen(library, flags);
	if (!handle)
		printf("dlopen: %s\n", dlerror());
	return handle;
}

static void missing(void *handle, const char *name)
{
	void *symbol = dlsym(handle, name);
	const char *error = dlerror();

	printf("%s: %s, %s\n", name, symbol ? "present" : "absent", error ? error : "no error");
}

int main(int argc, char **argv)
{
	void *handle = argc == 3 ? open_library(argv[1], argv[2]) : NULL;
	cblas_ddot_function *cblas_ddot;
	dgemm_function *dgemm;
	double c[4], one = 1, zero = 0;
	int n = 2;

	if (!handle)
		return 1;
	call_ddot("handle", (ddot_function *)dlsym(handle, "ddot_"));
	call_ddot("default", (ddot_function *)dlsym(RTLD_DEFAULT, "ddot_"));
	printf("next: %s\n", dlsym(RTLD_NEXT, "ddot_") ? "present" : "absent");
	cblas_ddot = (cblas_ddot_function *)dlsym(handle, "cblas_ddot");
	printf("cblas_ddot: %a\n", cblas_ddot(4, x, 1, y, 1));
	dgemm = (dgemm_function *)dlsym(handle, "dgemm_");
	dgemm("N", "T", &n, &n, &n, &one, x, &n, y, &n, &zero, c, &n, 1, 1);
	printf("dgemm: %a %a %a %a\n", c[0], c[1], c[2], c[3]);
	printf("same pointer twice: %d\n", dlsym(handle, "ddot_") == dlsym(handle, "ddot_"));
	call_ddot("again", (ddot_function *)dlsym(handle, "ddot_"));
	missing(handle, "scipy_dgemm_64_");
	missing(handle, "no_such_routine_");
	dlclose(handle);

	handle = open_library(argv[1], argv[2]);
	if (!handle)
		return 1;
	call_ddot("reopened", (ddot_function *)dlsym(handle, "ddot_"));
	return 0;
}
