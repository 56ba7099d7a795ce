/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * manual.h - the manual of all prices, made from the routine table: `explain --all`.
 * It must never have a text of its own about a routine.
 */
#ifndef ANALYZER_MANUAL_H
#define ANALYZER_MANUAL_H

#include "analyzer/render/answer.h"

#define MANUAL_SCHEMA "flopshim-prices/1"

/* What the rows of its table are made of; zeroed, it is empty. */
struct manual {
	struct text scratch; /* of the value that was asked for last */
};

/* `manual` must live until the answer is rendered. */
void manual_fill(struct answer *answer, struct manual *manual);
void manual_close(struct manual *manual);

#endif
