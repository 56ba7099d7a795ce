/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * folded_diff.c - a line for each call stack of two runs, with the number of the old one and that of the new one behind it.
 * It must never tell stacks apart by the numbers of lines, which an edit elsewhere in the file changes.
 */
#include "analyzer/export/lines.h"

void export_write_folded_diff(struct output *output, const struct export *export)
{
	struct stack_lines lines = {0};
	char old[NUMBER_TEXT], new[NUMBER_TEXT];

	stack_lines_add(&lines, export->old, export->weight, 0, false);
	stack_lines_add(&lines, export->run, export->weight, 1, false);
	stack_lines_sort(&lines);
	for (size_t i = 0; i < lines.count; i++)
		fprintf(output->stream, "%s %s %s\n", lines.lines[i].text, number_exact(lines.lines[i].numbers[0], old),
		        number_exact(lines.lines[i].numbers[1], new));
	stack_lines_free(&lines);
}
