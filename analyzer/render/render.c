/* SPDX-License-Identifier: BSD-3-Clause */
#include "analyzer/render/render.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Text. */

void text_style(struct output *output, enum style style)
{
	static const char *const codes[] = { "\033[0m", "\033[1m", "\033[33m", "\033[2m" };

	if (output->colour)
		fputs(codes[style], output->stream);
}

/* Length of the UTF-8 character at `text`, 0 if there is none that is valid. */
static unsigned utf8_length(const unsigned char *text)
{
	unsigned length = text[0] < 0x80 ? 1 : text[0] >= 0xc2 && text[0] < 0xe0 ? 2 :
	                  text[0] >= 0xe0 && text[0] < 0xf0 ? 3 : text[0] >= 0xf0 && text[0] < 0xf5 ? 4 : 0;

	for (unsigned i = 1; i < length; i++)
		if ((text[i] & 0xc0) != 0x80)
			return 0;
	if ((text[0] == 0xe0 && text[1] < 0xa0) || (text[0] == 0xed && text[1] >= 0xa0) ||
	    (text[0] == 0xf0 && text[1] < 0x90) || (text[0] == 0xf4 && text[1] >= 0x90))
		return 0;
	return length;
}

static bool is_control(const unsigned char *text, unsigned length)
{
	return text[0] < 0x20 || text[0] == 0x7f || (length == 2 && text[0] == 0xc2 && text[1] < 0xa0);
}

/* Writes a cleaned copy; returns its width in characters. */
static size_t put_clean(FILE *stream, const char *text)
{
	const unsigned char *at = (const unsigned char *)text;
	size_t width = 0;

	for (; *at; width++) {
		unsigned length = utf8_length(at);

		if (!length || is_control(at, length))
			fputc('?', stream);
		else
			fwrite(at, 1, length, stream);
		at += length ? length : 1;
	}
	return width;
}

void text_clean(struct output *output, const char *text)
{
	put_clean(output->stream, text);
}

static size_t text_width(const char *text)
{
	size_t width = 0;

	for (; *text; text++)
		width += ((unsigned char)*text & 0xc0) != 0x80;
	return width;
}

static char shape_option(const struct row *row, unsigned i)
{
	char letter = (char)(row->options >> (8 * i));

	return letter > 0x20 && letter < 0x7f ? letter : 0;
}

void text_shape(FILE *stream, const struct aggregate *aggregate, const struct row *row)
{
	const struct routine_key *routine = routine_of(aggregate, row->routine);
	const char *separator = "";

	for (unsigned i = 0; i < routine->option_count; i++)
		if (shape_option(row, i)) {
			fputs(separator, stream);
			put_clean(stream, text_at(aggregate, routine->options[i]));
			fprintf(stream, "=%c", shape_option(row, i));
			separator = " ";
		}
	for (unsigned i = 0; i < routine->dim_count; i++) {
		fputs(separator, stream);
		put_clean(stream, text_at(aggregate, routine->dims[i]));
		fprintf(stream, "=%" PRId64, row->dims[i]);
		separator = " ";
	}
	if (row->flags & DUMP_ROW_COARSE)
		fprintf(stream, "%s(up to)", separator);
}

static const char *list_separator(enum column_kind kind)
{
	return kind == COLUMN_STACK ? " < " : " ";
}

static void put_list(FILE *stream, const char *texts, size_t bytes, const char *separator)
{
	for (const char *text = texts; text < texts + bytes; text += strlen(text) + 1) {
		fputs(text == texts ? "" : separator, stream);
		put_clean(stream, text);
	}
}

/* A column is worth its width where it says something. */
static bool is_empty(const struct column *column, const struct value *value)
{
	if (!value->known)
		return true;
	if (column->kind == COLUMN_TEXT)
		return !value->text[0];
	return (column->kind == COLUMN_COUNT || column->kind == COLUMN_FLOPS || column->kind == COLUMN_BOOL ||
	        column->kind == COLUMN_LIST || column->kind == COLUMN_STACK) && !value->number;
}

