/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * manual.c - lists the prices of all routines as tables, as a document, or as lines.
 * It must never leave out a family of the routine table.
 */
#include "analyzer/commands/manual.h"

#include <string.h>

#include "analyzer/commands/explain.h"

/* The table of families, with one row each. */

/* The number of a formula is that of its family. */
static unsigned number_of(const struct formula *formula) { return (unsigned)(formula - formulas); }

static const struct family *family_of(const struct formula *formula) { return &families[number_of(formula)]; }

/* The names of a family's routines, and of the arguments that its price depends on; each list holds until the next. */
static struct value routines_of(struct manual *manual, const struct formula *formula)
{
	text_clear(&manual->scratch);
	for (unsigned i = 0; i < routine_count; i++)
		if (routines[i].family == number_of(formula))
			text_add_bytes(&manual->scratch, routines[i].name, strlen(routines[i].name) + 1);
	return value_list(manual->scratch.bytes, manual->scratch.length);
}

static struct value shape_of(struct manual *manual, const struct family *family)
{
	text_clear(&manual->scratch);
	for (unsigned i = 0; i < query_shape_count(family); i++)
		text_add_bytes(&manual->scratch, family->shape_names[i], strlen(family->shape_names[i]) + 1);
	return value_list(manual->scratch.bytes, manual->scratch.length);
}

GETTER(price_family, struct formula, value_text(family_of(item)->name))
GETTER(price_routines, struct formula, routines_of(table->data, item))
GETTER(price_kind_name, struct formula, value_text(kind_name(family_of(item)->kind)))
GETTER(price_arguments, struct formula, value_filled(item->arguments))
GETTER(price_shape_names, struct formula, shape_of(table->data, family_of(item)))
GETTER(price_muls, struct formula, value_filled(item->muls))
GETTER(price_adds, struct formula, value_filled(explain_adds(item)))
GETTER(price_words, struct formula, value_filled(item->words))
GETTER(price_blocking, struct formula, value_filled(item->blocked))
GETTER(price_source, struct formula, value_filled(item->source))
GETTER(price_error, struct formula, value_filled(item->error))
GETTER(price_not_modelled, struct formula, value_filled(item->not_modelled))

/* clang-format off */
static const struct column family_columns[] = {
	{ "family",         "family",          COLUMN_TEXT, 0, price_family },
	{ "routines",       "routines",        COLUMN_LIST, 0, price_routines },
	{ "kind",           "kind",            COLUMN_TEXT, 0, price_kind_name },
	{ "arguments",      "arguments",       COLUMN_TEXT, 0, price_arguments },
	{ "depends_on",     "depends on",      COLUMN_LIST, 0, price_shape_names },
	{ "muls",           "multiplications", COLUMN_TEXT, 0, price_muls },
	{ "adds",           "additions",       COLUMN_TEXT, 0, price_adds },
	{ "words",          "words",           COLUMN_TEXT, 0, price_words },
	{ "blocked",        "blocking adds",   COLUMN_TEXT, 0, price_blocking },
	{ "source",         "source",          COLUMN_TEXT, 0, price_source },
	{ "measured_error", "error",           COLUMN_TEXT, 0, price_error },
	{ "not_modelled",   "not modelled",    COLUMN_TEXT, 0, price_not_modelled },
};
/* clang-format on */

GETTER(definition_name, struct formula_definition, value_text(item->name))
GETTER(definition_parameters, struct formula_definition, value_text(item->parameters))
GETTER(definition_body, struct formula_definition, value_text(item->body))

/* clang-format off */
static const struct column definition_columns[] = {
	{ "name",       "name",       COLUMN_TEXT, 0, definition_name },
	{ "parameters", "parameters", COLUMN_TEXT, 0, definition_parameters },
	{ "body",       "body",       COLUMN_TEXT, 0, definition_body },
};
/* clang-format on */

