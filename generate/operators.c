// SPDX-License-Identifier: BSD-3-Clause
/*
 * operators.c - compiles the operators of the price language.
 * It must never round: an operation on two constants is done at build time, exactly.
 */
#include "generate/compile.h"

#include <string.h>

enum { POWER_MAX = 9 };

struct code compile_typed(const struct scope *scope, const struct node *node, unsigned depth, enum value_type type,
                          const char *what)
{
	struct code code = compile(scope, node, depth);

	expect_type(scope, &code, type, what);
	return code;
}

struct code compile_truth(const struct scope *scope, const struct node *node, unsigned depth, const char *what)
{
	struct code code = compile(scope, node, depth);

	if (code.type == VALUE_NUMBER) {
		if (code.constant)
			return truth_code(code.value.num != 0);
		append_op1(&code, OP_CONST, 0);
		append_op(&code, OP_NE);
		if (code.peak < depth + 2)
			code.peak = depth + 2;
		code.den = 1;
		code.type = VALUE_TRUTH;
	}
	expect_type(scope, &code, VALUE_TRUTH, what);
	return code;
}

static struct code compile_sum(const struct scope *scope, struct code left, struct code right, bool minus,
                               unsigned depth)
{
	bool not_negative = !minus && left.not_negative && right.not_negative;
	struct code sum;

	if (left.constant && right.constant) {
		if (minus)
			right.value.num = -right.value.num;
		return constant_code(VALUE_NUMBER, add_rationals(scope, left.value, right.value));
	}
	sum = join(scope, left, right, depth, minus ? OP_SUB : OP_ADD);
	sum.not_negative = not_negative;
	return sum;
}

static struct code compile_product(const struct scope *scope, struct code left, struct code right)
{
	bool not_negative = left.not_negative && right.not_negative;

	if (left.constant && right.constant)
		return constant_code(VALUE_NUMBER, multiply_rationals(scope, left.value, right.value));
	if (right.constant) {
		multiply_by_constant(scope, &left, right.value);
		return left;
	}
	if (left.constant) {
		multiply_by_constant(scope, &right, left.value);
		return right;
	}
	left.den = multiply_dens(scope, left.den, right.den);
	if (is_load(&right)) {
		append_op1(&left, OP_LOAD_MUL, right.words[1]);
	} else {
		append_code(scope, &left, &right);
		append_op(&left, OP_MUL);
	}
	left.not_negative = not_negative;
	return left;
}

static struct code compile_quotient(const struct scope *scope, struct code left, struct code right)
{
	struct rational inverse;

	if (!right.constant)
		fail_expression(&scope->location, "the divisor is not a constant");
	if (!right.value.num)
		fail_expression(&scope->location, "division by 0");
	inverse = (struct rational){right.value.num < 0 ? -(int64_t)right.value.den : (int64_t)right.value.den,
	                            magnitude(right.value.num)};
	if (left.constant)
		return constant_code(VALUE_NUMBER, multiply_rationals(scope, left.value, inverse));
	multiply_by_constant(scope, &left, inverse);
	return left;
}

static struct code compile_power(const struct scope *scope, struct code base, struct code exponent)
{
	struct rational power = {1, 1};
	uint64_t den = 1;

	if (!exponent.constant || exponent.value.den != 1 || exponent.value.num < 0 || exponent.value.num > POWER_MAX)
		fail_expression(&scope->location, "an exponent must be one of 0 to %d", POWER_MAX);
	for (int64_t i = 0; i < exponent.value.num; i++) {
		if (base.constant)
			power = multiply_rationals(scope, power, base.value);
		else
			den = multiply_dens(scope, den, base.den);
	}
	if (base.constant || !exponent.value.num)
		return constant_code(VALUE_NUMBER, power);
	base.den = den;
	if (exponent.value.num > 1)
		append_op1(&base, OP_POWER, (unsigned)exponent.value.num);
	base.not_negative |= exponent.value.num % 2 == 0;
	return base;
}

static bool compare_holds(const char *sign, int order)
{
	switch (sign[0]) {
	case '=': return order == 0;
	case '!': return order != 0;
	case '<': return sign[1] ? order <= 0 : order < 0;
	default: return sign[1] ? order >= 0 : order > 0;
	}
}

/* There are no opcodes for > and >=: the caller appends OP_NOT, which makes them of <= and <. */
static enum price_op comparison_op(const char *sign)
{
	switch (sign[0]) {
	case '=': return OP_EQ;
	case '!': return OP_NE;
	case '<': return sign[1] ? OP_LE : OP_LT;
	default: return sign[1] ? OP_LT : OP_LE;
	}
}

