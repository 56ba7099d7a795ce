/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * scalapack.c - solves a system of order ORDER by pdgesv on a 1 by P grid of MPI ranks; the first rank prints the
 * solution to the last bit. The right-hand side consists of the row sums, so that every unknown is 1. BLACS starts and
 * ends MPI.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { ORDER = 300, BLOCK = 20 };

void Cblacs_pinfo(int *rank, int *count);
void Cblacs_get(int context, int what, int *value);
void Cblacs_gridinit(int *context, const char *order, int rows, int columns);
void Cblacs_gridinfo(int context, int *rows, int *columns, int *row, int *column);
void Cblacs_gridexit(int context);
void Cblacs_exit(int more);
int numroc_(const int *n, const int *nb, const int *process, const int *source, const int *count);
void descinit_(int *descriptor, const int *m, const int *n, const int *mb, const int *nb, const int *row,
               const int *column, const int *context, const int *ld, int *info);
void pdgesv_(const int *n, const int *nrhs, double *a, const int *ia, const int *ja, const int *desca, int *ipiv,
             double *b, const int *ib, const int *jb, const int *descb, int *info);

static double element(int i, int j) { return i == j ? ORDER : (i * 7 + j * 13) % 101 / 128.0 - 0.25; }

int main(void)
{
	const int order = ORDER, block = BLOCK, zero = 0, one = 1;
	int rank, count, context, rows, columns, row, column, local_columns, descriptor_a[9], descriptor_b[9], info;
	double *a, b[ORDER], worst = 0;
	int ipiv[ORDER + BLOCK];

	Cblacs_pinfo(&rank, &count);
	Cblacs_get(-1, 0, &context);
	Cblacs_gridinit(&context, "R", 1, count);
	Cblacs_gridinfo(context, &rows, &columns, &row, &column);
	local_columns = numroc_(&order, &block, &column, &zero, &columns);
	a = malloc(sizeof(*a) * ORDER * (local_columns ? local_columns : 1));
	for (int j = 0; j < local_columns; j++) {
		int global = (j / BLOCK * columns + column) * BLOCK + j % BLOCK;

		for (int i = 0; i < ORDER; i++)
			a[i + j * ORDER] = element(i, global);
	}
	for (int i = 0; i < ORDER; i++) {
		b[i] = 0;
		for (int j = 0; j < ORDER; j++)
			b[i] += element(i, j);
	}
	descinit_(descriptor_a, &order, &order, &block, &block, &zero, &zero, &context, &order, &info);
	descinit_(descriptor_b, &order, &one, &block, &block, &zero, &zero, &context, &order, &info);
	pdgesv_(&order, &one, a, &one, &one, descriptor_a, ipiv, b, &one, &one, descriptor_b, &info);
	if (rank == 0) {
		for (int i = 0; i < ORDER; i++) {
			worst = fmax(worst, fabs(b[i] - 1));
			printf("%a\n", b[i]);
		}
		printf("info %d\n", info);
	}
	free(a);
	Cblacs_gridexit(context);
	Cblacs_exit(0);
	return info || worst > 1e-10;
}
