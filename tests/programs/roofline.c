/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * roofline.c - calls whose operands lie in one cache, in the next, in the last one or in memory: roofline BYTES, the bytes that
 * the operands in memory have.
 * It must never be asked for more memory than there is.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "blas.h"

enum { ORDER = 2000 };

static double *vectors;
static size_t count; /* of all elements */

static void call_all(size_t elements, int times)
{
	const double nearly_one = 0.9999999, small = 1e-300, zero = 0; /* a BLAS need not do anything for 1 */
	integer n = (integer)elements, stride = 1, order = 1;
	double *x = vectors, *y = vectors + elements, sum = 0;

	while ((size_t)(order + 1) * (size_t)(order + 1) <= 2 * elements) /* a matrix as large as both vectors */
		order++;
	for (int i = 0; i < times; i++)
		sum += F77(ddot)(&n, x, &stride, y, &stride);
	for (int i = 0; i < times; i++)
		F77(daxpy)(&n, &small, x, &stride, y, &stride);
	for (int i = 0; i < times; i++)
		F77(dscal)(&n, &nearly_one, x, &stride);
	order -= order > 64 ? order / 32 : 2; /* room for its vectors */
	x = vectors + (size_t)order * (size_t)order;
	for (int i = 0; i < times; i++)
		F77(dgemv)("T", &order, &order, &small, vectors, &order, x, &stride, &zero, x + order, &stride, 1);
	if (sum < 0)
		exit(1);
}

static void multiply(integer order, int times)
{
	const double one = 1, zero = 0;
	size_t elements = (size_t)order * (size_t)order;

	for (int i = 0; i < times; i++)
		F77(dgemm)
	("N", "N", &order, &order, &order, &one, vectors, &order, vectors + elements, &order, &zero,
	 vectors + 2 * elements, &order, 1, 1);
}

int main(int arguments, char **texts)
{
	if (arguments < 2)
		return 2;
	count = strtoull(texts[1], NULL, 10) / sizeof *vectors;
	if (count < 4 * ORDER * ORDER)
		count = 4 * ORDER * ORDER;
	vectors = mmap(NULL, count * sizeof *vectors, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (vectors == MAP_FAILED)
		return 3;
	madvise(vectors, count * sizeof *vectors, MADV_HUGEPAGE);
	for (size_t i = 0; i < count; i++)
		vectors[i] = 1;
	call_all(1000, 2000);
	call_all(2500, 1000);
	call_all(20000, 200);
	call_all(400000, 20);
	call_all(count / 2, 2);
	multiply(100, 200);
	multiply(ORDER, 8);
	return 0;
}
