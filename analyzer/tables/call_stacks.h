/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * call_stacks.h - the work of a run, divided among the call stacks that asked for it: what a flame graph shows.
 * It must never give the stacks together more work than the report's totals have, or less.
 *
 * How much work a call site did in a namespace is known; its samples only say how that is divided among its stacks. A site
 * without samples has a single stack, with its own place alone.
 */
#ifndef ANALYZER_CALL_STACKS_H
#define ANALYZER_CALL_STACKS_H

#include "analyzer/base/memo.h"
#include "analyzer/tables/symbolize.h"

/* What a stack's share can be measured in. */
enum work_weight {
	WORK_FLOPS,
	WORK_CHARGED,
	WORK_CALLS, /* as the report's total: without manual charges */
	WORK_TIME,  /* estimated, in nanoseconds */
	WORK_WEIGHTS,
};

enum frame_origin {
	FRAME_NAMESPACE, /* a part of a namespace's path */
	FRAME_PYTHON,
	FRAME_NATIVE,
	FRAME_ROUTINE, /* the routine that was called, or the name of a manual charge */
};

struct call_frame {
	const char *function; /* never empty: where no function is known, the place in its module */
	const char *file;     /* NULL if not known */
	uint32_t line;        /* 0 if not known */
	uint32_t module;      /* of FRAME_NATIVE: number in the aggregate, AGGREGATE_NONE if not known */
	enum frame_origin origin;
	bool nameless; /* `function` is a place, and no name */
};

enum stack_source {
	STACK_EXACT,   /* every call of the site had its stack taken */
	STACK_SAMPLED, /* the site's work is divided as its samples say */
	STACK_NONE,    /* no stack was taken at the site */
};

struct call_stack {
	const uint32_t *frames; /* numbers of frames, the outermost first; the last one is a FRAME_ROUTINE */
	uint32_t depth;
	uint32_t site, space; /* numbers in the aggregate */
	enum stack_source source;
	u128 weights[WORK_WEIGHTS];
};

/* Stacks, in an order that follows from their contents. Texts live as long as they do. */
struct call_stacks {
	const struct aggregate *aggregate;
	struct symbolizer *symbolizer, *own; /* `own`: the same, if call_stacks_close frees it; NULL otherwise */
	struct call_frame *frames;
	size_t frame_capacity;
	struct intern frame_keys, texts;
	struct memo *of_modules; /* by module, and one for code outside of all: by offset, the number of the frame */
	struct call_stack *stacks;
	size_t count, capacity;
	struct arena arena;
	u128 totals[WORK_WEIGHTS]; /* of all stacks */
};

/* Divides the work of an aggregate. With `namespaces`, the parts of a namespace's path are its stacks' outermost frames. */
void call_stacks_open(struct call_stacks *stacks, const struct aggregate *aggregate, bool namespaces);
/* Does the same with a symbolizer, which must outlive the stacks. */
void call_stacks_open_by(struct call_stacks *stacks, const struct aggregate *aggregate, struct symbolizer *symbolizer,
                         bool namespaces);
void call_stacks_close(struct call_stacks *stacks);

static inline const struct call_frame *call_stack_frame(const struct call_stacks *stacks,
                                                        const struct call_stack *stack, uint32_t place)
{
	return &stacks->frames[stack->frames[place]];
}

static inline size_t call_stacks_frame_count(const struct call_stacks *stacks) { return stacks->frame_keys.count; }

#endif
