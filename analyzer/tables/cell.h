/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * cell.h - turns one value of a table into the text that a person reads: short numbers, units, lists on one line.
 * It must never let a control character from a dump reach the terminal.
 */
#ifndef ANALYZER_CELL_H
#define ANALYZER_CELL_H

#include "analyzer/tables/table.h"

/*
 * Whether a value is unknown, an empty text or list, false, or a count of 0. A column that is COLUMN_OPTIONAL or
 * COLUMN_RARE is not shown where all of its values are empty. The 0 of a COLUMN_NUMBER is not: it names something.
 */
bool cell_is_empty(const struct column *column, const struct value *value);

/* Adds the value's text to `text`. It adds nothing for an unknown value, or for an empty one of a COLUMN_RARE column. */
void cell_add(struct text *text, const struct column *column, const struct value *value);

/* Whether a column of this kind is aligned on the left, as names are; numbers are aligned on the right. */
bool column_is_left(enum column_kind kind);

/* The letter of option `i` of a row's shape, such as 'N' of transa=N; 0 if there is none, or none that is printable. */
char shape_option(const struct row *row, unsigned i);

#endif
