/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * control_flow.c MODE - leaves calls of LAPACK in every way that C has, and prints what it has called, as lines
 * "ROUTINE CALLS" that the test compares with the report.
 *
 *   select      dgees calls SELECT, which calls ddot (n = 4)
 *   longjmp     SELECT jumps out of dgees; ddot is then called from deep and from shallow frames
 *   xerbla      the program's own xerbla_ jumps out of dgemm
 *   loop        longjmp 10,000 times, with a call after each: the shim must not accumulate anything
 */
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "blas.h"

enum { N = 8 };

static jmp_buf out;
static long ddots, dgeess, dgemms;
static volatile double sink;

static void ddot4(void)
{
	static const double x[] = {1, 2, 3, 4};
	int n = 4, stride = 1;

	sink = F77(ddot)(&n, x, &stride, x, &stride);
	if (sink != 30)
		exit(3);
	ddots++;
}

static int select_calls_blas(const double *re, const double *im)
{
	(void)im;
	ddot4();
	return *re > 0;
}

static int select_jumps(const double *re, const double *im)
{
	(void)re, (void)im;
	longjmp(out, 1);
}

/* Calls dgees with a SELECT, and prints the result if the call returns. */
static void schur(select_function select)
{
	double a[N * N], wr[N], wi[N], vs[N * N], work[64 * N];
	int n = N, sdim, lwork = 64 * N, bwork[N], info;

	for (int i = 0; i < N * N; i++)
		a[i] = (i * 37 % 101) / 64.0 - 0.75;
	dgeess++;
	F77(dgees)("V", "S", select, &n, a, &n, &sdim, wr, wi, vs, &n, work, &lwork, bwork, &info, 1, 1);
	for (int i = 0; i < N; i++)
		printf("# %a %a\n", wr[i], wi[i]);
	printf("# sdim %d info %d\n", sdim, info);
}

static void __attribute__((noinline)) deep(int depth)
{
	volatile char frame[256];

	frame[0] = depth;
	if (depth)
		deep(depth - 1);
	else
		ddot4();
	frame[1] = frame[0];
}

/* Calls from stack frames below and above the one that longjmp left. */
static void after(void)
{
	for (int i = 0; i < 50; i++)
		ddot4();
	for (int depth = 1; depth <= 50; depth++)
		deep(depth);
}

void xerbla_(const char *name, const int *argument, length size);

void xerbla_(const char *name, const int *argument, length size)
{
	printf("# xerbla %.*s %d\n", (int)size, name, *argument);
	longjmp(out, 2);
}

static void bad_dgemm(void)
{
	int m = -1, n = 2;
	double a[4] = {1, 2, 3, 4}, c[4], one = 1;

	dgemms++;
	F77(dgemm)("N", "N", &m, &n, &n, &one, a, &n, a, &n, &one, c, &n, 1, 1);
	printf("# came back\n");
}

int main(int argc, char **argv)
{
	const char *mode = argc > 1 ? argv[1] : "";
	volatile int rounds = !strcmp(mode, "loop") ? 10000 : 20;

	if (!strcmp(mode, "select")) {
		schur(select_calls_blas);
		after();
	} else if (!strcmp(mode, "longjmp") || !strcmp(mode, "loop")) {
		while (rounds-- > 0) {
			if (!setjmp(out))
				schur(select_jumps);
			ddot4();
			if (!strcmp(mode, "longjmp"))
				after();
		}
	} else if (!strcmp(mode, "xerbla")) {
		while (rounds-- > 0) {
			if (!setjmp(out))
				bad_dgemm();
			after();
		}
	} else {
		return 2;
	}
	printf("ddot %ld\ndgees %ld\ndgemm %ld\n", ddots, dgeess, dgemms);
	return 0;
}
