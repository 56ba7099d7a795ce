// SPDX-License-Identifier: BSD-3-Clause
/*
 * compile.c - compiles the price columns into the programs that price.c runs.
 * It must never round: constants are fractions of integers, and every value's denominator is known here.
 */
#include "generate/expression.h"

#include <ctype.h>
#include <string.h>

#include "price/program.h"

enum { NAMES_MAX = 32, POWER_MAX = 9, PROGRAM_WORDS_MAX = 30000 };

enum value_type { VALUE_NUMBER, VALUE_LETTER, VALUE_TRUTH };

static const char *const value_type_names[] = {"a number", "a letter", "a condition"};

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

/* --- exact fractions ------------------------------------------------------------------------- */

static uint64_t gcd(uint64_t a, uint64_t b)
{
	while (b) {
		uint64_t rest = a % b;

		a = b;
		b = rest;
	}
	return a;
}

static uint64_t magnitude(int64_t value)
{
	return value < 0 ? -(uint64_t)value : (uint64_t)value;
}

static uint64_t multiply_dens(const struct scope *scope, uint64_t a, uint64_t b)
{
	uint64_t product;

	if (__builtin_mul_overflow(a, b, &product) || product > INT64_MAX)
		fail_origin(&scope->origin, "a denominator that does not fit in 63 bits");
	return product;
}

static struct rational make_rational(const struct scope *scope, __int128 num, uint64_t den)
{
	uint64_t common = gcd((uint64_t)((num < 0 ? -num : num) % den), den);

	num /= (__int128)common;
	if (num > INT64_MAX || num < -INT64_MAX)
		fail_origin(&scope->origin, "a constant that does not fit in 63 bits");
	return (struct rational){(int64_t)num, den / common};
}

static struct rational add_rationals(const struct scope *scope, struct rational a, struct rational b)
{
	uint64_t common = gcd(a.den, b.den);
	__int128 left = (__int128)a.num * (int64_t)(b.den / common);
	__int128 right = (__int128)b.num * (int64_t)(a.den / common);

	return make_rational(scope, left + right, multiply_dens(scope, a.den / common, b.den));
}

static struct rational multiply_rationals(const struct scope *scope, struct rational a, struct rational b)
{
	return make_rational(scope, (__int128)a.num * b.num, multiply_dens(scope, a.den, b.den));
}

static int compare_rationals(struct rational a, struct rational b)
{
	__int128 difference = (__int128)a.num * (int64_t)b.den - (__int128)b.num * (int64_t)a.den;

	return difference < 0 ? -1 : difference > 0;
}

static int64_t floor_rational(struct rational x)
{
	return x.num >= 0 ? x.num / (int64_t)x.den : -((-x.num + (int64_t)x.den - 1) / (int64_t)x.den);
}

/* --- code ------------------------------------------------------------------------------------ */

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

static struct code compile(const struct scope *scope, const struct node *node, unsigned depth);

static void append_word(struct code *code, uint16_t word)
{
	code->words = grow(code->words, code->count, sizeof(*code->words));
	code->words[code->count++] = word;
}

static void append_op(struct code *code, enum price_op op)
{
	append_word(code, (uint16_t)op);
}

static void append_op1(struct code *code, enum price_op op, unsigned operand)
{
	append_op(code, op);
	append_word(code, (uint16_t)operand);
}

static void append_op64(struct code *code, enum price_op op, uint64_t operand)
{
	append_op(code, op);
	for (unsigned i = 0; i < 4; i++)
		append_word(code, (uint16_t)(operand >> 16 * i));
}

static void append_code(const struct scope *scope, struct code *code, const struct code *more)
{
	if (code->count + more->count > PROGRAM_WORDS_MAX)
		fail_origin(&scope->origin, "the expression is too large");
	for (unsigned i = 0; i < more->count; i++)
		append_word(code, more->words[i]);
	if (more->peak > code->peak)
		code->peak = more->peak;
	code->has_real |= more->has_real;
}

