// SPDX-License-Identifier: BSD-3-Clause
/*
 * emit.c - writes the generated files: tables.c, symbols.h, stubs.inc, formulas.h and formulas.c.
 * It must never decide anything: it prints what the other parts of the generator have made.
 */
#include "generate/generate.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static FILE *open_output(const char *directory, const char *name)
{
	char path[PATH_MAX];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	file = fopen(path, "w");
	if (!file) {
		perror(path);
		exit(1);
	}
	fputs("/* Made by generate/ from routines/. */\n", file);
	return file;
}

static void close_output(FILE *file, const char *name)
{
	if (ferror(file) | fclose(file)) {
		perror(name);
		exit(1);
	}
}

/* --- tables.c -------------------------------------------------------------------------------- */

/* The descriptions of one form's shape arguments, in the pool of all. Most forms share them with another form. */
struct sequence {
	uint32_t first;
	unsigned count;
};

/* Returns the index in the pool where `args` stand. Appends them if no sequence that is there begins with them. */
static uint32_t add_sequence(struct shape_arg **pool, uint32_t *pool_count, struct sequence **sequences,
                             unsigned *sequence_count, const struct shape_arg *args, unsigned count)
{
	uint32_t first = *pool_count;

	if (!count)
		return 0;
	for (unsigned i = 0; i < *sequence_count; i++)
		if ((*sequences)[i].count >= count &&
		    !memcmp(&(*pool)[(*sequences)[i].first], args, count * sizeof(*args)))
			return (*sequences)[i].first;
	for (unsigned i = 0; i < count; i++) {
		*pool = grow(*pool, *pool_count, sizeof(**pool));
		(*pool)[(*pool_count)++] = args[i];
	}
	*sequences = grow(*sequences, *sequence_count, sizeof(**sequences));
	(*sequences)[(*sequence_count)++] = (struct sequence){first, count};
	return first;
}

static void emit_form(FILE *out, const struct call_form *form, uint32_t shape)
{
	const struct form *f = &form->form;

	fprintf(out, "\t{%u, %u, %u, 0x%x, %u, %u, %u, %u, %u, %u, {", f->routine, f->interface, f->stack_words,
	        f->info, f->result, f->query_count, f->query_is_ref, f->query_minus_two, f->info_after_work,
	        form->result_pointer);
	for (unsigned i = 0; i < f->query_count; i++)
		fprintf(out, "%s%u", i ? ", " : "", f->query_slots[i]);
	fprintf(out, "%s}, 0x%x, 0x%x, %u, %" PRIu32 "}, /* %s */\n", f->query_count ? "" : "0", f->pointers,
	        f->integers, f->hidden, shape, form_name(form));
}

/* Everything that becomes shape_args[]. */
struct pool {
	struct shape_arg *args;
	struct sequence *sequences;
	uint32_t count;
	unsigned sequence_count;
};

static void emit_form_list(FILE *out, const char *name, const struct call_form *forms, unsigned count,
                           struct pool *pool)
{
	fprintf(out, "\nconst struct form %s[] = {\n", name);
	for (unsigned i = 0; i < count; i++)
		emit_form(out, &forms[i],
		          add_sequence(&pool->args, &pool->count, &pool->sequences, &pool->sequence_count,
		                       forms[i].shape, forms[i].row->option_count + forms[i].row->dim_count));
	if (!count)
		fputs("\t{0},\n", out);
	fputs("};\n", out);
}

static void emit_forms(FILE *out, const struct table *table)
{
	struct pool pool = {0};

	emit_form_list(out, "forms", table->forms, table->form_count, &pool);
	emit_form_list(out, "hidden_forms", table->hidden, table->hidden_count, &pool);
	fputs("\nconst struct shape_arg shape_args[] = {\n", out);
	for (uint32_t i = 0; i < pool.count; i++)
		fprintf(out, "\t{%u, %u, 0x%x, ENTRY_SLOT(%u)},\n", pool.args[i].fetch, pool.args[i].slot,
		        pool.args[i].condition, pool.args[i].slot);
	if (!pool.count)
		fputs("\t{0, 0, 0, 0},\n", out);
	fputs("};\n", out);
}

static void emit_conditions(FILE *out, const struct table *table)
{
	fputs("\nconst struct condition conditions[] = {\n", out);
	for (unsigned i = 0; i < table->condition_count; i++)
		fprintf(out, "\t{%u, \"%s\"},\n", table->conditions[i].arg, table->conditions[i].letters);
	if (!table->condition_count)
		fputs("\t{0, \"\"},\n", out);
	fputs("};\n", out);
}

static void emit_programs(FILE *out, const struct table *table)
{
	fputs("\nconst uint16_t programs[] = {", out);
	for (uint32_t i = 0; i < table->program_words; i++)
		fprintf(out, "%s%u,", i % 16 ? " " : "\n\t", table->programs[i]);
	if (!table->program_words)
		fputs("0", out);
	fputs("\n};\n", out);
}

