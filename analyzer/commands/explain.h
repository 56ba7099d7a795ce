/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * explain.h - the texts about a routine that `explain` and its manual share.
 * It must never say of a price what does not stand in the routine table.
 */
#ifndef ANALYZER_EXPLAIN_H
#define ANALYZER_EXPLAIN_H

#include "analyzer/catalog/query.h"
#include "analyzer/render/answer.h"

/* The call as Fortran has it: argument names without the table's remarks. */
void explain_add_call(struct text *text, const struct formula *formula, const char *name);

const char *explain_adds(const struct formula *formula); /* `"` in the table stands for the multiplications */
const char *explain_kind(unsigned kind);                 /* of an enum price_kind, in words */

/* All that is known about a routine, and its price for the arguments that were given. */
void explain_say(struct answer *answer, const struct query *query);

#endif
