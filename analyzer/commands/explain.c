/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * explain.c - the command `explain`: what a routine costs and why, from its row of the routine table.
 * It must never compute a price by itself: price/ does, as it does for the shim.
 */
#include "analyzer/commands/explain.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analyzer/base/memory.h"
#include "analyzer/catalog/catalog.h"
#include "analyzer/commands/command.h"
#include "analyzer/commands/manual.h"
#include "analyzer/commands/options.h"

enum { LABEL_INDENT = 2, LABEL_WIDTH = 16 };

static const char usage[] =
	"Usage: flopshim-report explain [OPTION] ROUTINE [NAME=VALUE ...]\n"
	"       flopshim-report explain [OPTION] < LINES\n"
	"       flopshim-report explain --all [OPTION]\n\n"
	"Shows what a routine costs: its formula or, for given arguments (transa=N m=300 ...), its price. Only those\n"
	"arguments are needed that the price depends on. Without a ROUTINE, lines of 'ROUTINE NAME=VALUE ...' are\n"
	"read from standard input, and each is answered in one line.\n";

/* Answers. */

void explain_add_call(struct text *text, const struct formula *formula, const char *name)
{
	const char *at = formula->arguments, *separator = "";

	text_format(text, "%s(", name);
	while (*at) {
		size_t word = strcspn(at, " \t\n"), length = strcspn(at, " \t\n:?[");

		if (word == 2 && !strncmp(at, "->", 2)) { /* a function's type follows, which is left out */
			at += word + strspn(at + word, " \t\n");
			word = strcspn(at, " \t\n");
		} else if (length) {
			text_format(text, "%s%.*s", separator, (int)length, at);
			separator = ", ";
		}
		at += word;
		at += strspn(at, " \t\n");
	}
	text_add_byte(text, ')');
}

/* The text of a column of the routine table, in which `"` stands for that of the column before it, `otherwise`. */
static const char *column_text(const char *column, const char *otherwise)
{
	return !strcmp(column, "\"") ? otherwise : column;
}

const char *explain_adds(const struct formula *formula) { return column_text(formula->adds, formula->muls); }

static bool has_blocked(const struct routine *routine) { return catalog_formula(routine)->blocked[0] != 0; }

/* Whether a formula has the call NAME( in it. */
static bool uses(const char *text, const char *name)
{
	size_t length = strlen(name);

	for (const char *at = text; (at = strstr(at, name)); at += length)
		if ((at == text || !(isalnum((unsigned char)at[-1]) || at[-1] == '_')) && at[length] == '(')
			return true;
	return false;
}

/* Marks the shared expressions that a formula uses, directly or through others. */
static void mark_definitions(const char *text, bool *marks)
{
	for (unsigned i = 0; i < formula_definition_count; i++)
		if (!marks[i] && uses(text, formula_definitions[i].name)) {
			marks[i] = true;
			mark_definitions(formula_definitions[i].body, marks);
		}
}

/* Which shared expressions the formulas of a routine use; to be freed. */
static bool *definitions_of(const struct formula *formula)
{
	bool *marks = memory_new(formula_definition_count, sizeof *marks);

	mark_definitions(formula->muls, marks);
	mark_definitions(formula->adds, marks);
	mark_definitions(formula->words, marks);
	mark_definitions(formula->blocked, marks);
	return marks;
}

/* 0 where the routine reads and writes nothing. */
static double flops_per_byte(const struct query *query)
{
	double bytes = (double)query->price.words * catalog_element_size(query->routine);

	return bytes > 0 ? (double)query->price.flops / bytes : 0;
}

/* For people. */

static void say_unless_empty(struct answer *answer, const char *label, const char *text)
{
	if (text[0])
		answer_fact(answer, label, "%s", text);
}

/* The words before a number. INT64_MAX stands for all prices that do not fit. */
static const char *at_least(uint64_t number) { return number >= INT64_MAX ? "at least " : ""; }

/* Shows a number, if there is a price, and the formula that gives it, if there is one. */
static void say_price(struct answer *answer, const char *label, bool priced, uint64_t number, const char *formula)
{
	char text[NUMBER_TEXT];

	if (!priced && formula[0])
		answer_code(answer, label, "%s", formula);
	else if (priced && formula[0])
		answer_fact(answer, label, "%s%s = %s", at_least(number), number_grouped(number, text), formula);
	else if (priced)
		answer_fact(answer, label, "%s%s", at_least(number), number_grouped(number, text));
}

const char *explain_kind(unsigned kind)
{
	switch (kind) {
	case PRICE_DIRECT: return "direct: the standard algorithm, in closed form";
	case PRICE_ITERATIVE: return "iterative: a model fitted to measurement";
	case PRICE_EXEMPT: return "exempt: no floating-point operation";
	default: return "unpriced: calls are recorded, and counted as 0 FLOPs";
	}
}