static struct code constant_code(enum value_type type, struct rational value)
{
	return (struct code){.type = type, .constant = true, .value = value, .not_negative = value.num >= 0};
}

static struct code truth_code(bool truth)
{
	return constant_code(VALUE_TRUTH, (struct rational){truth, 1});
}

/* Turns a constant into code that pushes it, at stack height `depth`. */
static void materialize(struct code *code, unsigned depth)
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

/* Multiplies the numerator by a known factor. */
static void scale(struct code *code, int64_t factor)
{
	if (factor == 1)
		return;
	if (factor >= INT16_MIN && factor <= INT16_MAX)
		append_op1(code, OP_SCALE, (uint16_t)factor);
	else
		append_op64(code, OP_SCALE64, (uint64_t)factor);
	code->not_negative &= factor >= 0;
}

static void multiply_by_constant(const struct scope *scope, struct code *code, struct rational factor)
{
	uint64_t common = gcd(magnitude(factor.num), code->den);

	if (!factor.num)
		common = 1;
	code->den = multiply_dens(scope, code->den / common, factor.den);
	scale(code, factor.num / (int64_t)common);
}

/* Brings both to one denominator. */
static void align_dens(const struct scope *scope, struct code *a, struct code *b)
{
	uint64_t common = gcd(a->den, b->den);
	uint64_t shared = multiply_dens(scope, a->den / common, b->den);

	scale(a, (int64_t)(shared / a->den));
	scale(b, (int64_t)(shared / b->den));
	a->den = b->den = shared;
}

static void expect_type(const struct scope *scope, const struct code *code, enum value_type type,
                        const char *what)
{
	if (code->type != type)
		fail_origin(&scope->origin, "%s: %s expected, not %s", what, value_type_names[type],
		            value_type_names[code->type]);
}

static struct code compile_typed(const struct scope *scope, const struct node *node, unsigned depth,
                                 enum value_type type, const char *what)
{
	struct code code = compile(scope, node, depth);

	expect_type(scope, &code, type, what);
	return code;
}

/* A condition may also be a number: `complex`. */
static struct code compile_truth(const struct scope *scope, const struct node *node, unsigned depth,
                                 const char *what)
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

/* --- operators ------------------------------------------------------------------------------- */