static void emit_program(FILE *out, uint32_t program)
{
	if (program == PROGRAM_NONE)
		fputs(", PROGRAM_NONE", out);
	else
		fprintf(out, ", %" PRIu32, program);
}

static void emit_families(FILE *out, const struct table *table)
{
	for (unsigned i = 0; i < table->row_count; i++) {
		const struct row *row = &table->rows[i];

		fprintf(out, "static const char *const shape_%u[] = {", i);
		for (unsigned j = 0; j < row->option_count + row->dim_count; j++)
			fprintf(out, "\"%s\", ", row->shape[j]);
		fputs("0};\n", out);
	}
	fputs("\nconst struct family families[] = {\n", out);
	for (unsigned i = 0; i < table->row_count; i++) {
		const struct row *row = &table->rows[i];

		fprintf(out, "\t{\"%s\", %u, %u, %u, shape_%u", row->name, (unsigned)row->kind, row->option_count,
		        row->dim_count, i);
		for (unsigned j = 0; j < COLUMN_COUNT; j++)
			emit_program(out, row->program[j]);
		fprintf(out, ", %u},\n", row->native);
	}
	fputs("};\n", out);
}

static void emit_routines(FILE *out, const struct table *table)
{
	fputs("\nconst struct routine routines[] = {\n", out);
	for (unsigned i = 0; i < table->row_count; i++)
		for (unsigned j = 0; j < table->rows[i].routine_count; j++)
			fprintf(out, "\t{\"%s\", %u, '%c'},\n", table->rows[i].routines[j].name, i,
			        table->rows[i].routines[j].type);
	fputs("};\n", out);
}

static void emit_tables(const struct table *table, const char *directory)
{
	FILE *out = open_output(directory, "tables.c");

	fputs("#include \"price/slots.h\"\n#include \"price/price.h\"\n#include \"price/narrow.h\"\n#include "
	      "\"price/routines.h\"\n",
	      out);
	emit_natives(out, table);
	emit_families(out, table);
	emit_routines(out, table);
	emit_forms(out, table);
	emit_conditions(out, table);
	emit_programs(out, table);
	fprintf(out, "\nconst unsigned family_count = %u, routine_count = %u, form_count = %u;\n", table->row_count,
	        table->routine_count, table->form_count);
	fprintf(out, "const char table_version[] = \"%016" PRIx64 "\";\n", table_hash(table));
	close_output(out, "tables.c");
}

/* --- symbols.h ------------------------------------------------------------------------------- */

static void emit_routine_list(FILE *out, const struct table *table)
{
	unsigned number = 0;

	fputs("\n/* X(number, name) for each routine: dgemm */\n#define EACH_ROUTINE(X)", out);
	for (unsigned i = 0; i < table->row_count; i++)
		for (unsigned j = 0; j < table->rows[i].routine_count; j++)
			fprintf(out, " \\\n\tX(%u, %s)", number++, table->rows[i].routines[j].name);
	fputs("\n", out);
}

static void emit_symbols(const struct table *table, const char *directory)
{
	FILE *out = open_output(directory, "symbols.h");

	fputs("#ifndef FLOPSHIM_SYMBOLS_H\n#define FLOPSHIM_SYMBOLS_H\n\n", out);
	fprintf(out, "#define FAMILY_COUNT %u\n#define ROUTINE_COUNT %u\n#define FORM_COUNT %u\n", table->row_count,
	        table->routine_count, table->form_count);
	fprintf(out, "#define SYMBOL_COUNT %u\n", table->form_count * SCHEME_COUNT);
	emit_routine_list(out, table);
	fputs("\n/* X(number, name) for each form, without a scheme: dgemm, cblas_dgemm */\n#define "
	      "EACH_FORM(X)",
	      out);
	for (unsigned i = 0; i < table->form_count; i++)
		fprintf(out, " \\\n\tX(%u, %s)", i, form_name(&table->forms[i]));
	fputs("\n\n/* X(number, symbol) for each symbol: dgemm_64_ */\n#define EACH_SYMBOL(X)", out);
	for (unsigned i = 0; i < table->form_count; i++)
		for (unsigned j = 0; j < SCHEME_COUNT; j++) {
			const char *name = symbol_name(&table->forms[i], (enum scheme)j);

			if (name)
				fprintf(out, " \\\n\tX(%u, %s)", i * SCHEME_COUNT + j, name);
		}
	fputs("\n\n/* X(pattern, reason) for each name that is never interposed; ? and * are wild. */\n"
	      "#define EACH_EXCLUSION(X)",
	      out);
	for (unsigned i = 0; i < table->exclusion_count; i++)
		fprintf(out, " \\\n\tX(\"%s\", \"%s\")", table->exclusions[i].pattern, table->exclusions[i].reason);
	fputs("\n\n#endif\n", out);
	close_output(out, "symbols.h");
}

