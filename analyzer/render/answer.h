/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * answer.h - what a command has to say: members for programs, lines for people, and tables for both. A command fills an
 * answer, and a format writes it down.
 * It must never hold a part that its audience is not to see: such parts are dropped when they are added.
 */
#ifndef ANALYZER_ANSWER_H
#define ANALYZER_ANSWER_H

#include "analyzer/tables/table.h"

enum audience {
	FOR_PROGRAM = 1 << 0,  /* JSON and CSV */
	FOR_TERMINAL = 1 << 1, /* text */
	FOR_DOCUMENT = 1 << 2, /* Markdown */
	FOR_PEOPLE = FOR_TERMINAL | FOR_DOCUMENT,
};

enum part_kind {
	/* For people, in `text`. */
	PART_TITLE,
	PART_HEADING,
	PART_PARAGRAPH,
	PART_PROSE,   /* a paragraph in Markdown, where `this` is code: it must have no text from a dump */
	PART_FACT,    /* a line with a label, `key` */
	PART_WARNING, /* a line with a label, that must not be overlooked */
	PART_CODE,    /* a line with a label, whose text is a formula or a name */
	PART_GAP,     /* an empty line, at a terminal alone */
	/* For programs: a member of an object, with its name in `key`, or an element of a list, with `key` NULL. */
	PART_TEXT, /* `text`; JSON's null if that is NULL */
	PART_NUMBER,
	PART_SIGNED, /* `number`, converted to int64_t */
	PART_REAL,
	PART_BOOL,  /* `number` */
	PART_OPEN,  /* the beginning of an object or a list: `bracket` is '{' or '[' */
	PART_CLOSE, /* its end: `bracket` is '}' or ']' */
	/* For both. */
	PART_TABLE,
};

struct part {
	enum part_kind kind;
	const char *key, *text; /* copies that the answer owns */
	u128 number;
	double real;
	char bracket;
	/* PART_TABLE: as in struct table_options. */
	unsigned place;
	bool counted;
	struct table table;
};

struct answer {
	enum audience audience; /* one of them, not a set */
	bool one_table;         /* only one table is kept, for CSV: those that are `beside` others are dropped */
	const char *schema;     /* name and version of the JSON; NULL: it has none */
	unsigned label_indent, label_width; /* of lines with labels at a terminal, in characters */
	struct part *parts;
	size_t count, capacity;
	struct arena texts; /* copies of all texts */
};

/* Opens an empty answer. `schema` may be NULL; it must outlive the answer. answer_close frees all parts. */
void answer_open(struct answer *answer, enum audience audience, bool one_table, const char *schema);
void answer_close(struct answer *answer);

/* Whether the audience is one of a set of enum audience. */
static inline bool answer_is_for(const struct answer *answer, unsigned audiences)
{
	return answer->audience & audiences;
}

/*
 * For people; they do nothing in an answer for programs. Texts are formatted as by printf and copied; control characters in
 * the result become '?'. answer_say adds a text of one of the kinds up to PART_PROSE.
 */
void answer_say(struct answer *answer, enum part_kind kind, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void answer_gap(struct answer *answer);
/* Lines with a label: a fact, a warning, a formula or name. */
void answer_fact(struct answer *answer, const char *label, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void answer_warn(struct answer *answer, const char *label, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void answer_code(struct answer *answer, const char *label, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/*
 * For programs; they do nothing in an answer for people. `key` is the member's name, NULL in a list. Keys and texts are
 * copied.
 */
void answer_text(struct answer *answer, const char *key, const char *text); /* NULL: null */
void answer_number(struct answer *answer, const char *key, u128 number);
void answer_number_if(struct answer *answer, const char *key, bool known, u128 number); /* null if not known */
void answer_signed(struct answer *answer, const char *key, int64_t number);
void answer_real(struct answer *answer, const char *key, double real);
void answer_real_if(struct answer *answer, const char *key, bool known, double real); /* null if not known */
void answer_bool(struct answer *answer, const char *key, bool value);
void answer_begin(struct answer *answer, const char *key, char bracket); /* '{' or '[' */
void answer_end(struct answer *answer, char bracket);                    /* '}' or ']' */

struct table_options {
	unsigned place; /* JSON has the tables in the order of their places */
	bool counted;   /* JSON says how many of its rows are not shown, in a member KEY_not_shown */
	bool beside;    /* it is dropped from an answer that may have one table only */
};

/* Adds a table for any audience. `table` is copied, but what it points to must live until the answer is rendered. */
void answer_table(struct answer *answer, const struct table *table, struct table_options options);

/* How many rows to show of a table: `asked`, or if that is 0, the number for the answer's audience. */
static inline size_t answer_top(const struct answer *answer, size_t asked, size_t for_people, size_t for_programs)
{
	return asked ? asked : answer_is_for(answer, FOR_PEOPLE) ? for_people : for_programs;
}

#endif
