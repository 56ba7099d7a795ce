/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * products.c - a few calls whose results are known integers, by Fortran and by C names. It is a program (main) or a
 * plugin (plugin_main), in the naming scheme and with the integer width that it is compiled for (blas.h). It must never
 * need more than a BLAS and dgesv, which libraries of every scheme have.
 *
 * Calls: ddot n=4, cblas_ddot n=4, dgemm 3x4x5, cblas_dgemm 2x3x4, zdotc n=3, dgesv n=8 with 2
 * right-hand sides, and with 64-bit integers daxpy of n = 2^32 + 3.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "blas.h"

static const double one = 1, zero = 0;
static int wrong;

static void expect(const char *what, double got, double expected)
{
	printf("%s %a\n", what, got);
	if (got != expected) {
		printf("%s: expected %a\n", what, expected);
		wrong = 1;
	}
}

static void dots(void)
{
	double x[] = {1, 2, 3, 4}, y[] = {5, 6, 7, 8};
	integer n = 4, stride = 1;

	expect("ddot", F77(ddot)(&n, x, &stride, y, &stride), 70);
	expect("cblas_ddot", CBLAS(ddot)(n, x, stride, y, stride), 70);
}

static void complex_dot(void)
{
	double x[] = {1, 2, 3, 4, 5, 6}, y[] = {6, 5, 4, 3, 2, 1};
	integer n = 3, stride = 1;
	complex16 z = F77(zdotc)(&n, (complex16 *)x, &stride, (complex16 *)y, &stride);

	/* conj(1+2i)(6+5i) + conj(3+4i)(4+3i) + conj(5+6i)(2+i) = (16-7i) + (24-7i) + (16-7i) */
	expect("zdotc re", creal(z), 56);
	expect("zdotc im", cimag(z), -21);
}

static double element(int i, int j) { return (i * 3 + j * 5) % 7 - 3; }

/* The product of an m by k and a k by n matrix, stored by columns. */
static void product(int m, int n, int k, int c_interface)
{
	double a[64], b[64], c[64] = {0};
	integer mm = m, nn = n, kk = k;

	for (int i = 0; i < m; i++)
		for (int p = 0; p < k; p++)
			a[i + p * m] = element(i, p);
	for (int p = 0; p < k; p++)
		for (int j = 0; j < n; j++)
			b[p + j * k] = element(p, j + 1);
	if (c_interface)
		CBLAS(dgemm)(COL_MAJOR, NO_TRANS, NO_TRANS, m, n, k, 1, a, m, b, k, 0, c, m);
	else
		F77(dgemm)("N", "N", &mm, &nn, &kk, &one, a, &mm, b, &kk, &zero, c, &mm, 1, 1);
	for (int i = 0; i < m; i++)
		for (int j = 0; j < n; j++) {
			double sum = 0;

			for (int p = 0; p < k; p++)
				sum += a[i + p * m] * b[p + j * k];
			expect(c_interface ? "cblas_dgemm" : "dgemm", c[i + j * m], sum);
		}
}

/* The matrix is a permutation scaled by powers of two, so that every step of the elimination is exact. */
static void solve(void)
{
	double a[64] = {0}, b[16];
	integer n = 8, nrhs = 2, ipiv[8], info = -1;

	for (int i = 0; i < 8; i++)
		a[(i + 3) % 8 + i * 8] = 1 << i;
	for (int i = 0; i < 16; i++)
		b[i] = 256 * (i + 1);
	F77(dgesv)(&n, &nrhs, a, &n, ipiv, b, &n, &info);
	expect("dgesv info", info, 0);
	for (int j = 0; j < 2; j++)
		for (int i = 0; i < 8; i++)
			expect("dgesv", b[i + j * 8], 256.0 * ((i + 3) % 8 + 1 + 8 * j) / (1 << i));
}

/* With strides of 0, y becomes y + n alpha x, so that no array of n elements is needed. */
static void huge(void)
{
	if (sizeof(integer) == 8) {
		integer n = (integer)((INT64_C(1) << 32) + 3), stride = 0;
		double x = 2, y = 1;

		F77(daxpy)(&n, &one, &x, &stride, &y, &stride);
		expect("daxpy", y, 1 + 2 * 4294967299.0);
	}
}

int plugin_main(void);

int plugin_main(void)
{
	wrong = 0;
	dots();
	complex_dot();
	product(3, 4, 5, 0);
	product(2, 3, 4, 1);
	solve();
	huge();
	fflush(stdout);
	return wrong;
}

int main(void) { return plugin_main(); }
