/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * folded.c - a line for each call stack, with its number behind it: the input of flamegraph.pl.
 * It must never write anything but such lines.
 */
#include "analyzer/export/lines.h"

void export_write_folded(struct output *output, const struct export *export)
{
	struct stack_lines lines = {0};
	char number[NUMBER_TEXT];

	stack_lines_add(&lines, export->run, export->weight, 0, true);
	stack_lines_sort(&lines);
	for (size_t i = 0; i < lines.count; i++)
		fprintf(output->stream, "%s %s\n", lines.lines[i].text,
		        number_exact(lines.lines[i].numbers[0], number));
	stack_lines_free(&lines);
}
