/* SPDX-License-Identifier: BSD-3-Clause */
#include "query.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { NEAR_NAMES = 5 };

static void problem(struct query *query, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void problem(struct query *query, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(query->problem, sizeof query->problem, format, arguments);
	va_end(arguments);
}

unsigned query_shape_count(const struct family *family)
{
	return family->option_count + family->dim_count;
}

/* Appends to a text of QUERY_TEXT bytes, as far as it has room. */
static void append(char *text, const char *separator, const char *more)
{
	size_t length = strlen(text);

	snprintf(text + length, QUERY_TEXT - length, "%s%s", length ? separator : "", more);
}

/* Reading the question. */

static void find_routine(struct query *query, const char *name)
{
	const char *near[NEAR_NAMES];
	char names[QUERY_TEXT] = "";
	size_t count;

	query->routine = catalog_find(name);
	if (query->routine)
		return;
	count = catalog_near(name, near, NEAR_NAMES);
	for (size_t i = 0; i < count; i++)
		append(names, ", ", near[i]);
	problem(query, "%.64s: there is no such routine%s%s%s", name, count ? "; did you mean " : "", names, count ? "?" : "");
}

void query_shape_names(const struct family *family, char *names)
{
	names[0] = 0;
	for (unsigned i = 0; i < query_shape_count(family); i++)
		append(names, " ", family->shape_names[i]);
	if (!names[0])
		strcpy(names, "none");
}

static void parse_option(struct query *query, unsigned i, const char *name, const char *value)
{
	if (strlen(value) != 1 || !isgraph((unsigned char)value[0])) {
		problem(query, "%s: %s=%.64s: expected one letter", query->routine->name, name, value);
		return;
	}
	query->shape[i] = toupper((unsigned char)value[0]);
}

static void parse_dimension(struct query *query, unsigned i, const char *name, const char *value)
{
	char *end;

	errno = 0;
	query->shape[i] = strtoll(value, &end, 10);
	if (end == value || *end || isspace((unsigned char)value[0]))
		problem(query, "%s: %s=%.64s: expected an integer", query->routine->name, name, value);
	else if (errno)
		problem(query, "%s: %s=%.64s: does not fit in 64 bits", query->routine->name, name, value);
}

/* Whether the routine has an argument of this name; the row lists them with their kinds, `alpha:p il?range=I`. */
static bool is_other_argument(const struct routine *routine, const char *name, size_t length)
{
	const char *at = catalog_formula(routine)->arguments;

	while (*at) {
		size_t word = strcspn(at, " "), bare = strcspn(at, " :?[");

		if (bare == length && !strncasecmp(at, name, length))
			return true;
		at += word;
		at += strspn(at, " ");
	}
	return false;
}

/* What LAPACK programs give where they do not choose: the whole matrix, unsorted, nothing more to rotate. */
static void assume(struct query *query)
{
	const struct family *family = catalog_family(query->routine);
	int64_t n = -1;

	for (unsigned i = 0; i < query_shape_count(family); i++)
		if (!strcmp(family->shape_names[i], "n") && query->given[i])
			n = query->shape[i];
	for (unsigned i = 0; n >= 0 && i < query_shape_count(family); i++) {
		const char *name = family->shape_names[i];
		bool is_option = i < family->option_count;

		if (query->given[i])
			continue;
		query->given[i] = true;
		if (is_option && !strcmp(name, "sort"))
			query->shape[i] = 'N';
		else if (!is_option && !strcmp(name, "ilo"))
			query->shape[i] = n > 0;
		else if (!is_option && !strcmp(name, "ihi"))
			query->shape[i] = n;
		else if (!is_option && !strcmp(name, "ncc"))
			query->shape[i] = 0;
		else
			query->given[i] = false;
	}
}

static void parse_argument(struct query *query, const char *text)
{
	const struct family *family = catalog_family(query->routine);
	const char *equals = strchr(text, '=');
	size_t length = equals ? (size_t)(equals - text) : strlen(text);
	char names[QUERY_TEXT];
	unsigned i = 0;

	if (!equals) {
		problem(query, "%s: %.64s: expected NAME=VALUE", query->routine->name, text);
		return;
	}
	while (i < query_shape_count(family) &&
	       (strlen(family->shape_names[i]) != length || strncasecmp(family->shape_names[i], text, length)))
		i++;
	if (i == query_shape_count(family) && is_other_argument(query->routine, text, length))
		return; /* lda, incx, alpha: there, but no part of the price */
	if (i == query_shape_count(family)) {
		query_shape_names(family, names);
		problem(query, "%s: %.*s: not an argument that its price can depend on; those are: %s", query->routine->name,
		        (int)(length < 64 ? length : 64), text, names);
	} else if (query->given[i]) {
		problem(query, "%s: %s is given twice", query->routine->name, family->shape_names[i]);
	} else {
		query->given[i] = true;
		(i < family->option_count ? parse_option : parse_dimension)(query, i, family->shape_names[i], equals + 1);
	}
}

/*
 * What is missing. A price seldom depends on all that it might: with range=A, dsyevr does not look at IL
 * and IU. So the arguments that were not given are tried with many values, and one is missing only where
 * the price changes with it.
 */

enum { TRIALS = 24, DIMENSION_TRIALS = 12, FIRST_LETTER = '0', LAST_LETTER = 'Z' };

static uint32_t next_random(uint64_t *state)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(*state >> 33);
}

