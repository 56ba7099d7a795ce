/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * markdown.c - writes an answer as GitHub's Markdown, aligned so that it can be read as it stands, too.
 * It must never let a text from a dump end its cell, or be taken for markup.
 */
#include "analyzer/render/markdown.h"

#include <ctype.h>
#include <string.h>

#include "analyzer/render/format.h"
#include "analyzer/render/grid.h"
#include "analyzer/tables/cell.h"

#define NO_BREAK_SPACE "\u00a0"

/* Whether a letter must be escaped. A `_` within a word need not be, so that dsyrk_64_ stays readable. */
static bool is_markup(char letter, char before)
{
	return letter == '_' ? !isalnum((unsigned char)before) : strchr("\\`*<[]|&~$", letter) != NULL;
}

void markdown_add_escaped(struct text *text, const char *plain)
{
	char before = 0;

	text_add(text, "");
	for (; *plain == ' '; plain++) /* blanks would be dropped that indent the text of a cell */
		text_add(text, NO_BREAK_SPACE);
	for (; *plain; before = *plain++) {
		if (is_markup(*plain, before))
			text_add_byte(text, '\\');
		text_add_byte(text, *plain);
	}
}

/* Adds a text as code, where only the letter that would end the cell is escaped. */
static void add_code(struct text *text, const char *plain)
{
	text_add_byte(text, '`');
	for (; *plain; plain++) {
		if (*plain == '|')
			text_add_byte(text, '\\');
		text_add_byte(text, *plain);
	}
	text_add_byte(text, '`');
}

/* Tables. */

static void put_times(FILE *stream, char letter, size_t count)
{
	while (count--)
		fputc(letter, stream);
}

static void put_cell(FILE *stream, const char *cell, size_t width, bool left)
{
	size_t padding = width - text_width(cell);

	fputc(' ', stream);
	put_times(stream, ' ', left ? 0 : padding);
	fputs(cell, stream);
	put_times(stream, ' ', left ? padding : 0);
	fputs(" |", stream);
}

static void put_rule(FILE *stream, size_t width, bool left)
{
	fputc(' ', stream);
	put_times(stream, '-', left ? width : width - 1);
	fputs(left ? " |" : ": |", stream);
}

static void put_row(FILE *stream, const struct grid *grid, size_t row, bool is_rule)
{
	enum { NARROWEST = 3 };

	fputc('|', stream);
	for (unsigned i = 0; i < grid->table->column_count; i++) {
		size_t width = grid->widths[i] < NARROWEST ? NARROWEST : grid->widths[i];
		bool left = column_is_left(grid->table->columns[i].kind);

		if (!grid->shown[i])
			continue;
		if (is_rule)
			put_rule(stream, width, left);
		else
			put_cell(stream, grid_at(grid, row, i), width, left);
	}
	fputc('\n', stream);
}

static void put_table(FILE *stream, const struct table *table, const char *before)
{
	struct grid grid;

	if (!table->row_count)
		return;
	grid_open(&grid, table, markdown_add_escaped);
	fprintf(stream, "%s## %s\n\n", before, table->title);
	if (table->note)
		fprintf(stream, "%s\n\n", table->note);
	for (size_t row = 0; row < grid.row_count; row++) {
		put_row(stream, &grid, row, false);
		if (!row)
			put_row(stream, &grid, row, true);
	}
	if (table->more)
		fprintf(stream, "\nand %zu more (`--top`)\n", table->more);
	grid_close(&grid);
}

/* An answer. */

static bool is_fact(const struct part *part)
{
	return part->kind == PART_FACT || part->kind == PART_WARNING || part->kind == PART_CODE;
}

/* Consecutive lines with labels become a table of two columns without titles. */
static void put_fact(FILE *stream, const struct part *part, bool is_first, struct text *scratch)
{
	if (is_first)
		fputs("\n| | |\n|---|---|\n", stream);
	text_clear(scratch);
	if (part->kind == PART_CODE)
		add_code(scratch, part->text);
	else
		markdown_add_escaped(scratch, part->text);
	fprintf(stream, part->kind == PART_WARNING ? "| **%s** | %s |\n" : "| %s | %s |\n", part->key, scratch->bytes);
}

static void put_line(FILE *stream, const char *before, const char *mark, const char *text, struct text *scratch)
{
	text_clear(scratch);
	markdown_add_escaped(scratch, text);
	fprintf(stream, "%s%s%s\n", before, mark, scratch->bytes);
}

/* Writes a part that is no line with a label, after `before`: an empty line, or nothing for the first part. */
static void put_part(FILE *stream, const struct part *part, const char *before, struct text *scratch)
{
	switch (part->kind) {
	case PART_TABLE: put_table(stream, &part->table, before); break;
	case PART_TITLE: put_line(stream, before, "# ", part->text, scratch); break;
	case PART_HEADING: put_line(stream, before, "## ", part->text, scratch); break;
	case PART_PARAGRAPH: put_line(stream, before, "", part->text, scratch); break;
	case PART_PROSE: fprintf(stream, "%s%s\n", before, part->text); break;
	default: break; /* a gap, or a part for programs */
	}
}

static void render_markdown(struct output *output, const struct answer *answer)
{
	struct text scratch = {0};
	bool after_fact = false;

	for (size_t i = 0; i < answer->count; i++) {
		const struct part *part = &answer->parts[i];

		if (is_fact(part))
			put_fact(output->stream, part, !after_fact, &scratch);
		else
			put_part(output->stream, part, i ? "\n" : "", &scratch);
		after_fact = is_fact(part);
	}
	text_free(&scratch);
}

const struct format format_markdown = {"markdown", "write Markdown, for a document", FOR_DOCUMENT, false,
                                       render_markdown};
