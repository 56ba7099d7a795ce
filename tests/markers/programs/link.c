/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * link.c - prints what a dot product in a scope was charged, or FLOPSHIM_ABSENT without the shim. It ends with
 * status 1 if flopshim.h accepts a NULL buffer.
 * It must never be linked with flopshim, since the header alone must suffice.
 */
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
