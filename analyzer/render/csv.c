/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * csv.c - writes one table of an answer as CSV, quoted as in RFC 4180, with Unix line ends.
 * It must never round an integer, nor write a text with control characters, or one that a spreadsheet takes for a formula.
 */
#include <math.h>
#include <string.h>

#include "analyzer/render/format.h"
#include "analyzer/tables/cell.h"

/* Whether a spreadsheet would take a text for a formula. An apostrophe before it says that it is a text. */
static bool is_formula(const char *text) { return text[0] && strchr("=+-@", text[0]); }

/* Writes a text that has no control characters, in quotes where it needs them. */
static void put_clean(FILE *stream, const char *text)
{
	const char *mark = is_formula(text) ? "'" : "";

	if (!text[strcspn(text, ",\"")]) {
		fprintf(stream, "%s%s", mark, text);
		return;
	}
	fprintf(stream, "\"%s", mark);
	for (; *text; text++) {
		if (*text == '"')
			fputc('"', stream);
		fputc(*text, stream);
	}
	fputc('"', stream);
}

/* Writes a value; nothing if it is not known. `scratch` is for the use of this function. */
static void put_cell(FILE *stream, const struct column *column, const struct value *value, struct text *scratch)
{
	char number[NUMBER_TEXT];

	if (!value->known)
		return;
	switch (column->kind) {
	case COLUMN_TEXT:
		text_clear(scratch);
		text_add_clean(scratch, value->text);
		put_clean(stream, scratch->bytes);
		return;
	case COLUMN_SHARE:
	case COLUMN_REAL:
	case COLUMN_CHANGE: fprintf(stream, isfinite(value->real) ? "%.9g" : "0", value->real); return;
	case COLUMN_SHAPE:
	case COLUMN_LIST:
	case COLUMN_STACK:
		text_clear(scratch);
		cell_add(scratch, column, value);
		put_clean(stream, scratch->bytes);
		return;
	default: fputs(number_exact(value->number, number), stream);
	}
}

static void put_table(FILE *stream, const struct table *table)
{
	struct text scratch = {0};
	const char *separator = "";

	for (unsigned i = 0; i < table->column_count; i++)
		if (!(table->columns[i].flags & COLUMN_ONLY_TEXT)) {
			fprintf(stream, "%s%s", separator, table->columns[i].key);
			separator = ",";
		}
	fputc('\n', stream);
	for (size_t row = 0; row < table->row_count; row++) {
		const void *item = table_item(table, row);

		separator = "";
		for (unsigned i = 0; i < table->column_count; i++) {
			const struct column *column = &table->columns[i];
			struct value value;

			if (column->flags & COLUMN_ONLY_TEXT)
				continue;
			fputs(separator, stream);
			value = column_get(column, table, item);
			put_cell(stream, column, &value, &scratch);
			separator = ",";
		}
		fputc('\n', stream);
	}
	text_free(&scratch);
}

static void render_csv(struct output *output, const struct answer *answer)
{
	for (size_t i = 0; i < answer->count; i++)
		if (answer->parts[i].kind == PART_TABLE)
			put_table(output->stream, &answer->parts[i].table);
}

const struct format format_csv = {"csv", "write one table as CSV, with exact numbers", FOR_PROGRAM, true, render_csv};
