/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * taken_host.c PLUGIN... - a program without BLAS that opens plug-ins (taken_plugin.c), has each use its own, and calls
 * ddot_ by the addresses that they hand on: 3 elements, with 32-bit integers beside which there is something else, for a
 * plug-in whose name has "lp64", and with 64-bit integers for the others.
 */
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

typedef double dot(const void *n, const double *x, const void *incx, const double *y, const void *incy);

int main(int argc, char **argv)
{
	static const double x[1000] = {1, 2, 3};
	static const struct {
		int32_t value, beside;
	} three = {3, 7}, one = {1, 5};
	static const int64_t long_three = 3, long_one = 1;
	void *plugins[16];

	for (int i = 1; i < argc; i++) {
		double (*sum)(long n, const double *x);

		plugins[i] = dlopen(argv[i], RTLD_NOW);
		if (!plugins[i])
			return puts(dlerror());
		*(void **)&sum = dlsym(plugins[i], "sum");
		printf("%g\n", sum(3, x));
	}
	for (int i = 1; i < argc; i++) {
		void *(*get)(void);
		dot *dot;

		*(void **)&get = dlsym(plugins[i], "get");
		*(void **)&dot = get();
		if (dot && strstr(argv[i], "lp64"))
			printf("%g\n", dot(&three, x, &one, x, &one));
		else if (dot)
			printf("%g\n", dot(&long_three, x, &long_one, x, &long_one));
		fflush(stdout);
	}
	return 0;
}
