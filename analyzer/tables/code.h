/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * code.h - what the views keep of work by the user's own code.
 * It must never look a frame up that no table asks about, which is expensive.
 */
#ifndef ANALYZER_CODE_H
#define ANALYZER_CODE_H

#include "analyzer/tables/views.h"

struct code_rows;

/* Whether anything is known of the user's own code that call sites do not say: people are not shown the table otherwise. */
bool code_is_told(struct views *views);

/* Frees the rows of the table, for views_close. They may be NULL. */
void code_free(struct code_rows *rows);

#endif
