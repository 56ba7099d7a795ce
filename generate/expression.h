/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * expression.h - the syntax tree of a price, between parse.c and compile.c.
 * It must never hold what an expression means: a tree is only what is written.
 */
#ifndef FLOPSHIM_GENERATE_EXPRESSION_H
#define FLOPSHIM_GENERATE_EXPRESSION_H

#include "generate/generate.h"

enum { CALL_ARGS_MAX = SHAPE_ARGS_MAX };

/* Where an expression is written: in a column of a row, or in a definition. */
struct origin {
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
	NODE_LETTER,
	NODE_NAME,
	NODE_CALL, /* kids are the arguments, arg_names their names or NULL */
	NODE_LET,  /* kids: value, body */
	NODE_IF,   /* kids: condition, then, else */
	NODE_NEGATE,
	NODE_NOT,
	NODE_BINARY
};

struct node {
	enum node_kind kind;
	const char *text; /* a name or a binary operator */
	struct rational number;
	struct node *kids[CALL_ARGS_MAX];
	const char *arg_names[CALL_ARGS_MAX];
	unsigned kid_count;
};

_Noreturn void fail_origin(const struct origin *origin, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
struct node *expression_parse(const struct origin *origin, const char *text);

#endif
