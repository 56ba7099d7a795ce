/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * text.c - writes an answer as lines for a terminal.
 * It must never write a control character, but for line ends and the colours that it sets.
 */
#include "analyzer/render/format.h"
#include "analyzer/render/grid.h"
#include "analyzer/render/shorten.h"
#include "analyzer/tables/cell.h"

enum style { STYLE_PLAIN, STYLE_TITLE, STYLE_WARNING, STYLE_DIM };

static void put_style(struct output *output, enum style style)
{
	static const char *const codes[] = {"\033[0m", "\033[1m", "\033[33m", "\033[2m"};

	if (output->colour)
		fputs(codes[style], output->stream);
}

static void put_spaces(FILE *stream, size_t count) { fprintf(stream, "%*s", (int)count, ""); }

/* Writes a bar of a share; one that is not 0.0 % is never nothing. Returns how many columns it takes. */
static size_t put_bar(const struct output *output, double share, size_t width)
{
	static const char *const parts[] = {"", "\u258f", "\u258e", "\u258d", "\u258c", "\u258b", "\u258a", "\u2589"};
	enum { PARTS = sizeof parts / sizeof *parts };
	double wanted = share < 0 ? 0 : share > 1 ? 1 : share;
	size_t eighths = (size_t)(wanted * (double)(width * PARTS) + 0.5), whole;

	if (!eighths && wanted >= 0.0005)
		eighths = 1;
	whole = output->unicode ? eighths / PARTS : (eighths + PARTS / 2) / PARTS;
	for (size_t i = 0; i < whole; i++)
		fputs(output->unicode ? "\u2588" : "#", output->stream);
	if (!output->unicode || !(eighths % PARTS))
		return whole;
	fputs(parts[eighths % PARTS], output->stream);
	return whole + 1;
}

/* Writes one line of a table, without blanks at its end. */
static void put_row(const struct output *output, const struct grid *grid, size_t row)
{
	FILE *stream = output->stream;
	size_t pending = 2; /* blanks to be written before the next cell that is not empty */
	struct text cell = {0};

	for (unsigned i = 0; i < grid->table->column_count; i++) {
		enum column_kind kind = grid->table->columns[i].kind;
		size_t padding;

		if (!grid->shown[i])
			continue;
		text_clear(&cell);
		shorten(&cell, grid_at(grid, row, i), kind, grid->widths[i], output->unicode);
		padding = grid->widths[i] - text_width(cell.bytes);
		if (!cell.length) {
			pending += grid->widths[i] + 2;
		} else if (column_is_left(kind)) {
			put_spaces(stream, pending);
			fputs(cell.bytes, stream);
			pending = padding + 2;
		} else {
			put_spaces(stream, pending + padding);
			fputs(cell.bytes, stream);
			pending = 2;
		}
		if (grid->bar && i == grid->share_column && row && grid->shares[row - 1] > 0) {
			put_spaces(stream, pending);
			pending = 2 + grid->bar - put_bar(output, grid->shares[row - 1], grid->bar);
		} else if (grid->bar && i == grid->share_column) {
			pending += grid->bar + 2;
		}
	}
	fputc('\n', stream);
	text_free(&cell);
}

/* The width that lines are broken at; 0: they are not. */
static size_t line_width(const struct output *output)
{
	enum { LEAST = 40 }; /* for which tables have room */

	if (output->whole || !output->width)
		return 0;
	return output->width < LEAST ? LEAST : output->width;
}

/* Writes a text of which each line fits into the terminal. It begins in column `at`, and goes on in column `indent`. */
static void put_folded(const struct output *output, const char *plain, size_t at, size_t indent)
{
	struct text text = {0};

	text_add(&text, "");
	fold(&text, plain, at, indent, line_width(output));
	fputs(text.bytes, output->stream);
	text_free(&text);
}

/* Says which columns there was no room for. */
static void put_left_out(const struct output *output, const struct grid *grid)
{
	struct text text = {0};
	const char *before = "no room for ";

	for (unsigned i = 0; i < grid->table->column_count; i++)
		if (grid->left_out[i]) {
			text_format(&text, "%s%s", before, grid->table->columns[i].title);
			before = ", ";
		}
	if (!text.length)
		return;
	text_add(&text, " (--wide)");
	put_spaces(output->stream, 2);
	put_folded(output, text.bytes, 2, 4);
	fputc('\n', output->stream);
	text_free(&text);
}

static void fit(const struct output *output, struct grid *grid)
{
	if (line_width(output))
		grid_fit(grid, line_width(output));
	else if (output->width)
		grid_fit_bar(grid, output->width);
}

/* Writes a table with its title; nothing if it has no rows. */
static void text_table(struct output *output, const struct table *table)
{
	struct grid grid;

	if (!table->row_count)
		return;
	grid_open(&grid, table, NULL);
	fit(output, &grid);
	put_style(output, STYLE_TITLE);
	fputc('\n', output->stream);
	put_folded(output, table->title, 0, 0);
	fputc('\n', output->stream);
	put_style(output, STYLE_DIM);
	if (table->note) {
		put_folded(output, table->note, 0, 0);
		fputc('\n', output->stream);
	}
	for (size_t row = 0; row < grid.row_count; row++) {
		put_row(output, &grid, row);
		if (!row)
			put_style(output, STYLE_PLAIN);
	}
	if (table->more)
		fprintf(output->stream, "  and %zu more (--top)\n", table->more);
	put_left_out(output, &grid);
	grid_close(&grid);
}

/* An answer. */

/* Writes what stands behind a label, which may be longer than there is room for. */
static void put_labelled(const struct output *output, const struct answer *answer, const struct part *part)
{
	size_t indent = answer->label_indent + answer->label_width + 1, label = text_width(part->key);
	size_t at = label > answer->label_width ? indent + label - answer->label_width : indent;

	put_folded(output, part->text, at, indent);
}

static void put_part(struct output *output, const struct answer *answer, const struct part *part)
{
	FILE *stream = output->stream;

	switch (part->kind) {
	case PART_TABLE: text_table(output, &part->table); return;
	case PART_TITLE:
		put_style(output, STYLE_TITLE);
		put_folded(output, part->text, 0, 2);
		put_style(output, STYLE_PLAIN);
		break;
	case PART_WARNING:
		put_style(output, STYLE_WARNING);
		/* fall through */
	case PART_FACT:
	case PART_CODE:
		put_spaces(stream, answer->label_indent);
		fprintf(stream, "%-*s ", (int)answer->label_width, part->key);
		put_labelled(output, answer, part);
		if (part->kind == PART_WARNING)
			put_style(output, STYLE_PLAIN);
		break;
	case PART_HEADING:
	case PART_PARAGRAPH:
	case PART_PROSE: put_folded(output, part->text, 0, 2); break;
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
