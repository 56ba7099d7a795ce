/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * roofline.h - a roofline as SVG: GFLOP/s over FLOPs per byte, for where no script runs.
 * It must never draw a point whose rate or traffic is not known.
 */
#ifndef ANALYZER_ROOFLINE_H
#define ANALYZER_ROOFLINE_H

#include <stdbool.h>
#include <stddef.h>

#include "analyzer/base/text.h"

struct roofline_point {
	const char *name;         /* any text */
	double intensity, gflops; /* FLOPs per byte of the least memory traffic; both above 0 */
};

/* What the machine can do at most: GFLOP/s, or for a memory, GB/s. */
struct roofline_roof {
	const char *name;
	double value;
	bool is_memory;
};

struct roofline {
	const struct roofline_point *points; /* the most FLOPs first */
	size_t point_count;
	const struct roofline_roof *roofs;
	size_t roof_count;
};

/* Appends the drawing; nothing if there are no points. */
void roofline_add(struct text *html, const struct roofline *roofline);

#endif
