// SPDX-License-Identifier: BSD-3-Clause
/*
 * code.c - appends and joins the instructions of price programs.
 * It must never know the price language: it handles values, their denominators and the height of the stack.
 */
#include "generate/compile.h"

enum { PROGRAM_WORDS_MAX = 30000 };

const char *const value_type_names[] = {"a number", "a letter", "a condition"};

void append_word(struct code *code, uint16_t word)
{
	code->words = grow(code->words, code->count, sizeof(*code->words));
	code->words[code->count++] = word;
}

void append_op(struct code *code, enum price_op op) { append_word(code, (uint16_t)op); }

void append_op1(struct code *code, enum price_op op, unsigned operand)
{
	append_op(code, op);
	append_word(code, (uint16_t)operand);
}

void append_op64(struct code *code, enum price_op op, uint64_t operand)
{
	append_op(code, op);
	for (unsigned i = 0; i < 4; i++)
		append_word(code, (uint16_t)(operand >> 16 * i));
}

void append_code(const struct scope *scope, struct code *code, const struct code *more)
{
	if (code->count + more->count > PROGRAM_WORDS_MAX)
		fail_expression(&scope->location, "the expression is too large");
	for (unsigned i = 0; i < more->count; i++)
		append_word(code, more->words[i]);
	if (more->peak > code->peak)
		code->peak = more->peak;
	code->has_real |= more->has_real;
}

struct code constant_code(enum value_type type, struct rational value)
{
	return (struct code){.type = type, .constant = true, .value = value, .not_negative = value.num >= 0};
}

struct code truth_code(bool truth) { return constant_code(VALUE_TRUTH, (struct rational){truth, 1}); }

void materialize(struct code *code, unsigned depth)
{
	if (!code->constant)
		return;
	code->constant = false;
	code->den = code->value.den;
	code->peak = depth + 1;
	if (code->value.num >= 0 && code->value.num <= UINT16_MAX)
		append_op1(code, OP_CONST, (unsigned)code->value.num);
	else
		append_op64(code, OP_CONST64, (uint64_t)code->value.num);
}

void scale(struct code *code, int64_t factor)
{
	if (factor == 1)
		return;
	if (factor >= INT16_MIN && factor <= INT16_MAX)
		append_op1(code, OP_SCALE, (uint16_t)factor);
	else
		append_op64(code, OP_SCALE64, (uint64_t)factor);
	code->not_negative &= factor >= 0;
}

void multiply_by_constant(const struct scope *scope, struct code *code, struct rational factor)
{
	uint64_t common = gcd(magnitude(factor.num), code->den);

	if (!factor.num)
		common = 1;
	code->den = multiply_dens(scope, code->den / common, factor.den);
	scale(code, factor.num / (int64_t)common);
}

void align_dens(const struct scope *scope, struct code *a, struct code *b)
{
	uint64_t common = gcd(a->den, b->den);
	uint64_t shared = multiply_dens(scope, a->den / common, b->den);

	scale(a, (int64_t)(shared / a->den));
	scale(b, (int64_t)(shared / b->den));
	a->den = b->den = shared;
}

void expect_type(const struct scope *scope, const struct code *code, enum value_type type, const char *what)
{
	if (code->type != type)
		fail_expression(&scope->location, "%s: %s expected, not %s", what, value_type_names[type],
		                value_type_names[code->type]);
}

bool is_load(const struct code *code) { return code->count == 2 && code->words[0] == OP_LOAD; }

struct code join(const struct scope *scope, struct code left, struct code right, unsigned depth, enum price_op op)
{
	materialize(&left, depth);
	materialize(&right, depth + 1);
	align_dens(scope, &left, &right);
	append_code(scope, &left, &right);
	append_op(&left, op);
	return left;
}