/* Whether a formula, or a shared expression that it uses, has real() in it. */
static bool has_real(const struct formula *formula, const bool *marks)
{
	for (unsigned i = 0; i < formula_definition_count; i++)
		if (marks[i] && strstr(formula_definitions[i].body, "real("))
			return true;
	return strstr(formula->muls, "real(") || strstr(formula->adds, "real(");
}

static const char *flops_formula(const struct routine *routine, const bool *marks)
{
	if (routine->type == TYPE_S || routine->type == TYPE_D)
		return "multiplications + additions";
	return has_real(catalog_formula(routine), marks)
	               ? "6 multiplications + 2 additions; what is in real() counts once"
	               : "6 multiplications + 2 additions";
}

/* Adds the arguments that were given: " m=300 n=400". */
static void add_arguments(struct text *text, const struct query *query)
{
	const struct family *family = catalog_family(query->routine);

	for (unsigned i = 0; i < query_shape_count(family); i++) {
		if (!query->given[i])
			continue;
		if (i < family->option_count)
			text_format(text, " %s=%c", family->shape_names[i], (int)query->shape[i]);
		else
			text_format(text, " %s=%" PRId64, family->shape_names[i], query->shape[i]);
	}
}

static void say_definitions(struct answer *answer, const bool *marks)
{
	const char *label = "where";

	for (unsigned i = 0; i < formula_definition_count; i++)
		if (marks[i]) {
			answer_code(answer, label, "%s(%s) = %s", formula_definitions[i].name,
			            formula_definitions[i].parameters, formula_definitions[i].body);
			label = "";
		}
}

/* Whether a formula, or a shared expression that it uses, uses the price of another row. */
static bool uses_row(const struct formula *formula, const bool *marks, const char *name)
{
	if (!strcmp(name, "min") || !strcmp(name, "max")) /* in formulas, functions of their language */
		return false;
	for (unsigned i = 0; i < formula_definition_count; i++)
		if (marks[i] && uses(formula_definitions[i].body, name))
			return true;
	return uses(formula->muls, name) || uses(formula->adds, name) || uses(formula->words, name);
}

/*
 * Whether a formula, or a shared expression that it uses, uses the price of the family `names`, by that name or by one of those
 * that a / separates in it.
 */
static bool uses_family(const struct formula *formula, const bool *marks, const char *names)
{
	char name[64];

	while (*names) {
		size_t length = strcspn(names, "/");

		snprintf(name, sizeof name, "%.*s", (int)length, names);
		if (uses_row(formula, marks, name))
			return true;
		names += length + (names[length] == '/');
	}
	return false;
}

/* Names the other rows of the table whose prices this one uses. */
static void say_references(struct answer *answer, const struct formula *formula, const bool *marks)
{
	char names[QUERY_TEXT] = "";

	for (unsigned i = 0; i < family_count; i++)
		if (uses_family(formula, marks, families[i].name) &&
		    strlen(names) + strlen(families[i].name) + 3 < sizeof names)
			sprintf(names + strlen(names), "%s%s", names[0] ? ", " : "", families[i].name);
	say_unless_empty(answer, "see also", names);
}

/* Shows the call, and either the arguments that were given or those that the price depends on. */
static void say_call(struct answer *answer, const struct query *query)
{
	struct text call = {0}, arguments = {0};
	char names[QUERY_TEXT];

	explain_add_call(&call, catalog_formula(query->routine), query->routine->name);
	answer_say(answer, PART_HEADING, "%s", call.bytes);
	if (query->priced && query_shape_count(catalog_family(query->routine))) {
		add_arguments(&arguments, query);
		answer_fact(answer, "for", "%s", arguments.bytes ? arguments.bytes + 1 : "");
	} else {
		query_shape_names(catalog_family(query->routine), names);
		say_unless_empty(answer, "depends on", names);
	}
	text_free(&call);
	text_free(&arguments);
}

static void say_prices(struct answer *answer, const struct query *query)
{
	const struct routine *routine = query->routine;
	const struct formula *formula = catalog_formula(routine);
	const struct price *price = &query->price;
	bool *marks = definitions_of(formula);

	say_price(answer, "FLOPs", query->priced, price->flops, flops_formula(routine, marks));
	say_price(answer, "multiplications", query->priced, price->muls, formula->muls);
	say_price(answer, "additions", query->priced, price->adds, explain_adds(formula));
	say_price(answer, "words", query->priced, price->words, formula->words);
	if (query->priced && !price->saturated) /* a ratio of lower bounds would say nothing */
		answer_fact(answer, "FLOPs per byte", "%.4g", flops_per_byte(query));
	if (has_blocked(routine))
		say_price(answer, "blocking adds", query->priced, price_blocked(routine, query->shape),
		          formula->blocked);
	say_definitions(answer, marks);
	say_references(answer, formula, marks);
	free(marks);
}