static void put_text_cell(FILE *stream, const struct table *table, const struct column *column,
                          const struct value *value)
{
	char text[NUMBER_TEXT];

	if (!value->known || (column->flags & COLUMN_RARE && is_empty(column, value)))
		return;
	if (value->estimated)
		fputc('~', stream);
	switch (column->kind) {
	case COLUMN_TEXT:
		put_clean(stream, value->text);
		break;
	case COLUMN_COUNT:
		fputs(number_grouped(value->number, text), stream);
		break;
	case COLUMN_FLOPS:
		fputs(number_short(value->number, text), stream);
		break;
	case COLUMN_SHARE:
		fprintf(stream, "%.1f %%", 100 * value->real);
		break;
	case COLUMN_TIME:
		fputs(number_time((double)value->number, text), stream);
		break;
	case COLUMN_REAL:
		fprintf(stream, value->real < 100 && value->real > -100 ? "%.2f" : "%.0f", value->real);
		break;
	case COLUMN_CHANGE:
		if (value->real == 0)
			fputs("0 %", stream);
		else /* a small change must not read as none */
			fprintf(stream, "%+.*f %%", value->real > -0.001 && value->real < 0.001 ? 4 : 1, 100 * value->real);
		break;
	case COLUMN_BOOL:
		fputs(value->number ? "yes" : "", stream);
		break;
	case COLUMN_SHAPE:
		text_shape(stream, table->aggregate, value->row);
		break;
	case COLUMN_LIST:
	case COLUMN_STACK:
		put_list(stream, value->text, (size_t)value->number, list_separator(column->kind));
	}
}

static bool is_left_aligned(enum column_kind kind)
{
	return kind == COLUMN_TEXT || kind == COLUMN_SHAPE || kind == COLUMN_LIST || kind == COLUMN_STACK ||
	       kind == COLUMN_BOOL;
}

static void put_spaces(FILE *stream, size_t count)
{
	fprintf(stream, "%*s", (int)count, "");
}

/* One line; `cells` has a text per column, NULL where the column is left out. */
static void put_line(FILE *stream, const struct table *table, char *const *cells, const size_t *widths)
{
	size_t pending = 2; /* blanks that are only written when something follows */

	for (unsigned i = 0; i < table->column_count; i++) {
		size_t padding;

		if (!cells[i])
			continue;
		padding = widths[i] - text_width(cells[i]);
		if (!cells[i][0]) {
			pending += widths[i] + 2;
		} else if (is_left_aligned(table->columns[i].kind)) {
			put_spaces(stream, pending);
			fputs(cells[i], stream);
			pending = padding + 2;
		} else {
			put_spaces(stream, pending + padding);
			fputs(cells[i], stream);
			pending = 2;
		}
	}
	fputc('\n', stream);
}

void table_text(struct output *output, const struct table *table)
{
	unsigned columns = table->column_count;
	char **cells = memory_new((table->row_count + 1) * columns, sizeof *cells);
	struct value values[TABLE_COLUMNS_MAX];
	size_t widths[TABLE_COLUMNS_MAX] = { 0 };
	bool shown[TABLE_COLUMNS_MAX];

	for (unsigned i = 0; i < columns; i++)
		shown[i] = !(table->columns[i].flags & (COLUMN_OPTIONAL | COLUMN_RARE));
	for (size_t row = 0; row < table->row_count; row++) {
		memset(values, 0, sizeof values);
		table->fill(table, row, values);
		for (unsigned i = 0; i < columns; i++) {
			char **cell = &cells[(row + 1) * columns + i];
			size_t size;
			FILE *stream = open_memstream(cell, &size);

			if (stream) {
				put_text_cell(stream, table, &table->columns[i], &values[i]);
				fclose(stream);
			}
			shown[i] |= !is_empty(&table->columns[i], &values[i]);
		}
	}
	for (unsigned i = 0; i < columns; i++) {
		cells[i] = memory_text(table->columns[i].title, strlen(table->columns[i].title));
		shown[i] &= !(table->columns[i].flags & COLUMN_NO_TEXT) && !(table->hidden >> i & 1);
		for (size_t row = 0; row <= table->row_count; row++) {
			char **cell = &cells[row * columns + i];

			if (!shown[i]) {
				free(*cell);
				*cell = NULL;
			} else if (text_width(*cell) > widths[i]) {
				widths[i] = text_width(*cell);
			}
		}
	}
	if (table->row_count) {
		text_style(output, STYLE_TITLE);
		fprintf(output->stream, "\n%s\n", table->title);
		text_style(output, STYLE_DIM);
		for (size_t row = 0; row <= table->row_count; row++) {
			put_line(output->stream, table, &cells[row * columns], widths);
			if (!row)
				text_style(output, STYLE_PLAIN);
		}
		if (table->more)
			fprintf(output->stream, "  and %zu more (--top)\n", table->more);
	}
	for (size_t i = 0; i < (table->row_count + 1) * columns; i++)
		free(cells[i]);
	free(cells);
}

