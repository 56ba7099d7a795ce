/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * text.c - writes an answer as lines for a terminal.
 * It must never write a control character, but for line ends and the colours that it sets.
 */
#include "analyzer/render/format.h"
#include "analyzer/render/grid.h"
#include "analyzer/tables/cell.h"

enum style { STYLE_PLAIN, STYLE_TITLE, STYLE_WARNING, STYLE_DIM };

static void put_style(struct output *output, enum style style)
{
	static const char *const codes[] = {"\033[0m", "\033[1m", "\033[33m", "\033[2m"};

	if (output->colour)
		fputs(codes[style], output->stream);
}

static void put_spaces(FILE *stream, size_t count) { fprintf(stream, "%*s", (int)count, ""); }

/* Writes one line of a table, without blanks at its end. */
static void put_row(FILE *stream, const struct grid *grid, size_t row)
{
	size_t pending = 2; /* blanks to be written before the next cell that is not empty */

	for (unsigned i = 0; i < grid->table->column_count; i++) {
		const char *cell;
		size_t padding;

		if (!grid->shown[i])
			continue;
		cell = grid_at(grid, row, i);
		padding = grid->widths[i] - text_width(cell);
		if (!cell[0]) {
			pending += grid->widths[i] + 2;
		} else if (column_is_left(grid->table->columns[i].kind)) {
			put_spaces(stream, pending);
			fputs(cell, stream);
			pending = padding + 2;
		} else {
			put_spaces(stream, pending + padding);
			fputs(cell, stream);
			pending = 2;
		}
	}
	fputc('\n', stream);
}

/* Writes a table with its title; nothing if it has no rows. */
static void text_table(struct output *output, const struct table *table)
{
	struct grid grid;

	if (!table->row_count)
		return;
	grid_open(&grid, table, NULL);
	put_style(output, STYLE_TITLE);
	fprintf(output->stream, "\n%s\n", table->title);
	put_style(output, STYLE_DIM);
	if (table->note)
		fprintf(output->stream, "%s\n", table->note);
	for (size_t row = 0; row < grid.row_count; row++) {
		put_row(output->stream, &grid, row);
		if (!row)
			put_style(output, STYLE_PLAIN);
	}
	if (table->more)
		fprintf(output->stream, "  and %zu more (--top)\n", table->more);
	grid_close(&grid);
}

/* An answer. */

static void put_part(struct output *output, const struct answer *answer, const struct part *part)
{
	FILE *stream = output->stream;

	switch (part->kind) {
	case PART_TABLE: text_table(output, &part->table); return;
	case PART_TITLE:
		put_style(output, STYLE_TITLE);
		fputs(part->text, stream);
		put_style(output, STYLE_PLAIN);
		break;
	case PART_WARNING:
		put_style(output, STYLE_WARNING);
		/* fall through */
	case PART_FACT:
	case PART_CODE:
		put_spaces(stream, answer->label_indent);
		fprintf(stream, "%-*s ", (int)answer->label_width, part->key);
		fputs(part->text, stream);
		if (part->kind == PART_WARNING)
			put_style(output, STYLE_PLAIN);
		break;
	case PART_HEADING:
	case PART_PARAGRAPH:
	case PART_PROSE: fputs(part->text, stream); break;
	case PART_GAP: break;
	default: return; /* a part for programs */
	}
	fputc('\n', stream);
}

static void render_text(struct output *output, const struct answer *answer)
{
	for (size_t i = 0; i < answer->count; i++)
		put_part(output, answer, &answer->parts[i]);
}

const struct format format_text = {"text", "write lines for a terminal", FOR_TERMINAL, false, render_text};
