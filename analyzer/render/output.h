/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * output.h - the stream that an answer is written to.
 * It must never take an answer for written before the stream has been flushed without an error.
 */
#ifndef ANALYZER_OUTPUT_H
#define ANALYZER_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct output {
	FILE *stream;
	bool colour;
	bool unicode;    /* characters beyond ASCII can be shown */
	bool whole;      /* nothing is shortened or broken, though lines may then be longer than the terminal */
	size_t width;    /* of the terminal, in columns; 0: it is not known, and everything is as long as it is */
	unsigned depth;  /* JSON: how many objects and lists are open, at most 63 */
	uint64_t filled; /* JSON: the bit of a depth is set if the object or list there has a member */
};

/* Flushes the stream. Returns false, after a message on standard error, if anything could not be written. */
bool output_finish(struct output *output);

#endif
