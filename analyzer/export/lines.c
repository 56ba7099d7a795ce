/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * lines.c - makes lines of call stacks.
 * It must never let a name from a dump end its frame, its stack or its line.
 */
#include "analyzer/export/lines.h"

#include <stdlib.h>
#include <string.h>

/* Where the digits begin that a text ends in, if there is a blank before them; NULL otherwise. */
static char *number_at_end(char *text, size_t length)
{
	size_t at = length;

	while (at && ((text[at - 1] >= '0' && text[at - 1] <= '9') || text[at - 1] == '.'))
		at--;
	return at < length && at && text[at - 1] == ' ' ? text + at : NULL;
}

/*
 * Adds the name of a frame. A semicolon ends frames and a number behind a blank ends lines, so that names get others in their
 * places; and some readers take a text that begins with a brace for JSON.
 */
static void add_name(struct text *line, const char *name)
{
	size_t begin = line->length;
	char *number;

	text_add_clean(line, name);
	for (char *at = line->bytes + begin; *at; at++)
		if (*at == ';')
			*at = ':';
	if (line->bytes[begin] == '{')
		line->bytes[begin] = '(';
	number = number_at_end(line->bytes + begin, line->length - begin);
	if (number)
		number[-1] = '_';
}

static void add_line(struct stack_lines *lines, const char *text, unsigned run, u128 number)
{
	size_t known = lines->texts.count;
	uint32_t place = intern_text(&lines->texts, text);

	if (place == known) {
		lines->lines = memory_grow(lines->lines, known, &lines->capacity, sizeof *lines->lines);
		lines->lines[place] = (struct stack_line){.text = intern_at(&lines->texts, place)};
		lines->count++;
	}
	lines->lines[place].numbers[run] = u128_add(lines->lines[place].numbers[run], number);
}

void stack_lines_add(struct stack_lines *lines, const struct call_stacks *stacks, enum work_weight weight, unsigned run,
                     bool with_lines)
{
	struct text line = {0}, name = {0};

	for (size_t i = 0; i < stacks->count; i++) {
		const struct call_stack *stack = &stacks->stacks[i];

		if (!stack->weights[weight])
			continue;
		text_clear(&line);
		for (uint32_t place = 0; place < stack->depth; place++) {
			text_clear(&name);
			export_add_frame(&name, stacks, call_stack_frame(stacks, stack, place), with_lines);
			text_add(&line, place ? ";" : "");
			add_name(&line, name.bytes);
		}
		add_line(lines, line.bytes, run, stack->weights[weight]);
	}
	text_free(&line);
	text_free(&name);
}

static int compare_lines(const void *a, const void *b)
{
	return strcmp(((const struct stack_line *)a)->text, ((const struct stack_line *)b)->text);
}

void stack_lines_sort(struct stack_lines *lines)
{
	if (lines->count)
		qsort(lines->lines, lines->count, sizeof *lines->lines, compare_lines);
}

void stack_lines_free(struct stack_lines *lines)
{
	free(lines->lines);
	intern_free(&lines->texts);
}
