/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * grid.c - lays a table out for people.
 * It must never ask for a value twice: some are looked up in debug information.
 */
#include "analyzer/render/grid.h"

#include <stdlib.h>
#include <string.h>

#include "analyzer/base/memory.h"
#include "analyzer/tables/cell.h"

/* Whether people may see a column at all. It may still turn out to be empty. */
static bool is_for_people(const struct table *table, const struct column *column)
{
	return !(column->flags & COLUMN_NO_TEXT) && !(column->flags & COLUMN_CHARGED && table->hides_charged) &&
	       !(column->flags & COLUMN_SPREAD && !table->shows_spread);
}

/* Sets a cell's text. Row 0 has the titles. */
static void add_cell(struct grid *grid, size_t row, unsigned i, const char *text)
{
	size_t width = text_width(text);

	grid->cells[row * grid->table->column_count + i] = grid->texts.length;
	text_add(&grid->texts, text);
	text_add_byte(&grid->texts, 0);
	if (width > grid->widths[i])
		grid->widths[i] = width;
}

/* Keeps the value of a cell for its bar, if it is in the first column that has shares. */
static void note_share(struct grid *grid, size_t row, unsigned i, const struct value *value)
{
	if (grid->table->columns[i].kind != COLUMN_SHARE || (grid->has_shares && grid->share_column != i))
		return;
	grid->has_shares = true;
	grid->share_column = i;
	grid->shares[row] = value->known ? value->real : 0;
}

void grid_open(struct grid *grid, const struct table *table, void (*edit)(struct text *text, const char *plain))
{
	struct text plain = {0}, edited = {0};

	*grid = (struct grid){.table = table, .row_count = table->row_count + 1};
	grid->shares = memory_new(table->row_count, sizeof *grid->shares);
	grid->cells = memory_new(grid->row_count * table->column_count, sizeof *grid->cells);
	for (unsigned i = 0; i < table->column_count; i++) {
		grid->shown[i] = !(table->columns[i].flags & (COLUMN_OPTIONAL | COLUMN_RARE));
		add_cell(grid, 0, i, table->columns[i].title);
	}
	for (size_t row = 0; row < table->row_count; row++) {
		const void *item = table_item(table, row);

		for (unsigned i = 0; i < table->column_count; i++) {
			const struct column *column = &table->columns[i];
			struct value value;

			if (!is_for_people(table, column))
				continue;
			value = column_get(column, table, item);
			note_share(grid, row, i, &value);
			grid->shown[i] |= !cell_is_empty(column, &value);
			text_clear(&plain);
			cell_add(&plain, column, &value);
			text_clear(&edited);
			if (edit)
				edit(&edited, plain.bytes);
			add_cell(grid, row + 1, i, edit ? edited.bytes : plain.bytes);
		}
	}
	for (unsigned i = 0; i < table->column_count; i++)
		grid->shown[i] &= is_for_people(table, &table->columns[i]);
	text_free(&plain);
	text_free(&edited);
}

void grid_close(struct grid *grid)
{
	text_free(&grid->texts);
	free(grid->cells);
	free(grid->shares);
}

/* ---- fitting ---- */

enum { GAP = 2, BAR_LEAST = 8, BAR_MOST = 24, READABLE = 24, NARROW = 10 };

/* The width of a line, with a gap before each column. */
static size_t line_width(const struct grid *grid)
{
	size_t width = 0;

	for (unsigned i = 0; i < grid->table->column_count; i++)
		width += grid->shown[i] ? GAP + grid->widths[i] : 0;
	return width;
}

/* The least width that a column may be given, of which `text` is that of texts. Numbers are never shortened. */
static size_t least_width(const struct grid *grid, unsigned i, size_t text)
{
	const struct column *column = &grid->table->columns[i];
	size_t title = text_width(column->title);

	if (!column_is_left(column->kind) || grid->widths[i] < text)
		return grid->widths[i];
	return title > text ? title : text;
}

/* Makes the widest column narrower that may be, until the line fits or none is left that is wider than `least`. */
static bool squeeze(struct grid *grid, size_t width, size_t least)
{
	for (;;) {
		size_t line = line_width(grid), next = 0, over, room;
		unsigned widest = TABLE_COLUMNS_MAX;

		if (line <= width)
			return true;
		for (unsigned i = 0; i < grid->table->column_count; i++)
			if (grid->shown[i] && grid->widths[i] > least_width(grid, i, least) &&
			    (widest == TABLE_COLUMNS_MAX || grid->widths[i] > grid->widths[widest]))
				widest = i;
		if (widest == TABLE_COLUMNS_MAX)
			return false;
		/* down to the second widest of these at once, and then by one column each */
		for (unsigned i = 0; i < grid->table->column_count; i++)
			if (i != widest && grid->shown[i] && grid->widths[i] > least_width(grid, i, least) &&
			    grid->widths[i] > next)
				next = grid->widths[i];
		if (next < least_width(grid, widest, least))
			next = least_width(grid, widest, least);
		over = line - width;
		room = grid->widths[widest] - next;
		grid->widths[widest] -= room ? (over < room ? over : room) : 1;
	}
}

/* How soon a column is left out. The first column never is. */
enum dispensability { NEEDED, SECOND_SHARE, COUNT_OF_CALLS, TIME_OR_RATE };

static enum dispensability dispensability(const struct grid *grid, unsigned i)
{
	switch (grid->table->columns[i].kind) {
	case COLUMN_TIME:
	case COLUMN_REAL: return TIME_OR_RATE;
	case COLUMN_COUNT:
	case COLUMN_NUMBER:
	case COLUMN_BOOL: return COUNT_OF_CALLS;
	case COLUMN_SHARE: return grid->share_column == i ? NEEDED : SECOND_SHARE;
	default: return NEEDED;
	}
}

/* Leaves out a column that is at least so dispensable: of equal ones, the last. Returns false if there is none. */
static bool leave_out(struct grid *grid, enum dispensability least)
{
	unsigned chosen = TABLE_COLUMNS_MAX, first = TABLE_COLUMNS_MAX;

	for (unsigned i = 0; i < grid->table->column_count; i++) {
		if (!grid->shown[i])
			continue;
		if (first == TABLE_COLUMNS_MAX)
			first = i;
		else if (chosen == TABLE_COLUMNS_MAX || dispensability(grid, i) >= dispensability(grid, chosen))
			chosen = i;
	}
	if (chosen == TABLE_COLUMNS_MAX || dispensability(grid, chosen) < least)
		return false;
	grid->shown[chosen] = false;
	grid->left_out[chosen] = true;
	return true;
}

void grid_fit_bar(struct grid *grid, size_t width)
{
	size_t line = line_width(grid) + GAP;

	if (grid->has_shares && grid->shown[grid->share_column] && line + BAR_LEAST <= width)
		grid->bar = width - line < BAR_MOST ? width - line : BAR_MOST;
}

void grid_fit(struct grid *grid, size_t width)
{
	size_t natural[TABLE_COLUMNS_MAX];

	grid_fit_bar(grid, width);
	memcpy(natural, grid->widths, sizeof natural);
	for (unsigned i = 0; i < 2; i++)
		do {
			memcpy(grid->widths, natural, sizeof natural);
			if (squeeze(grid, width, i ? NARROW : READABLE))
				return;
		} while (leave_out(grid, i ? NEEDED : SECOND_SHARE));
}
