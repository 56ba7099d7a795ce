/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * cell.c - turns one value of a table into the text that a person reads.
 * It must never add a text from a dump otherwise than by text_add_clean.
 */
#include "analyzer/tables/cell.h"

#include <inttypes.h>
#include <string.h>

char shape_option(const struct row *row, unsigned i)
{
	char letter = (char)(row->options >> (8 * i));

	return letter > 0x20 && letter < 0x7f ? letter : 0;
}

static void add_shape(struct text *text, const struct aggregate *aggregate, const struct row *row)
{
	const struct routine_key *routine = routine_of(aggregate, row->routine);
	const char *separator = "";

	for (unsigned i = 0; i < routine->option_count; i++)
		if (shape_option(row, i)) {
			text_add(text, separator);
			text_add_clean(text, text_at(aggregate, routine->options[i]));
			text_format(text, "=%c", shape_option(row, i));
			separator = " ";
		}
	for (unsigned i = 0; i < routine->dim_count; i++) {
		text_add(text, separator);
		text_add_clean(text, text_at(aggregate, routine->dims[i]));
		text_format(text, "=%" PRId64, row->dims[i]);
		separator = " ";
	}
	if (row->flags & DUMP_ROW_COARSE)
		text_format(text, "%s(up to)", separator);
}

static void add_list(struct text *text, enum column_kind kind, const struct value *value)
{
	const char *separator = kind == COLUMN_STACK ? " < " : " ";

	for (const char *at = value->text; at < value->text + value->number; at += strlen(at) + 1) {
		text_add(text, at == value->text ? "" : separator);
		text_add_clean(text, at);
	}
}

bool cell_is_empty(const struct column *column, const struct value *value)
{
	if (!value->known)
		return true;
	if (column->kind == COLUMN_TEXT)
		return !value->text[0];
	return (column->kind == COLUMN_COUNT || column->kind == COLUMN_FLOPS || column->kind == COLUMN_BOOL ||
	        column->kind == COLUMN_LIST || column->kind == COLUMN_STACK) &&
	       !value->number;
}

void cell_add(struct text *text, const struct column *column, const struct value *value)
{
	char number[NUMBER_TEXT];

	if (!value->known || (column->flags & COLUMN_RARE && cell_is_empty(column, value)))
		return;
	if (value->estimated)
		text_add_byte(text, '~');
	switch (column->kind) {
	case COLUMN_TEXT: text_add_clean(text, value->text); break;
	case COLUMN_COUNT: text_add(text, number_grouped(value->number, number)); break;
	case COLUMN_NUMBER: text_add(text, number_exact(value->number, number)); break;
	case COLUMN_FLOPS: text_add(text, number_short(value->number, number)); break;
	case COLUMN_SHARE: text_format(text, "%.1f %%", 100 * value->real); break;
	case COLUMN_TIME: text_add(text, number_time((double)value->number, number)); break;
	case COLUMN_REAL:
		text_format(text, value->real < 100 && value->real > -100 ? "%.2f" : "%.0f", value->real);
		break;
	case COLUMN_CHANGE:
		if (value->real == 0)
			text_add(text, "0 %");
		else /* without the digits, a small change would read as none */
			text_format(text, "%+.*f %%", value->real > -0.001 && value->real < 0.001 ? 4 : 1,
			            100 * value->real);
		break;
	case COLUMN_BOOL: text_add(text, value->number ? "yes" : ""); break;
	case COLUMN_SHAPE: add_shape(text, value->names, value->row); break;
	case COLUMN_LIST:
	case COLUMN_STACK: add_list(text, column->kind, value);
	}
}

bool column_is_left(enum column_kind kind)
{
	return kind == COLUMN_TEXT || kind == COLUMN_SHAPE || kind == COLUMN_LIST || kind == COLUMN_STACK ||
	       kind == COLUMN_BOOL;
}
