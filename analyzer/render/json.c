/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * json.c - writes JSON: values one after another, tables, and whole answers.
 * It must never write bytes that are not valid JSON in UTF-8, whatever a dump has in its texts.
 */
#include "analyzer/render/json.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/base/memory.h"
#include "analyzer/render/format.h"
#include "analyzer/tables/cell.h"

/* How many bytes from `text` on are ASCII characters that need no escape. */
static size_t plain_length(const unsigned char *text)
{
	size_t length = 0;

	while (text[length] >= 0x20 && text[length] < 0x7f && text[length] != '"' && text[length] != '\\')
		length++;
	return length;
}

static void json_string(FILE *stream, const char *text)
{
	const unsigned char *at = (const unsigned char *)text;

	fputc('"', stream);
	for (;;) {
		size_t plain = plain_length(at);
		unsigned length;

		fwrite(at, 1, plain, stream);
		at += plain;
		if (!*at)
			break;
		length = utf8_length(at);
		if (!length)
			fputs("\\ufffd", stream);
		else if (*at == '"' || *at == '\\')
			fprintf(stream, "\\%c", *at);
		else if (*at == '\n')
			fputs("\\n", stream);
		else if (*at == '\t')
			fputs("\\t", stream);
		else if (utf8_is_control(at, length))
			fprintf(stream, "\\u%04x", length == 1 ? *at : 0x80u | (at[1] & 0x3fu));
		else
			fwrite(at, 1, length, stream);
		at += length ? length : 1;
	}
	fputc('"', stream);
}

/* Writes what comes before a value: a comma unless it is the first at this depth, and the name unless it is NULL. */
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
	fprintf(output->stream, isfinite(real) ? "%.9g" : "0", real);
}

void json_decimal(struct output *output, const char *key, const char *digits)
{
	json_begin(output, key);
	fputs(digits, output->stream);
}

void json_bool(struct output *output, const char *key, bool value)
{
	json_begin(output, key);
	fputs(value ? "true" : "false", output->stream);
}

void json_list(struct output *output, const char *key, const char *texts, size_t bytes)
{
	json_open(output, key, '[');
	for (const char *text = texts; text < texts + bytes; text += strlen(text) + 1)
		json_text(output, NULL, text);
	json_close(output, ']');
}

static void json_shape(struct output *output, const char *key, const struct aggregate *aggregate, const struct row *row)
{
	const struct routine_key *routine = routine_of(aggregate, row->routine);

	json_open(output, key, '{');
	for (unsigned i = 0; i < routine->option_count; i++) {
		char letter[2] = {shape_option(row, i), 0};

		if (letter[0])
			json_text(output, text_at(aggregate, routine->options[i]), letter);
	}
	for (unsigned i = 0; i < routine->dim_count; i++)
		json_signed(output, text_at(aggregate, routine->dims[i]), row->dims[i]);
	json_close(output, '}');
}

static void json_cell(struct output *output, const struct column *column, const struct value *value)
{
	if (!value->known) {
		json_text(output, column->key, NULL);
		return;
	}
	switch (column->kind) {
	case COLUMN_TEXT: json_text(output, column->key, value->text); break;
	case COLUMN_COUNT:
	case COLUMN_NUMBER:
	case COLUMN_FLOPS:
	case COLUMN_TIME: json_number(output, column->key, value->number); break;
	case COLUMN_SHARE:
	case COLUMN_REAL:
	case COLUMN_CHANGE: json_real(output, column->key, value->real); break;
	case COLUMN_BOOL: json_bool(output, column->key, value->number != 0); break;
	case COLUMN_SHAPE: json_shape(output, column->key, value->names, value->row); break;
	case COLUMN_LIST:
	case COLUMN_STACK: json_list(output, column->key, value->text, (size_t)value->number);
	}
}

void json_row(struct output *output, const struct table *table, size_t row)
{
	const void *item = table_item(table, row);

	json_open(output, NULL, '{');
	for (unsigned i = 0; i < table->column_count; i++) {
		const struct column *column = &table->columns[i];
		struct value value;

		if (column->flags & COLUMN_ONLY_TEXT)
			continue;
		value = column_get(column, table, item);
		json_cell(output, column, &value);
	}
	json_close(output, '}');
}

void json_table(struct output *output, const struct table *table)
{
	json_open(output, table->key, '[');
	for (size_t row = 0; row < table->row_count; row++)
		json_row(output, table, row);
	json_close(output, ']');
}

/* An answer. */

static void put_table(struct output *output, const struct part *part)
{
	json_table(output, &part->table);
	if (part->counted) {
		struct text key = {0};

		text_format(&key, "%s_not_shown", part->table.key);
		json_number(output, key.bytes, part->table.more);
		text_free(&key);
	}
}

static int compare_places(const void *a, const void *b)
{
	const struct part *x = *(const struct part *const *)a, *y = *(const struct part *const *)b;

	if (x->place != y->place)
		return x->place < y->place ? -1 : 1;
	return x < y ? -1 : x > y;
}

/* Writes all tables of the answer in the order of their places. */
static void put_tables(struct output *output, const struct answer *answer)
{
	const struct part **tables = memory_new(answer->count, sizeof *tables);
	size_t count = 0;

	for (size_t i = 0; i < answer->count; i++)
		if (answer->parts[i].kind == PART_TABLE)
			tables[count++] = &answer->parts[i];
	qsort(tables, count, sizeof *tables, compare_places);
	for (size_t i = 0; i < count; i++)
		put_table(output, tables[i]);
	free(tables);
}

static void put_member(struct output *output, const struct part *part)
{
	switch (part->kind) {
	case PART_TEXT: json_text(output, part->key, part->text); break;
	case PART_NUMBER: json_number(output, part->key, part->number); break;
	case PART_SIGNED: json_signed(output, part->key, (int64_t)part->number); break;
	case PART_REAL: json_real(output, part->key, part->real); break;
	case PART_BOOL: json_bool(output, part->key, part->number != 0); break;
	case PART_OPEN: json_open(output, part->key, part->bracket); break;
	case PART_CLOSE: json_close(output, part->bracket); break;
	default: break; /* for people */
	}
}

void json_members(struct output *output, const struct answer *answer)
{
	for (size_t i = 0; i < answer->count; i++)
		put_member(output, &answer->parts[i]);
}

/* Tables stand together, where the first of them was added, though they may have been added between other parts. */
static void render_json(struct output *output, const struct answer *answer)
{
	bool tables = false;

	json_open(output, NULL, '{');
	if (answer->schema)
		json_text(output, "schema", answer->schema);
	for (size_t i = 0; i < answer->count; i++) {
		const struct part *part = &answer->parts[i];

		if (part->kind == PART_TABLE && !tables) {
			put_tables(output, answer);
			tables = true;
		}
		put_member(output, part);
	}
	json_close(output, '}');
}

const struct format format_json = {"json", "write JSON, with exact numbers", FOR_PROGRAM, false, render_json};
