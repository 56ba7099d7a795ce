/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * columns.c - encodes the values of a table column by column.
 * It must never ask for the values of one column after those of another: a row's values are cheap together, since the place of
 * a call site is looked up once for all of its columns.
 */
#include "analyzer/render/html/columns.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/base/leb128.h"
#include "analyzer/base/memory.h"
#include "analyzer/render/json.h"
#include "analyzer/tables/cell.h"

enum { REAL_DROPPED = 20 }; /* low bits of a real number that are not kept: 32 bits of its fraction are */

/* One bit for each row, eight in a byte, the lowest first. */
struct bits {
	struct text bytes;
	bool any; /* one is set */
};

/* A column that is being encoded. */
struct coded {
	struct bits nulls, estimated;
	struct text values; /* of the rows that are not null */
	u128 before;        /* the number that was added last */
};

static void add_bit(struct bits *bits, size_t row, bool bit)
{
	if (row % 8 == 0)
		text_add_byte(&bits->bytes, 0);
	if (bit)
		bits->bytes.bytes[row / 8] |= (char)(1 << row % 8);
	bits->any |= bit;
}

static void add_difference(struct coded *coded, u128 number)
{
	leb128_add(&coded->values, zigzag(number - coded->before));
	coded->before = number;
}

/* Real numbers are added by their upper bits, as integers, since the differences of these are small where a table is sorted. */
static void add_real(struct coded *coded, double real)
{
	uint64_t bits, half = UINT64_C(1) << (REAL_DROPPED - 1);

	if (!isfinite(real))
		real = 0;
	memcpy(&bits, &real, sizeof bits);
	add_difference(coded, (bits + half) >> REAL_DROPPED);
}

/* Adds a text by its number. As in JSON, bytes that are no UTF-8 become U+FFFD. */
static void add_text(struct coded *coded, struct intern *strings, const char *text)
{
	const unsigned char *at = (const unsigned char *)text;
	struct text clean = {0};
	unsigned length = 0;

	while (*at && (length = utf8_length(at)))
		at += length;
	if (!*at) {
		add_difference(coded, intern_text(strings, text));
		return;
	}
	for (at = (const unsigned char *)text; *at; at += length ? length : 1) {
		length = utf8_length(at);
		text_add_bytes(&clean, length ? (const char *)at : "\xef\xbf\xbd", length ? length : 3);
	}
	add_difference(coded, intern_text(strings, clean.bytes));
	text_free(&clean);
}

static void add_list(struct coded *coded, struct intern *strings, const char *texts, size_t bytes)
{
	size_t count = 0;

	for (const char *text = texts; text < texts + bytes; text += strlen(text) + 1)
		count++;
	leb128_add(&coded->values, count);
	for (const char *text = texts; text < texts + bytes; text += strlen(text) + 1)
		add_text(coded, strings, text);
}

/* Adds the options and dimensions of a shape, as "transa=N" and "m=300". */
static void add_shape(struct coded *coded, struct intern *strings, const struct value *value)
{
	const struct row *row = value->row;
	const struct routine_key *routine = routine_of(value->names, row->routine);
	struct text list = {0};

	for (unsigned i = 0; i < routine->option_count; i++)
		if (shape_option(row, i)) {
			text_format(&list, "%s=%c", text_at(value->names, routine->options[i]), shape_option(row, i));
			text_add_byte(&list, 0);
		}
	for (unsigned i = 0; i < routine->dim_count; i++) {
		text_format(&list, "%s=%" PRId64, text_at(value->names, routine->dims[i]), row->dims[i]);
		text_add_byte(&list, 0);
	}
	add_list(coded, strings, list.bytes, list.length);
	text_free(&list);
}

static void add_value(struct coded *coded, struct intern *strings, enum column_kind kind, const struct value *value)
{
	switch (kind) {
	case COLUMN_TEXT: add_text(coded, strings, value->text); break;
	case COLUMN_COUNT:
	case COLUMN_NUMBER:
	case COLUMN_FLOPS:
	case COLUMN_TIME: add_difference(coded, value->number); break;
	case COLUMN_BOOL: add_difference(coded, value->number != 0); break;
	case COLUMN_SHARE:
	case COLUMN_REAL:
	case COLUMN_CHANGE: add_real(coded, value->real); break;
	case COLUMN_SHAPE: add_shape(coded, strings, value); break;
	case COLUMN_LIST:
	case COLUMN_STACK: add_list(coded, strings, value->text, (size_t)value->number); break;
	}
}

