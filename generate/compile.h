/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * compile.h - what the parts of the price compiler share: rational.c, code.c, operators.c and compile.c.
 * It must never be included by the rest of the generator: prices_compile of generate.h is all that it needs.
 */
#ifndef FLOPSHIM_GENERATE_COMPILE_H
#define FLOPSHIM_GENERATE_COMPILE_H

#include "generate/expression.h"
#include "price/program.h"

enum { NAMES_MAX = 32 };

enum value_type { VALUE_NUMBER, VALUE_LETTER, VALUE_TRUTH };

extern const char *const value_type_names[];

/*
 * What a name stands for. One that an expression computed is on the stack; `den` is its denominator.
 * An absent one is an argument that the call did not give.
 */
struct binding {
	const char *name;
	enum { IN_SHAPE, ON_STACK, CONSTANT, ABSENT } where;
	enum value_type type;
	unsigned index;
	uint64_t den;
	struct rational constant;
	bool not_negative;
};

/* What `complex` is known to be. Where it is 1 the price may tell single from double precision. */
enum knowledge { COMPLEX_VARIES, COMPLEX_IS_0, COMPLEX_IS_1 };

/* The text being compiled and the names it can see. `caller` is where the call to it stands. */
struct scope {
	const struct table *table;
	struct origin origin;
	struct binding names[NAMES_MAX];
	unsigned name_count;
	bool in_real; /* inside real(): the indeterminate is already there */
	enum knowledge complex;
	const struct scope *caller;
};

/*
 * What an expression compiles to: instructions that push its numerator, or a constant with none.
 * `peak` is the highest the stack gets, counted from its bottom, and includes the value itself.
 */
struct code {
	enum value_type type;
	bool constant;
	struct rational value; /* if constant */
	uint64_t den;          /* if not */
	bool not_negative;
	bool has_real;
	uint16_t *words;
	unsigned count, peak;
};

/* rational.c: exact fractions; what does not fit in 63 bits ends the generator. */
uint64_t gcd(uint64_t a, uint64_t b);
uint64_t magnitude(int64_t value);
uint64_t multiply_dens(const struct scope *scope, uint64_t a, uint64_t b);
struct rational make_rational(const struct scope *scope, __int128 num, uint64_t den);
struct rational add_rationals(const struct scope *scope, struct rational a, struct rational b);
struct rational multiply_rationals(const struct scope *scope, struct rational a, struct rational b);
int compare_rationals(struct rational a, struct rational b);
int64_t floor_rational(struct rational x);

/* code.c */
void append_op(struct code *code, enum price_op op);
void append_op1(struct code *code, enum price_op op, unsigned operand);
void append_op64(struct code *code, enum price_op op, uint64_t operand);
void append_word(struct code *code, uint16_t word);
void append_code(const struct scope *scope, struct code *code, const struct code *more);
struct code constant_code(enum value_type type, struct rational value);
struct code truth_code(bool truth);
/* Turns a constant into code that pushes it, at stack height `depth`. */
void materialize(struct code *code, unsigned depth);
/* Multiplies the numerator by a known factor. */
void scale(struct code *code, int64_t factor);
void multiply_by_constant(const struct scope *scope, struct code *code, struct rational factor);
/* Brings both to one denominator. */
void align_dens(const struct scope *scope, struct code *a, struct code *b);
void expect_type(const struct scope *scope, const struct code *code, enum value_type type, const char *what);
bool is_load(const struct code *code);
/* Code for y `op` x of values with one denominator; `right` was compiled one higher. */
struct code join(const struct scope *scope, struct code left, struct code right, unsigned depth, enum price_op op);

/*
 * compile.c and operators.c. `depth` is the height of the stack where the code begins; _typed demands a type, of what the
 * message calls `what`.
 */
struct code compile(const struct scope *scope, const struct node *node, unsigned depth);
struct code compile_typed(const struct scope *scope, const struct node *node, unsigned depth, enum value_type type,
				const char *what);
/* A condition may also be a number: `complex`. */
struct code compile_truth(const struct scope *scope, const struct node *node, unsigned depth, const char *what);
struct code compile_binary(const struct scope *scope, const struct node *node, unsigned depth);
struct code compile_if(const struct scope *scope, const struct node *node, unsigned depth);
struct code compile_negation(const struct scope *scope, const struct node *node, unsigned depth);
struct code compile_not(const struct scope *scope, const struct node *node, unsigned depth);

#endif
