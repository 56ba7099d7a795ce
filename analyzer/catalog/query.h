/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * query.h - reads a question for a price, such as `dgemm m=3 n=4 k=5`, and answers it.
 * It must never guess an argument that the price depends on, except by the few defaults of query.c.
 */
#ifndef ANALYZER_QUERY_H
#define ANALYZER_QUERY_H

#include "analyzer/catalog/catalog.h"

enum { QUERY_TEXT = 400 }; /* bytes of a text, with its terminator */

/* A question and its answer. */
struct query {
	const struct routine *routine; /* NULL if there is none of this name */
	int64_t shape[SHAPE_ARGS_MAX]; /* the arguments, as price_shape takes them: options first; 0 if not given */
	bool given[SHAPE_ARGS_MAX];    /* the argument was given, or has a default */
	bool unreferenced
		[SHAPE_ARGS_MAX]; /* LAPACK does not reference the argument under the options that were given */
	char remarks[QUERY_TEXT]; /* remarks about data that were given, such as `ab=a1b0`; see query.c */
	struct price price;       /* the answer, if `priced` */
	bool priced;              /* false: there is a problem, or arguments were not given and are needed */
	char problem[QUERY_TEXT]; /* what is wrong with the question, or empty */
};

/*
 * Answers a question of `count` > 0 words: the name of a routine, then NAME=VALUE for each argument. A name alone asks
 * for the formula, and has a price only if the routine has the same one for all arguments. Sets *query, which owns no
 * memory.
 */
void query_ask(struct query *query, char *const *words, size_t count);

/*
 * These return the number of arguments that the prices of a family may depend on; and write their names, or "none", into
 * a buffer of QUERY_TEXT bytes.
 */
unsigned query_shape_count(const struct family *family);
void query_shape_names(const struct family *family, char *names);

#endif
