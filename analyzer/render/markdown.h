/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * markdown.h - what writers of GitHub's Markdown share.
 * It must never let a text be taken for markup.
 */
#ifndef ANALYZER_MARKDOWN_H
#define ANALYZER_MARKDOWN_H

#include "analyzer/base/text.h"

/* Adds a text of one line, as it may stand in a cell of a table. Control characters must be gone before, see text_add_clean. */
void markdown_add_escaped(struct text *text, const char *plain);

#endif
