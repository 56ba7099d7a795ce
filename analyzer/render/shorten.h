/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * shorten.h - makes texts fit into the columns of a terminal: shortens the cells of tables, and breaks lines at blanks.
 * It must never make a text of a few characters look whole when it is not.
 */
#ifndef ANALYZER_SHORTEN_H
#define ANALYZER_SHORTEN_H

#include "analyzer/tables/table.h"

/* What stands for what is left out. */
static inline const char *ellipsis(bool unicode) { return unicode ? "\u2026" : "..."; }

/*
 * Adds the text of a cell, in at most `width` columns, which must be 8 or more. Names and paths are shortened in the middle, and
 * the name of a file is kept as long as it can be; of a stack, folders are left out first, and then the outer frames.
 */
void shorten(struct text *text, const char *plain, enum column_kind kind, size_t width, bool unicode);

/*
 * Adds a text of one line, broken so that no line has more than `width` columns. The first one begins in column `at`; `indent` blanks
 * are put before the others. Words that are longer than a line are broken, too. A width of 0 breaks nothing.
 */
void fold(struct text *text, const char *plain, size_t at, size_t indent, size_t width);

#endif
