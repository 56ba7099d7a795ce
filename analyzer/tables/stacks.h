/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * stacks.h - sampled stacks, one after the other, and the frames of each: for the table of stacks and for exports.
 * It must never show a stack without what it stands for, nor believe what a sample says of that: see estimate.h.
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

/* What one sample says, or several that look the same. */
struct sampled {
	struct views *views;
	uint32_t number;            /* of the sample, the largest of them */
	u128 flops;                 /* that it stands for */
	u128 sampled_flops;         /* that it says it stands for */
	bool exact;                 /* no call of its site was left out */
	uint64_t calls;             /* that were sampled */
	const char *symbol, *space; /* that was called; the namespace's path, "" for the root */
	const struct stack_head *stack;
};

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
};

struct frames frames_of_sample(const struct sampled *sampled, enum frame_kind kind);
/* "function (file:line)", valid until the next frame or value of the views; NULL after the last. */
const char *frames_next(struct frames *frames);

/* The Python line that most of a site's sampled work came from; NULL if it is not known. */
const char *stacks_python_of_site(struct views *views, uint32_t site);

/* What the views have made of stacks; may be NULL. */
void stacks_free(struct sampled_stacks *stacks);

#endif
