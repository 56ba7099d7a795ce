/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * compile.h - what the parts of the price compiler share: rational.c, code.c, operators.c and compile.c.
 * It must never be included by the rest of the generator, which only calls prices_compile of generate.h.
 */
#ifndef FLOPSHIM_GENERATE_COMPILE_H
#define FLOPSHIM_GENERATE_COMPILE_H

#include "generate/expression.h"
#include "price/program.h"

enum { NAMES_MAX = 32 };

enum value_type { VALUE_NUMBER, VALUE_LETTER, VALUE_TRUTH };

extern const char *const value_type_names[];

/* A name and its value. */
struct binding {
	const char *name;
	enum {
		IN_SHAPE, /* the value is argument `index` of the shape */
		ON_STACK, /* the value was computed, and is at position `index` from the bottom of the stack */
		CONSTANT,
		ABSENT /* the name is a parameter that the call has no argument for; using it is an error */
	} where;
	enum value_type type;
	unsigned index;
	uint64_t den; /* denominator, if the value is in the shape or on the stack */
	struct rational constant;
	bool not_negative;
};

/* What is known of `complex` in a part of an expression. Only where it is 1 a price may use `double`. */
enum knowledge { COMPLEX_VARIES, COMPLEX_IS_0, COMPLEX_IS_1 };

/*
 * The expression that is being compiled, and the names that it may use. `caller` has the call that led to it, or is
 * NULL.
 */
struct scope {
	const struct table *table;
	struct location location;
	struct binding names[NAMES_MAX];
	unsigned name_count;
	bool in_real; /* the expression stands inside real() */
	enum knowledge complex;
	const struct scope *caller;
};

/* What an expression compiles to: a constant, or instructions that push the numerator of its value. */
struct code {
	enum value_type type;
	bool constant;
	struct rational value; /* if constant */
	uint64_t den;          /* denominator, if not constant */
	bool not_negative;     /* the value is known not to be negative */
	bool has_real;         /* contains OP_REAL */
	uint16_t *words;
	unsigned count; /* number of words */
	unsigned peak;  /* greatest height of the stack, counted from its bottom, with the value itself */
};

/*
 * rational.c: exact fractions. A result that does not fit in 63 bits ends the generator, with `scope` in the message.
 */
uint64_t gcd(uint64_t a, uint64_t b);
uint64_t magnitude(int64_t value);
uint64_t multiply_dens(const struct scope *scope, uint64_t a, uint64_t b);
struct rational make_rational(const struct scope *scope, __int128 num, uint64_t den);
struct rational add_rationals(const struct scope *scope, struct rational a, struct rational b);
struct rational multiply_rationals(const struct scope *scope, struct rational a, struct rational b);
int compare_rationals(struct rational a, struct rational b);
int64_t floor_rational(struct rational x);

/* code.c. An `op` has no operand, an op1 one of 16 bits, an op64 one of 64 bits. */
void append_op(struct code *code, enum price_op op);
void append_op1(struct code *code, enum price_op op, unsigned operand);
void append_op64(struct code *code, enum price_op op, uint64_t operand);
void append_word(struct code *code, uint16_t word);
void append_code(const struct scope *scope, struct code *code, const struct code *more);
struct code constant_code(enum value_type type, struct rational value);
struct code truth_code(bool truth);
/* Turns a constant into instructions that push it, at stack height `depth`; leaves other code alone. */
void materialize(struct code *code, unsigned depth);
/* Multiplies the numerator by a factor. `code` is not constant, here and in the next two. */
void scale(struct code *code, int64_t factor);
void multiply_by_constant(const struct scope *scope, struct code *code, struct rational factor);
/* Scales both numerators so that the denominators are equal. */
void align_dens(const struct scope *scope, struct code *a, struct code *b);
/* Ends the generator with a message that calls the code `what` if its value has another type. */
void expect_type(const struct scope *scope, const struct code *code, enum value_type type, const char *what);
/* Returns whether the code does nothing but load an argument of the shape. */
bool is_load(const struct code *code);
/*
 * Returns code for left `op` right, after giving both one denominator. `right` was compiled at stack height depth + 1.
 */
struct code join(const struct scope *scope, struct code left, struct code right, unsigned depth, enum price_op op);

/*
 * compile.c and operators.c: functions that return the code of an expression. `depth` is the height of the stack where
 * that begins. An error in the expression ends the generator. compile_typed demands a type, by expect_type.
 */
struct code compile(const struct scope *scope, const struct node *node, unsigned depth);
struct code compile_typed(const struct scope *scope, const struct node *node, unsigned depth, enum value_type type,
                          const char *what);
/* Compiles a condition. It may also be a number, such as `complex`, which holds if it is not 0. */
struct code compile_truth(const struct scope *scope, const struct node *node, unsigned depth, const char *what);
struct code compile_binary(const struct scope *scope, const struct node *node, unsigned depth);
struct code compile_if(const struct scope *scope, const struct node *node, unsigned depth);
struct code compile_negation(const struct scope *scope, const struct node *node, unsigned depth);
struct code compile_not(const struct scope *scope, const struct node *node, unsigned depth);

#endif
