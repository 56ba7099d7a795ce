/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * shown.c WHAT [ARGUMENT] - programs whose reports were misleading once.
 *
 *	flight       a ddot of 2 FLOPs, then a product during which SIGALRM ends the process
 *	first        the same product, which is the first call
 *	rejected     a ddot of 2 FLOPs, then a dgesv that comes back with INFO < 0
 *	pair N       N times a ddot of 400 and one of 1,000 FLOPs, at two places
 *	loop N       N times a ddot of 40,000 FLOPs
 *	handled N    the same as loop, with a handler for the signals that a budget may send
 *	plug PATH    opens the shared object, goes to another directory, and calls its plugin_dot three times
 */
#include <dlfcn.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "blas.h"

enum { LENGTH = 20000, ORDER = 3000, ALARM_US = 200000 };

static double x[LENGTH];

static __attribute__((noinline)) double dot(int n)
{
	int one = 1;

	return ddot_(&n, x, &one, x, &one) + 1;
}

static __attribute__((noinline)) double other_dot(int n)
{
	int one = 1;

	return ddot_(&n, x, &one, x, &one) + 1;
}

static double product(void)
{
	size_t size = (size_t)ORDER * ORDER;
	double one = 1, zero = 0, *a = calloc(size, sizeof *a), *b = calloc(size, sizeof *b),
	       *c = calloc(size, sizeof *c);
	int n = ORDER;

	if (!a || !b || !c)
		abort();
	for (size_t i = 0; i < size; i++)
		a[i] = b[i] = 1; /* touches the memory before the time is measured */
	memset(c, 1, size * sizeof *c);
	ualarm(ALARM_US, 0);
	dgemm_("N", "N", &n, &n, &n, &one, a, &n, b, &n, &zero, c, &n, 1, 1);
	return c[0];
}

static double rejected(void)
{
	int n = 500, one = 1, too_small = 1, info = 0, pivots[1];

	dgesv_(&n, &one, x, &too_small, pivots, x, &n, &info);
	return info;
}

static void handler(int number) { (void)number; }

static double plug(const char *path)
{
	void *object = dlopen(path, RTLD_NOW);
	double (*plugin_dot)(const int *, const double *, const int *, const double *, const int *), sum = 0;
	int n = 500, one = 1;

	if (!object || chdir("/"))
		return -1;
	*(void **)&plugin_dot = dlsym(object, "plugin_dot");
	for (int i = 0; i < 3; i++)
		sum += plugin_dot(&n, x, &one, x, &one);
	return sum;
}

int main(int count, char **arguments)
{
	const char *what = count > 1 ? arguments[1] : "", *argument = count > 2 ? arguments[2] : "";
	double sum = 0;

	if (!strcmp(what, "flight")) {
		sum += dot(1) + product();
	} else if (!strcmp(what, "first")) {
		sum += product();
	} else if (!strcmp(what, "rejected")) {
		sum += dot(1);
		return rejected() == -4 ? 0 : 1;
	} else if (!strcmp(what, "pair")) {
		for (int i = 0; i < atoi(argument); i++)
			sum += dot(200) + other_dot(500);
	} else if (!strcmp(what, "loop") || !strcmp(what, "handled")) {
		for (int i = 1; *what == 'h' && i < 32; i++)
			signal(i, handler);
		for (int i = 0; i < atoi(argument); i++)
			sum += dot(LENGTH);
	} else if (!strcmp(what, "plug")) {
		sum = plug(argument);
	} else {
		return 2;
	}
	return sum < 0;
}
