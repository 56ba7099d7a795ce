/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * query.c - reads a question for a price, finds out which arguments it lacks, and prices it.
 * It must never ask for an argument that the price does not depend on.
 */
#include "analyzer/catalog/query.h"

#include <ctype.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { NEAR_NAMES = 5 }; /* most similar names that a message suggests */

/* Sets what is wrong with the question. */
static void problem(struct query *query, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void problem(struct query *query, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(query->problem, sizeof query->problem, format, arguments);
	va_end(arguments);
}

unsigned query_shape_count(const struct family *family) { return family->option_count + family->dim_count; }

/* Appends to a text of QUERY_TEXT bytes, after a separator unless it is empty. What does not fit is cut off. */
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
	problem(query, "%.64s: there is no such routine%s%s%s", name, count ? "; did you mean " : "", names,
	        count ? "?" : "");
}

void query_shape_names(const struct family *family, char *names)
{
	names[0] = 0;
	for (unsigned i = 0; i < query_shape_count(family); i++)
		append(names, " ", family->shape_names[i]);
	if (!names[0])
		strcpy(names, "none");
}

/* These read the value of argument i of the shape, whose name is `name`. */

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

/* Whether a row of the table has an argument of this name. Rows list arguments with their kinds: `alpha:p il?range=I`. */
static bool has_argument(const struct formula *formula, const char *name, size_t length)
{
	const char *at = formula->arguments;

	while (*at) {
		size_t word = strcspn(at, " "), bare = strcspn(at, " :?[");

		if (bare == length && !strncasecmp(at, name, length))
			return true;
		at += word;
		at += strspn(at, " ");
	}
	return false;
}

/*
 * Whether a name is that of an argument that the price does not depend on, such as lda, incx or alpha. A routine that
 * always costs nothing may be given any argument that some routine has, such as the number of rows of the matrix whose
 * rows laswp interchanges.
 */
static bool is_other_argument(const struct routine *routine, const char *name, size_t length)
{
	if (has_argument(catalog_formula(routine), name, length))
		return true;
	for (unsigned i = 0; catalog_family(routine)->kind == PRICE_EXEMPT && i < family_count; i++)
		if (has_argument(&formulas[i], name, length))
			return true;
	return false;
}

/* Whether the `length` bytes at `text` are this name, in upper or lower case. */
static bool is_name(const char *text, size_t length, const char *name)
{
	return strlen(name) == length && !strncasecmp(name, text, length);
}

/* Returns the index in the shape of the argument with this name, or query_shape_count if there is none. */
static unsigned place_of(const struct family *family, const char *name, size_t length)
{
	unsigned i = 0;

	while (i < query_shape_count(family) && !is_name(name, length, family->shape_names[i]))
		i++;
	return i;
}

/*
 * Returns the index in the shape of the only option whose name begins so, such as transa for `trans`, or query_shape_count if
 * there is none or several do.
 */
static unsigned place_of_short(const struct family *family, const char *name, size_t length)
{
	enum { SHORTEST = 3 };
	unsigned place = query_shape_count(family);

	for (unsigned i = 0; length >= SHORTEST && i < family->option_count; i++) {
		if (strncasecmp(family->shape_names[i], name, length))
			continue;
		if (place < query_shape_count(family))
			return query_shape_count(family);
		place = i;
	}
	return place;
}

/*
 * Returns the index in the shape of an argument by another name of it, or query_shape_count if there is none: KD for the
 * BLAS's K and K for LAPACK's KD (diagonals of a band), PR for P.
 */
static unsigned place_of_synonym(const struct family *family, const char *name, size_t length)
{
	static const struct {
		const char *name, *argument, *families;
	} synonyms[] = {
		{"k", "kd", "*"},
		{"kd", "k", "?b[ms]v"},
		{"pr", "p", "gg*"},
	};
	unsigned place = query_shape_count(family);

	for (size_t i = 0; place == query_shape_count(family) && i < sizeof synonyms / sizeof *synonyms; i++)
		if (is_name(name, length, synonyms[i].name) && !fnmatch(synonyms[i].families, family->name, 0))
			place = place_of(family, synonyms[i].argument, strlen(synonyms[i].argument));
	return place;
}

/*
 * Returns the index in the shape of an argument by its name, another name of it or the beginning of its name, tried in this
 * order, or query_shape_count if there is none.
 */
static unsigned find_place(const struct family *family, const char *name, size_t length)
{
	unsigned place = place_of(family, name, length);

	if (place == query_shape_count(family))
		place = place_of_synonym(family, name, length);
	return place < query_shape_count(family) ? place : place_of_short(family, name, length);
}

