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
	size_t widths
		[TABLE_COLUMNS_MAX]; /* in columns of a terminal; after grid_fit, the texts of cells may be longer */
	bool left_out[TABLE_COLUMNS_MAX]; /* by grid_fit */
	double *shares; /* by row of the table: the value of the first column of COLUMN_SHARE; 0 if there is none */
	unsigned share_column; /* its number, if `has_shares` */
	bool has_shares;
	size_t bar; /* width of the bars that are drawn behind that column; 0: none are */
};

/*
 * Lays a table out, which must outlive the grid. `edit` may be NULL; otherwise it adds to `text` what the format needs in
 * place of a cell's text, `plain`. Titles are not edited. grid_close frees all texts.
 */
void grid_open(struct grid *grid, const struct table *table, void (*edit)(struct text *text, const char *plain));
void grid_close(struct grid *grid);

/*
 * Fits the grid into lines of at most `width` columns. Where there is room, bars of the shares get some of it. Where there is too
 * little, columns of texts become narrower, as long as they can be read; then columns are left out, times and rates first and then
 * counts; and if that does not suffice, texts are cut to a few characters.
 */
void grid_fit(struct grid *grid, size_t width);

/* Gives bars of the shares the room that such lines have left, and changes nothing else. */
void grid_fit_bar(struct grid *grid, size_t width);

/* The text of a cell whose column is shown, valid until grid_close. */
static inline const char *grid_at(const struct grid *grid, size_t row, unsigned column)
{
	return grid->texts.bytes + grid->cells[row * grid->table->column_count + column];
}

#endif
