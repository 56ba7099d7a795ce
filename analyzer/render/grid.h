/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * grid.h - a table as readers see it: the texts of its cells, the columns that are worth showing, and their widths.
 * It must never change a value: it chooses columns and measures texts.
 */
#ifndef ANALYZER_GRID_H
#define ANALYZER_GRID_H

#include "analyzer/tables/table.h"

struct grid {
	const struct table *table;
	struct text texts;  /* of all cells; each ends in 0 */
	size_t *cells;      /* where each begins, by row and column; the first row is that of the titles */
	size_t row_count;   /* with the titles */
	bool shown[TABLE_COLUMNS_MAX];
	size_t widths[TABLE_COLUMNS_MAX]; /* in characters */
};

/* `edit`, where not NULL, rewrites the text of a cell as the format needs it: from `plain`, it adds to `text`. */
void grid_open(struct grid *grid, const struct table *table, void (*edit)(struct text *text, const char *plain));
void grid_close(struct grid *grid);

static inline const char *grid_at(const struct grid *grid, size_t row, unsigned column)
{
	return grid->texts.bytes + grid->cells[row * grid->table->column_count + column];
}

#endif
