/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * output.h - where an answer is written to.
 * It must never take an answer for written that has not reached its file.
 */
#ifndef ANALYZER_OUTPUT_H
#define ANALYZER_OUTPUT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct output {
	FILE *stream;
	bool colour;
	/* JSON: what has been opened. */
	unsigned depth;
	uint64_t filled; /* by bit: the object or array at this depth has a member */
};

/* Whether everything has reached the stream; says on standard error if not. */
bool output_finish(struct output *output);

#endif
