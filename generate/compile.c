// SPDX-License-Identifier: BSD-3-Clause
/*
 * compile.c - compiles the price columns into the programs that price.c runs.
 * It must never round: constants are fractions of integers, and the denominator of every value is known here.
 */
#include "generate/compile.h"

#include <string.h>

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
		fail_expression(&scope->location, "more than %d names", NAMES_MAX);
	scope->names[scope->name_count++] = binding;
}

/* Returns code that pushes `complex` or `double`: 0 or 1, by the type of the routine. */
static struct code truth_of_type(enum price_op op, unsigned depth)
{
	struct code code = {.type = VALUE_NUMBER, .den = 1, .not_negative = true, .peak = depth + 1};

	append_op(&code, op);
	return code;
}

/* Compiles `complex` or `double`. `double` may stand only where `complex` is 1, so that s and d have the same price. */
static struct code compile_type(const struct scope *scope, const char *name, unsigned depth)
{
	if (!strcmp(name, "double")) {
		if (scope->complex != COMPLEX_IS_1)
			fail_expression(&scope->location, "'double' stands outside of `complex ? ... :`: the prices of "
			                                  "s and d may not differ");
		return truth_of_type(OP_DOUBLE, depth);
	}
	if (scope->complex == COMPLEX_VARIES)
		return truth_of_type(OP_COMPLEX, depth);
	return constant_code(VALUE_NUMBER, (struct rational){scope->complex == COMPLEX_IS_1, 1});
}

static bool is_type_name(const char *name) { return !strcmp(name, "complex") || !strcmp(name, "double"); }

static struct code compile_name(const struct scope *scope, const struct node *node, unsigned depth)
{
	const struct binding *binding = find_name(scope, node->text);
	struct code code = {0};

	if (!binding && is_type_name(node->text))
		return compile_type(scope, node->text, depth);
	if (!binding)
		fail_expression(&scope->location, "unknown argument '%s'", node->text);
	if (binding->where == ABSENT)
		fail_expression(&scope->caller->location, "the price of '%s' needs its argument '%s'",
		                scope->location.row->name, node->text);
	if (binding->where == CONSTANT)
		return constant_code(binding->type, binding->constant);
	code = (struct code){
		.type = binding->type, .den = binding->den, .not_negative = binding->not_negative, .peak = depth + 1};
	append_op1(&code, binding->where == IN_SHAPE ? OP_LOAD : OP_PICK, binding->index);
	return code;
}

/*
 * Adds a name for a value to the scope. A constant or an argument of the shape needs no place on the stack; code for
 * any other value is appended to `code`, and *depth grows by 1, since the value stays on the stack.
 */
static void bind_value(struct scope *scope, const char *name, struct code value, struct code *code, unsigned *depth)
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

/*
 * Returns `names`, the code that pushes the values of names, followed by that of the expression that uses them. Its
 * last instruction removes these values, `places` in number, from below the result.
 */
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
		fail_expression(&scope->location, "let %s: the name is taken", node->text);
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
		bool both = best.not_negative && next.not_negative, one = best.not_negative || next.not_negative;

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
	bool is_floor = strcmp(node->text, "ceil") != 0; /* for floor, and for ilog2, which rounds down first */
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

/* quotient(a, b): floor(a/b), and 0 where b is not positive or a is negative. */
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
 * real(x): x FLOPs, or x words, on real numbers. In muls and adds OP_REAL marks the value, so that the program can be
 * run without this work. In words a real number is half an element of a complex routine. In `blocked`, which is in
 * FLOPs for every type, the value is x.
 */
static struct code compile_real(const struct scope *scope, const struct node *node, unsigned depth)
{
	struct scope inner = *scope;
	struct code x;

	inner.in_real = true;
	x = compile_typed(&inner, node->kids[0], depth, VALUE_NUMBER, "real");
	if (scope->in_real || scope->location.column == COLUMN_BLOCKED)
		return x;
	materialize(&x, depth);
	if (scope->location.column == COLUMN_WORDS) {
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

static struct code compile_function(const struct scope *scope, const struct function *function, const struct node *node,
                                    unsigned depth)
{
	if (node->kid_count < function->args_min || node->kid_count > function->args_max)
		fail_expression(&scope->location, "%s(): wrong number of arguments (%u)", node->text, node->kid_count);
	for (unsigned i = 0; i < node->kid_count; i++)
		if (node->arg_names[i])
			fail_expression(&scope->location, "%s(): no argument '%s'", node->text, node->arg_names[i]);
	return function->compile(scope, node, depth);
}

/* --- calls of definitions and of rows -------------------------------------------------------- */

static void fail_if_cyclic(const struct scope *scope, const void *text)
{
	for (const struct scope *at = scope; at; at = at->caller)
		if (at->location.definition == text || at->location.row == text)
			fail_expression(&scope->location, "cyclic reference: the price of '%s' needs itself",
			                at->location.definition ? at->location.definition->name
			                                        : at->location.row->name);
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
	                      .location = {.definition = definition, .column = scope->location.column},
	                      .in_real = scope->in_real,
	                      .complex = scope->complex,
	                      .caller = scope};
	struct code names = {0}, body;
	unsigned inside = depth;

	fail_if_cyclic(scope, definition);
	if (node->kid_count != definition->param_count)
		fail_expression(&scope->location, "%s() has %u arguments, not %u", node->text, definition->param_count,
		                node->kid_count);
	for (unsigned i = 0; i < node->kid_count; i++) {
		if (node->arg_names[i])
			fail_expression(&scope->location, "%s(): arguments of a def go by position", node->text);
		bind_value(&inner, definition->params[i], compile(scope, node->kids[i], inside), &names, &inside);
	}
	body = compile(&inner, expression_parse(&inner.location, definition->body), inside);
	return close_scope(scope, names, body, inside - depth, inside);
}

/*
 * Returns the row with a name. The full name of a row comes before half of one: `laqz1` is a row, and also the real or
 * complex half of another row's name.
 */
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
			fail_expression(&scope->location, "'%s' may be row '%s' or '%s'", name, found->name, row->name);
		found = row;
	}
	if (!found)
		fail_expression(&scope->location, "unknown family '%s'", name);
	return found;
}

