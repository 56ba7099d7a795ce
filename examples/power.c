/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * power.c - the largest eigenvalue of a matrix by the power method, within a budget of FLOPs.
 *
 *     cc -O2 -o power power.c -lblas -lm
 *     ./power                                  runs as if flopshim did not exist
 *     flopshim ./power                         counts: namespaces `setup` and `iterate`, see flopshim-report
 *     flopshim ./power 3e5                     gives the iteration 300,000 FLOPs: it stops by itself in time
 *     FLOPSHIM_BUDGET=iterate=300k flopshim ./power    sets that from outside, with the same result
 *     FLOPSHIM_BUDGET=setup=1k flopshim ./power        ends with status 121: nobody asked before the set-up
 *
 * The program asks before each step what the step would cost and what is left, so that it ends with an answer.
 */
#include <cblas.h>
#include <flopshim.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { N = 200, STEPS_MAX = 500 };

static double matrix[N * N], x[N], y[N];

/*
 * Adds up the identity, a matrix of ones, and a matrix of rank 1 that maps the vector of ones to 0. The sum is
 * symmetric, and the vector of ones is an eigenvector with the eigenvalue N + 1.
 */
static void fill(void)
{
	double alternating[N];

	for (int i = 0; i < N; i++) {
		alternating[i] = i % 2 ? -1 : 1;
		matrix[i * N + i] = 1;
		for (int j = 0; j < N; j++)
			matrix[i * N + j] += 1;
	}
	cblas_dger(CblasRowMajor, N, N, 0.25, alternating, 1, alternating, 1, matrix, N);
	for (int i = 0; i < N; i++)
		x[i] = (i + 1.0) / N;
}

/* Scales x to length 1, multiplies it by the matrix, and returns the Rayleigh quotient of the scaled x. */
static double step(void)
{
	double quotient;

	cblas_dscal(N, 1 / cblas_dnrm2(N, x, 1), x, 1);
	cblas_dgemv(CblasRowMajor, CblasNoTrans, N, N, 1, matrix, N, x, 1, 0, y, 1);
	quotient = cblas_ddot(N, x, 1, y, 1);
	cblas_dcopy(N, y, 1, x, 1);
	return quotient;
}

/* Returns the FLOPs of one step. Without the shim that is an error, below 0; but then there is no limit either. */
static int64_t step_cost(void)
{
	char arguments[64];
	int64_t flops;

	snprintf(arguments, sizeof(arguments), "trans=N m=%d n=%d", N, N);
	flops = flopshim_cost("dgemv", arguments);
	snprintf(arguments, sizeof(arguments), "n=%d", N);
	return flops + flopshim_cost("dnrm2", arguments) + flopshim_cost("dscal", arguments) +
	       flopshim_cost("ddot", arguments);
}

int main(int argc, char **argv)
{
	double budget = argc > 1 ? atof(argv[1]) : 1e12, value = 0, before;
	int steps = 0;

	FLOPSHIM_SCOPE("setup")
	fill();
	FLOPSHIM_SCOPE("iterate", budget)
	{
		do {
			if (flopshim_present() && step_cost() > flopshim_remaining(NULL)) {
				fprintf(stderr, "power: no budget for another step\n");
				break;
			}
			before = value;
			value = step();
		} while (++steps < STEPS_MAX && fabs(value - before) > 1e-12 * value);
	}
	printf("%.6f after %d steps\n", value, steps);
	return 0;
}