/* Code for y `op` x of values with one denominator; `right` was compiled one higher. */
static struct code join(const struct scope *scope, struct code left, struct code right, unsigned depth,
                        enum price_op op)
{
	materialize(&left, depth);
	materialize(&right, depth + 1);
	align_dens(scope, &left, &right);
	append_code(scope, &left, &right);
	append_op(&left, op);
	return left;
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

static bool is_load(const struct code *code)
{
	return code->count == 2 && code->words[0] == OP_LOAD;
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
		fail_origin(&scope->origin, "division by what is no constant");
	if (!right.value.num)
		fail_origin(&scope->origin, "division by 0");
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

	if (!exponent.constant || exponent.value.den != 1 || exponent.value.num < 0 ||
	    exponent.value.num > POWER_MAX)
		fail_origin(&scope->origin, "an exponent must be one of 0 to %d", POWER_MAX);
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

/* There is no greater: y > x is not y <= x, and y >= x is not y < x; the caller appends the not. */
static enum price_op comparison_op(const char *sign)
{
	switch (sign[0]) {
	case '=': return OP_EQ;
	case '!': return OP_NE;
	case '<': return sign[1] ? OP_LE : OP_LT;
	default: return sign[1] ? OP_LT : OP_LE;
	}
}

static struct code compile_comparison(const struct scope *scope, const char *sign, struct code left,
                                      struct code right, unsigned depth)
{
	bool equality = sign[0] == '=' || sign[0] == '!';
	struct code result;

	if (left.type != right.type)
		fail_origin(&scope->origin, "%s is compared with %s", value_type_names[left.type],
		            value_type_names[right.type]);
	if (left.type != VALUE_NUMBER && !equality)
		fail_origin(&scope->origin, "'%s' compares numbers", sign);
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

static struct code compile_binary(const struct scope *scope, const struct node *node, unsigned depth)
{
	struct code left, right;

	if (!strcmp(node->text, "&&") || !strcmp(node->text, "||"))
		return compile_logic(scope, node, depth);
	left = compile(scope, node->kids[0], depth);
	/* A constant factor is never pushed: what it multiplies starts where it would have been. */
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

/* Whether a condition can only hold in complex types: it is `complex`, or demands it besides other things. */
static bool demands_complex(const struct node *condition)
{
	if (condition->kind == NODE_NAME)
		return !strcmp(condition->text, "complex");
	return condition->kind == NODE_BINARY && !strcmp(condition->text, "&&") &&
	       (demands_complex(condition->kids[0]) || demands_complex(condition->kids[1]));
}

static struct code compile_if(const struct scope *scope, const struct node *node, unsigned depth)
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
		fail_origin(&scope->origin, "?: gives %s or %s", value_type_names[yes.type],
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

/* --- names ----------------------------------------------------------------------------------- */

static const struct binding *find_name(const struct scope *scope, const char *name)
{
	for (unsigned i = 0; i < scope->name_count; i++)
		if (!strcmp(scope->names[i].name, name))
			return &scope->names[i];
	return NULL;
}

static void add_name(struct scope *scope, struct binding binding)
{
	if (scope->name_count == NAMES_MAX)
		fail_origin(&scope->origin, "more than %d names", NAMES_MAX);
	scope->names[scope->name_count++] = binding;
}

static struct code truth_of_type(enum price_op op, unsigned depth)
{
	struct code code = {.type = VALUE_NUMBER, .den = 1, .not_negative = true, .peak = depth + 1};

	append_op(&code, op);
	return code;
}

/* `double` only where the price is one of complex types: those of s and d are the same numbers. */
static struct code compile_type(const struct scope *scope, const char *name, unsigned depth)
{
	if (!strcmp(name, "double")) {
		if (scope->complex != COMPLEX_IS_1)
			fail_origin(&scope->origin, "'double' stands outside of `complex ? ... :`: the prices of "
			                            "s and d may not differ");
		return truth_of_type(OP_DOUBLE, depth);
	}
	if (scope->complex == COMPLEX_VARIES)
		return truth_of_type(OP_COMPLEX, depth);
	return constant_code(VALUE_NUMBER, (struct rational){scope->complex == COMPLEX_IS_1, 1});
}

static bool is_type_name(const char *name)
{
	return !strcmp(name, "complex") || !strcmp(name, "double");
}

static struct code compile_name(const struct scope *scope, const struct node *node, unsigned depth)
{
	const struct binding *binding = find_name(scope, node->text);
	struct code code = {0};

	if (!binding && is_type_name(node->text))
		return compile_type(scope, node->text, depth);
	if (!binding)
		fail_origin(&scope->origin, "unknown argument '%s'", node->text);
	if (binding->where == ABSENT)
		fail_origin(&scope->caller->origin, "the price of '%s' needs its argument '%s'",
		            scope->origin.row->name, node->text);
	if (binding->where == CONSTANT)
		return constant_code(binding->type, binding->constant);
	code = (struct code){.type = binding->type,
	                     .den = binding->den,
	                     .not_negative = binding->not_negative,
	                     .peak = depth + 1};
	append_op1(&code, binding->where == IN_SHAPE ? OP_LOAD : OP_PICK, binding->index);
	return code;
}

/*
 * Makes `name` stand for a value. Constants and shape arguments need no place on the stack; anything else is
 * appended to `code`, and *depth grows by the place that it takes.
 */
static void bind_value(struct scope *scope, const char *name, struct code value, struct code *code,
                       unsigned *depth)
{
	struct binding binding = {
		.name = name, .type = value.type, .den = value.den, .not_negative = value.not_negative};

	if (value.constant) {
		binding.where = CONSTANT;
		binding.constant = value.value;
	} else if (is_load(&value)) {
		binding.where = IN_SHAPE;
		binding.index = value.words[1];
	} else {
		binding.where = ON_STACK;
		binding.index = (*depth)++;
		append_code(scope, code, &value);
	}
	add_name(scope, binding);
}

/* The code of the body behind the code of its names, whose places are given back. */
static struct code close_scope(const struct scope *scope, struct code names, struct code body, unsigned places,
                               unsigned depth)
{
	if (!places)
		return body;
	materialize(&body, depth);
	append_code(scope, &names, &body);
	append_op1(&names, OP_SLIDE, places);
	names.type = body.type;
	names.den = body.den;
	names.not_negative = body.not_negative;
	return names;
}

static struct code compile_let(const struct scope *scope, const struct node *node, unsigned depth)
{
	struct scope inner = *scope;
	struct code names = {0};
	unsigned inside = depth;
	struct code value = compile(scope, node->kids[0], depth);

	if (find_name(scope, node->text) || is_type_name(node->text))
		fail_origin(&scope->origin, "let %s: the name is taken", node->text);
	bind_value(&inner, node->text, value, &names, &inside);
	return close_scope(scope, names, compile(&inner, node->kids[1], inside), inside - depth, inside);
}

/* --- functions ------------------------------------------------------------------------------- */

static struct code compile_extreme(const struct scope *scope, const struct node *node, unsigned depth)
{
	bool is_min = !strcmp(node->text, "min");
	struct code best = compile_typed(scope, node->kids[0], depth, VALUE_NUMBER, node->text);

	for (unsigned i = 1; i < node->kid_count; i++) {
		struct code next = compile_typed(scope, node->kids[i], depth + 1, VALUE_NUMBER, node->text);
		bool both = best.not_negative && next.not_negative,
		     one = best.not_negative || next.not_negative;

		if (best.constant && next.constant) {
			if ((compare_rationals(next.value, best.value) < 0) == is_min)
				best = next;
			continue;
		}
		best = join(scope, best, next, depth, is_min ? OP_MIN : OP_MAX);
		best.not_negative = is_min ? both : one;
	}
	return best;
}

static struct code compile_rounding(const struct scope *scope, const struct node *node, unsigned depth)
{
	bool is_floor = strcmp(node->text, "ceil") != 0; /* ilog2 too rounds down first */
	struct code x = compile_typed(scope, node->kids[0], depth, VALUE_NUMBER, node->text);

	if (x.constant) {
		x.value.num = is_floor ? floor_rational(x.value)
		                       : -floor_rational((struct rational){-x.value.num, x.value.den});
		x.value.den = 1;
	} else if (x.den != 1) {
		append_op64(&x, is_floor ? OP_FLOOR : OP_CEIL, x.den);
		x.den = 1;
	}
	return x;
}

static struct code compile_log2(const struct scope *scope, const struct node *node, unsigned depth)
{
	struct code x = compile_rounding(scope, node, depth);

	materialize(&x, depth);
	append_op(&x, OP_LOG2);
	x.not_negative = true;
	return x;
}

/* floor(a/b), and 0 where b is not positive: how many blocks of b columns there are in a. */
static struct code compile_whole_quotient(const struct scope *scope, const struct node *node, unsigned depth)
{
	struct code a = compile_typed(scope, node->kids[0], depth, VALUE_NUMBER, node->text);
	struct code b = compile_typed(scope, node->kids[1], depth + 1, VALUE_NUMBER, node->text);

	a = join(scope, a, b, depth, OP_QUOTIENT);
	a.den = 1;
	a.not_negative = true;
	return a;
}

/*
 * In muls and adds, real work is multiplied by an indeterminate, so that it can be told from the rest. In words,
 * a real number is half an element of a complex routine. In `blocked`, which is in FLOPs, it is as it stands.
 */
static struct code compile_real(const struct scope *scope, const struct node *node, unsigned depth)
{
	struct scope inner = *scope;
	struct code x;

	inner.in_real = true;
	x = compile_typed(&inner, node->kids[0], depth, VALUE_NUMBER, "real");
	if (scope->in_real || scope->origin.column == COLUMN_BLOCKED)
		return x;
	materialize(&x, depth);
	if (scope->origin.column == COLUMN_WORDS) {
		append_op(&x, OP_TWICE_IF_REAL);
		x.den = multiply_dens(scope, x.den, 2);
	} else {
		append_op(&x, OP_REAL);
		x.has_real = true;
	}
	return x;
}

static const struct function {
	const char *name;
	unsigned args_min, args_max;
	struct code (*compile)(const struct scope *scope, const struct node *node, unsigned depth);
} functions[] = {
	{"min", 2, CALL_ARGS_MAX, compile_extreme},
	{"max", 2, CALL_ARGS_MAX, compile_extreme},
	{"floor", 1, 1, compile_rounding},
	{"ceil", 1, 1, compile_rounding},
	{"ilog2", 1, 1, compile_log2},
	{"quotient", 2, 2, compile_whole_quotient},
	{"real", 1, 1, compile_real},
};

static const struct function *find_function(const char *name)
{
	for (size_t i = 0; i < sizeof(functions) / sizeof(*functions); i++)
		if (!strcmp(functions[i].name, name))
			return &functions[i];
	return NULL;
}

static struct code compile_function(const struct scope *scope, const struct function *function,
                                    const struct node *node, unsigned depth)
{
	if (node->kid_count < function->args_min || node->kid_count > function->args_max)
		fail_origin(&scope->origin, "%s(): wrong number of arguments (%u)", node->text,
		            node->kid_count);
	for (unsigned i = 0; i < node->kid_count; i++)
		if (node->arg_names[i])
			fail_origin(&scope->origin, "%s(): no argument '%s'", node->text, node->arg_names[i]);
	return function->compile(scope, node, depth);
}

/* --- calls of definitions and of rows -------------------------------------------------------- */

static void fail_if_cyclic(const struct scope *scope, const void *text)
{
	for (const struct scope *at = scope; at; at = at->caller)
		if (at->origin.definition == text || at->origin.row == text)
			fail_origin(&scope->origin, "cyclic reference: the price of '%s' needs itself",
			            at->origin.definition ? at->origin.definition->name : at->origin.row->name);
}

static const struct definition *find_definition(const struct table *table, const char *name)
{
	for (unsigned i = 0; i < table->definition_count; i++)
		if (!strcmp(table->definitions[i].name, name))
			return &table->definitions[i];
	return NULL;
}

static struct code compile_definition(const struct scope *scope, const struct definition *definition,
                                      const struct node *node, unsigned depth)
{
	struct scope inner = {.table = scope->table,
	                      .origin = {.definition = definition, .column = scope->origin.column},
	                      .in_real = scope->in_real,
	                      .complex = scope->complex,
	                      .caller = scope};
	struct code names = {0}, body;
	unsigned inside = depth;

	fail_if_cyclic(scope, definition);
	if (node->kid_count != definition->param_count)
		fail_origin(&scope->origin, "%s() has %u arguments, not %u", node->text,
		            definition->param_count, node->kid_count);
	for (unsigned i = 0; i < node->kid_count; i++) {
		if (node->arg_names[i])
			fail_origin(&scope->origin, "%s(): arguments of a def go by position", node->text);
		bind_value(&inner, definition->params[i], compile(scope, node->kids[i], inside), &names,
		           &inside);
	}
	body = compile(&inner, expression_parse(&inner.origin, definition->body), inside);
	return close_scope(scope, names, body, inside - depth, inside);
}

/* The full name first: `laqz1` is a row of its own and half the name of another. */
static const struct row *find_row(const struct scope *scope, const char *name)
{
	const struct row *found = NULL;

	for (unsigned i = 0; i < scope->table->row_count; i++) {
		const struct row *row = &scope->table->rows[i];

		if (!strcmp(row->name, name))
			return row;
		if (strcmp(row->real_name, name) && strcmp(row->complex_name, name))
			continue;
		if (found)
			fail_origin(&scope->origin, "'%s' may be row '%s' or '%s'", name, found->name,
			            row->name);
		found = row;
	}
	if (!found)
		fail_origin(&scope->origin, "unknown family '%s'", name);
	return found;
}

static unsigned find_shape_arg(const struct scope *scope, const struct row *row, const struct node *node,
                               unsigned arg)
{
	unsigned count = row->option_count + row->dim_count;

	if (!node->arg_names[arg])
		return arg;
	for (unsigned i = 0; i < count; i++)
		if (!strcmp(row->shape[i], node->arg_names[arg]))
			return i;
	fail_origin(&scope->origin, "%s(): no argument '%s'", node->text, node->arg_names[arg]);
}

/* As where a call is priced: a negative dimension reads as 0. */
static struct code compile_dimension(const struct scope *scope, const struct node *node, unsigned depth,
                                     const char *what)
{
	struct code x = compile_typed(scope, node, depth, VALUE_NUMBER, what);

	if (x.not_negative)
		return x;
	if (x.constant)
		return constant_code(VALUE_NUMBER, (struct rational){0, 1});
	append_op(&x, OP_NOT_NEGATIVE);
	x.not_negative = true;
	return x;
}

static void bind_row_args(const struct scope *scope, struct scope *inner, const struct row *row,
                          const struct node *node, struct code *names, unsigned *depth)
{
	unsigned count = row->option_count + row->dim_count;
	bool given[SHAPE_ARGS_MAX] = {0};

	if (node->kid_count > count ||
	    (node->kid_count < count && !(node->kid_count && node->arg_names[node->kid_count - 1])))
		fail_origin(&scope->origin, "%s() has %u arguments, not %u", node->text, count,
		            node->kid_count);
	for (unsigned i = 0; i < node->kid_count; i++) {
		unsigned arg = find_shape_arg(scope, row, node, i);
		struct code value;

		if (given[arg])
			fail_origin(&scope->origin, "%s(): argument '%s' is given twice", node->text,
			            row->shape[arg]);
		given[arg] = true;
		value = arg < row->option_count
		                ? compile_typed(scope, node->kids[i], *depth, VALUE_LETTER, row->shape[arg])
		                : compile_dimension(scope, node->kids[i], *depth, row->shape[arg]);
		bind_value(inner, row->shape[arg], value, names, depth);
	}
	for (unsigned i = 0; i < count; i++)
		if (!given[i])
			add_name(inner, (struct binding){.name = row->shape[i], .where = ABSENT});
}

static struct code compile_row_call(const struct scope *scope, const struct node *node, unsigned depth)
{
	const struct row *row = find_row(scope, node->text);
	struct scope inner = {.table = scope->table,
	                      .origin = {.row = row, .column = scope->origin.column},
	                      .in_real = scope->in_real,
	                      .complex = scope->in_real ? COMPLEX_IS_0 : scope->complex,
	                      .caller = scope};
	const char *text = row->text[scope->origin.column];
	struct code names = {0}, body;
	unsigned inside = depth;

	fail_if_cyclic(scope, row);
	if (row->kind == PRICE_NONE)
		fail_origin(&scope->origin, "%s() has no price yet", node->text);
	bind_row_args(scope, &inner, row, node, &names, &inside);
	if (!text) /* exempt, or nothing said about blocking */
		return constant_code(VALUE_NUMBER, (struct rational){0, 1});
	body = compile_typed(&inner, expression_parse(&inner.origin, text), inside, VALUE_NUMBER, row->name);
	return close_scope(scope, names, body, inside - depth, inside);
}

static struct code compile_call(const struct scope *scope, const struct node *node, unsigned depth)
{
	const struct function *function = find_function(node->text);
	const struct definition *definition = find_definition(scope->table, node->text);

	if (function)
		return compile_function(scope, function, node, depth);
	if (definition)
		return compile_definition(scope, definition, node, depth);
	return compile_row_call(scope, node, depth);
}

/* --- all expressions ------------------------------------------------------------------------- */

static struct code compile_negation(const struct scope *scope, const struct node *node, unsigned depth)
{
	struct code x = compile_typed(scope, node->kids[0], depth, VALUE_NUMBER, "-");

	if (x.constant) {
		x.value.num = -x.value.num;
		return constant_code(VALUE_NUMBER, x.value);
	}
	scale(&x, -1);
	return x;
}

static struct code compile_not(const struct scope *scope, const struct node *node, unsigned depth)
{
	struct code x = compile_truth(scope, node->kids[0], depth, "!");

	if (x.constant)
		return truth_code(!x.value.num);
	append_op(&x, OP_NOT);
	return x;
}

static struct code compile(const struct scope *scope, const struct node *node, unsigned depth)
{
	switch (node->kind) {
	case NODE_NUMBER:
		return constant_code(VALUE_NUMBER, make_rational(scope, node->number.num, node->number.den));
	case NODE_LETTER: return constant_code(VALUE_LETTER, node->number);
	case NODE_NAME: return compile_name(scope, node, depth);
	case NODE_CALL: return compile_call(scope, node, depth);
	case NODE_LET: return compile_let(scope, node, depth);
	case NODE_IF: return compile_if(scope, node, depth);
	case NODE_NEGATE: return compile_negation(scope, node, depth);
	case NODE_NOT: return compile_not(scope, node, depth);
	default: return compile_binary(scope, node, depth);
	}
}

/* --- programs -------------------------------------------------------------------------------- */

struct program {
	uint32_t first;
	unsigned count;
};

/* Columns that compile to the same code share it: price.c runs it once. */
static uint32_t add_program(struct table *table, const struct code *code)
{
	static struct program *programs;
	static unsigned program_count;
	uint32_t first = table->program_words;

	for (unsigned i = 0; i < program_count; i++)
		if (programs[i].count == code->count &&
		    !memcmp(&table->programs[programs[i].first], code->words,
		            code->count * sizeof(*code->words)))
			return programs[i].first;
	for (unsigned i = 0; i < code->count; i++) {
		table->programs = grow(table->programs, table->program_words, sizeof(*table->programs));
		table->programs[table->program_words++] = code->words[i];
	}
	programs = grow(programs, program_count, sizeof(*programs));
	programs[program_count++] = (struct program){first, code->count};
	return first;
}

static enum knowledge what_complex_is(const struct row *row)
{
	if (!(row->types & (TYPES_S | TYPES_D)))
		return COMPLEX_IS_1;
	return row->types & (TYPES_C | TYPES_Z) ? COMPLEX_VARIES : COMPLEX_IS_0;
}

static uint32_t compile_column(struct table *table, const struct row *row, enum column column)
{
	struct scope scope = {.table = table,
	                      .origin = {.row = row, .column = column},
	                      .complex = what_complex_is(row)};
	struct code program = {0}, code;

	for (unsigned i = 0; i < row->option_count + row->dim_count; i++)
		add_name(&scope, (struct binding){.name = row->shape[i],
		                                  .where = IN_SHAPE,
		                                  .index = i,
		                                  .den = 1,
		                                  .type = i < row->option_count ? VALUE_LETTER : VALUE_NUMBER,
		                                  .not_negative = true});
	code = compile_typed(&scope, expression_parse(&scope.origin, row->text[column]), 0, VALUE_NUMBER,
	                     "the price");
	materialize(&code, 0);
	if (code.peak > PRICE_STACK_MAX)
		fail_origin(&scope.origin, "the expression needs %u places on the stack; there are %d",
		            code.peak, PRICE_STACK_MAX);
	append_word(&program, code.has_real ? PROGRAM_HAS_REAL : 0);
	append_code(&scope, &program, &code);
	if (code.den == 1)
		append_op(&program, OP_END);
	else
		append_op64(&program, OP_END_OVER, code.den);
	return add_program(table, &program);
}

/* A definition that no row uses yet must still be well-formed. */
static void check_definitions(struct table *table)
{
	for (unsigned i = 0; i < table->definition_count; i++) {
		const struct definition *definition = &table->definitions[i];
		struct scope scope = {.table = table, .origin = {.definition = definition}};

		if (find_function(definition->name))
			fail_at(definition->place, "def '%s': the name of a function", definition->name);
		for (unsigned j = 0; j < table->row_count; j++)
			if (!strcmp(table->rows[j].real_name, definition->name) ||
			    !strcmp(table->rows[j].complex_name, definition->name))
				fail_at(definition->place, "def '%s': the name of a family", definition->name);
		expression_parse(&scope.origin, definition->body);
	}
}

void prices_compile(struct table *table)
{
	check_definitions(table);
	for (unsigned i = 0; i < table->row_count; i++) {
		struct row *row = &table->rows[i];

		for (unsigned j = 0; j < COLUMN_COUNT; j++)
			row->program[j] = row->text[j] ? compile_column(table, row, (enum column)j)
			                               : PROGRAM_NONE;
	}
}

/* --- the table's version --------------------------------------------------------------------- */

static uint64_t hash_byte(uint64_t hash, unsigned char byte)
{
	return (hash ^ byte) * 0x100000001b3; /* FNV-1a */
}

/* Blanks count only where they part two words. */
static uint64_t hash_text(uint64_t hash, const char *text)
{
	char last = 0;

	for (; text && *text; text++) {
		if (isblank((unsigned char)*text))
			continue;
		if (last && isblank((unsigned char)text[-1]) && isalnum((unsigned char)last) &&
		    isalnum((unsigned char)*text))
			hash = hash_byte(hash, ' ');
		hash = hash_byte(hash, (unsigned char)*text);
		last = *text;
	}
	return hash_byte(hash, 0);
}

static uint64_t hash_row(uint64_t hash, const struct row *row)
{
	hash = hash_text(hash, row->name);
	for (unsigned i = 0; i < row->routine_count; i++)
		hash = hash_text(hash_byte(hash, row->routines[i].type), row->routines[i].name);
	for (unsigned i = 0; i < row->option_count + row->dim_count; i++)
		hash = hash_text(hash_byte(hash, i < row->option_count), row->shape[i]);
	for (unsigned i = 0; i < row->arg_count; i++)
		if (row->args[i].option)
			hash = hash_text(hash_text(hash_text(hash, row->args[i].name), row->args[i].option),
			                 row->args[i].letters);
	hash = hash_byte(hash, (unsigned char)row->kind);
	for (unsigned i = 0; i < COLUMN_COUNT; i++)
		hash = hash_text(hash, row->text[i]);
	return hash;
}

/* A sum, so that moving a row to another place or file changes nothing. Comments and sources are not in it. */
uint64_t table_hash(const struct table *table)
{
	const uint64_t basis = 0xcbf29ce484222325;
	uint64_t sum = 0;

	for (unsigned i = 0; i < table->row_count; i++)
		sum += hash_row(basis, &table->rows[i]);
	for (unsigned i = 0; i < table->definition_count; i++) {
		const struct definition *definition = &table->definitions[i];
		uint64_t hash = hash_text(basis, definition->name);

		for (unsigned j = 0; j < definition->param_count; j++)
			hash = hash_text(hash, definition->params[j]);
		sum += hash_text(hash, definition->body);
	}
	return sum;
}
