/* SPDX-License-Identifier: BSD-3-Clause */
/* link.c - prints what a marked dot product was charged; an error without the shim. Ends with 1 if NULL is no error. */
#include <flopshim.h>
#include <stdio.h>

#include "work.h"

int main(void)
{
	FLOPSHIM_SCOPE("linked", 1000)
		dot(10);
	printf("%lld\n", (long long)flopshim_used("linked"));
	return flopshim_summary(NULL, 1, FLOPSHIM_TEXT) >= 0;
}
