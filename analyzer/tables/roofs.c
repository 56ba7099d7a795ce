/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * roofs.c - names of roofs, and which of them a routine is held against.
 * It must never measure anything: analyzer/peak does so.
 */
#include "analyzer/tables/roofs.h"

#include <stddef.h>

const char *const roof_precisions[ROOF_PRECISIONS] = {[ROOF_DOUBLE] = "double", [ROOF_SINGLE] = "single"};

const char *const roof_levels[ROOF_LEVELS] = {
	[ROOF_FIRST] = "first", [ROOF_SECOND] = "second", [ROOF_LAST] = "last", [ROOF_MEMORY] = "memory"};

const char *const roof_titles[ROOF_LEVELS] = {[ROOF_FIRST] = "first cache",
                                              [ROOF_SECOND] = "second cache",
                                              [ROOF_LAST] = "last cache",
                                              [ROOF_MEMORY] = "memory"};

bool roofs_are_known(const struct roofs *roofs)
{
	bool known = false;

	for (unsigned threads = 0; roofs && threads < ROOF_THREADS; threads++) {
		for (unsigned i = 0; i < ROOF_PRECISIONS; i++)
			known |= roofs->gflops[i][threads] > 0;
		for (unsigned i = 0; i < ROOF_LEVELS; i++)
			known |= roofs->gbytes[i][threads] > 0;
	}
	return known;
}

double roofs_peak(const struct roofs *roofs, uint8_t type)
{
	bool single = type == 's' || type == 'c', two = type == 'd' || type == 'z';

	return roofs && (single || two) ? roofs->gflops[single ? ROOF_SINGLE : ROOF_DOUBLE][roofs->used] : 0;
}
