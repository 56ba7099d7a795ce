/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * blas.c - loads a BLAS, and finds its functions.
 * It must never mix the functions of two libraries.
 */
#include "analyzer/peak/blas.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

/* Sets a pointer to a function, which C does not convert from a pointer to data. */
static bool find(void *handle, const char *format, const char *name, void *function)
{
	char symbol[64];
	void *found;

	snprintf(symbol, sizeof symbol, format, name);
	found = dlsym(handle, symbol);
	memcpy(function, &found, sizeof found);
	return found != NULL;
}

const char *blas_load(struct blas *blas, const char *library)
{
	static const char *const formats[] = {"%s_", "%s_64_", "scipy_%s_", "scipy_%s_64_", "%s64_", "scipy_%s64_"};
	void *handle = dlopen(library, RTLD_NOW | RTLD_LOCAL), *symbol;
	Dl_info info;

	if (!handle)
		return dlerror();
	for (unsigned i = 0; i < sizeof formats / sizeof *formats; i++) {
		if (!find(handle, formats[i], "dgemm", &blas->gemm[0]) ||
		    !find(handle, formats[i], "sgemm", &blas->gemm[1]) ||
		    !find(handle, formats[i], "ddot", &blas->dot) || !find(handle, formats[i], "daxpy", &blas->axpy))
			continue;
		memcpy(&symbol, &blas->gemm[0], sizeof symbol);
		blas->path = dladdr(symbol, &info) && info.dli_fname ? info.dli_fname : library;
		return NULL;
	}
	return "it has no functions dgemm, sgemm, ddot and daxpy under any name that is known";
}
