/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * table.h - tables of a report: items are the rows, and each column has a getter for the value of an item.
 * It must never know how a table is written down, which is a format's part (render/).
 */
#ifndef ANALYZER_TABLE_H
#define ANALYZER_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyzer/aggregate/aggregate.h"
#include "analyzer/base/number.h"
#include "analyzer/base/text.h"

/* Which members of struct value hold a column's values, and how a person sees one. */
enum column_kind {
	COLUMN_TEXT,   /* value.text */
	COLUMN_COUNT,  /* value.number; text: 1,234 */
	COLUMN_NUMBER, /* value.number; text: 1234, for a name rather than a count */
	COLUMN_FLOPS,  /* value.number; text: 48.00 M */
	COLUMN_SHARE,  /* value.real, 0 .. 1; text: 99.5 % */
	COLUMN_TIME,   /* value.number, ns; text: 12.3 ms */
	COLUMN_REAL,   /* value.real; text: 12.34 */
	COLUMN_CHANGE, /* value.real, 0.05 for 5 % more; text: +5.0 % */
	COLUMN_BOOL,   /* value.number; text: yes, or nothing */
	COLUMN_SHAPE,  /* value.row and value.names; text: m=3 n=4; JSON: {"m":3,"n":4} */
	COLUMN_LIST,   /* value.text: pieces that each end in 0, value.number bytes in all; text: a b c */
	COLUMN_STACK,  /* the same, of frames from the innermost outwards; text: a < b < c */
};

/* People read text or Markdown, and programs JSON or CSV. */
enum column_flags {
	COLUMN_NO_TEXT = 1 << 0,   /* left out for people */
	COLUMN_ONLY_TEXT = 1 << 1, /* left out for programs */
	COLUMN_OPTIONAL = 1 << 2,  /* left out for people where it is empty or 0 in every row */
	COLUMN_RARE = 1 << 3,      /* the same, and a 0 in it is shown as nothing */
	COLUMN_CHARGED =
		1 << 4, /* left out for people where charged FLOPs equal FLOPs, so that it would repeat a column */
	COLUMN_OF_RUN = 1 << 5, /* left out of comparisons, since no other run has the same */
	COLUMN_SPREAD = 1 << 6, /* left out for people unless they ask how the work is spread over processes */
};

struct value {
	bool known;     /* otherwise: text "", JSON null, CSV empty */
	bool estimated; /* people see a ~ before it */
	union {
		const char *text;
		const struct row *row;
	};
	union {
		u128 number;
		double real;
		const struct aggregate *names; /* of COLUMN_SHAPE: has the names of the arguments */
	};
};

struct table;

struct column {
	const char *key;   /* its name for programs */
	const char *title; /* its name for people */
	enum column_kind kind;
	unsigned flags;
	/* Returns the value of an item. A text in it must live until the next value is asked for. */
	struct value (*get)(const struct table *table, const void *item, const struct column *column);
};

/* The most columns that a table may have. */
enum { TABLE_COLUMNS_MAX = 32 };

struct table {
	const char *key, *title; /* names, for programs and for people */
	const char *note;        /* what people are told below the title; NULL: nothing */
	const struct column *columns;
	unsigned column_count;
	size_t row_count;
	/* The items that the getters take: what `item` returns for a row, or where it is NULL, the elements of an array. */
	const void *items;
	size_t item_size;
	const void *(*item)(const struct table *table, size_t row);
	void *data;                        /* for `item` and the getters */
	const struct aggregate *aggregate; /* for the getters; may be NULL */
	bool hides_charged;                /* COLUMN_CHARGED would repeat another column */
	bool shows_spread;                 /* people are shown COLUMN_SPREAD */
	bool for_people;                   /* made for people rather than for programs */
	size_t more;                       /* how many rows are not shown */
};

/* Initializes the columns of a struct table with an array. */
#define TABLE_COLUMNS(array) .columns = array, .column_count = sizeof array / sizeof *array

/*
 * Defines a getter, `name`, which returns the value of an expression of `item`, a `const type *`, and of `table`. Getters are
 * inline so that those of measures.h may go unused in a file without a warning.
 */
#define GETTER(name, type, expression)                                                                             \
	static inline struct value name(const struct table *table, const void *given, const struct column *column) \
	{                                                                                                          \
		const type *item = given;                                                                          \
                                                                                                                   \
		(void)table;                                                                                       \
		(void)item;                                                                                        \
		(void)column;                                                                                      \
		return expression;                                                                                 \
	}

/* Makes the elements of an array the table's rows. The array must outlive the table. */
static inline void table_set_items(struct table *table, const void *items, size_t count, size_t item_size)
{
	table->items = items;
	table->row_count = count;
	table->item_size = item_size;
}

static inline const void *table_item(const struct table *table, size_t row)
{
	return table->item ? table->item(table, row) : (const char *)table->items + row * table->item_size;
}

/* Leaves at most `top` rows, and counts the others in `more`. */
static inline void table_cut(struct table *table, size_t top)
{
	table->more = table->row_count > top ? table->row_count - top : 0;
	table->row_count -= table->more;
}

static inline struct value column_get(const struct column *column, const struct table *table, const void *item)
{
	return column->get(table, item, column);
}

/* A text that is NULL is not known. */
static inline struct value value_text(const char *text) { return (struct value){.known = text != NULL, .text = text}; }

/* A text that is NULL or empty is not known. */
static inline struct value value_filled(const char *text) { return value_text(text && *text ? text : NULL); }

static inline struct value value_number(u128 number) { return (struct value){.known = true, .number = number}; }

static inline struct value value_number_if(bool known, u128 number)
{
	return (struct value){.known = known, .number = number};
}

/* A negative number stands for one that is not known. */
static inline struct value value_unless_negative(int32_t number)
{
	return value_number_if(number >= 0, number < 0 ? 0 : (u128)number);
}

static inline struct value value_real(double real, bool known) { return (struct value){.known = known, .real = real}; }

/* Not known if `whole` is 0. */
static inline struct value value_ratio(u128 part, u128 whole)
{
	return value_real(whole ? (double)part / (double)whole : 0, whole != 0);
}

static inline struct value value_list(const char *texts, size_t bytes)
{
	return (struct value){.known = true, .text = texts, .number = bytes};
}

static inline struct value value_shape(const struct aggregate *names, const struct row *row)
{
	return (struct value){.known = true, .row = row, .names = names};
}

static inline struct value value_estimate(struct value value)
{
	value.estimated = true;
	return value;
}

#endif