/* CSV, quoted as RFC 4180 has it, in lines as Unix has them. */

static void csv_text(FILE *stream, const char *text)
{
	if (!text[strcspn(text, ",\"\r\n")]) {
		fputs(text, stream);
		return;
	}
	fputc('"', stream);
	for (; *text; text++) {
		if (*text == '"')
			fputc('"', stream);
		fputc(*text, stream);
	}
	fputc('"', stream);
}

static void put_real(FILE *stream, double real)
{
	fprintf(stream, isfinite(real) ? "%.9g" : "0", real);
}

static void csv_cell(FILE *stream, const struct table *table, const struct column *column, const struct value *value)
{
	char text[NUMBER_TEXT], *cell = NULL;
	size_t size;
	FILE *memory;

	if (!value->known)
		return;
	switch (column->kind) {
	case COLUMN_TEXT:
		csv_text(stream, value->text);
		return;
	case COLUMN_SHARE:
	case COLUMN_REAL:
	case COLUMN_CHANGE:
		put_real(stream, value->real);
		return;
	case COLUMN_SHAPE:
	case COLUMN_LIST:
	case COLUMN_STACK:
		memory = open_memstream(&cell, &size);
		if (!memory)
			return;
		if (column->kind == COLUMN_SHAPE)
			text_shape(memory, table->aggregate, value->row);
		else
			put_list(memory, value->text, (size_t)value->number, list_separator(column->kind));
		fclose(memory);
		csv_text(stream, cell);
		free(cell);
		return;
	default:
		fputs(number_exact(value->number, text), stream);
	}
}

void table_csv(struct output *output, const struct table *table)
{
	struct value values[TABLE_COLUMNS_MAX];
	const char *separator = "";

	for (unsigned i = 0; i < table->column_count; i++)
		if (!(table->columns[i].flags & COLUMN_ONLY_TEXT)) {
			fprintf(output->stream, "%s%s", separator, table->columns[i].key);
			separator = ",";
		}
	fputc('\n', output->stream);
	for (size_t row = 0; row < table->row_count; row++) {
		memset(values, 0, sizeof values);
		table->fill(table, row, values);
		separator = "";
		for (unsigned i = 0; i < table->column_count; i++) {
			if (table->columns[i].flags & COLUMN_ONLY_TEXT)
				continue;
			fputs(separator, output->stream);
			csv_cell(output->stream, table, &table->columns[i], &values[i]);
			separator = ",";
		}
		fputc('\n', output->stream);
	}
}

/* JSON. */

static void json_string(FILE *stream, const char *text)
{
	const unsigned char *at = (const unsigned char *)text;

	fputc('"', stream);
	while (*at) {
		unsigned length = utf8_length(at);

		if (!length)
			fputs("\\ufffd", stream);
		else if (*at == '"' || *at == '\\')
			fprintf(stream, "\\%c", *at);
		else if (*at == '\n')
			fputs("\\n", stream);
		else if (*at == '\t')
			fputs("\\t", stream);
		else if (is_control(at, length))
			fprintf(stream, "\\u%04x", length == 1 ? *at : 0x80u | (at[1] & 0x3fu));
		else
			fwrite(at, 1, length, stream);
		at += length ? length : 1;
	}
	fputc('"', stream);
}