void explain_say(struct answer *answer, const struct query *query)
{
	const struct formula *formula = catalog_formula(query->routine);
	unsigned kind = catalog_family(query->routine)->kind;

	answer->label_indent = LABEL_INDENT;
	answer->label_width = LABEL_WIDTH;
	say_call(answer, query);
	if (kind == PRICE_DIRECT || kind == PRICE_ITERATIVE)
		say_prices(answer, query);
	if (query->price.saturated)
		answer_fact(answer, "saturated", "%s",
		            "a number above does not fit in 63 bits: the largest that does stands for it");
	say_unless_empty(answer, "kind", explain_kind(kind));
	say_unless_empty(answer, "source", formula->source);
	say_unless_empty(answer, "error", formula->error);
	say_unless_empty(answer, "not modelled", formula->not_modelled);
	say_unless_empty(answer, "not priced", query->remarks);
}

/* Shows a price, or the formulas, in one line. */
static void say_line(struct answer *answer, const struct query *query)
{
	const struct formula *formula = catalog_formula(query->routine);
	const struct price *price = &query->price;
	const char *name = query->routine->name;
	struct text arguments = {0};

	add_arguments(&arguments, query);
	if (catalog_family(query->routine)->kind == PRICE_NONE)
		answer_say(answer, PART_PARAGRAPH, "%s: not priced", name);
	else if (!query->priced)
		answer_say(answer, PART_PARAGRAPH, "%s: multiplications %s, additions %s, words %s", name,
		           formula->muls, explain_adds(formula), formula->words);
	else
		answer_say(answer, PART_PARAGRAPH,
		           "%s%s: %s%" PRIu64 " FLOPs, %s%" PRIu64 " multiplications, %s%" PRIu64
		           " additions, %s%" PRIu64 " words",
		           name, arguments.bytes ? arguments.bytes : "", at_least(price->flops), price->flops,
		           at_least(price->muls), price->muls, at_least(price->adds), price->adds,
		           at_least(price->words), price->words);
	text_free(&arguments);
}

/* For programs. */

static void add_unless_empty(struct answer *answer, const char *key, const char *text)
{
	answer_text(answer, key, text[0] ? text : NULL);
}

static void add_formula(struct answer *answer, const struct formula *formula)
{
	bool *marks = definitions_of(formula);

	answer_begin(answer, "formula", '{');
	answer_text(answer, "muls", formula->muls);
	answer_text(answer, "adds", explain_adds(formula));
	answer_text(answer, "words", formula->words);
	add_unless_empty(answer, "blocked", formula->blocked);
	answer_begin(answer, "where", '{');
	for (unsigned i = 0; i < formula_definition_count; i++)
		if (marks[i]) {
			char *name =
				memory_format("%s(%s)", formula_definitions[i].name, formula_definitions[i].parameters);

			answer_text(answer, name, formula_definitions[i].body);
			free(name);
		}
	answer_end(answer, '}');
	answer_end(answer, '}');
	free(marks);
}

static void add_arguments_of(struct answer *answer, const struct query *query)
{
	const struct family *family = catalog_family(query->routine);

	answer_begin(answer, "arguments", '{');
	for (unsigned i = 0; i < query_shape_count(family); i++) {
		char letter[2] = {(char)query->shape[i], 0};

		if (i < family->option_count && query->given[i])
			answer_text(answer, family->shape_names[i], letter);
		else if (query->given[i])
			answer_signed(answer, family->shape_names[i], query->shape[i]);
	}
	answer_end(answer, '}');
}

static void add_price(struct answer *answer, const struct query *query)
{
	const struct routine *routine = query->routine;
	const struct formula *formula = catalog_formula(routine);
	const struct family *family = catalog_family(routine);
	const struct price *price = &query->price;

	answer_text(answer, "routine", routine->name);
	add_arguments_of(answer, query);
	if (query->priced && family->kind != PRICE_NONE) {
		answer_number(answer, "muls", price->muls);
		answer_number(answer, "adds", price->adds);
		answer_number(answer, "flops", price->flops);
		answer_number(answer, "words", price->words);
		answer_number(answer, "real_muls", price->real_muls);
		answer_number(answer, "real_adds", price->real_adds);
		answer_real(answer, "flops_per_byte", flops_per_byte(query));
		answer_bool(answer, "saturated", price->saturated);
		answer_number_if(answer, "blocked_flops", has_blocked(routine), price_blocked(routine, query->shape));
	}
	answer_text(answer, "source", formula->source);
	answer_text(answer, "kind", kind_name(family->kind));
	add_unless_empty(answer, "measured_error", formula->error);
	add_unless_empty(answer, "not_modelled", formula->not_modelled);
	if (query->remarks[0])
		answer_text(answer, "remarks", query->remarks);
	if (!query->priced) {
		answer_begin(answer, "depends_on", '[');
		for (unsigned i = 0; i < query_shape_count(family); i++)
			answer_text(answer, NULL, family->shape_names[i]);
		answer_end(answer, ']');
	}
	add_formula(answer, formula);
}

