/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * explain.c - what a routine costs, and why: the row of the routine table, and its price for given arguments.
 */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "catalog.h"
#include "command.h"
#include "memory.h"
#include "options.h"

enum { OPTION_ALL = OPTION_OWN, OPTION_MARKDOWN, PROBLEM_TEXT = 400, NEAR_NAMES = 5 };

static const char help[] =
	"Usage: flopshim-report explain [--json] ROUTINE [NAME=VALUE ...]\n"
	"       flopshim-report explain [--json] < LINES\n"
	"       flopshim-report explain --all [--json | --csv | --markdown]\n\n"
	"Shows what a routine costs: by its formula, or for given arguments (transa=N m=300 ...), those that the\n"
	"price depends on. Without a routine: prices 'ROUTINE NAME=VALUE ...' lines from standard input, one\n"
	"answer a line. --all is the manual of all prices.\n";

/* A routine with the arguments that were given. */
struct query {
	const struct routine *routine;
	int64_t shape[SHAPE_ARGS_MAX]; /* options first, as price_shape wants it */
	bool given[SHAPE_ARGS_MAX];
	struct price price;
	bool priced;                /* false: the formula alone was asked for */
	char problem[PROBLEM_TEXT]; /* empty, or what is wrong with the question */
};

static void problem(struct query *query, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void problem(struct query *query, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(query->problem, sizeof query->problem, format, arguments);
	va_end(arguments);
}

static unsigned shape_count(const struct family *family)
{
	return family->option_count + family->dim_count;
}

/* Appends to a text of PROBLEM_TEXT bytes, as far as it has room. */
static void append(char *text, const char *separator, const char *more)
{
	size_t length = strlen(text);

	snprintf(text + length, PROBLEM_TEXT - length, "%s%s", length ? separator : "", more);
}

/* Reading the question. */

static void find_routine(struct query *query, const char *name)
{
	const char *near[NEAR_NAMES];
	char names[PROBLEM_TEXT] = "";
	size_t count;

	query->routine = catalog_find(name);
	if (query->routine)
		return;
	count = catalog_near(name, near, NEAR_NAMES);
	for (size_t i = 0; i < count; i++)
		append(names, ", ", near[i]);
	problem(query, "%.64s: there is no such routine%s%s%s", name, count ? "; did you mean " : "", names, count ? "?" : "");
}

static void known_arguments(const struct family *family, char *names)
{
	names[0] = 0;
	for (unsigned i = 0; i < shape_count(family); i++)
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

static void parse_argument(struct query *query, const char *text)
{
	const struct family *family = catalog_family(query->routine);
	const char *equals = strchr(text, '=');
	size_t length = equals ? (size_t)(equals - text) : strlen(text);
	char names[PROBLEM_TEXT];
	unsigned i = 0;

	if (!equals) {
		problem(query, "%s: %.64s: expected NAME=VALUE", query->routine->name, text);
		return;
	}
	while (i < shape_count(family) &&
	       (strlen(family->shape_names[i]) != length || strncasecmp(family->shape_names[i], text, length)))
		i++;
	if (i == shape_count(family)) {
		known_arguments(family, names);
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
	unsigned other = next_random(state) % shape_count(family);

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
		for (unsigned j = 0; j < shape_count(family); j++)
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
	for (unsigned i = 0; i < shape_count(family); i++)
		if (is_missing(query, i))
			append(missing, ", ", family->shape_names[i]);
}

/* `words`: the routine, then its arguments. */
static void ask(struct query *query, char *const *words, size_t count)
{
	char missing[PROBLEM_TEXT];

	*query = (struct query){ 0 };
	find_routine(query, words[0]);
	for (size_t i = 1; i < count && !query->problem[0]; i++)
		parse_argument(query, words[i]);
	if (query->problem[0])
		return;
	find_missing(query, missing);
	if (!missing[0]) {
		query->priced = true;
		price_shape(query->routine, query->shape, &query->price);
	} else if (count > 1) {
		problem(query, "%s: missing: %s", query->routine->name, missing);
	}
}

/* Answers. */

/* The call as Fortran has it: argument names without the table's remarks. */
static char *call_text(const struct formula *formula, const char *name)
{
	const char *at = formula->arguments;
	char *text, *separator = "";
	FILE *stream;
	size_t size;

	stream = open_memstream(&text, &size);
	if (!stream)
		return memory_text("", 0);
	fprintf(stream, "%s(", name);
	while (*at) {
		size_t word = strcspn(at, " \t\n"), length = strcspn(at, " \t\n:?[");

		if (word == 2 && !strncmp(at, "->", 2)) { /* a function's type */
			at += word + strspn(at + word, " \t\n");
			word = strcspn(at, " \t\n");
		} else if (length) {
			fprintf(stream, "%s%.*s", separator, (int)length, at);
			separator = ", ";
		}
		at += word;
		at += strspn(at, " \t\n");
	}
	fputc(')', stream);
	fclose(stream);
	return text;
}

static const char *column_text(const char *column, const char *otherwise)
{
	return !strcmp(column, "\"") ? otherwise : column;
}

static const char *adds_text(const struct formula *formula)
{
	return column_text(formula->adds, formula->muls);
}

static bool has_blocked(const struct routine *routine)
{
	return catalog_formula(routine)->blocked[0] != 0;
}

static bool uses(const char *text, const char *name)
{
	size_t length = strlen(name);

	for (const char *at = text; (at = strstr(at, name)); at += length)
		if ((at == text || !(isalnum((unsigned char)at[-1]) || at[-1] == '_')) && at[length] == '(')
			return true;
	return false;
}

/* Marks the shared expressions that a formula stands on, one through another. */
static void mark_definitions(const char *text, bool *marks)
{
	for (unsigned i = 0; i < formula_definition_count; i++)
		if (!marks[i] && uses(text, formula_definitions[i].name)) {
			marks[i] = true;
			mark_definitions(formula_definitions[i].body, marks);
		}
}

static bool *definitions_of(const struct formula *formula)
{
	bool *marks = memory_new(formula_definition_count, sizeof *marks);

	mark_definitions(formula->muls, marks);
	mark_definitions(formula->adds, marks);
	mark_definitions(formula->words, marks);
	mark_definitions(formula->blocked, marks);
	return marks;
}

static double flops_per_byte(const struct query *query)
{
	double bytes = (double)query->price.words * catalog_element_size(query->routine);

	return bytes > 0 ? (double)query->price.flops / bytes : 0;
}

/* As text. */

static void put_member(FILE *out, const char *label, const char *text)
{
	if (text[0])
		fprintf(out, "  %-16s %s\n", label, text);
}

/* A number where there is one, and the formula that gives it. */
static void put_price(FILE *out, const char *label, bool priced, uint64_t number, const char *formula)
{
	char text[NUMBER_TEXT];

	if (!priced)
		put_member(out, label, formula);
	else if (formula[0])
		fprintf(out, "  %-16s %s = %s\n", label, number_grouped(number, text), formula);
	else
		fprintf(out, "  %-16s %s\n", label, number_grouped(number, text));
}

static const char *kind_text(unsigned kind)
{
	switch (kind) {
	case PRICE_DIRECT:
		return "direct: the standard algorithm, in closed form";
	case PRICE_ITERATIVE:
		return "iterative: a model fitted to measurement";
	case PRICE_EXEMPT:
		return "exempt: no floating-point operation";
	default:
		return "unpriced: calls are recorded, and counted as 0";
	}
}

static const char *flops_formula(const struct routine *routine)
{
	bool real = strstr(catalog_formula(routine)->muls, "real(") || strstr(catalog_formula(routine)->adds, "real(");

	if (routine->type == TYPE_S || routine->type == TYPE_D)
		return "multiplications + additions";
	return real ? "6 multiplications + 2 additions, what is in real() once" : "6 multiplications + 2 additions";
}

static void put_arguments(FILE *out, const struct query *query)
{
	const struct family *family = catalog_family(query->routine);

	for (unsigned i = 0; i < shape_count(family); i++) {
		if (!query->given[i])
			continue;
		if (i < family->option_count)
			fprintf(out, " %s=%c", family->shape_names[i], (int)query->shape[i]);
		else
			fprintf(out, " %s=%" PRId64, family->shape_names[i], query->shape[i]);
	}
}

static void put_definitions(FILE *out, const struct formula *formula)
{
	bool *marks = definitions_of(formula);

	for (unsigned i = 0; i < formula_definition_count; i++)
		if (marks[i])
			fprintf(out, "  %-16s %s(%s) = %s\n", "where", formula_definitions[i].name,
			        formula_definitions[i].parameters, formula_definitions[i].body);
	free(marks);
}

static void put_text(FILE *out, const struct query *query)
{
	const struct routine *routine = query->routine;
	const struct formula *formula = catalog_formula(routine);
	const struct price *price = &query->price;
	char names[PROBLEM_TEXT], *call = call_text(formula, routine->name);
	bool counts = catalog_family(routine)->kind == PRICE_DIRECT || catalog_family(routine)->kind == PRICE_ITERATIVE;

	known_arguments(catalog_family(routine), names);
	fputs(call, out);
	fputc('\n', out);
	free(call);
	if (query->priced && shape_count(catalog_family(routine))) {
		fprintf(out, "  %-16s", "for");
		put_arguments(out, query);
		fputc('\n', out);
	} else {
		put_member(out, "depends on", names);
	}
	if (counts) {
		put_price(out, "FLOPs", query->priced, price->flops, flops_formula(routine));
		put_price(out, "multiplications", query->priced, price->muls, formula->muls);
		put_price(out, "additions", query->priced, price->adds, adds_text(formula));
		put_price(out, "words", query->priced, price->words, formula->words);
		if (query->priced)
			fprintf(out, "  %-16s %.4g\n", "FLOPs per byte", flops_per_byte(query));
		if (has_blocked(routine))
			put_price(out, "blocking adds", query->priced, price_blocked(routine, query->shape), formula->blocked);
		put_definitions(out, formula);
	}
	if (price->saturated)
		put_member(out, "saturated", "a number above does not fit in 63 bits: the largest that does stands for it");
	put_member(out, "kind", kind_text(catalog_family(routine)->kind));
	put_member(out, "source", formula->source);
	put_member(out, "error", formula->error);
	put_member(out, "not modelled", formula->not_modelled);
}

static void put_line(FILE *out, const struct query *query)
{
	const struct formula *formula = catalog_formula(query->routine);

	if (catalog_family(query->routine)->kind == PRICE_NONE) {
		fprintf(out, "%s: not priced\n", query->routine->name);
		return;
	}
	if (!query->priced) {
		fprintf(out, "%s: multiplications %s, additions %s, words %s\n", query->routine->name, formula->muls,
		        adds_text(formula), formula->words);
		return;
	}
	fputs(query->routine->name, out);
	put_arguments(out, query);
	fprintf(out, ": %" PRIu64 " FLOPs, %" PRIu64 " multiplications, %" PRIu64 " additions, %" PRIu64 " words\n",
	        query->price.flops, query->price.muls, query->price.adds, query->price.words);
}

/* As JSON. */

static void text_unless_empty(struct output *output, const char *key, const char *text)
{
	json_text(output, key, text[0] ? text : NULL);
}

static void put_formula_json(struct output *output, const struct formula *formula)
{
	bool *marks = definitions_of(formula);

	json_open(output, "formula", '{');
	json_text(output, "muls", formula->muls);
	json_text(output, "adds", adds_text(formula));
	json_text(output, "words", formula->words);
	text_unless_empty(output, "blocked", formula->blocked);
	json_open(output, "where", '{');
	for (unsigned i = 0; i < formula_definition_count; i++)
		if (marks[i]) {
			char *name = memory_format("%s(%s)", formula_definitions[i].name, formula_definitions[i].parameters);

			json_text(output, name, formula_definitions[i].body);
			free(name);
		}
	json_close(output, '}');
	json_close(output, '}');
	free(marks);
}

static void put_arguments_json(struct output *output, const struct query *query)
{
	const struct family *family = catalog_family(query->routine);

	json_open(output, "arguments", '{');
	for (unsigned i = 0; i < shape_count(family); i++) {
		char letter[2] = { (char)query->shape[i], 0 };

		if (query->given[i] && i < family->option_count)
			json_text(output, family->shape_names[i], letter);
		else if (query->given[i])
			json_signed(output, family->shape_names[i], query->shape[i]);
	}
	json_close(output, '}');
}

static void put_json(struct output *output, const struct query *query)
{
	const struct routine *routine = query->routine;
	const struct formula *formula = catalog_formula(routine);
	const struct family *family = catalog_family(routine);
	const struct price *price = &query->price;

	json_open(output, NULL, '{');
	json_text(output, "routine", routine->name);
	put_arguments_json(output, query);
	if (query->priced && family->kind != PRICE_NONE) {
		json_number(output, "muls", price->muls);
		json_number(output, "adds", price->adds);
		json_number(output, "flops", price->flops);
		json_number(output, "words", price->words);
		json_number(output, "real_muls", price->real_muls);
		json_number(output, "real_adds", price->real_adds);
		json_real(output, "flops_per_byte", flops_per_byte(query));
		json_bool(output, "saturated", price->saturated);
		if (has_blocked(routine))
			json_number(output, "blocked_flops", price_blocked(routine, query->shape));
		else
			json_null(output, "blocked_flops");
	}
	json_text(output, "source", formula->source);
	json_text(output, "kind", kind_name(family->kind));
	text_unless_empty(output, "measured_error", formula->error);
	text_unless_empty(output, "not_modelled", formula->not_modelled);
	if (!query->priced) {
		json_open(output, "depends_on", '[');
		for (unsigned i = 0; i < shape_count(family); i++)
			json_text(output, NULL, family->shape_names[i]);
		json_close(output, ']');
	}
	put_formula_json(output, formula);
	json_close(output, '}');
}

static void put_problem_json(struct output *output, const struct query *query, const char *name, uint64_t line)
{
	json_open(output, NULL, '{');
	json_text(output, "routine", name);
	json_number(output, "line", line);
	json_text(output, "error", query->problem);
	json_close(output, '}');
}

/* One question on the command line, or many on standard input. */

static int explain_one(struct output *output, const struct options *options)
{
	struct query query;

	ask(&query, options->operands, options->operand_count);
	if (query.problem[0]) {
		complain("%s", query.problem);
		return EXIT_USAGE;
	}
	if (options->format == FORMAT_JSON)
		put_json(output, &query);
	else
		put_text(output->stream, &query);
	return EXIT_FINE;
}

static size_t split(char *line, char **words, size_t room)
{
	size_t count = 0;
	char *state;

	line[strcspn(line, "#\n")] = 0;
	for (char *word = strtok_r(line, " \t\r", &state); word && count < room; word = strtok_r(NULL, " \t\r", &state))
		words[count++] = word;
	return count;
}

static int explain_lines(struct output *output, const struct options *options, FILE *input)
{
	char *line = NULL, *words[2 * SHAPE_ARGS_MAX + 1];
	int status = EXIT_FINE;
	uint64_t number = 0;
	size_t size = 0;

	while (getline(&line, &size, input) > 0) {
		size_t count = split(line, words, sizeof words / sizeof *words);
		struct query query;

		number++;
		if (!count)
			continue;
		ask(&query, words, count);
		if (query.problem[0]) {
			complain("line %" PRIu64 ": %s", number, query.problem);
			status = EXIT_ERROR;
			if (options->format == FORMAT_JSON)
				put_problem_json(output, &query, words[0], number);
		} else if (options->format == FORMAT_JSON) {
			put_json(output, &query);
		} else {
			put_line(output->stream, &query);
		}
	}
	free(line);
	return status;
}

/* The manual. */

static const struct column manual_columns[] = {
	{ "family",         "family",          COLUMN_TEXT, 0 },
	{ "routines",       "routines",        COLUMN_LIST, 0 },
	{ "kind",           "kind",            COLUMN_TEXT, 0 },
	{ "arguments",      "arguments",       COLUMN_TEXT, 0 },
	{ "depends_on",     "depends on",      COLUMN_LIST, 0 },
	{ "muls",           "multiplications", COLUMN_TEXT, 0 },
	{ "adds",           "additions",       COLUMN_TEXT, 0 },
	{ "words",          "words",           COLUMN_TEXT, 0 },
	{ "blocked",        "blocking adds",   COLUMN_TEXT, 0 },
	{ "source",         "source",          COLUMN_TEXT, 0 },
	{ "measured_error", "error",           COLUMN_TEXT, 0 },
	{ "not_modelled",   "not modelled",    COLUMN_TEXT, 0 },
};

/* Texts of one family's row, of its own. */
struct manual {
	struct arena texts;
};

static struct value list_value(struct arena *arena, const char *const *texts, size_t count)
{
	size_t bytes = 0;
	char *joined, *at;

	for (size_t i = 0; i < count; i++)
		bytes += strlen(texts[i]) + 1;
	at = joined = arena_take(arena, bytes + 1);
	for (size_t i = 0; i < count; i++)
		at = stpcpy(at, texts[i]) + 1;
	return (struct value){ .known = true, .text = joined, .number = bytes };
}

static struct value routines_of(struct arena *arena, unsigned family)
{
	const char *names[64];
	size_t count = 0;

	for (unsigned i = 0; i < routine_count && count < sizeof names / sizeof *names; i++)
		if (routines[i].family == family)
			names[count++] = routines[i].name;
	return list_value(arena, names, count);
}

static void fill_manual(const struct table *table, size_t row, struct value *values)
{
	struct manual *manual = (struct manual *)(uintptr_t)table->data;
	const struct formula *formula = &formulas[row];
	const char *texts[] = { formula->arguments, formula->muls, adds_text(formula), formula->words, formula->blocked,
	                        formula->source, formula->error, formula->not_modelled };
	static const unsigned columns[] = { 3, 5, 6, 7, 8, 9, 10, 11 };

	arena_free(&manual->texts);
	values[0] = value_text(families[row].name);
	values[1] = routines_of(&manual->texts, (unsigned)row);
	values[2] = value_text(kind_name(families[row].kind));
	values[4] = list_value(&manual->texts, families[row].shape_names, shape_count(&families[row]));
	for (unsigned i = 0; i < sizeof columns / sizeof *columns; i++)
		values[columns[i]] = value_text(texts[i][0] ? texts[i] : NULL);
}

static void put_manual_json(struct output *output, const struct table *table)
{
	json_open(output, NULL, '{');
	json_text(output, "schema", "flopshim-prices/1");
	json_text(output, "table_version", table_version);
	table_json(output, table);
	json_open(output, "definitions", '[');
	for (unsigned i = 0; i < formula_definition_count; i++) {
		json_open(output, NULL, '{');
		json_text(output, "name", formula_definitions[i].name);
		json_text(output, "parameters", formula_definitions[i].parameters);
		json_text(output, "body", formula_definitions[i].body);
		json_close(output, '}');
	}
	json_close(output, ']');
	json_close(output, '}');
}

/* A row of a Markdown table; | would end a cell. */
static void put_markdown_row(FILE *out, const char *label, const char *text, bool is_code)
{
	if (!text[0])
		return;
	fprintf(out, "| %s | %s", label, is_code ? "`" : "");
	for (; *text; text++)
		fprintf(out, *text == '|' ? "\\|" : "%c", *text);
	fprintf(out, "%s |\n", is_code ? "`" : "");
}

static void put_markdown_family(FILE *out, unsigned number, struct manual *manual)
{
	const struct formula *formula = &formulas[number];
	struct value names = routines_of(&manual->texts, number);
	char *call = call_text(formula, families[number].name);

	fprintf(out, "\n## %s\n\n", families[number].name);
	for (const char *at = names.text; at < names.text + names.number; at += strlen(at) + 1)
		fprintf(out, "%s`%s`", at == names.text ? "" : " ", at);
	fputs("\n\n| | |\n|---|---|\n", out);
	put_markdown_row(out, "call", call, true);
	put_markdown_row(out, "kind", kind_text(families[number].kind), false);
	put_markdown_row(out, "multiplications", formula->muls, true);
	put_markdown_row(out, "additions", adds_text(formula), true);
	put_markdown_row(out, "words", formula->words, true);
	put_markdown_row(out, "blocking adds", formula->blocked, true);
	put_markdown_row(out, "source", formula->source, false);
	put_markdown_row(out, "error", formula->error, false);
	put_markdown_row(out, "not modelled", formula->not_modelled, false);
	free(call);
}

static void put_markdown(FILE *out, struct manual *manual)
{
	fprintf(out, "# Prices of the BLAS and LAPACK routines\n\nVersion of the routine table: %s.\n\n"
	        "FLOPs are multiplications + additions in the types s and d, 6 multiplications + 2 additions in c and z;\n"
	        "what is in `real()` counts once in every type. `complex` is 1 in c and z, 0 in s and d.\n", table_version);
	for (unsigned i = 0; i < family_count; i++)
		put_markdown_family(out, i, manual);
	if (formula_definition_count)
		fputs("\n## Shared expressions\n\n| | |\n|---|---|\n", out);
	for (unsigned i = 0; i < formula_definition_count; i++) {
		char *name = memory_format("`%s(%s)`", formula_definitions[i].name, formula_definitions[i].parameters);

		put_markdown_row(out, name, formula_definitions[i].body, true);
		free(name);
	}
}

static void put_manual_text(FILE *out)
{
	for (unsigned i = 0; i < family_count; i++)
		for (unsigned j = 0; j < routine_count; j++)
			if (routines[j].family == i) {
				struct query query = { .routine = &routines[j] };

				put_text(out, &query);
				fputc('\n', out);
				break; /* its other types differ by the letter alone */
			}
}

static void explain_all(struct output *output, const struct options *options, bool markdown)
{
	struct manual manual = { 0 };
	struct table table = { .key = "families", .title = "Prices", TABLE_COLUMNS(manual_columns),
	                       .row_count = family_count, .fill = fill_manual, .data = &manual };

	if (options->format == FORMAT_JSON)
		put_manual_json(output, &table);
	else if (options->format == FORMAT_CSV)
		table_csv(output, &table);
	else if (markdown)
		put_markdown(output->stream, &manual);
	else
		put_manual_text(output->stream);
	arena_free(&manual.texts);
}

struct explain_options {
	bool all, markdown;
};

static int take_option(void *context, int code, const char *value)
{
	struct explain_options *own = context;

	(void)value;
	if (code == OPTION_ALL)
		own->all = true;
	else
		own->markdown = true;
	return -1;
}

int command_explain(int count, char **arguments)
{
	static const struct option table[] = {
		OPTION_LINE_HELP, OPTION_LINE_JSON, OPTION_LINE_CSV,
		{ "all", no_argument, NULL, OPTION_ALL }, { "markdown", no_argument, NULL, OPTION_MARKDOWN },
		OPTION_LINE_END,
	};
	struct explain_options own = { 0 };
	const struct option_parser parser = { .command = "explain", .help = help, .table = table, .take = take_option,
	                                      .context = &own };
	struct options options;
	struct output output;
	int status = options_parse(&options, &parser, count, arguments);

	if (status >= 0)
		return status;
	if (!own.all && (own.markdown || options.format == FORMAT_CSV))
		return usage_error("explain", "--csv and --markdown are for --all");
	if (own.all && options.operand_count)
		return usage_error("explain", "%s: --all takes no routine", options.operands[0]);
	output = options_output(&options);
	status = EXIT_FINE;
	if (own.all)
		explain_all(&output, &options, own.markdown);
	else if (options.operand_count && strcmp(options.operands[0], "-"))
		status = explain_one(&output, &options);
	else
		status = explain_lines(&output, &options, stdin);
	return output_finish(&output) ? status : EXIT_ERROR;
}
