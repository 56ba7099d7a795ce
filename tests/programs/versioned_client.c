/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * versioned_client.c [LIBRARY] - calls ddot_ of versioned_blas.c: in the version that it was linked to, by its address,
 * by dlsym, and in both versions by dlvsym; the last two both for the whole program and for the library.
 */
#include <dlfcn.h>
#include <stdio.h>

typedef double dot(const int *, const double *, const int *, const double *, const int *);
dot ddot_;

static void call(const char *how, void *address)
{
	static const double x[3] = {1, 2, 3};
	const int n = 3, one = 1;
	dot *function;

	*(void **)&function = address;
	printf("%s %g\n", how, function ? function(&n, x, &one, x, &one) : 0);
}

int main(int argc, char **argv)
{
	static const double x[3] = {1, 2, 3};
	static dot *volatile taken = ddot_;
	const int n = 3, one = 1;
	void *library = dlopen(argc > 1 ? argv[1] : NULL, RTLD_NOW);

	printf("linked %g\n", ddot_(&n, x, &one, x, &one));
	call("taken", (void *)taken);
	call("default", dlsym(RTLD_DEFAULT, "ddot_"));
	call("default V1", dlvsym(RTLD_DEFAULT, "ddot_", "V1"));
	call("default V2", dlvsym(RTLD_DEFAULT, "ddot_", "V2"));
	call("library", dlsym(library, "ddot_"));
	call("library V1", dlvsym(library, "ddot_", "V1"));
	call("library V2", dlvsym(library, "ddot_", "V2"));
	call("library V3", dlvsym(library, "ddot_", "V3"));
	return 0;
}
