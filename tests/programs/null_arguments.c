/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * null_arguments.c - passes NULL for arguments that LAPACK does not reference under the given options, as C programs
 * do. Prints the results to the last bit.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "blas.h"

enum { N = 10, LWORK = 26 * N, LIWORK = 10 * N };

static void print(const char *what, const double *values, int count, int info)
{
	printf("%s info %d:", what, info);
	for (int i = 0; i < count; i++)
		printf(" %a", values[i]);
	printf("\n");
}

static void symmetric(double *a)
{
	for (int i = 0; i < N; i++)
		for (int j = 0; j <= i; j++)
			a[i + j * N] = a[j + i * N] = ((i * 7 + j * 13) % 11) / 8.0 - 0.5;
}

/* LAPACK references VL and VU only if RANGE = V, IL and IU only if RANGE = I. */
static void eigenvalues(const char *range, const double *vl, const double *vu, const int *il, const int *iu)
{
	double a[N * N], w[N], z[N * N], work[LWORK], abstol = 0;
	int n = N, m = 0, isuppz[2 * N], iwork[LIWORK], lwork = LWORK, liwork = LIWORK, info;

	symmetric(a);
	F77(dsyevr)
	("V", range, "U", &n, a, &n, vl, vu, il, iu, &abstol, &m, w, z, &n, isuppz, work, &lwork, iwork, &liwork, &info,
	 1, 1, 1);
	print(range, w, m, info);
}

static void bisection(void)
{
	double d[N], e[N], w[N], work[4 * N], abstol = 0;
	int n = N, m = 0, splits = 0, iblock[N], isplit[N], iwork[3 * N], info;

	for (int i = 0; i < N; i++) {
		d[i] = 2;
		e[i] = -1;
	}
	F77(dstebz)
	("A", "E", &n, NULL, NULL, NULL, NULL, &abstol, d, e, &m, &splits, w, iblock, isplit, work, iwork, &info, 1, 1);
	print("dstebz", w, m, info);
}

/* LAPACK references KL and KU only for banded types. */
static void scale(const char *type)
{
	double a[N * N], from = 4, to = 3;
	int n = N, info;

	symmetric(a);
	F77(dlascl)(type, NULL, NULL, &from, &to, &n, &n, a, &n, &info, 1);
	print(type, a, N * N, info);
}

/* No eigenvectors are wanted: VL and VR are NULL. */
static void no_vectors(void)
{
	double a[N * N], wr[N], wi[N], work[8 * N];
	int n = N, one = 1, lwork = 8 * N, info;

	symmetric(a);
	F77(dgeev)("N", "N", &n, a, &n, wr, wi, NULL, &one, NULL, &one, work, &lwork, &info, 1, 1);
	print("dgeev", wr, N, info);
}

int main(void)
{
	double vl = -0.25, vu = 1.5;
	int il = 2, iu = 4;

	eigenvalues("A", NULL, NULL, NULL, NULL);
	eigenvalues("V", &vl, &vu, NULL, NULL);
	eigenvalues("I", NULL, NULL, &il, &iu);
	bisection();
	scale("G");
	scale("U");
	no_vectors();
	return 0;
}
