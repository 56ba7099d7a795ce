/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * explain.h - the texts about a routine that `explain` and `explain --all` share.
 * It must never say anything about a price that is not in the routine table.
 */
#ifndef ANALYZER_EXPLAIN_H
#define ANALYZER_EXPLAIN_H

#include "analyzer/catalog/query.h"
#include "analyzer/render/answer.h"

/* Adds the Fortran call of a routine, "dgemm(transa, transb, m, ...)". */
void explain_add_call(struct text *text, const struct formula *formula, const char *name);

/* The formula of additions. In the table it may be `"`, which stands for that of the multiplications. */
const char *explain_adds(const struct formula *formula);

/* An enum price_kind in words. */
const char *explain_kind(unsigned kind);

/* Adds, for people, all that is known about the query's routine, and its price if the query has one. */
void explain_say(struct answer *answer, const struct query *query);

#endif