static unsigned find_shape_arg(const struct scope *scope, const struct row *row, const struct node *node, unsigned arg)
{
	unsigned count = row->option_count + row->dim_count;

	if (!node->arg_names[arg])
		return arg;
	for (unsigned i = 0; i < count; i++)
		if (!strcmp(row->shape[i], node->arg_names[arg]))
			return i;
	fail_expression(&scope->location, "%s(): no argument '%s'", node->text, node->arg_names[arg]);
}

/* Compiles a dimension that is passed to another row. A negative one becomes 0, as it does when a call is priced. */
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
		fail_expression(&scope->location, "%s() has %u arguments, not %u", node->text, count, node->kid_count);
	for (unsigned i = 0; i < node->kid_count; i++) {
		unsigned arg = find_shape_arg(scope, row, node, i);
		struct code value;

		if (given[arg])
			fail_expression(&scope->location, "%s(): argument '%s' is given twice", node->text,
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
	                      .location = {.row = row, .column = scope->location.column},
	                      .in_real = scope->in_real,
	                      .complex = scope->in_real ? COMPLEX_IS_0 : scope->complex,
	                      .caller = scope};
	const char *text = row->text[scope->location.column];
	struct code names = {0}, body;
	unsigned inside = depth;

	fail_if_cyclic(scope, row);
	if (row->kind == PRICE_NONE)
		fail_expression(&scope->location, "%s() has no price yet", node->text);
	bind_row_args(scope, &inner, row, node, &names, &inside);
	if (!text) /* the row is exempt, or has no `blocked` */
		return constant_code(VALUE_NUMBER, (struct rational){0, 1});
	body = compile_typed(&inner, expression_parse(&inner.location, text), inside, VALUE_NUMBER, row->name);
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

struct code compile(const struct scope *scope, const struct node *node, unsigned depth)
{
	switch (node->kind) {
	case NODE_NUMBER: return constant_code(VALUE_NUMBER, make_rational(scope, node->number.num, node->number.den));
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

/* A program in the table: its first word and the number of words. */
struct program {
	uint32_t first;
	unsigned count;
};

/*
 * Returns the index of a program in the table, and appends it if it is new: if muls and adds of a row are the same
 * program, price.c runs it once.
 */
static uint32_t add_program(struct table *table, const struct code *code)
{
	static struct program *programs;
	static unsigned program_count;
	uint32_t first = table->program_words;

	for (unsigned i = 0; i < program_count; i++)
		if (programs[i].count == code->count &&
		    !memcmp(&table->programs[programs[i].first], code->words, code->count * sizeof(*code->words)))
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
	struct scope scope = {
		.table = table, .location = {.row = row, .column = column}, .complex = what_complex_is(row)};
	struct code program = {0}, code;

	for (unsigned i = 0; i < row->option_count + row->dim_count; i++)
		add_name(&scope, (struct binding){.name = row->shape[i],
		                                  .where = IN_SHAPE,
		                                  .index = i,
		                                  .den = 1,
		                                  .type = i < row->option_count ? VALUE_LETTER : VALUE_NUMBER,
		                                  .not_negative = true});
	code = compile_typed(&scope, expression_parse(&scope.location, row->text[column]), 0, VALUE_NUMBER,
	                     "the price");
	materialize(&code, 0);
	if (code.peak > PRICE_STACK_MAX)
		fail_expression(&scope.location, "the expression needs %u places on the stack; there are %d", code.peak,
		                PRICE_STACK_MAX);
	append_word(&program, code.has_real ? PROGRAM_HAS_REAL : 0);
	append_code(&scope, &program, &code);
	if (code.den == 1)
		append_op(&program, OP_END);
	else
		append_op64(&program, OP_END_OVER, code.den);
	return add_program(table, &program);
}

/* Parses all definitions, so that one which no row uses must be well-formed too. */
static void check_definitions(struct table *table)
{
	for (unsigned i = 0; i < table->definition_count; i++) {
		const struct definition *definition = &table->definitions[i];
		struct scope scope = {.table = table, .location = {.definition = definition}};

		if (find_function(definition->name))
			fail_at(definition->place, "def '%s': the name of a function", definition->name);
		for (unsigned j = 0; j < table->row_count; j++)
			if (!strcmp(table->rows[j].real_name, definition->name) ||
			    !strcmp(table->rows[j].complex_name, definition->name))
				fail_at(definition->place, "def '%s': the name of a family", definition->name);
		expression_parse(&scope.location, definition->body);
	}
}

void prices_compile(struct table *table)
{
	check_definitions(table);
	for (unsigned i = 0; i < table->row_count; i++) {
		struct row *row = &table->rows[i];

		for (unsigned j = 0; j < COLUMN_COUNT; j++)
			row->program[j] = row->text[j] ? compile_column(table, row, (enum column)j) : PROGRAM_NONE;
	}
}
