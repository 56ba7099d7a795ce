/* SPDX-License-Identifier: BSD-3-Clause */
/* record.c - a product, and an operation that is charged by hand, for the ordered record. */
#include <flopshim.h>

#include "work.h"

int main(void)
{
	static const struct flopshim_shape shapes[] = {{2, {3, 4}}, {2, {4, 5}}};

	FLOPSHIM_SCOPE("train") {
		product(3, 5, 4);
		FLOPSHIM_SCOPE("inner")
			flopshim_charge("einsum", 60, "ij,jk->ik", 2, shapes);
		dot(10);
	}
	return 0;
}
