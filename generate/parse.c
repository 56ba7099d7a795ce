// SPDX-License-Identifier: BSD-3-Clause
/*
 * parse.c - parses the text of a price into a syntax tree.
 * It must never look up a name: compile.c does.
 */
#include "generate/expression.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *const column_names[COLUMN_COUNT] = {"muls", "adds", "words", "blocked"};

void fail_expression(const struct location *location, const char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (location->definition)
		fail_at(location->definition->place, "def '%s': %s", location->definition->name, text);
	fail_row(location->row, "%s: %s", column_names[location->column], text);
}

/* --- tokens ---------------------------------------------------------------------------------- */

enum token_kind { TOKEN_END, TOKEN_NUMBER, TOKEN_LETTER, TOKEN_NAME, TOKEN_OPERATOR };

struct token {
	enum token_kind kind;
	const char *text; /* a name or an operator */
	struct rational number;
};

struct parser {
	const char *at;
	struct token token; /* the next token; `at` is behind it */
	const struct location *location;
};

static struct rational read_number(struct parser *parser)
{
	struct rational number = {0, 1};
	bool fraction = false;

	for (; isdigit((unsigned char)*parser->at) || (*parser->at == '.' && !fraction); parser->at++) {
		if (*parser->at == '.') {
			fraction = true;
			continue;
		}
		if (number.num > INT64_MAX / 10 - 9 || number.den > UINT64_MAX / 10)
			fail_expression(parser->location, "a number with too many digits");
		number.num = 10 * number.num + (*parser->at - '0');
		if (fraction)
			number.den *= 10;
	}
	return number;
}

static void next_token(struct parser *parser)
{
	static const char *const operators[] = {"==", "!=", "<=", ">=", "&&", "||", "<", ">", "+", "-",
	                                        "*",  "/",  "^",  "(",  ")",  ",",  "?", ":", "!", "="};
	struct token *token = &parser->token;

	parser->at += strspn(parser->at, " \t");
	*token = (struct token){.kind = TOKEN_END, .text = ""};
	if (!*parser->at)
		return;
	if (isdigit((unsigned char)*parser->at)) {
		token->kind = TOKEN_NUMBER;
		token->number = read_number(parser);
	} else if (isalpha((unsigned char)*parser->at)) {
		const char *start = parser->at;

		while (isalnum((unsigned char)*parser->at) || *parser->at == '_')
			parser->at++;
		token->kind = TOKEN_NAME;
		token->text = copy_text(start, (size_t)(parser->at - start));
	} else if (*parser->at == '\'') {
		if ((!isupper((unsigned char)parser->at[1]) && !isdigit((unsigned char)parser->at[1])) ||
		    parser->at[2] != '\'')
			fail_expression(parser->location, "an option is compared with one capital letter: 'N'");
		token->kind = TOKEN_LETTER;
		token->number = (struct rational){parser->at[1], 1};
		parser->at += 3;
	} else {
		for (size_t i = 0; i < sizeof(operators) / sizeof(*operators); i++)
			if (!strncmp(parser->at, operators[i], strlen(operators[i]))) {
				token->kind = TOKEN_OPERATOR;
				token->text = operators[i];
				parser->at += strlen(operators[i]);
				return;
			}
		fail_expression(parser->location, "'%c' in an expression", *parser->at);
	}
}

static bool next_is(const struct parser *parser, const char *sign)
{
	return parser->token.kind == TOKEN_OPERATOR && !strcmp(parser->token.text, sign);
}

static bool take(struct parser *parser, const char *sign)
{
	if (!next_is(parser, sign))
		return false;
	next_token(parser);
	return true;
}

static void expect(struct parser *parser, const char *sign)
{
	if (!take(parser, sign))
		fail_expression(parser->location, "'%s' expected%s%s", sign, *parser->at ? " before " : " at the end",
		                parser->at);
}

static bool take_keyword(struct parser *parser, const char *keyword)
{
	if (parser->token.kind != TOKEN_NAME || strcmp(parser->token.text, keyword))
		return false;
	next_token(parser);
	return true;
}

/* --- the syntax tree ------------------------------------------------------------------------- */

static struct node *parse_expression(struct parser *parser);

static struct node *make_node(enum node_kind kind, const char *text)
{
	struct node *node = allocate(sizeof(*node));

	node->kind = kind;
	node->text = text;
	return node;
}

static void add_kid(struct node *node, struct node *kid) { node->kids[node->kid_count++] = kid; }

