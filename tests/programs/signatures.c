/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * signatures.c - calls whose arguments and results are passed in unusual ways: complex functions, complex and real
 * scalars by value, 38 arguments. Prints the results to the last bit.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "blas.h"

int LAPACKE_zlaset(int layout, char uplo, int m, int n, complex16 alpha, complex16 beta, complex16 *a, int lda);
int LAPACKE_claset(int layout, char uplo, int m, int n, complex8 alpha, complex8 beta, complex8 *a, int lda);
int LAPACKE_zlaset_work(int layout, char uplo, int m, int n, complex16 alpha, complex16 beta, complex16 *a, int lda);
int LAPACKE_dgesvx(int layout, char fact, char trans, int n, int nrhs, double *a, int lda, double *af, int ldaf,
                   int *ipiv, char *equed, double *r, double *c, double *b, int ldb, double *x, int ldx, double *rcond,
                   double *ferr, double *berr, double *rpivot);
int LAPACKE_dlascl(int layout, char type, int kl, int ku, double from, double to, int m, int n, double *a, int lda);
float CBLAS(sdsdot)(int n, float alpha, const float *x, int incx, const float *y, int incy);
void CBLAS(zherk)(int order, int uplo, int trans, int n, int k, double alpha, const void *a, int lda, double beta,
                  void *c, int ldc);
void CBLAS(drot)(int n, double *x, int incx, double *y, int incy, double c, double s);
void CBLAS(zdscal)(int n, double alpha, void *x, int incx);

enum { UPPER = 121 };

static void print_real(const char *what, const double *values, int count)
{
	printf("%s:", what);
	for (int i = 0; i < count; i++)
		printf(" %a", values[i]);
	printf("\n");
}

static void print_complex(const char *what, const complex16 *values, int count)
{
	print_real(what, (const double *)values, 2 * count);
}

static void complex_functions(void)
{
	complex16 x[3] = {1 + 2 * I, 3 + 4 * I, 5 + 6 * I}, y[3] = {6 + 5 * I, 4 + 3 * I, 2 + 1 * I}, z;
	complex8 xs[3], ys[3], zs;
	float s[3] = {1, 2, 3};
	double d[3] = {3, -4, 12};
	int n = 3, one = 1;

	for (int i = 0; i < 3; i++) {
		xs[i] = x[i];
		ys[i] = y[i];
	}
	z = F77(zdotc)(&n, x, &one, y, &one);
	print_complex("zdotc", &z, 1);
	z = F77(zdotu)(&n, x, &one, y, &one);
	print_complex("zdotu", &z, 1);
	CBLAS(zdotc_sub)(n, x, 1, y, 1, &z);
	print_complex("cblas_zdotc_sub", &z, 1);
	zs = F77(cdotc)(&n, xs, &one, ys, &one);
	z = zs;
	print_complex("cdotc", &z, 1);
	zs = F77(cdotu)(&n, xs, &one, ys, &one);
	z = zs;
	print_complex("cdotu", &z, 1);
	printf("sdot: %a\n", F77(sdot)(&n, s, &one, s, &one));
	printf("sdsdot: %a\n", CBLAS(sdsdot)(n, 0.5f, s, 1, s, 1));
	printf("dnrm2: %a\n", F77(dnrm2)(&n, d, &one));
	printf("dzasum: %a\n", F77(dzasum)(&n, x, &one));
	printf("idamax: %d\n", F77(idamax)(&n, d, &one));
}

