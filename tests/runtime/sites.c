/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * sites.c - twenty functions that do known shares of the work: function i (1 to 20) makes i calls of each round, through a
 * helper that all share, so that only the stack tells them apart. sites ROUNDS
 */
#include <stdio.h>
#include <stdlib.h>

#include "blas.h"

enum { ORDER = 16 };

static double a[ORDER * ORDER], b[ORDER * ORDER], c[ORDER * ORDER];

static void __attribute__((noinline)) product(void)
{
	int n = ORDER;
	double one = 1, zero = 0;

	dgemm_("N", "N", &n, &n, &n, &one, a, &n, b, &n, &zero, c, &n, 1, 1);
	__asm__ volatile("" ::: "memory");
}

#define SITE(i)                                                  \
	void __attribute__((noinline)) site_##i(void)            \
	{                                                        \
		for (volatile int call = 0; call < i; call++)    \
			product();                               \
		__asm__ volatile("" ::: "memory");               \
	}
#define SITES SITE(1) SITE(2) SITE(3) SITE(4) SITE(5) SITE(6) SITE(7) SITE(8) SITE(9) SITE(10) \
	SITE(11) SITE(12) SITE(13) SITE(14) SITE(15) SITE(16) SITE(17) SITE(18) SITE(19) SITE(20)
SITES
#undef SITE
#define SITE(i) site_##i,
static void (*const sites[])(void) = {SITES};

int main(int argc, char **argv)
{
	long rounds = argc > 1 ? atol(argv[1]) : 1;

	for (long round = 0; round < rounds; round++)
		for (unsigned i = 0; i < sizeof(sites) / sizeof(sites[0]); i++)
			sites[i]();
	return 0;
}