static struct code compile_comparison(const struct scope *scope, const char *sign, struct code left, struct code right,
                                      unsigned depth)
{
	bool equality = sign[0] == '=' || sign[0] == '!';
	struct code result;

	if (left.type != right.type)
		fail_expression(&scope->location, "%s is compared with %s", value_type_names[left.type],
		                value_type_names[right.type]);
	if (left.type != VALUE_NUMBER && !equality)
		fail_expression(&scope->location, "'%s' compares numbers", sign);
	if (left.constant && right.constant)
		return truth_code(compare_holds(sign, compare_rationals(left.value, right.value)));
	result = join(scope, left, right, depth, comparison_op(sign));
	if (sign[0] == '>')
		append_op(&result, OP_NOT);
	result.type = VALUE_TRUTH;
	result.den = 1;
	result.not_negative = true;
	return result;
}

static struct code compile_logic(const struct scope *scope, const struct node *node, unsigned depth)
{
	bool is_and = node->text[0] == '&';
	struct code left = compile_truth(scope, node->kids[0], depth, node->text);
	struct code right = compile_truth(scope, node->kids[1], left.constant ? depth : depth + 1, node->text);

	if (left.constant)
		return (left.value.num != 0) == is_and ? right : left;
	if (right.constant)
		return (right.value.num != 0) == is_and ? left : right;
	return join(scope, left, right, depth, is_and ? OP_AND : OP_OR);
}

struct code compile_binary(const struct scope *scope, const struct node *node, unsigned depth)
{
	struct code left, right;

	if (!strcmp(node->text, "&&") || !strcmp(node->text, "||"))
		return compile_logic(scope, node, depth);
	left = compile(scope, node->kids[0], depth);
	/* A constant factor is not pushed, so that the other factor begins at the same height of the stack. */
	right = compile(scope, node->kids[1], left.constant && node->text[0] == '*' ? depth : depth + 1);
	if (strchr("=!<>", node->text[0]))
		return compile_comparison(scope, node->text, left, right, depth);
	expect_type(scope, &left, VALUE_NUMBER, node->text);
	expect_type(scope, &right, VALUE_NUMBER, node->text);
	switch (node->text[0]) {
	case '+': return compile_sum(scope, left, right, false, depth);
	case '-': return compile_sum(scope, left, right, true, depth);
	case '*': return compile_product(scope, left, right);
	case '/': return compile_quotient(scope, left, right);
	default: return compile_power(scope, left, right);
	}
}

/* Returns whether a condition holds in complex types only: it is `complex`, or has it as an operand of &&. */
static bool demands_complex(const struct node *condition)
{
	if (condition->kind == NODE_NAME)
		return !strcmp(condition->text, "complex");
	return condition->kind == NODE_BINARY && !strcmp(condition->text, "&&") &&
	       (demands_complex(condition->kids[0]) || demands_complex(condition->kids[1]));
}

struct code compile_if(const struct scope *scope, const struct node *node, unsigned depth)
{
	struct scope holds = *scope, fails = *scope;
	struct code condition = compile_truth(scope, node->kids[0], depth, "?:");
	struct code yes, no;
	bool not_negative;

	if (demands_complex(node->kids[0])) {
		holds.complex = COMPLEX_IS_1;
		if (node->kids[0]->kind == NODE_NAME)
			fails.complex = COMPLEX_IS_0;
	}
	yes = compile(&holds, node->kids[1], depth);
	no = compile(&fails, node->kids[2], depth);
	not_negative = yes.not_negative && no.not_negative;

	if (yes.type != no.type)
		fail_expression(&scope->location, "?: gives %s or %s", value_type_names[yes.type],
		                value_type_names[no.type]);
	if (condition.constant)
		return condition.value.num ? yes : no;
	materialize(&yes, depth);
	materialize(&no, depth);
	align_dens(scope, &yes, &no);
	append_op1(&yes, OP_JUMP, no.count);
	append_op1(&condition, OP_JUMP_ZERO, yes.count);
	append_code(scope, &condition, &yes);
	append_code(scope, &condition, &no);
	condition.type = yes.type;
	condition.den = yes.den;
	condition.not_negative = not_negative;
	return condition;
}

struct code compile_negation(const struct scope *scope, const struct node *node, unsigned depth)
{
	struct code x = compile_typed(scope, node->kids[0], depth, VALUE_NUMBER, "-");

	if (x.constant) {
		x.value.num = -x.value.num;
		return constant_code(VALUE_NUMBER, x.value);
	}
	scale(&x, -1);
	return x;
}

struct code compile_not(const struct scope *scope, const struct node *node, unsigned depth)
{
	struct code x = compile_truth(scope, node->kids[0], depth, "!");

	if (x.constant)
		return truth_code(!x.value.num);
	append_op(&x, OP_NOT);
	return x;
}