static int64_t trial_dimension(uint32_t i)
{
	static const int64_t values[DIMENSION_TRIALS] = { 0, 1, 2, 3, 5, 8, 17, 64, 100, 1000, 4097, 100003 };

	return values[i % DIMENSION_TRIALS];
}

/* For every other trial something near to what was given: prices compare arguments with one another. */
static int64_t random_value(const struct query *query, unsigned i, uint64_t *state)
{
	const struct family *family = catalog_family(query->routine);
	unsigned other = next_random(state) % query_shape_count(family);

	if (i < family->option_count)
		return FIRST_LETTER + next_random(state) % (LAST_LETTER - FIRST_LETTER + 1);
	if (other >= family->option_count && query->given[other] && query->shape[other] < INT64_MAX / 4)
		return query->shape[other] + next_random(state) % 3 - 1;
	return trial_dimension(next_random(state));
}

static bool same_price(const struct routine *routine, const int64_t *a, const int64_t *b)
{
	struct price x, y;

	price_shape(routine, a, &x);
	price_shape(routine, b, &y);
	return x.flops == y.flops && x.muls == y.muls && x.adds == y.adds && x.words == y.words &&
	       price_blocked(routine, a) == price_blocked(routine, b);
}

/* Whether any other value of argument i changes the price of `shape`. */
static bool depends_on(const struct query *query, const int64_t *shape, unsigned i)
{
	bool is_option = i < catalog_family(query->routine)->option_count;
	int64_t other[SHAPE_ARGS_MAX];

	memcpy(other, shape, sizeof other);
	for (uint32_t j = 0; j < (is_option ? LAST_LETTER - FIRST_LETTER + 1 : DIMENSION_TRIALS); j++) {
		other[i] = is_option ? FIRST_LETTER + (int64_t)j : trial_dimension(j);
		if (!same_price(query->routine, shape, other))
			return true;
	}
	return false;
}

static bool is_missing(const struct query *query, unsigned i)
{
	const struct family *family = catalog_family(query->routine);
	uint64_t state = i + 1;

	if (query->given[i])
		return false;
	for (unsigned trial = 0; trial < TRIALS; trial++) {
		int64_t shape[SHAPE_ARGS_MAX] = { 0 };

		memcpy(shape, query->shape, sizeof shape);
		for (unsigned j = 0; j < query_shape_count(family); j++)
			if (!query->given[j])
				shape[j] = random_value(query, j, &state);
		if (depends_on(query, shape, i))
			return true;
	}
	return false;
}

static void find_missing(const struct query *query, char *missing)
{
	const struct family *family = catalog_family(query->routine);

	missing[0] = 0;
	for (unsigned i = 0; i < query_shape_count(family); i++)
		if (is_missing(query, i))
			append(missing, ", ", family->shape_names[i]);
}

void query_ask(struct query *query, char *const *words, size_t count)
{
	char missing[QUERY_TEXT];

	*query = (struct query){ 0 };
	find_routine(query, words[0]);
	for (size_t i = 1; i < count && !query->problem[0]; i++)
		parse_argument(query, words[i]);
	if (query->problem[0])
		return;
	if (count > 1)
		assume(query);
	find_missing(query, missing);
	if (!missing[0]) {
		query->priced = true;
		price_shape(query->routine, query->shape, &query->price);
	} else if (count > 1) {
		problem(query, "%s: missing: %s", query->routine->name, missing);
	}
}