/*
 * Remarks: what tables of measurements say about the data of a call, in the form of an argument. A price does not depend on
 * the data: it holds where alpha and beta are 0 or 1, and matrices are random. So remarks are accepted and shown, but change
 * nothing.
 */
static const struct remark {
	const char *name, *values;
	const char *families, *argument; /* pattern of the families it is for; argument that they must have, or NULL */
} remarks[] = {
	{"ab", "a1b0 a1b1 general", "*", "alpha"},
	{"flag", "-2 -1 0 1", "rotm", NULL},
	{"pivoting", "yes no", "g[bt]*", NULL},
	{"blocks", "1x1 1x2 2x1 2x2", "t[rg]sy[l2]*", NULL},
};

static const struct remark *find_remark(const struct routine *routine, const char *name, size_t length)
{
	for (size_t i = 0; i < sizeof remarks / sizeof *remarks; i++) {
		const struct remark *remark = &remarks[i];

		if (!is_name(name, length, remark->name) || fnmatch(remark->families, catalog_family(routine)->name, 0))
			continue;
		if (!remark->argument ||
		    has_argument(catalog_formula(routine), remark->argument, strlen(remark->argument)))
			return remark;
	}
	return NULL;
}

/* Adds a remark to those of the question, if its value is one of those allowed. */
static void take_remark(struct query *query, const struct remark *remark, const char *value)
{
	const char *at = remark->values;
	char text[64];

	while (*at && !is_name(at, strcspn(at, " "), value)) {
		at += strcspn(at, " ");
		at += strspn(at, " ");
	}
	if (!*at) {
		problem(query, "%s: %s=%.64s: expected one of %s", query->routine->name, remark->name, value,
		        remark->values);
		return;
	}
	snprintf(text, sizeof text, "%s=%s", remark->name, value);
	append(query->remarks, " ", text);
}

/* Defaults of arguments that are not given. */

static void set_default(struct query *query, const char *name, int64_t value)
{
	unsigned i = place_of(catalog_family(query->routine), name, strlen(name));

	if (i < query_shape_count(catalog_family(query->routine)) && !query->given[i]) {
		query->given[i] = true;
		query->shape[i] = value;
	}
}

static bool is_given(const struct query *query, const char *name)
{
	unsigned i = place_of(catalog_family(query->routine), name, strlen(name));

	return i < query_shape_count(catalog_family(query->routine)) && query->given[i];
}

/*
 * If n is given, sets what is usual for arguments that are not: eigenvalues are not sorted (sort), all of the matrix is
 * used (ilo, ihi), there is no further matrix to rotate (ncc), a band matrix is square (m), and Q of a reduction is
 * applied from the left (side) to a square matrix (m).
 */
static void assume(struct query *query)
{
	const struct family *family = catalog_family(query->routine);
	int64_t n;

	if (!is_given(query, "n"))
		return;
	n = query->shape[place_of(family, "n", 1)];
	set_default(query, "sort", 'N');
	set_default(query, "ilo", n > 0);
	set_default(query, "ihi", n);
	set_default(query, "ncc", 0);
	if (is_given(query, "kl") && is_given(query, "ku"))
		set_default(query, "m", n);
	if (!fnmatch("o[rp]m[th]r*", family->name, 0) && !is_given(query, "side")) {
		set_default(query, "side", 'L');
		set_default(query, "m", n);
	}
}

/* Returns the shape's arguments in the Fortran form, which has all of them; NULL if there is no such form. */
static const struct shape_arg *shape_args_of(const struct routine *routine)
{
	for (unsigned i = 0; i < form_count; i++)
		if (&routines[forms[i].routine] == routine && forms[i].interface == FORM_FORTRAN)
			return &shape_args[forms[i].shape];
	return NULL;
}

/*
 * Marks the arguments that LAPACK does not reference under the options that were given, and sets them to 0, as the shim
 * does: tgsyl, for instance, references IJOB only if TRANS is N.
 */
static void drop_unreferenced(struct query *query)
{
	const struct shape_arg *arguments = shape_args_of(query->routine);

	for (unsigned i = 0; arguments && i < query_shape_count(catalog_family(query->routine)); i++) {
		const struct condition *condition;

		if (arguments[i].condition == CONDITION_NONE)
			continue;
		condition = &conditions[arguments[i].condition];
		if (!query->given[condition->arg] || memchr(condition->letters, (int)query->shape[condition->arg],
		                                            strnlen(condition->letters, sizeof condition->letters)))
			continue;
		query->unreferenced[i] = true;
		query->given[i] = false;
		query->shape[i] = 0;
	}
}

