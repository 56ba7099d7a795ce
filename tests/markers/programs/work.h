/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * work.h - BLAS calls whose price is plain, and whether they were run.
 * Prices are of the textbook loops: a product of m x k and k x n matrices is 2mnk FLOPs, a dot product of n is 2n.
 */
#ifndef WORK_H
#define WORK_H

#include <cblas.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>

enum { SIDE_MAX = 64, LENGTH_MAX = 4096 };

static inline int64_t product_cost(int m, int n, int k) { return 2 * (int64_t)m * n * k; }
static inline int64_t dot_cost(int n) { return 2 * (int64_t)n; }

/* True if the product was run, false if its result was left as it was. */
static inline bool product(int m, int n, int k)
{
	static const double untouched = -7;
	double a[SIDE_MAX * SIDE_MAX], b[SIDE_MAX * SIDE_MAX], c[SIDE_MAX * SIDE_MAX];

	for (int i = 0; i < SIDE_MAX * SIDE_MAX; i++) {
		a[i] = b[i] = 1;
		c[i] = untouched;
	}
	cblas_dgemm(CblasColMajor, CblasNoTrans, CblasNoTrans, m, n, k, 1, a, SIDE_MAX, b, SIDE_MAX, 0, c, SIDE_MAX);
	return c[0] == k;
}

/* True if the dot product was run; a refused one is 0. */
static inline bool dot(int n)
{
	static double x[LENGTH_MAX];

	for (int i = 0; i < n; i++)
		x[i] = 1;
	return cblas_ddot(n, x, 1, x, 1) == n;
}

#endif
