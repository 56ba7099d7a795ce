/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * render.h - prints tables as text, JSON or CSV from one description: a column is a line of it.
 * It must never round a number in JSON or CSV, nor let a byte from a dump reach a terminal as a control.
 */
#ifndef ANALYZER_RENDER_H
#define ANALYZER_RENDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "analyzer/aggregate/aggregate.h"
#include "analyzer/base/number.h"

enum column_kind {
	COLUMN_TEXT,
	COLUMN_COUNT,   /* value.number; text: 1,234 */
	COLUMN_FLOPS,   /* value.number; text: 48.00 M */
	COLUMN_SHARE,   /* value.real, 0 .. 1; text: 99.5 % */
	COLUMN_TIME,    /* value.number, ns; text: 12.3 ms */
	COLUMN_REAL,    /* value.real; text: 12.34 */
	COLUMN_CHANGE,  /* value.real, 0.05 for 5 % more; text: +5.0 % */
	COLUMN_BOOL,    /* value.number; text: yes, or nothing */
	COLUMN_SHAPE,   /* value.row; text: m=3 n=4; JSON: {"m":3,"n":4} */
	COLUMN_LIST,    /* value.text, pieces that each end in 0, value.number bytes in all */
	COLUMN_STACK,   /* the same, frames; text: a < b < c */
};

enum column_flags {
	COLUMN_NO_TEXT = 1 << 0,  /* left out of text */
	COLUMN_ONLY_TEXT = 1 << 1,
	COLUMN_OPTIONAL = 1 << 2, /* left out of text where it is empty or 0 in every row */
	COLUMN_RARE = 1 << 3,     /* the same, and 0 is shown as nothing */
};

struct column {
	const char *key;   /* JSON, CSV */
	const char *title; /* text */
	enum column_kind kind;
	unsigned flags;
};

struct value {
	bool known; /* otherwise: text "", JSON null, CSV empty */
	u128 number;
	double real;
	const char *text;
	const struct row *row;
	bool estimated; /* text: with a ~ before it */
};

enum { TABLE_COLUMNS_MAX = 20 };

struct table {
	const char *key, *title;
	const struct column *columns;
	unsigned column_count;
	size_t row_count;
	/* Fills the values of one row; texts must live until the next call. */
	void (*fill)(const struct table *table, size_t row, struct value *values);
	const void *data;                 /* for `fill` */
	const struct aggregate *aggregate; /* names of shapes; may be NULL where there are none */
	uint32_t hidden;                  /* text: columns to leave out, by bit */
	size_t more;                      /* text: rows that are not shown */
};

#define TABLE_COLUMNS(array) .columns = array, .column_count = sizeof array / sizeof *array

static inline struct value value_text(const char *text)
{
	return (struct value){ .known = text != NULL, .text = text };
}

static inline struct value value_number(u128 number)
{
	return (struct value){ .known = true, .number = number };
}

static inline struct value value_real(double real, bool known)
{
	return (struct value){ .known = known, .real = real };
}

/* Where output goes. */
struct output {
	FILE *stream;
	bool colour;
	/* JSON: what has been opened. */
	unsigned depth;
	uint64_t filled; /* by bit: the object or array at this depth has a member */
};

void table_text(struct output *output, const struct table *table); /* nothing for no rows */
void table_csv(struct output *output, const struct table *table);
void table_json(struct output *output, const struct table *table); /* as a member: "key":[{...},...] */

/* Text. */
enum style { STYLE_PLAIN, STYLE_TITLE, STYLE_WARNING, STYLE_DIM };
void text_style(struct output *output, enum style style);
/* `text` without control characters: they become '?'. */
void text_clean(struct output *output, const char *text);
void text_shape(FILE *stream, const struct aggregate *aggregate, const struct row *row);

/* JSON. A NULL key is an element of an array. */
void json_open(struct output *output, const char *key, char bracket); /* '{' or '[' */
void json_close(struct output *output, char bracket);                 /* '}' or ']' */
void json_text(struct output *output, const char *key, const char *text); /* NULL: null */
void json_number(struct output *output, const char *key, u128 number);
void json_signed(struct output *output, const char *key, int64_t number);
void json_real(struct output *output, const char *key, double real);
void json_bool(struct output *output, const char *key, bool value);
void json_null(struct output *output, const char *key);
void json_list(struct output *output, const char *key, const char *texts, size_t bytes);
void json_shape(struct output *output, const char *key, const struct aggregate *aggregate, const struct row *row);

/* Whether everything has reached the stream; says on standard error if not. */
bool output_finish(struct output *output);

#endif