/* Reads one NAME=VALUE. */
static void parse_argument(struct query *query, const char *text)
{
	const struct family *family = catalog_family(query->routine);
	const char *equals = strchr(text, '=');
	size_t length = equals ? (size_t)(equals - text) : strlen(text);
	const struct remark *remark;
	char names[QUERY_TEXT];
	unsigned i;

	if (!equals) {
		problem(query, "%s: %.64s: expected NAME=VALUE", query->routine->name, text);
		return;
	}
	i = place_of(family, text, length);
	if (i == query_shape_count(family) && is_other_argument(query->routine, text, length))
		return;
	remark = find_remark(query->routine, text, length);
	i = find_place(family, text, length);
	if (remark) {
		take_remark(query, remark, equals + 1);
	} else if (i == query_shape_count(family)) {
		query_shape_names(family, names);
		problem(query, "%s: %.*s: not an argument that its price can depend on; those are: %s",
		        query->routine->name, (int)(length < 64 ? length : 64), text, names);
	} else if (query->given[i]) {
		problem(query, "%s: %s is given twice", query->routine->name, family->shape_names[i]);
	} else {
		query->given[i] = true;
		(i < family->option_count ? parse_option : parse_dimension)(query, i, family->shape_names[i],
		                                                            equals + 1);
	}
}

/*
 * Missing arguments. A price seldom depends on all arguments that it might depend on: with range=A, that of dsyevr does
 * not depend on il and iu. So many values are tried for the arguments that were not given, and one is missing only if the
 * price changes with it.
 */

enum {
	TRIALS = 24,           /* how many random shapes are tried for each argument */
	DIMENSION_TRIALS = 12, /* values of a dimension */
	FIRST_LETTER = '0',    /* values of an option: the characters from here */
	LAST_LETTER = 'Z',     /* to here */
};

/* Returns 31 random bits. They are the same in every run. */
static uint32_t next_random(uint64_t *state)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(*state >> 33);
}

static int64_t trial_dimension(uint32_t i)
{
	static const int64_t values[DIMENSION_TRIALS] = {0, 1, 2, 3, 5, 8, 17, 64, 100, 1000, 4097, 100003};

	return values[i % DIMENSION_TRIALS];
}

/* Returns a random value for argument i: often one near to a given dimension, since prices compare dimensions. */
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

/* Whether two shapes of a routine have the same price. */
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

/* Whether the price may depend on argument i, which was not given. */
static bool is_missing(const struct query *query, unsigned i)
{
	const struct family *family = catalog_family(query->routine);
	uint64_t state = i + 1;

	if (query->given[i] || query->unreferenced[i])
		return false;
	for (unsigned trial = 0; trial < TRIALS; trial++) {
		int64_t shape[SHAPE_ARGS_MAX] = {0};

		memcpy(shape, query->shape, sizeof shape);
		for (unsigned j = 0; j < query_shape_count(family); j++)
			if (!query->given[j] && !query->unreferenced[j])
				shape[j] = random_value(query, j, &state);
		if (depends_on(query, shape, i))
			return true;
	}
	return false;
}

/* Sets the usual letters, for the upper triangle and no transposition, if they are missing. */
static void assume_letters(struct query *query)
{
	static const struct {
		const char *name;
		char value;
	} usual[] = {{"uplo", 'U'}, {"trans", 'N'}};
	const struct family *family = catalog_family(query->routine);

	for (size_t i = 0; i < sizeof usual / sizeof usual[0]; i++) {
		unsigned place = place_of(family, usual[i].name, strlen(usual[i].name));

		if (place < query_shape_count(family) && is_missing(query, place))
			set_default(query, usual[i].name, usual[i].value);
	}
}

/* Writes the names of all missing arguments into a text of QUERY_TEXT bytes. */
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

	*query = (struct query){0};
	find_routine(query, words[0]);
	for (size_t i = 1; i < count && !query->problem[0]; i++)
		parse_argument(query, words[i]);
	if (query->problem[0])
		return;
	if (count > 1) {
		assume(query);
		assume_letters(query);
	}
	drop_unreferenced(query);
	find_missing(query, missing);
	if (!missing[0]) {
		query->priced = true;
		price_shape(query->routine, query->shape, &query->price);
	} else if (count > 1) {
		problem(query, "%s: missing: %s", query->routine->name, missing);
	}
}
