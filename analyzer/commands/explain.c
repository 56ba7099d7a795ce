/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * explain.c - what a routine costs, and why: the row of the routine table, and its price for given arguments.
 */
#include "analyzer/commands/explain.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/catalog/catalog.h"
#include "analyzer/commands/command.h"
#include "analyzer/base/memory.h"

enum { OPTION_ALL = OPTION_OWN, OPTION_MARKDOWN };

static const char help[] =
	"Usage: flopshim-report explain [--json] ROUTINE [NAME=VALUE ...]\n"
	"       flopshim-report explain [--json] < LINES\n"
	"       flopshim-report explain --all [--json | --csv | --markdown]\n\n"
	"Shows what a routine costs: by its formula, or for given arguments (transa=N m=300 ...), those that the\n"
	"price depends on. Without a routine: prices 'ROUTINE NAME=VALUE ...' lines from standard input, one\n"
	"answer a line. --all is the manual of all prices.\n";

/* Answers. */

char *explain_call(const struct formula *formula, const char *name)
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

const char *explain_adds(const struct formula *formula)
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

const char *explain_kind(unsigned kind)
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
	return has_real(catalog_formula(routine), marks) ?
	       "6 multiplications + 2 additions; what is in real() counts once" : "6 multiplications + 2 additions";
}

static void put_arguments(FILE *out, const struct query *query)
{
	const struct family *family = catalog_family(query->routine);

	for (unsigned i = 0; i < query_shape_count(family); i++) {
		if (!query->given[i])
			continue;
		if (i < family->option_count)
			fprintf(out, " %s=%c", family->shape_names[i], (int)query->shape[i]);
		else
			fprintf(out, " %s=%" PRId64, family->shape_names[i], query->shape[i]);
	}
}

static void put_definitions(FILE *out, const bool *marks)
{
	const char *label = "where";

	for (unsigned i = 0; i < formula_definition_count; i++)
		if (marks[i]) {
			fprintf(out, "  %-16s %s(%s) = %s\n", label, formula_definitions[i].name, formula_definitions[i].parameters,
			        formula_definitions[i].body);
			label = "";
		}
}

static bool uses_row(const struct formula *formula, const bool *marks, const char *name)
{
	if (!strcmp(name, "min") || !strcmp(name, "max")) /* routines too, but here the language's own */
		return false;
	for (unsigned i = 0; i < formula_definition_count; i++)
		if (marks[i] && uses(formula_definitions[i].body, name))
			return true;
	return uses(formula->muls, name) || uses(formula->adds, name) || uses(formula->words, name);
}

/* `names`: a family's name, or the two that a / separates. */
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

/* The other rows of the table that this one is a sum of. */
static void put_references(FILE *out, const struct formula *formula, const bool *marks)
{
	char names[QUERY_TEXT] = "";

	for (unsigned i = 0; i < family_count; i++)
		if (uses_family(formula, marks, families[i].name) && strlen(names) + strlen(families[i].name) + 3 < sizeof names)
			sprintf(names + strlen(names), "%s%s", names[0] ? ", " : "", families[i].name);
	put_member(out, "see also", names);
}

void explain_text(FILE *out, const struct query *query)
{
	const struct routine *routine = query->routine;
	const struct formula *formula = catalog_formula(routine);
	const struct price *price = &query->price;
	char names[QUERY_TEXT], *call = explain_call(formula, routine->name);
	bool *marks;
	bool counts = catalog_family(routine)->kind == PRICE_DIRECT || catalog_family(routine)->kind == PRICE_ITERATIVE;

	query_shape_names(catalog_family(routine), names);
	fputs(call, out);
	fputc('\n', out);
	free(call);
	if (query->priced && query_shape_count(catalog_family(routine))) {
		fprintf(out, "  %-16s", "for");
		put_arguments(out, query);
		fputc('\n', out);
	} else {
		put_member(out, "depends on", names);
	}
	if (counts) {
		marks = definitions_of(formula);
		put_price(out, "FLOPs", query->priced, price->flops, flops_formula(routine, marks));
		put_price(out, "multiplications", query->priced, price->muls, formula->muls);
		put_price(out, "additions", query->priced, price->adds, explain_adds(formula));
		put_price(out, "words", query->priced, price->words, formula->words);
		if (query->priced)
			fprintf(out, "  %-16s %.4g\n", "FLOPs per byte", flops_per_byte(query));
		if (has_blocked(routine))
			put_price(out, "blocking adds", query->priced, price_blocked(routine, query->shape), formula->blocked);
		put_definitions(out, marks);
		put_references(out, formula, marks);
		free(marks);
	}
	if (price->saturated)
		put_member(out, "saturated", "a number above does not fit in 63 bits: the largest that does stands for it");
	put_member(out, "kind", explain_kind(catalog_family(routine)->kind));
	put_member(out, "source", formula->source);
	put_member(out, "error", formula->error);
	put_member(out, "not modelled", formula->not_modelled);
	put_member(out, "not priced", query->remarks);
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
		        explain_adds(formula), formula->words);
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
	json_text(output, "adds", explain_adds(formula));
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
	for (unsigned i = 0; i < query_shape_count(family); i++) {
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
	if (query->remarks[0])
		json_text(output, "remarks", query->remarks);
	if (!query->priced) {
		json_open(output, "depends_on", '[');
		for (unsigned i = 0; i < query_shape_count(family); i++)
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

	query_ask(&query, options->operands, options->operand_count);
	if (query.problem[0]) {
		complain("%s", query.problem);
		return EXIT_USAGE;
	}
	if (options->format == FORMAT_JSON)
		put_json(output, &query);
	else
		explain_text(output->stream, &query);
	return EXIT_FINE;
}

/* The words of a line, in an array of the caller's to free. */
static char **split(char *line, size_t *count)
{
	char **words = memory_new(strlen(line) / 2 + 1, sizeof *words), *state;

	*count = 0;
	line[strcspn(line, "#\n")] = 0;
	for (char *word = strtok_r(line, " \t\r", &state); word; word = strtok_r(NULL, " \t\r", &state))
		words[(*count)++] = word;
	return words;
}

static int explain_line(struct output *output, const struct options *options, char *const *words, size_t count,
                        uint64_t number)
{
	struct query query;

	query_ask(&query, words, count);
	if (query.problem[0]) {
		complain("line %" PRIu64 ": %s", number, query.problem);
		if (options->format == FORMAT_JSON)
			put_problem_json(output, &query, words[0], number);
		return EXIT_ERROR;
	}
	if (options->format == FORMAT_JSON)
		put_json(output, &query);
	else
		put_line(output->stream, &query);
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
