/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * manual.c - the manual of all prices, made from the routine table: `explain --all`.
 */
#include <stdlib.h>
#include <string.h>

#include "analyzer/commands/explain.h"
#include "analyzer/base/memory.h"

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
	const char *texts[] = { formula->arguments, formula->muls, explain_adds(formula), formula->words, formula->blocked,
	                        formula->source, formula->error, formula->not_modelled };
	static const unsigned columns[] = { 3, 5, 6, 7, 8, 9, 10, 11 };

	arena_free(&manual->texts);
	values[0] = value_text(families[row].name);
	values[1] = routines_of(&manual->texts, (unsigned)row);
	values[2] = value_text(kind_name(families[row].kind));
	values[4] = list_value(&manual->texts, families[row].shape_names, query_shape_count(&families[row]));
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
	char *call = explain_call(formula, families[number].name);

	fprintf(out, "\n## %s\n\n", families[number].name);
	for (const char *at = names.text; at < names.text + names.number; at += strlen(at) + 1)
		fprintf(out, "%s`%s`", at == names.text ? "" : " ", at);
	fputs("\n\n| | |\n|---|---|\n", out);
	put_markdown_row(out, "call", call, true);
	put_markdown_row(out, "kind", explain_kind(families[number].kind), false);
	put_markdown_row(out, "multiplications", formula->muls, true);
	put_markdown_row(out, "additions", explain_adds(formula), true);
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
	        "what is in `real()` counts once in every type. `complex` is 1 in c and z, `double` in d and z; they are 0 otherwise.\n", table_version);
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

				explain_text(out, &query);
				fputc('\n', out);
				break; /* its other types differ by the letter alone */
			}
}

void explain_all(struct output *output, const struct options *options, bool markdown)
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
