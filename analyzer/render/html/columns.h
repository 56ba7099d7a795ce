/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * columns.h - the tables of a page as columns of bytes, and what the page's script must know to read them.
 * It must never round an integer; docs/page.md describes what it writes.
 */
#ifndef ANALYZER_COLUMNS_H
#define ANALYZER_COLUMNS_H

#include "analyzer/base/intern.h"
#include "analyzer/render/output.h"
#include "analyzer/tables/table.h"

/* Appends the columns of a table to `body`, and describes them as an element of a JSON list. Texts become numbers of `strings`. */
void columns_add(struct output *head, struct text *body, struct intern *strings, const struct table *table);

/* Appends the texts of all columns, and describes them in the same way, as a table with the key "strings". */
void columns_add_strings(struct output *head, struct text *body, const struct intern *strings);

#endif
