/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * stacks.h - sampled stacks, one after the other, and the frames of each: for the table of stacks and for exports.
 *
 *	struct sampled sampled;
 *	for (struct stacks stacks = stacks_of(views); stacks_next(&stacks, &sampled);) {
 *		struct frames frames = frames_of_sample(&sampled, FRAMES_NATIVE);
 *		const char *name;
 *
 *		while ((name = frames_next(&frames))) ...
 *	}
 */
#ifndef ANALYZER_STACKS_H
#define ANALYZER_STACKS_H

#include "analyzer/tables/views.h"

struct stacks {
	struct views *views;
	size_t next;
};

/* The samples of an aggregate, the largest first. */
struct stacks stacks_of(struct views *views);
bool stacks_next(struct stacks *stacks, struct sampled *sampled);

enum frame_kind { FRAMES_PYTHON, FRAMES_NATIVE };

/* The frames of a sample, innermost first. */
struct frames {
	struct views *views;
	const struct stack_head *stack;
	enum frame_kind kind;
	const char *python; /* what is left of the lines */
	uint32_t next;
	struct text *text;
};

struct frames frames_of_sample(const struct sampled *sampled, enum frame_kind kind);
/* "function (file:line)", valid until the next frame or value of the views; NULL after the last. */
const char *frames_next(struct frames *frames);

/* The Python line that most of a site's sampled work came from; NULL if it is not known. */
const char *stacks_python_of_site(struct views *views, uint32_t site);

#endif
