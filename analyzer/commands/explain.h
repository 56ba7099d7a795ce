/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * explain.h - the texts about a routine that `explain` and its manual share.
 */
#ifndef ANALYZER_EXPLAIN_H
#define ANALYZER_EXPLAIN_H

#include <stdio.h>

#include "analyzer/commands/options.h"
#include "analyzer/catalog/query.h"

/* The call as Fortran has it: argument names without the table's remarks. To be freed. */
char *explain_call(const struct formula *formula, const char *name);

const char *explain_adds(const struct formula *formula); /* `"` in the table stands for the multiplications */
const char *explain_kind(unsigned kind);                 /* of an enum price_kind, in words */

/* All that is known about a routine, and its price for the arguments that were given. */
void explain_text(FILE *out, const struct query *query);

/* The manual of all prices. */
void explain_all(struct output *output, const struct options *options, bool markdown);

#endif
