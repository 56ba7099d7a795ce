/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * probe.c - what a library is called with to learn how its arguments are read.
 * It must never call a function with a pointer that leads nowhere, whichever way the function reads it.
 */
#include "shim/resolve/probe.h"

#include <stdint.h>

bool probe_is_ilp64(void *function)
{
	/* 3 to a 32-bit reader, negative to a 64-bit one: only the first finds the largest element. */
	static const int64_t count = (int64_t)0xffffffff00000003;
	static const int64_t step = 1;
	static const float vector[3] = {1, 3, 2};
	const void *const arguments[PROBE_ARGUMENTS] = {&count, vector, &step};

	return probe_call(function, arguments) == 0;
}

bool probe_hides_result(void *function)
{
	/*
	 * Each is a length or an increment of 1 in both widths, and the first element of a vector: a number so small that
	 * the product of two is 0. So dotu and dotc write 0 and ladiv writes 1.0, where they write.
	 */
	int64_t one[PROBE_ARGUMENTS][4] = {{1}, {1}, {1}, {1}, {1}, {1}};
	const void *const arguments[PROBE_ARGUMENTS] = {one[0], one[1], one[2], one[3], one[4], one[5]};

	probe_call(function, arguments);
	return *(volatile int64_t *)one[0] != 1;
}
