/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * lines.h - call stacks as lines of text, "outer;inner;routine", in which equal stacks are one.
 * It must never write a line that a reader would split in another place than the one it was joined at.
 */
#ifndef ANALYZER_LINES_H
#define ANALYZER_LINES_H

#include "analyzer/export/export.h"

/* A stack and its number in each of at most two runs. */
struct stack_line {
	const char *text;
	u128 numbers[2];
};

struct stack_lines {
	struct intern texts;
	struct stack_line *lines;
	size_t count, capacity;
};

/* Adds the stacks of run 0 or 1 to lines, which are all zeros at first. */
void stack_lines_add(struct stack_lines *lines, const struct call_stacks *stacks, enum work_weight weight, unsigned run,
                     bool with_lines);

/* Puts the lines into the order of their bytes. Nothing is added afterwards. */
void stack_lines_sort(struct stack_lines *lines);

void stack_lines_free(struct stack_lines *lines);

#endif
