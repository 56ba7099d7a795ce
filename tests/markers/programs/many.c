/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * many.c - charges more names, details and amounts by hand than a dump has room for, and prints how often and how much.
 * It must never stop at a refusal: refused charges are left out of both numbers.
 */
#include <stdio.h>

#include <flopshim.h>

#include "work.h"

enum { MANY = 70000 };

static long charges, flops;

static void charge(const char *name, long amount, const struct flopshim_shape *shape)
{
	if (flopshim_charge(name, amount, NULL, shape ? 1 : 0, shape) == FLOPSHIM_OK) {
		charges++;
		flops += amount;
	}
}

int main(void)
{
	for (long i = 1; i <= MANY; i++) {
		const struct flopshim_shape shape = {1, {i}};
		char name[32];

		charge("contract", 3 * i, &shape);
		charge("fft", i, NULL);
		snprintf(name, sizeof(name), "step %ld", i);
		charge(name, 7, NULL);
	}
	printf("%ld %ld\n", charges, flops);
	return 0;
}
