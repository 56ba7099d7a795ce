/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * cell.h - a value as readers see it: short numbers, units, lists in one line.
 * It must never let a byte from a dump reach a terminal as a control.
 */
#ifndef ANALYZER_CELL_H
#define ANALYZER_CELL_H

#include "analyzer/tables/table.h"

/* Whether the value says nothing: a column of such values is not worth its width. */
bool cell_is_empty(const struct column *column, const struct value *value);

void cell_add(struct text *text, const struct column *column, const struct value *value);

/* Names are aligned on the left, numbers on the right. */
bool column_is_left(enum column_kind kind);

/* The letter of an option of a shape; 0 where it has none that can be shown. */
char shape_option(const struct row *row, unsigned i);

#endif
