/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * taken_host.c [late] PLUGIN... - a program without a BLAS that opens plug-ins (taken_plugin.c), lets each use its
 * BLAS, and calls ddot_ with 3 elements by the addresses that the plug-ins return, all from one place. If the name of a
 * plug-in contains "lp64", integers have 32 bits and other bytes beside them; otherwise they have 64 bits. With `late`
 * the plug-ins do not use their BLAS, and each is opened after the address of the one before it was called.
 */
#include <dlfcn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef double dot(const void *n, const double *x, const void *incx, const double *y, const void *incy);

static const double x[1000] = {1, 2, 3};

static void *open_plugin(const char *path)
{
	void *plugin = dlopen(path, RTLD_NOW);

	if (!plugin) {
		puts(dlerror());
		exit(1);
	}
	return plugin;
}

static void use(void *plugin)
{
	double (*sum)(long n, const double *x);

	*(void **)&sum = dlsym(plugin, "sum");
	printf("%g\n", sum(3, x));
}

static __attribute__((noinline)) void call_by_address(void *plugin, const char *path)
{
	static const struct {
		int32_t value, beside;
	} three = {3, 7}, one = {1, 5};
	static const int64_t long_three = 3, long_one = 1;
	bool is_short = strstr(path, "lp64") && !strstr(path, "wide");
	const void *n = is_short ? (const void *)&three : &long_three,
		   *stride = is_short ? (const void *)&one : &long_one;
	void *(*get)(void);
	dot *dot;

	*(void **)&get = dlsym(plugin, "get");
	*(void **)&dot = get();
	if (dot)
		printf("%g\n", dot(n, x, stride, x, stride));
	fflush(stdout);
}

int main(int argc, char **argv)
{
	bool late = argc > 1 && !strcmp(argv[1], "late");
	void *plugins[16];

	for (int i = 1 + late; i < argc; i++) {
		plugins[i] = open_plugin(argv[i]);
		if (late)
			call_by_address(plugins[i], argv[i]);
		else
			use(plugins[i]);
	}
	for (int i = 1; !late && i < argc; i++)
		call_by_address(plugins[i], argv[i]);
	return 0;
}
