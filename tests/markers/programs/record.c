/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * record.c - makes a product, a charge by hand and a dot product, for tests of the ordered record.
 * It must never make other calls in a namespace, since test_record.py lists all of them.
 */
#include <flopshim.h>

#include "work.h"

int main(void)
{
	static const struct flopshim_shape shapes[] = {{2, {3, 4}}, {2, {4, 5}}};

	FLOPSHIM_SCOPE("train")
	{
		product(3, 5, 4);
		FLOPSHIM_SCOPE("inner")
		flopshim_charge("einsum", 60, "ij,jk->ik", 2, shapes);
		dot(10);
	}
	return 0;
}
