/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * manual.h - `explain --all`, the prices of all routines.
 * It must never have a text about a routine that is not from the routine table or explain.c.
 */
#ifndef ANALYZER_MANUAL_H
#define ANALYZER_MANUAL_H

#include "analyzer/render/answer.h"

#define MANUAL_SCHEMA "flopshim-prices/1"

/* Memory for the values of the manual's table. Initialize it with zeros. */
struct manual {
	struct text scratch; /* the list that was asked for last */
};

/* Fills an answer for its audience. `manual` must live until the answer is rendered; then manual_close frees its memory. */
void manual_fill(struct answer *answer, struct manual *manual);
void manual_close(struct manual *manual);

#endif
