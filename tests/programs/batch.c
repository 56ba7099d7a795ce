/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * batch.c - products in batches: through the Fortran form two groups, which are two products of 2x3x4 and three of
 * 5x6x7; through the C form the first group alone. Prints the sum of all results.
 */
#include <dlfcn.h>
#include <stdio.h>

#include "blas.h"

enum { GROUPS = 2, PRODUCTS = 5, LARGEST = 64 };

typedef void fortran_batch(const char *transa, const char *transb, const integer *m, const integer *n, const integer *k,
                           const double *alpha, const double **a, const integer *lda, const double **b,
                           const integer *ldb, const double *beta, double **c, const integer *ldc,
                           const integer *group_count, const integer *group_size);
typedef void c_batch(int order, const int *transa, const int *transb, const integer *m, const integer *n,
                     const integer *k, const double *alpha, const double **a, const integer *lda, const double **b,
                     const integer *ldb, const double *beta, double **c, const integer *ldc, integer group_count,
                     const integer *group_size);

int main(void)
{
	static double left[PRODUCTS][LARGEST], right[PRODUCTS][LARGEST], result[PRODUCTS][LARGEST];
	const double *a[PRODUCTS], *b[PRODUCTS], one[GROUPS] = {1, 1};
	const int no_transpose[GROUPS] = {111, 111};
	double *c[PRODUCTS], sum = 0;
	const integer m[GROUPS] = {2, 5}, n[GROUPS] = {3, 6}, k[GROUPS] = {4, 7}, size[GROUPS] = {2, 3},
		      groups = GROUPS;
	fortran_batch *of_fortran = (fortran_batch *)dlsym(RTLD_DEFAULT, "dgemm_batch_"); /* few libraries have it */
	c_batch *of_c = (c_batch *)dlsym(RTLD_DEFAULT, "cblas_dgemm_batch");

	for (int i = 0; i < PRODUCTS; i++) {
		for (int j = 0; j < LARGEST; j++)
			left[i][j] = right[i][j] = 1 + i;
		a[i] = left[i];
		b[i] = right[i];
		c[i] = result[i];
	}
	if (!of_fortran || !of_c)
		return 2;
	of_fortran("NN", "NN", m, n, k, one, a, m, b, k, one, c, m, &groups, size);
	of_c(102, no_transpose, no_transpose, m, n, k, one, a, m, b, k, one, c, m, 1, size);
	for (int i = 0; i < PRODUCTS; i++)
		for (int j = 0; j < LARGEST; j++)
			sum += result[i][j];
	printf("%g\n", sum);
	return 0;
}
