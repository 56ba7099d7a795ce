/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * sites.c ROUNDS [REPEATS [ORDER]] - twenty functions that do known shares of the work: in each round function i (1 to
 * 20) makes REPEATS * i calls (REPEATS is 1 by default) with matrices of ORDER (16 by default, at most 64). All call
 * through the same helper, so that only the stack tells them apart.
 */
#include <stdio.h>
#include <stdlib.h>

#include "blas.h"

enum { ORDER_MAX = 64 };

static double a[ORDER_MAX * ORDER_MAX], b[ORDER_MAX * ORDER_MAX], c[ORDER_MAX * ORDER_MAX];
static int order = 16, repeats = 1;

static void __attribute__((noinline)) product(void)
{
	int n = order;
	double one = 1, zero = 0;

	dgemm_("N", "N", &n, &n, &n, &one, a, &n, b, &n, &zero, c, &n, 1, 1);
	__asm__ volatile("" ::: "memory");
}

#define SITE(i)                                                         \
	void __attribute__((noinline)) site_##i(void)                   \
	{                                                               \
		for (volatile int call = 0; call < repeats * i; call++) \
			product();                                      \
		__asm__ volatile("" ::: "memory");                      \
	}
/* clang-format off */
#define SITES \
	SITE(1) SITE(2) SITE(3) SITE(4) SITE(5) SITE(6) SITE(7) SITE(8) SITE(9) SITE(10) \
	SITE(11) SITE(12) SITE(13) SITE(14) SITE(15) SITE(16) SITE(17) SITE(18) SITE(19) SITE(20)
/* clang-format on */
SITES
#undef SITE
#define SITE(i) site_##i,
static void (*const sites[])(void) = {SITES};

int main(int argc, char **argv)
{
	long rounds = argc > 1 ? atol(argv[1]) : 1;

	if (argc > 2)
		repeats = atoi(argv[2]);
	if (argc > 3)
		order = atoi(argv[3]);
	if (order < 1 || order > ORDER_MAX) {
		fprintf(stderr, "sites: an order of 1 to %d, not %s\n", ORDER_MAX, argv[3]);
		return 2;
	}
	for (long round = 0; round < rounds; round++)
		for (unsigned i = 0; i < sizeof(sites) / sizeof(sites[0]); i++)
			sites[i]();
	return 0;
}
