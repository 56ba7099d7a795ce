/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * code_r.c - functions in C that tests/clients/programs/code.R calls, and that do known shares of the work. `flops` is set to what
 * one call takes: a product of order n takes 2 n^3 FLOPs, a symmetric one of n columns n^2 (n + 1).
 */
#include "blas.h"

void forward(double *a, double *b, double *c, int *order, double *flops);
void gram(double *a, double *c, int *order, double *flops);
void backward(double *a, double *b, double *c, int *order, double *flops);

void forward(double *a, double *b, double *c, int *order, double *flops)
{
	int n = *order;
	double one = 1, zero = 0;

	dgemm_("N", "N", &n, &n, &n, &one, a, &n, b, &n, &zero, c, &n, 1, 1); /* here: forward */
	*flops = 2.0 * n * n * n;
}

void gram(double *a, double *c, int *order, double *flops)
{
	int n = *order;
	double one = 1, zero = 0;

	dsyrk_("U", "T", &n, &n, &one, a, &n, &zero, c, &n, 1, 1); /* here: gram */
	*flops = 1.0 * n * n * (n + 1);
}

void backward(double *a, double *b, double *c, int *order, double *flops)
{
	int n = *order;
	double one = 1, zero = 0;

	dgemm_("T", "N", &n, &n, &n, &one, a, &n, b, &n, &zero, c, &n, 1, 1); /* here: backward */
	*flops = 2.0 * n * n * n;
}