static void by_value(void)
{
	complex16 a[6], c[4] = {0}, x[6] = {1 + 1 * I, 2, 3 - 1 * I, 4, 5 * I, 6};
	complex8 as[6];
	double u[3] = {1, 2, 3}, v[3] = {4, 5, 6};

	printf("info %d\n", LAPACKE_zlaset(COL_MAJOR, 'A', 2, 3, 1.5 + 2.5 * I, -3.5 - 4.5 * I, a, 2));
	print_complex("zlaset", a, 6);
	printf("info %d\n", LAPACKE_zlaset_work(ROW_MAJOR, 'U', 2, 3, 7 + 8 * I, 9 + 10 * I, a, 3));
	print_complex("zlaset_work", a, 6);
	printf("info %d\n", LAPACKE_claset(COL_MAJOR, 'A', 2, 3, 1.5f + 2.5f * I, -3.5f - 4.5f * I, as, 2));
	for (int i = 0; i < 6; i++)
		a[i] = as[i];
	print_complex("claset", a, 6);
	CBLAS(zherk)(COL_MAJOR, UPPER, NO_TRANS, 2, 3, 0.5, x, 2, 0.25, c, 2);
	print_complex("zherk", c, 4);
	CBLAS(zdscal)(6, -0.5, x, 1);
	print_complex("zdscal", x, 6);
	CBLAS(drot)(3, u, 1, v, 1, 0.6, 0.8);
	print_real("drot", u, 3);
	print_real("drot", v, 3);
	printf("info %d\n", LAPACKE_dlascl(COL_MAJOR, 'G', 0, 0, 3, 2, 3, 1, u, 3));
	print_real("dlascl", u, 3);
}

/* 20 arguments, by pointer and by value, with workspace. */
static void expert_driver(void)
{
	double a[9] = {4, 1, 2, 1, 5, 3, 2, 3, 6}, af[9], r[3], c[3], b[3] = {1, 2, 3}, x[3], rcond, ferr, berr, pivot;
	int ipiv[3], info;
	char equed = 'N';

	info = LAPACKE_dgesvx(COL_MAJOR, 'N', 'N', 3, 1, a, 3, af, 3, ipiv, &equed, r, c, b, 3, x, 3, &rcond, &ferr,
	                      &berr, &pivot);
	printf("dgesvx info %d equed %c\n", info, equed);
	print_real("x", x, 3);
	print_real("rcond", &rcond, 1);
}

/* 32 arguments and 6 hidden lengths, of which 32 words are on the stack. */
static void cs_decomposition(void)
{
	/* Half a Hadamard matrix with a phase for each row, which is unitary. */
	static const double hadamard[16] = {1, 1, 1, 1, 1, -1, 1, -1, 1, 1, -1, -1, 1, -1, -1, 1};
	static const complex16 phase[4] = {1, I, 0.6 + 0.8 * I, -1};
	complex16 x[16], u1[4], u2[4], v1t[4], v2t[4], size, *work;
	double theta[2], rsize, *rwork;
	int m = 4, p = 2, q = 2, ld = 4, ldu = 2, lwork = -1, lrwork = -1, iwork[4], info = 99;

	for (int i = 0; i < 16; i++)
		x[i] = 0.5 * hadamard[i] * phase[i % 4];
	F77(zuncsd)
	("Y", "Y", "Y", "Y", "N", "D", &m, &p, &q, x, &ld, x + 8, &ld, x + 2, &ld, x + 10, &ld, theta, u1, &ldu, u2,
	 &ldu, v1t, &ldu, v2t, &ldu, &size, &lwork, &rsize, &lrwork, iwork, &info, 1, 1, 1, 1, 1, 1);
	lwork = creal(size);
	lrwork = rsize;
	printf("zuncsd query info %d\n", info);
	work = malloc(lwork * sizeof *work);
	rwork = malloc(lrwork * sizeof *rwork);
	F77(zuncsd)
	("Y", "Y", "Y", "Y", "N", "D", &m, &p, &q, x, &ld, x + 8, &ld, x + 2, &ld, x + 10, &ld, theta, u1, &ldu, u2,
	 &ldu, v1t, &ldu, v2t, &ldu, work, &lwork, rwork, &lrwork, iwork, &info, 1, 1, 1, 1, 1, 1);
	printf("zuncsd info %d\n", info);
	print_real("theta", theta, 2);
	print_complex("u1", u1, 4);
	print_complex("v2t", v2t, 4);
	free(work);
	free(rwork);
}

int main(void)
{
	complex_functions();
	by_value();
	expert_driver();
	cs_decomposition();
	return 0;
}
