/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * query.h - a question to the routine table: a routine, its arguments as they were written, and their price.
 * It must never guess an argument on which a price depends, but where LAPACK itself has a default.
 */
#ifndef ANALYZER_QUERY_H
#define ANALYZER_QUERY_H

#include "analyzer/catalog/catalog.h"

enum { QUERY_TEXT = 400 };

/* A routine with the arguments that were given. */
struct query {
	const struct routine *routine;
	int64_t shape[SHAPE_ARGS_MAX]; /* options first, as price_shape wants it */
	bool given[SHAPE_ARGS_MAX];
	bool unreferenced[SHAPE_ARGS_MAX]; /* by LAPACK, under the options that were given */
	char remarks[QUERY_TEXT]; /* what was said about the data: the price does not depend on it */
	struct price price;
	bool priced;              /* false: the formula alone was asked for */
	char problem[QUERY_TEXT]; /* empty, or what is wrong with the question */
};

/* Answers a question: the name of a routine, then NAME=VALUE words. */
void query_ask(struct query *query, char *const *words, size_t count);

/* How many arguments the price may depend on, and their names in one text of QUERY_TEXT bytes. */
unsigned query_shape_count(const struct family *family);
void query_shape_names(const struct family *family, char *names);

#endif
