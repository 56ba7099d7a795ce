/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * probe.c - calls functions of a library to learn how it reads arguments and returns results.
 * It must never pass a pointer that is not valid in each way in which the function may read it.
 */
#include "shim/resolve/probe.h"

#include <stdint.h>

bool probe_is_ilp64(void *function)
{
	/* n is 3 as an integer of 32 bits and negative as one of 64: then isamax returns 0 instead of 2. */
	static const int64_t count = (int64_t)0xffffffff00000003;
	static const int64_t step = 1;
	static const float vector[3] = {1, 3, 2};
	const void *const arguments[PROBE_ARGUMENTS] = {&count, vector, &step};

	return probe_call(function, arguments) == 0;
}

bool probe_hides_result(void *function)
{
	/*
	 * Each argument is 1 as an integer of either width, for n and increments. As an element of a vector it is a
	 * number so small that products are 0. If the function writes its result through the first argument, dotu and
	 * dotc write 0 there, and ladiv 1.0, so that the 1 is gone.
	 */
	int64_t one[PROBE_ARGUMENTS][4] = {{1}, {1}, {1}, {1}, {1}, {1}};
	const void *const arguments[PROBE_ARGUMENTS] = {one[0], one[1], one[2], one[3], one[4], one[5]};

	probe_call(function, arguments);
	return *(volatile int64_t *)one[0] != 1;
}