/* What stands before a member. */
static void json_begin(struct output *output, const char *key)
{
	uint64_t bit = UINT64_C(1) << output->depth;

	if (output->filled & bit)
		fputc(',', output->stream);
	output->filled |= bit;
	if (key) {
		json_string(output->stream, key);
		fputc(':', output->stream);
	}
}

void json_open(struct output *output, const char *key, char bracket)
{
	json_begin(output, key);
	fputc(bracket, output->stream);
	output->depth++;
	output->filled &= ~(UINT64_C(1) << output->depth);
}

void json_close(struct output *output, char bracket)
{
	output->depth--;
	fputc(bracket, output->stream);
	if (!output->depth) {
		fputc('\n', output->stream);
		output->filled = 0;
	}
}

void json_text(struct output *output, const char *key, const char *text)
{
	json_begin(output, key);
	if (text)
		json_string(output->stream, text);
	else
		fputs("null", output->stream);
}

void json_number(struct output *output, const char *key, u128 number)
{
	char text[NUMBER_TEXT];

	json_begin(output, key);
	fputs(number_exact(number, text), output->stream);
}

void json_signed(struct output *output, const char *key, int64_t number)
{
	json_begin(output, key);
	fprintf(output->stream, "%" PRId64, number);
}

void json_real(struct output *output, const char *key, double real)
{
	json_begin(output, key);
	put_real(output->stream, real);
}

void json_bool(struct output *output, const char *key, bool value)
{
	json_begin(output, key);
	fputs(value ? "true" : "false", output->stream);
}

void json_null(struct output *output, const char *key)
{
	json_text(output, key, NULL);
}

void json_list(struct output *output, const char *key, const char *texts, size_t bytes)
{
	json_open(output, key, '[');
	for (const char *text = texts; text < texts + bytes; text += strlen(text) + 1)
		json_text(output, NULL, text);
	json_close(output, ']');
}

void json_shape(struct output *output, const char *key, const struct aggregate *aggregate, const struct row *row)
{
	const struct routine_key *routine = routine_of(aggregate, row->routine);

	json_open(output, key, '{');
	for (unsigned i = 0; i < routine->option_count; i++) {
		char letter[2] = { shape_option(row, i), 0 };

		if (letter[0])
			json_text(output, text_at(aggregate, routine->options[i]), letter);
	}
	for (unsigned i = 0; i < routine->dim_count; i++)
		json_signed(output, text_at(aggregate, routine->dims[i]), row->dims[i]);
	json_close(output, '}');
}

static void json_cell(struct output *output, const struct table *table, const struct column *column,
                      const struct value *value)
{
	if (!value->known) {
		json_null(output, column->key);
		return;
	}
	switch (column->kind) {
	case COLUMN_TEXT:
		json_text(output, column->key, value->text);
		break;
	case COLUMN_COUNT:
	case COLUMN_FLOPS:
	case COLUMN_TIME:
		json_number(output, column->key, value->number);
		break;
	case COLUMN_SHARE:
	case COLUMN_REAL:
	case COLUMN_CHANGE:
		json_real(output, column->key, value->real);
		break;
	case COLUMN_BOOL:
		json_bool(output, column->key, value->number != 0);
		break;
	case COLUMN_SHAPE:
		json_shape(output, column->key, table->aggregate, value->row);
		break;
	case COLUMN_LIST:
	case COLUMN_STACK:
		json_list(output, column->key, value->text, (size_t)value->number);
	}
}

void table_json(struct output *output, const struct table *table)
{
	struct value values[TABLE_COLUMNS_MAX];

	json_open(output, table->key, '[');
	for (size_t row = 0; row < table->row_count; row++) {
		memset(values, 0, sizeof values);
		table->fill(table, row, values);
		json_open(output, NULL, '{');
		for (unsigned i = 0; i < table->column_count; i++)
			if (!(table->columns[i].flags & COLUMN_ONLY_TEXT))
				json_cell(output, table, &table->columns[i], &values[i]);
		json_close(output, '}');
	}
	json_close(output, ']');
}

bool output_finish(struct output *output)
{
	if (fflush(output->stream) == 0 && !ferror(output->stream))
		return true;
	fprintf(stderr, "flopshim-report: cannot write to standard output: %s\n", strerror(errno));
	return false;
}
