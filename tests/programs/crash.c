/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * crash.c - makes calls that return, and then one with an address that is not mapped, by which the program ends while
 * the call is in flight.
 *
 *	crash batch N    N batches of two groups, of two products of 2x3x4 and three of 5x6x7, through the Fortran form
 *	crash shapes N   dot products of 1 to N elements, and one of N + 1
 */
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#include "blas.h"

enum { GROUPS = 2, PRODUCTS = 5, LARGEST = 64 };

static double *const nowhere = (double *)8;

typedef void batch(const char *transa, const char *transb, const integer *m, const integer *n, const integer *k,
                   const double *alpha, const double **a, const integer *lda, const double **b, const integer *ldb,
                   const double *beta, double **c, const integer *ldc, const integer *group_count,
                   const integer *group_size);

static void crash_in_batch(int calls)
{
	static double left[LARGEST], right[LARGEST], result[PRODUCTS][LARGEST];
	const integer m[GROUPS] = {2, 5}, n[GROUPS] = {3, 6}, k[GROUPS] = {4, 7}, size[GROUPS] = {2, 3},
		      groups = GROUPS;
	const double *a[PRODUCTS], *b[PRODUCTS], one[GROUPS] = {1, 1};
	batch *gemm_batch = (batch *)dlsym(RTLD_DEFAULT, "dgemm_batch_"); /* few libraries have it */
	double *c[PRODUCTS];

	if (!gemm_batch)
		exit(2);
	for (int i = 0; i < PRODUCTS; i++) {
		a[i] = left;
		b[i] = right;
		c[i] = result[i];
	}
	for (int call = 0; call <= calls; call++) {
		if (call == calls)
			c[1] = nowhere;
		gemm_batch("NN", "NN", m, n, k, one, a, m, b, k, one, c, m, &groups, size);
	}
}

static void crash_among_shapes(int shapes)
{
	const integer step = 0;
	double one = 1;

	for (integer n = 1; n <= shapes + 1; n++)
		ddot_(&n, n > shapes ? nowhere : &one, &step, &one, &step);
}

int main(int count, char **arguments)
{
	if (count != 3)
		return 2;
	if (!strcmp(arguments[1], "batch"))
		crash_in_batch(atoi(arguments[2]));
	else
		crash_among_shapes(atoi(arguments[2]));
	return 0;
}
