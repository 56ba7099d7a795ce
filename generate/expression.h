/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * expression.h - the syntax tree of a price, which parse.c makes and compile.c reads.
 * It must never hold what an expression means: a tree has only what is written.
 */
#ifndef FLOPSHIM_GENERATE_EXPRESSION_H
#define FLOPSHIM_GENERATE_EXPRESSION_H

#include "generate/generate.h"

enum { CALL_ARGS_MAX = SHAPE_ARGS_MAX };

/* Where an expression is written: in a column of a row, or in a definition. Messages begin with it. */
struct location {
	const struct row *row;
	const struct definition *definition; /* NULL in a row */
	enum column column;
};

/* A number that is known at build time. */
struct rational {
	int64_t num;
	uint64_t den;
};

enum node_kind {
	NODE_NUMBER,
	NODE_LETTER, /* 'N': number is its code */
	NODE_NAME,
	NODE_CALL, /* kids: the arguments; arg_names: their names, NULL for an argument by position */
	NODE_LET,  /* kids: value, body */
	NODE_IF,   /* kids: condition, then, else */
	NODE_NEGATE,
	NODE_NOT,
	NODE_BINARY
};

struct node {
	enum node_kind kind;
	const char *text; /* the name, or the binary operator */
	struct rational number;
	struct node *kids[CALL_ARGS_MAX];
	const char *arg_names[CALL_ARGS_MAX];
	unsigned kid_count;
};

/* Prints a message that names the location, and ends the generator with status 1. */
_Noreturn void fail_expression(const struct location *location, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* Returns the syntax tree of `text`; a syntax error ends the generator. */
struct node *expression_parse(const struct location *location, const char *text);

#endif
