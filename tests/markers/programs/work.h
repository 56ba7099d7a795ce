/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * work.h - BLAS calls with simple prices, which tell whether they were run.
 * It must never ask the shim for a price. By textbook loops a product of m x k and k x n matrices is 2mnk FLOPs, and a
 * dot product of n elements is 2n.
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

/* Returns true if the product was run, and false if its result is as it was before. */
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

/* Returns true if the dot product was run; a refused one returns 0. */
static inline bool dot(int n)
{
	static double x[LENGTH_MAX];

	for (int i = 0; i < n; i++)
		x[i] = 1;
	return cblas_ddot(n, x, 1, x, 1) == n;
}

#endif
