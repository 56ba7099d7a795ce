/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * grid.c - lays a table out for people.
 * It must never ask for a value twice: some are looked up in debug information.
 */
#include "analyzer/render/grid.h"

#include <stdlib.h>

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

void grid_open(struct grid *grid, const struct table *table, void (*edit)(struct text *text, const char *plain))
{
	struct text plain = {0}, edited = {0};

	*grid = (struct grid){.table = table, .row_count = table->row_count + 1};
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
}