/* --- stubs.inc ------------------------------------------------------------------------------- */

struct symbol {
	const char *name;
	const struct row *row;
};

static int compare_symbols(const void *a, const void *b)
{
	return strcmp(((const struct symbol *)a)->name, ((const struct symbol *)b)->name);
}

/* Ends the generator if two forms have the same symbol, since its stub could count only one of them. */
static void check_symbols(struct symbol *symbols, unsigned count)
{
	qsort(symbols, count, sizeof(*symbols), compare_symbols);
	for (unsigned i = 1; i < count; i++)
		if (!strcmp(symbols[i - 1].name, symbols[i].name))
			fail_row(symbols[i].row, "symbol '%s' is also made by row '%s'", symbols[i].name,
			         symbols[i - 1].row->name);
}

static void emit_stubs(const struct table *table, const char *directory)
{
	struct symbol *symbols = allocate(table->form_count * SCHEME_COUNT * sizeof(*symbols));
	FILE *out = open_output(directory, "stubs.inc");
	unsigned count = 0;

	for (unsigned i = 0; i < table->form_count; i++)
		for (unsigned j = 0; j < SCHEME_COUNT; j++) {
			const char *name = symbol_name(&table->forms[i], (enum scheme)j);

			if (!name) {
				fprintf(out, "HOLE(%u)\n", i * SCHEME_COUNT + j);
				continue;
			}
			symbols[count++] = (struct symbol){name, table->forms[i].row};
			fprintf(out, "STUB(%s, %u)\n", name, i * SCHEME_COUNT + j);
		}
	close_output(out, "stubs.inc");
	check_symbols(symbols, count);
}

/* --- formulas.h, formulas.c ------------------------------------------------------------------ */

static void emit_string(FILE *out, const char *text)
{
	fputs(", \"", out);
	for (; text && *text; text++) {
		if (*text == '"' || *text == '\\')
			fputc('\\', out);
		fputc(*text, out);
	}
	fputc('"', out);
}

static void emit_formulas(const struct table *table, const char *directory)
{
	FILE *out = open_output(directory, "formulas.h");

	fputs("#ifndef FLOPSHIM_FORMULAS_H\n#define FLOPSHIM_FORMULAS_H\n\n"
	      "/* The columns of a row, as written; \"\" where there is nothing. Indexed like families[]. */\n"
	      "struct formula {\n"
	      "\tconst char *family, *arguments, *muls, *adds, *words, *blocked;\n"
	      "\tconst char *source, *error, *not_modelled;\n"
	      "};\n\n"
	      "/* A shared expression: def NAME(PARAMETERS) = BODY. */\n"
	      "struct formula_definition {\n"
	      "\tconst char *name, *parameters, *body;\n"
	      "};\n\n"
	      "extern const struct formula formulas[];\n"
	      "extern const struct formula_definition formula_definitions[];\n"
	      "extern const unsigned formula_count, formula_definition_count;\n\n#endif\n",
	      out);
	close_output(out, "formulas.h");

	out = open_output(directory, "formulas.c");
	fputs("#include \"formulas.h\"\n\nconst struct formula formulas[] = {\n", out);
	for (unsigned i = 0; i < table->row_count; i++) {
		const struct row *row = &table->rows[i];

		fprintf(out, "\t{\"%s\"", row->name);
		emit_string(out, row->args_text);
		for (unsigned j = 0; j < COLUMN_COUNT; j++)
			emit_string(out, row->text[j]);
		emit_string(out, row->source);
		emit_string(out, row->error);
		emit_string(out, row->not_modelled);
		fputs("},\n", out);
	}
	fputs("};\n\nconst struct formula_definition formula_definitions[] = {\n", out);
	for (unsigned i = 0; i < table->definition_count; i++) {
		const struct definition *definition = &table->definitions[i];

		fprintf(out, "\t{\"%s\", \"", definition->name);
		for (unsigned j = 0; j < definition->param_count; j++)
			fprintf(out, "%s%s", j ? ", " : "", definition->params[j]);
		fputc('"', out);
		emit_string(out, definition->body);
		fputs("},\n", out);
	}
	fputs("\t{0, 0, 0},\n};\n\n", out);
	fprintf(out, "const unsigned formula_count = %u, formula_definition_count = %u;\n", table->row_count,
	        table->definition_count);
	close_output(out, "formulas.c");
}

void emit_all(const struct table *table, const char *directory)
{
	emit_tables(table, directory);
	emit_symbols(table, directory);
	emit_stubs(table, directory);
	emit_formulas(table, directory);
}
