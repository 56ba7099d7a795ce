/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * text.h - tables and answers as lines for a terminal.
 */
#ifndef ANALYZER_RENDER_TEXT_H
#define ANALYZER_RENDER_TEXT_H

#include "analyzer/render/output.h"
#include "analyzer/tables/table.h"

void text_table(struct output *output, const struct table *table); /* nothing for no rows */

#endif