/* What the page calls a kind, and how the values of the kind are encoded. */
static const struct {
	const char *name, *encoding;
} kinds[] = {
	[COLUMN_TEXT] = {"text", "text"},      [COLUMN_COUNT] = {"count", "delta"},
	[COLUMN_NUMBER] = {"number", "delta"}, [COLUMN_FLOPS] = {"flops", "delta"},
	[COLUMN_SHARE] = {"share", "real"},    [COLUMN_TIME] = {"time", "delta"},
	[COLUMN_REAL] = {"real", "real"},      [COLUMN_CHANGE] = {"change", "real"},
	[COLUMN_BOOL] = {"bool", "delta"},     [COLUMN_SHAPE] = {"shape", "list"},
	[COLUMN_LIST] = {"list", "list"},      [COLUMN_STACK] = {"stack", "list"},
};

static const struct {
	unsigned flag;
	const char *name;
} flags[] = {
	{COLUMN_NO_TEXT, "no_text"}, {COLUMN_ONLY_TEXT, "only_text"}, {COLUMN_OPTIONAL, "optional"},
	{COLUMN_RARE, "rare"},       {COLUMN_CHARGED, "charged"},     {COLUMN_SPREAD, "spread"},
};

static void describe(struct output *head, const struct column *column, const struct coded *coded, size_t at,
                     size_t bytes)
{
	json_open(head, NULL, '{');
	json_text(head, "key", column->key);
	json_text(head, "title", column->title);
	json_text(head, "kind", kinds[column->kind].name);
	json_open(head, "flags", '[');
	for (unsigned i = 0; i < sizeof flags / sizeof *flags; i++)
		if (column->flags & flags[i].flag)
			json_text(head, NULL, flags[i].name);
	json_close(head, ']');
	json_bool(head, "nulls", coded->nulls.any);
	json_bool(head, "estimated", coded->estimated.any);
	json_number(head, "at", at);
	json_number(head, "bytes", bytes);
	json_text(head, "encoding", kinds[column->kind].encoding);
	json_close(head, '}');
}

static void add_coded(struct output *head, struct text *body, const struct column *column, const struct coded *coded)
{
	size_t at = body->length;

	if (coded->nulls.any)
		text_add_bytes(body, coded->nulls.bytes.bytes, coded->nulls.bytes.length);
	if (coded->estimated.any)
		text_add_bytes(body, coded->estimated.bytes.bytes, coded->estimated.bytes.length);
	if (coded->values.length)
		text_add_bytes(body, coded->values.bytes, coded->values.length);
	describe(head, column, coded, at, body->length - at);
}

static void begin_table(struct output *head, const char *key, const char *title, size_t rows)
{
	json_open(head, NULL, '{');
	json_text(head, "key", key);
	json_text(head, "title", title);
	json_number(head, "rows", rows);
	json_open(head, "columns", '[');
}

static void end_table(struct output *head)
{
	json_close(head, ']');
	json_close(head, '}');
}

void columns_add(struct output *head, struct text *body, struct intern *strings, const struct table *table)
{
	struct coded *coded = memory_new(table->column_count, sizeof *coded);

	for (size_t row = 0; row < table->row_count; row++) {
		const void *item = table_item(table, row);

		for (unsigned i = 0; i < table->column_count; i++) {
			const struct column *column = &table->columns[i];
			struct value value = column_get(column, table, item);

			add_bit(&coded[i].nulls, row, !value.known);
			add_bit(&coded[i].estimated, row, value.known && value.estimated);
			if (value.known)
				add_value(&coded[i], strings, column->kind, &value);
		}
	}
	begin_table(head, table->key, table->title, table->row_count);
	for (unsigned i = 0; i < table->column_count; i++) {
		add_coded(head, body, &table->columns[i], &coded[i]);
		text_free(&coded[i].nulls.bytes);
		text_free(&coded[i].estimated.bytes);
		text_free(&coded[i].values);
	}
	end_table(head);
	free(coded);
}

void columns_add_strings(struct output *head, struct text *body, const struct intern *strings)
{
	size_t at = body->length;

	for (uint32_t i = 0; i < strings->count; i++) {
		leb128_add(body, strings->entries[i].size);
		text_add_bytes(body, strings->entries[i].bytes, strings->entries[i].size);
	}
	begin_table(head, "strings", "Texts", strings->count);
	json_open(head, NULL, '{');
	json_text(head, "key", "text");
	json_number(head, "at", at);
	json_number(head, "bytes", body->length - at);
	json_text(head, "encoding", "strings");
	json_close(head, '}');
	end_table(head);
}
