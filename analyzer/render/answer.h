/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * answer.h - what a command has to say, before it is known how it is written: facts for programs, lines for people,
 * and tables for both. A command fills an answer; a format renders it.
 * It must never hold more than its reader is to see: parts for others are dropped as they are added.
 */
#ifndef ANALYZER_ANSWER_H
#define ANALYZER_ANSWER_H

#include "analyzer/tables/table.h"

/* Who reads: a program, somebody at a terminal, somebody with a document. */
enum audience {
	FOR_PROGRAM = 1 << 0,
	FOR_TERMINAL = 1 << 1,
	FOR_DOCUMENT = 1 << 2,
	FOR_READERS = FOR_TERMINAL | FOR_DOCUMENT,
};

enum part_kind {
	/* For readers; `text`. */
	PART_TITLE,
	PART_HEADING,
	PART_PARAGRAPH,
	PART_PROSE,   /* a paragraph in which `this` is code: it must have no text from a dump */
	PART_FACT,    /* a line with a label, `key` */
	PART_WARNING, /* such a line that a reader must not overlook */
	PART_CODE,    /* such a line, of a formula or a name */
	PART_GAP,     /* an empty line, at a terminal */
	/* For programs: members by their `key`, NULL in a list. */
	PART_TEXT,    /* NULL: null */
	PART_NUMBER,
	PART_SIGNED,
	PART_REAL,
	PART_BOOL,    /* `number` */
	PART_OPEN,    /* an object or a list, by its `bracket` */
	PART_CLOSE,
	PART_TABLE,   /* for all */
};

struct part {
	enum part_kind kind;
	const char *key, *text;
	u128 number;
	double real;
	char bracket;
	unsigned place; /* of a table among the tables, for programs */
	bool counted;   /* programs are told how many of its rows are not shown */
	struct table table;
};

struct answer {
	enum audience audience; /* one of them */
	bool one_table;         /* all but one table is dropped */
	const char *schema;     /* JSON: what its members mean; NULL for an answer that is a part of another */
	unsigned label_indent, label_width; /* of PART_FACT at a terminal */
	struct part *parts;
	size_t count, capacity;
	struct arena texts;
};

void answer_open(struct answer *answer, enum audience audience, bool one_table, const char *schema);
void answer_close(struct answer *answer);

static inline bool answer_is_for(const struct answer *answer, unsigned audiences)
{
	return answer->audience & audiences;
}

/* For readers. */
void answer_say(struct answer *answer, enum part_kind kind, const char *format, ...) __attribute__((format(printf, 3, 4)));
void answer_gap(struct answer *answer);
/* A line with a label. */
void answer_fact(struct answer *answer, const char *label, const char *format, ...) __attribute__((format(printf, 3, 4)));
void answer_warn(struct answer *answer, const char *label, const char *format, ...) __attribute__((format(printf, 3, 4)));
void answer_code(struct answer *answer, const char *label, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* For programs. */
void answer_text(struct answer *answer, const char *key, const char *text);
void answer_number(struct answer *answer, const char *key, u128 number);
void answer_number_if(struct answer *answer, const char *key, bool known, u128 number); /* otherwise null */
void answer_signed(struct answer *answer, const char *key, int64_t number);
void answer_real(struct answer *answer, const char *key, double real);
void answer_real_if(struct answer *answer, const char *key, bool known, double real);
void answer_bool(struct answer *answer, const char *key, bool value);
void answer_begin(struct answer *answer, const char *key, char bracket); /* '{' or '[' */
void answer_end(struct answer *answer, char bracket);                    /* '}' or ']' */

/* What the table is made of must live until the answer is rendered. */
struct table_options {
	unsigned place; /* among the tables, for programs */
	bool counted;   /* programs are told how many of its rows are not shown */
	bool beside;    /* not the one that stands for the answer where there is to be one only */
};

void answer_table(struct answer *answer, const struct table *table, struct table_options options);

/* How many rows a table shows that may be long. */
static inline size_t answer_top(const struct answer *answer, size_t asked, size_t for_readers, size_t for_programs)
{
	return asked ? asked : answer_is_for(answer, FOR_READERS) ? for_readers : for_programs;
}

#endif