static void add_problem(struct answer *answer, const struct query *query, const char *name, uint64_t line)
{
	answer_text(answer, "routine", name);
	answer_number(answer, "line", line);
	answer_text(answer, "error", query->problem);
}

/* A routine on the command line, or many on standard input. */

static void show(struct output *output, const struct options *options, const struct query *query, bool in_one_line)
{
	struct answer answer;

	options_answer(options, &answer, NULL);
	if (answer_is_for(&answer, FOR_PROGRAM))
		add_price(&answer, query);
	else
		(in_one_line ? say_line : explain_say)(&answer, query);
	options_render(options, output, &answer);
}

static void show_problem(struct output *output, const struct options *options, const struct query *query,
                         const char *name, uint64_t line)
{
	struct answer answer;

	options_answer(options, &answer, NULL);
	if (answer_is_for(&answer, FOR_PROGRAM)) {
		add_problem(&answer, query, name, line);
		options_render(options, output, &answer);
	} else {
		answer_close(&answer);
	}
}

static int explain_one(struct output *output, const struct options *options)
{
	struct query query;

	query_ask(&query, options->operands, options->operand_count);
	if (query.problem[0]) {
		complain("%s", query.problem);
		return EXIT_USAGE;
	}
	show(output, options, &query, false);
	return EXIT_FINE;
}

/* Splits a line, in place, into its words before a #. The array is to be freed. */
static char **split(char *line, size_t *count)
{
	char **words = memory_new(strlen(line) / 2 + 1, sizeof *words), *state;

	*count = 0;
	line[strcspn(line, "#\n")] = 0;
	for (char *word = strtok_r(line, " \t\r", &state); word; word = strtok_r(NULL, " \t\r", &state))
		words[(*count)++] = word;
	return words;
}

/* Returns EXIT_ERROR, after a message, for a line that cannot be answered. */
static int explain_line(struct output *output, const struct options *options, char *const *words, size_t count,
                        uint64_t number)
{
	struct query query;

	query_ask(&query, words, count);
	if (query.problem[0]) {
		complain("line %" PRIu64 ": %s", number, query.problem);
		show_problem(output, options, &query, words[0], number);
		return EXIT_ERROR;
	}
	show(output, options, &query, true);
	return EXIT_FINE;
}

static int explain_lines(struct output *output, const struct options *options, FILE *input)
{
	int status = EXIT_FINE;
	uint64_t number = 0;
	char *line = NULL;
	size_t size = 0;

	while (getline(&line, &size, input) > 0) {
		size_t count;
		char **words = split(line, &count);

		number++;
		if (count && explain_line(output, options, words, count, number) != EXIT_FINE)
			status = EXIT_ERROR;
		free(words);
	}
	free(line);
	return status;
}

static int take_option(void *context, int code, const char *value)
{
	(void)code;
	(void)value;
	*(bool *)context = true;
	return -1;
}

static void show_all(struct output *output, const struct options *options)
{
	struct manual manual = {0};
	struct answer answer;

	options_answer(options, &answer, MANUAL_SCHEMA);
	manual_fill(&answer, &manual);
	options_render(options, output, &answer);
	manual_close(&manual);
}

int command_explain(int count, char **arguments)
{
	bool all = false;
	const struct option_parser parser = {.command = "explain",
	                                     .usage = usage,
	                                     .no_keys = "explain shows prices, and adds nothing up",
	                                     .take = take_option,
	                                     .context = &all};
	struct options options;
	struct output output;
	int status = options_parse(&options, &parser, count, arguments);

	if (status >= 0)
		return status;
	if (!all && options.format->one_table)
		return usage_error("explain", "--%s can be used only with --all", options.format->name);
	if (!all && !options.operand_count && isatty(STDIN_FILENO))
		return usage_error("explain",
		                   "expected a routine with its dimensions, as in 'flopshim-report explain dgemm "
		                   "m=100 n=100 k=100', --all for all routines, or - to type one a line");
	if (all && options.operand_count)
		return usage_error("explain", "%s: --all takes no routine", options.operands[0]);
	output = options_output(&options);
	status = EXIT_FINE;
	if (all)
		show_all(&output, &options);
	else if (options.operand_count && strcmp(options.operands[0], "-"))
		status = explain_one(&output, &options);
	else
		status = explain_lines(&output, &options, stdin);
	return output_finish(&output) ? status : EXIT_ERROR;
}
