/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * grid.h - lays a table out for people: the texts of its cells, which columns are shown, and how wide they are.
 * It must never know how a format marks a cell or a row.
 */
#ifndef ANALYZER_GRID_H
#define ANALYZER_GRID_H

#include "analyzer/tables/table.h"

struct grid {
	const struct table *table;
	struct text texts; /* of all cells; each ends in 0 */
	size_t *cells;     /* where in `texts` each begins, row by row; row 0 has the titles */
	size_t row_count;  /* that of the table, and 1 for the titles */
	bool shown[TABLE_COLUMNS_MAX];
	size_t widths[TABLE_COLUMNS_MAX]; /* in characters */
};

/*
 * Lays a table out, which must outlive the grid. `edit` may be NULL; otherwise it adds to `text` what the format needs in
 * place of a cell's text, `plain`. Titles are not edited. grid_close frees all texts.
 */
void grid_open(struct grid *grid, const struct table *table, void (*edit)(struct text *text, const char *plain));
void grid_close(struct grid *grid);

/* The text of a cell whose column is shown, valid until grid_close. */
static inline const char *grid_at(const struct grid *grid, size_t row, unsigned column)
{
	return grid->texts.bytes + grid->cells[row * grid->table->column_count + column];
}

#endif