static void parse_call_args(struct parser *parser, struct node *call)
{
	if (take(parser, ")"))
		return;
	do {
		const char *before = parser->at;
		struct token first = parser->token;
		const char *name = NULL;

		if (call->kid_count == CALL_ARGS_MAX)
			fail_expression(parser->location, "%s(): more than %d arguments", call->text, CALL_ARGS_MAX);
		if (first.kind == TOKEN_NAME) {
			next_token(parser);
			if (take(parser, "=")) {
				name = first.text;
			} else {
				parser->at = before;
				parser->token = first;
			}
		}
		if (!name && call->kid_count && call->arg_names[call->kid_count - 1])
			fail_expression(parser->location, "%s(): an argument by position behind one by name",
			                call->text);
		call->arg_names[call->kid_count] = name;
		add_kid(call, parse_expression(parser));
	} while (take(parser, ","));
	expect(parser, ")");
}

static struct node *parse_primary(struct parser *parser)
{
	struct token token = parser->token;
	struct node *node;

	if (take(parser, "(")) {
		node = parse_expression(parser);
		expect(parser, ")");
		return node;
	}
	switch (token.kind) {
	case TOKEN_NUMBER:
	case TOKEN_LETTER:
		node = make_node(token.kind == TOKEN_NUMBER ? NODE_NUMBER : NODE_LETTER, NULL);
		node->number = token.number;
		next_token(parser);
		return node;
	case TOKEN_NAME:
		next_token(parser);
		node = make_node(next_is(parser, "(") ? NODE_CALL : NODE_NAME, token.text);
		if (take(parser, "("))
			parse_call_args(parser, node);
		return node;
	default:
		fail_expression(parser->location, "an expression ends too early%s%s", *token.text ? ", before " : "",
		                token.text);
	}
}

static struct node *parse_unary(struct parser *parser);

static struct node *make_binary(const char *sign, struct node *left, struct node *right)
{
	struct node *node = make_node(NODE_BINARY, sign);

	add_kid(node, left);
	add_kid(node, right);
	return node;
}

static struct node *parse_power(struct parser *parser)
{
	struct node *base = parse_primary(parser);

	return take(parser, "^") ? make_binary("^", base, parse_unary(parser)) : base;
}

static struct node *parse_unary(struct parser *parser)
{
	bool minus = next_is(parser, "-");
	struct node *node;

	if (!minus && !next_is(parser, "!"))
		return parse_power(parser);
	next_token(parser);
	node = make_node(minus ? NODE_NEGATE : NODE_NOT, NULL);
	add_kid(node, parse_unary(parser));
	return node;
}

/* Binary operators, from the lowest precedence to the highest. */
static const char *const levels[][7] = {
	{"||"}, {"&&"}, {"==", "!=", "<=", ">=", "<", ">"}, {"+", "-"}, {"*", "/"},
};

static struct node *parse_level(struct parser *parser, size_t level)
{
	struct node *left;

	if (level == sizeof(levels) / sizeof(*levels))
		return parse_unary(parser);
	left = parse_level(parser, level + 1);
	for (size_t i = 0; levels[level][i]; i++)
		if (take(parser, levels[level][i])) {
			left = make_binary(levels[level][i], left, parse_level(parser, level + 1));
			i = (size_t)-1;
		}
	return left;
}

static struct node *parse_let(struct parser *parser)
{
	struct node *let = make_node(NODE_LET, parser->token.text);

	if (parser->token.kind != TOKEN_NAME)
		fail_expression(parser->location, "a let is `let NAME = VALUE in EXPRESSION`");
	next_token(parser);
	expect(parser, "=");
	add_kid(let, parse_expression(parser));
	if (!take_keyword(parser, "in"))
		fail_expression(parser->location, "'in' expected behind `let %s = ...`", let->text);
	add_kid(let, parse_expression(parser));
	return let;
}

static struct node *parse_expression(struct parser *parser)
{
	struct node *condition, *node;

	if (take_keyword(parser, "let"))
		return parse_let(parser);
	condition = parse_level(parser, 0);
	if (!take(parser, "?"))
		return condition;
	node = make_node(NODE_IF, NULL);
	add_kid(node, condition);
	add_kid(node, parse_expression(parser));
	expect(parser, ":");
	add_kid(node, parse_expression(parser));
	return node;
}

struct node *expression_parse(const struct location *location, const char *text)
{
	struct parser parser = {.at = text, .location = location};
	struct node *node;

	next_token(&parser);
	node = parse_expression(&parser);
	if (parser.token.kind != TOKEN_END)
		fail_expression(location, "'%s' behind the end of the expression",
		                parser.token.kind == TOKEN_OPERATOR || parser.token.kind == TOKEN_NAME
		                        ? parser.token.text
		                        : "a value");
	return node;
}
