/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * orders.c - calls dgemm_, dgemv_ and daxpy_ from one place each, with 60 shapes in sequences that repeat, break off or
 * are random, and in two namespaces by turns. Prints `routine letter dimension calls` for each shape, and `namespace
 * calls FLOPs` for each namespace. It must only be linked to null_blas.c, since there is no data.
 */
#include <stdio.h>
#include <stdlib.h>

#include "blas.h"
#include "flopshim.h"

enum { SHAPES = 60, ROUNDS = 40, ORDERS = 7 };

static const char *const routines[] = {"dgemm", "dgemv", "daxpy"};
static const char *const names[] = {"odd", "even"};
static long calls[3][2][SHAPES], space_calls[2], space_flops[2];

static void call(int routine, int transposed, int shape, int space)
{
	int n = shape + 1, step = 1;
	double one = 1;

	if (routine == 0)
		dgemm_(transposed ? "T" : "N", "N", &n, &step, &n, &one, NULL, &n, NULL, &n, &one, NULL, &n, 1, 1);
	else if (routine == 1)
		dgemv_(transposed ? "T" : "N", &n, &n, &one, NULL, &n, NULL, &step, &one, NULL, &step, 1);
	else
		daxpy_(&n, &one, NULL, &step, NULL, &step);
	calls[routine][routine < 2 && transposed][shape]++;
	space_calls[space]++;
	space_flops[space] += 2L * n * (routine < 2 ? n : 1);
}

/* Returns the number of the shape of call i of a round. */
static int shape_of(int order, int round, int i)
{
	switch (order) {
	case 0: return 7;                            /* always the same */
	case 1: return i * 37 % SHAPES;              /* a cycle */
	case 2: return SHAPES - 1 - i;               /* another cycle of the same shapes */
	case 3: return i % 11 ? i : rand() % SHAPES; /* a sequence that breaks off now and then */
	case 4: return i % 2 ? 3 : i;                /* every other call is the same, and different ones follow it */
	case 5: return i < round ? i : 0;            /* a sequence that grows in each round */
	default: return rand() % SHAPES;
	}
}

int main(void)
{
	for (int order = 0; order < ORDERS; order++)
		for (int round = 0; round < ROUNDS; round++) {
			int space = round / 3 % 2;
			int64_t scope = flopshim_begin(names[space]);

			for (int i = 0; i < SHAPES; i++)
				for (int routine = 0; routine < 3; routine++)
					call(routine, i / 20 % 2, shape_of(order, round, i), space);
			flopshim_end(scope);
		}
	for (int routine = 0; routine < 3; routine++)
		for (int transposed = 0; transposed < 2; transposed++)
			for (int shape = 0; shape < SHAPES; shape++)
				if (calls[routine][transposed][shape])
					printf("%s %c %d %ld\n", routines[routine], transposed ? 'T' : 'N', shape + 1,
					       calls[routine][transposed][shape]);
	for (int space = 0; space < 2; space++)
		printf("%s %ld %ld\n", names[space], space_calls[space], space_flops[space]);
	return 0;
}