static void add_tables(struct answer *answer, struct manual *manual)
{
	struct table table = {.key = "families", .title = "Prices", TABLE_COLUMNS(family_columns), .data = manual};

	answer_text(answer, "table_version", table_version);
	table_set_items(&table, formulas, family_count, sizeof *formulas);
	answer_table(answer, &table, (struct table_options){0});
	table = (struct table){.key = "definitions", .title = "Shared expressions", TABLE_COLUMNS(definition_columns)};
	table_set_items(&table, formula_definitions, formula_definition_count, sizeof *formula_definitions);
	answer_table(answer, &table, (struct table_options){.place = 1, .beside = true});
}

/* The document, with a section for each family. */

static void say_unless_empty(struct answer *answer, const char *label, const char *text, bool is_code)
{
	if (text[0])
		(is_code ? answer_code : answer_fact)(answer, label, "%s", text);
}

static void say_family(struct answer *answer, const struct formula *formula, struct manual *manual)
{
	struct value names = routines_of(manual, formula);
	struct text call = {0}, list = {0};

	answer_say(answer, PART_HEADING, "%s", family_of(formula)->name);
	for (const char *at = names.text; at < names.text + names.number; at += strlen(at) + 1)
		text_format(&list, "%s`%s`", at == names.text ? "" : " ", at);
	answer_say(answer, PART_PROSE, "%s", list.bytes);
	explain_add_call(&call, formula, family_of(formula)->name);
	say_unless_empty(answer, "call", call.bytes, true);
	say_unless_empty(answer, "kind", explain_kind(family_of(formula)->kind), false);
	say_unless_empty(answer, "multiplications", formula->muls, true);
	say_unless_empty(answer, "additions", explain_adds(formula), true);
	say_unless_empty(answer, "words", formula->words, true);
	say_unless_empty(answer, "blocking adds", formula->blocked, true);
	say_unless_empty(answer, "source", formula->source, false);
	say_unless_empty(answer, "error", formula->error, false);
	say_unless_empty(answer, "not modelled", formula->not_modelled, false);
	text_free(&call);
	text_free(&list);
}

static void say_document(struct answer *answer, struct manual *manual)
{
	answer_say(answer, PART_TITLE, "Prices of the BLAS and LAPACK routines");
	answer_say(answer, PART_PARAGRAPH, "Version of the routine table: %s.", table_version);
	answer_say(answer, PART_PROSE,
	           "FLOPs are multiplications + additions in the types s and d, 6 multiplications + 2 additions in c "
	           "and z; "
	           "what is in `real()` counts once in every type. `complex` is 1 in c and z, `double` in d and z; "
	           "they are 0 "
	           "otherwise.");
	for (unsigned i = 0; i < family_count; i++)
		say_family(answer, &formulas[i], manual);
	if (formula_definition_count)
		answer_say(answer, PART_HEADING, "Shared expressions");
	for (unsigned i = 0; i < formula_definition_count; i++) {
		struct text name = {0};

		text_format(&name, "`%s(%s)`", formula_definitions[i].name, formula_definitions[i].parameters);
		answer_code(answer, name.bytes, "%s", formula_definitions[i].body);
		text_free(&name);
	}
}

/* For a terminal, the answer about the first routine of each family. The others differ from it by the letter of their type. */
static void say_lines(struct answer *answer)
{
	for (unsigned i = 0; i < family_count; i++)
		for (unsigned j = 0; j < routine_count; j++)
			if (routines[j].family == i) {
				struct query query = {.routine = &routines[j]};

				explain_say(answer, &query);
				answer_gap(answer);
				break;
			}
}

void manual_fill(struct answer *answer, struct manual *manual)
{
	if (answer_is_for(answer, FOR_PROGRAM))
		add_tables(answer, manual);
	else if (answer_is_for(answer, FOR_DOCUMENT))
		say_document(answer, manual);
	else
		say_lines(answer);
}

void manual_close(struct manual *manual) { text_free(&manual->scratch); }
