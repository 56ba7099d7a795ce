/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * pool.c - tests that OpenMP's threads charge to the scope that is open in the thread that created them, at that
 * moment. It must never open a scope in a pool's thread for more than one call.
 */
#include <flopshim.h>
#include <omp.h>
#include <stdio.h>

#include "work.h"

enum { LOOPS = 1000 };

#define CHECK_EQUAL(got, expected)                                                                      \
	do {                                                                                            \
		long long is = (got), should = (expected);                                              \
		if (is != should) {                                                                     \
			fprintf(stderr, "line %d: %s is %lld, not %lld\n", __LINE__, #got, is, should); \
			return 1;                                                                       \
		}                                                                                       \
	} while (0)

int main(void)
{
	int64_t scope;
	int ran = 0;

	omp_set_num_threads(4);
	FLOPSHIM_SCOPE("first")
	{
#pragma omp parallel for
		for (int i = 0; i < LOOPS; i++)
			dot(10);
	}
	FLOPSHIM_SCOPE("second")
	{ /* the pool's threads exist already */
#pragma omp parallel for
		for (int i = 0; i < LOOPS; i++)
			dot(10);
	}
#pragma omp parallel for
	for (int i = 0; i < LOOPS; i++)
		FLOPSHIM_SCOPE("own")
	dot(10);
	CHECK_EQUAL(flopshim_used("first"), LOOPS * 20);
	CHECK_EQUAL(flopshim_used("second"), LOOPS * 20);
	CHECK_EQUAL(flopshim_used("own"), LOOPS * 20);
	CHECK_EQUAL(flopshim_used("."), 3 * LOOPS * 20);

	scope = flopshim_begin_budget("limited", 500 * 20 + 19);
#pragma omp parallel for reduction(+ : ran)
	for (int i = 0; i < LOOPS; i++)
		ran += dot(10);
	CHECK_EQUAL(ran, 500);
	CHECK_EQUAL(flopshim_scope_used(scope), 500 * 20);
	CHECK_EQUAL(flopshim_end(scope), 1);
	return 0;
}
