// SPDX-License-Identifier: BSD-3-Clause
/*
 * headers.c - compares the forms with the declarations in preprocessed headers.
 * It must never grow into a whole C parser: it reads function declarations and the typedefs that they use.
 */
#include "generate/generate.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DECLARATION_TOKENS_MAX = 2048, DECLARED_ARGS_MAX = 64 };

/* How a declared type is passed. CLASS_UNKNOWN agrees with nothing. */
enum type_class {
	CLASS_UNKNOWN,
	CLASS_VOID,
	CLASS_POINTER,
	CLASS_INT,
	CLASS_CHAR,
	CLASS_FLOAT,
	CLASS_DOUBLE,
	CLASS_COMPLEX8,
	CLASS_COMPLEX16
};

static const char *const class_names[] = {
	"of an unknown type", "void", "a pointer", "an integer", "a char", "a float", "a double", "a float complex",
	"a double complex"};

struct declared_function {
	const char *name;
	enum type_class result;
	enum type_class args[DECLARED_ARGS_MAX];
	unsigned arg_count;
	bool used; /* a form was compared with it */
};

struct type_name {
	const char *name;
	enum type_class class;
};

struct header {
	const char *path;
	struct declared_function *functions;
	unsigned function_count;
	struct type_name *types;
	unsigned type_count;
	bool has_lengths; /* the header declares the hidden lengths of Fortran strings as arguments */
};

/* --- tokens ---------------------------------------------------------------------------------- */

static bool word_char(char c) { return isalnum((unsigned char)c) || c == '_'; }

static const char *skip_string(const char *at)
{
	char quote = *at++;

	while (*at && *at != quote)
		at += at[0] == '\\' && at[1] ? 2 : 1;
	return *at ? at + 1 : at;
}

/* Returns the next token: a word, a string or a single character; NULL at the end. Skips lines that begin with #. */
static const char *read_token(const char **at)
{
	const char *start;

	for (;;) {
		*at += strspn(*at, " \t\r\n\f\v");
		if (**at != '#')
			break;
		*at += strcspn(*at, "\n");
	}
	start = *at;
	if (!*start)
		return NULL;
	if (*start == '"' || *start == '\'')
		*at = skip_string(start);
	else if (word_char(*start))
		while (word_char(**at))
			(*at)++;
	else
		(*at)++;
	return copy_text(start, (size_t)(*at - start));
}

static bool is(const char *token, const char *text) { return token && !strcmp(token, text); }

static bool is_one_of(const char *token, const char *const *words)
{
	for (; *words; words++)
		if (is(token, *words))
			return true;
	return false;
}

/* --- types ----------------------------------------------------------------------------------- */

static enum type_class find_type(const struct header *header, const char *name)
{
	for (unsigned i = header->type_count; i-- > 0;)
		if (!strcmp(header->types[i].name, name))
			return header->types[i].class;
	return CLASS_UNKNOWN;
}

/* Returns the class of a declared type. A parameter's name among the tokens does not matter. */
static enum type_class class_of(const struct header *header, const char **tokens, unsigned count)
{
	static const char *const integers[] = {"int", "long", "short", "unsigned", "signed", "enum", "_Bool", NULL};
	bool is_complex = false;
	enum type_class class = CLASS_UNKNOWN;

	for (unsigned i = 0; i < count; i++) {
		if (is(tokens[i], "*") || is(tokens[i], "["))
			return CLASS_POINTER;
		if (is(tokens[i], "_Complex") || is(tokens[i], "__complex__"))
			is_complex = true;
		else if (is(tokens[i], "float"))
			class = CLASS_FLOAT;
		else if (is(tokens[i], "double"))
			class = CLASS_DOUBLE;
		else if (is(tokens[i], "void"))
			class = CLASS_VOID;
		else if (is(tokens[i], "char"))
			class = CLASS_CHAR;
		else if (is_one_of(tokens[i], integers) && class != CLASS_CHAR)
			class = CLASS_INT;
		else if (class == CLASS_UNKNOWN)
			class = find_type(header, tokens[i]);
	}
	if (is_complex)
		return class == CLASS_FLOAT ? CLASS_COMPLEX8 : CLASS_COMPLEX16;
	return class;
}

static unsigned find_closing(const char **tokens, unsigned count, unsigned open)
{
	unsigned depth = 0;

	for (unsigned i = open; i < count; i++) {
		depth += is(tokens[i], "(");
		depth -= is(tokens[i], ")");
		if (!depth)
			return i;
	}
	return count;
}

/* --- declarations ---------------------------------------------------------------------------- */

static void read_typedef(struct header *header, const char **tokens, unsigned count)
{
	struct type_name type = {NULL, CLASS_UNKNOWN};

	for (unsigned i = 0; i + 1 < count; i++)
		if (is(tokens[i], "(") && is(tokens[i + 1], "*") && i + 2 < count) {
			type = (struct type_name){tokens[i + 2], CLASS_POINTER};
			break;
		}
	if (!type.name && count >= 2)
		type = (struct type_name){tokens[count - 1], class_of(header, tokens, count - 1)};
	if (!type.name)
		return;
	header->types = grow(header->types, header->type_count, sizeof(type));
	header->types[header->type_count++] = type;
}

static void read_parameters(struct header *header, struct declared_function *function, const char **tokens,
                            unsigned count)
{
	unsigned start = 0, depth = 0;

	for (unsigned i = 0; i <= count; i++) {
		if (i < count && !(is(tokens[i], ",") && !depth)) {
			depth += is(tokens[i], "(");
			depth -= is(tokens[i], ")");
			continue;
		}
		if (i > start && function->arg_count < DECLARED_ARGS_MAX)
			function->args[function->arg_count++] = class_of(header, tokens + start, i - start);
		for (unsigned j = start; j < i; j++)
			header->has_lengths |=
				is(tokens[j], "size_t") && function->name[strlen(function->name) - 1] == '_';
		start = i + 1;
	}
	if (function->arg_count == 1 && function->args[0] == CLASS_VOID)
		function->arg_count = 0;
}

static void read_function(struct header *header, const char **tokens, unsigned count)
{
	struct declared_function function = {0};
	unsigned open = 1, close;

	while (open < count && !(is(tokens[open], "(") && word_char(tokens[open - 1][0])))
		open++;
	if (open < 2 || open >= count)
		return;
	close = find_closing(tokens, count, open);
	if (close + 1 != count)
		return;
	function.name = tokens[open - 1];
	function.result = class_of(header, tokens, open - 1);
	read_parameters(header, &function, tokens + open + 1, close - open - 1);
	header->functions = grow(header->functions, header->function_count, sizeof(function));
	header->functions[header->function_count++] = function;
}

/*
 * Removes qualifiers and attributes, which do not change how a value is passed. Returns the number of tokens that
 * remain.
 */
static unsigned drop_qualifiers(const char **tokens, unsigned count)
{
	static const char *const ignored[] = {"extern",       "static",        "inline",   "__inline", "__inline__",
	                                      "_Noreturn",    "const",         "volatile", "restrict", "__restrict",
	                                      "__restrict__", "__extension__", "register", NULL};
	static const char *const with_parentheses[] = {"__attribute__", "__asm__", "asm", "__declspec", NULL};
	unsigned kept = 0;

	for (unsigned i = 0; i < count; i++) {
		if (is_one_of(tokens[i], with_parentheses) && i + 1 < count)
			i = find_closing(tokens, count, i + 1);
		else if (!is_one_of(tokens[i], ignored))
			tokens[kept++] = tokens[i];
	}
	return kept;
}

static void read_declaration(struct header *header, const char **tokens, unsigned count)
{
	count = drop_qualifiers(tokens, count);
	if (count && is(tokens[0], "typedef"))
		read_typedef(header, tokens + 1, count - 1);
	else
		read_function(header, tokens, count);
}

/* Reads all declarations. What stands in braces is skipped; braces behind a `)` are a function's body, and end it. */
static void read_declarations(struct header *header, const char *text)
{
	static const char *tokens[DECLARATION_TOKENS_MAX];
	const char *token;
	unsigned count = 0, depth = 0;
	bool body = false;

	while ((token = read_token(&text))) {
		if (is(token, "{") && !depth++)
			body = count && is(tokens[count - 1], ")");
		if (is(token, "}") && depth && !--depth && body)
			count = 0;
		if (depth || is(token, "}"))
			continue;
		if (!is(token, ";")) {
			if (count < DECLARATION_TOKENS_MAX)
				tokens[count++] = token;
			continue;
		}
		if (count < DECLARATION_TOKENS_MAX)
			read_declaration(header, tokens, count);
		count = 0;
	}
}

/* --- reading --------------------------------------------------------------------------------- */

static const char *read_text(const char *path)
{
	FILE *file = fopen(path, "r");
	char *text = NULL;
	size_t size = 0, got = 0;

	if (!file) {
		perror(path);
		exit(1);
	}
	do {
		size += 1 << 20;
		text = realloc(text, size + 1);
		if (!text)
			exit(1);
		got += fread(text + got, 1, size - got, file);
	} while (got == size);
	text[got] = 0;
	fclose(file);
	return text;
}

static int compare_functions(const void *a, const void *b)
{
	return strcmp(((const struct declared_function *)a)->name, ((const struct declared_function *)b)->name);
}

static struct header read_header(const char *path)
{
	struct header header = {.path = path};

	read_declarations(&header, read_text(path));
	if (header.function_count)
		qsort(header.functions, header.function_count, sizeof(*header.functions), compare_functions);
	return header;
}

static struct declared_function *find_function(const struct header *header, const char *name)
{
	struct declared_function key = {.name = name};

	if (!header->function_count)
		return NULL;
	return bsearch(&key, header->functions, header->function_count, sizeof(key), compare_functions);
}

/* --- comparing ------------------------------------------------------------------------------- */

static enum type_class class_of_pass(enum pass pass)
{
	switch (pass) {
	case PASS_POINTER: return CLASS_POINTER;
	case PASS_CHAR: return CLASS_CHAR;
	case PASS_FLOAT: return CLASS_FLOAT;
	case PASS_DOUBLE: return CLASS_DOUBLE;
	case PASS_COMPLEX8: return CLASS_COMPLEX8;
	case PASS_COMPLEX16: return CLASS_COMPLEX16;
	default: return CLASS_INT;
	}
}

static bool result_agrees(const struct call_form *form, enum type_class class)
{
	switch (form->form.result) {
	case RESULT_INT: return class == CLASS_INT;
	case RESULT_REAL: return class == CLASS_FLOAT || class == CLASS_DOUBLE;
	case RESULT_COMPLEX8: return class == CLASS_COMPLEX8;
	case RESULT_COMPLEX16: return class == CLASS_COMPLEX16;
	default:
		/* f2c declares subroutines as int functions, and some headers still do */
		return class == CLASS_VOID || (form->form.interface == FORM_FORTRAN && class == CLASS_INT);
	}
}

static void report(const struct header *header, const struct call_form *form, unsigned *disagreements)
{
	const struct row *row = form->row;

	fprintf(stderr, "%s:%u: row '%s': %s disagrees with %s: ", row->place.file, row->place.line, row->name,
	        symbol_name(form, SCHEME_PLAIN), header->path);
	++*disagreements;
}

static void compare_form(const struct header *header, const struct call_form *form,
                         const struct declared_function *function, unsigned *disagreements)
{
	unsigned count = form->passed_count;

	while (!header->has_lengths && count && form->passed[count - 1].pass == PASS_LENGTH)
		count--;
	if (function->arg_count != count) {
		report(header, form, disagreements);
		fprintf(stderr, "it declares %u arguments, the row makes %u\n", function->arg_count, count);
		return;
	}
	for (unsigned i = 0; i < count; i++) {
		enum type_class class = class_of_pass(form->passed[i].pass);

		if (function->args[i] == class)
			continue;
		report(header, form, disagreements);
		fprintf(stderr, "argument %u, '%s', is %s there and %s in the row\n", i + 1,
		        form->passed[i].arg ? form->passed[i].arg->name : "", class_names[function->args[i]],
		        class_names[class]);
		return;
	}
	if (!result_agrees(form, function->result)) {
		report(header, form, disagreements);
		fprintf(stderr, "it returns %s\n", class_names[function->result]);
	}
}

/* --- coverage -------------------------------------------------------------------------------- */

/* Returns whether a name matches a pattern, in which * stands for any characters and ? for one. */
static bool matches(const char *pattern, const char *name)
{
	if (*pattern == '*')
		return matches(pattern + 1, name) || (*name && matches(pattern, name + 1));
	if (!*pattern || !*name)
		return *pattern == *name;
	return (*pattern == '?' || *pattern == *name) && matches(pattern + 1, name + 1);
}

static bool is_excluded(const struct table *table, const char *name)
{
	for (unsigned i = 0; i < table->exclusion_count; i++)
		if (matches(table->exclusions[i].pattern, name))
			return true;
	return false;
}

/*
 * Returns whether a function looks like BLAS or LAPACK, by its prefix or by Fortran's underscore, and is not excluded.
 */
static bool could_be_form(const struct table *table, const char *name)
{
	size_t length = strlen(name);
	const char *bare = name;

	if (name[0] == '_')
		return false;
	if (name[length - 1] == '_')
		bare = copy_text(name, length - 1);
	else if (strncmp(name, "cblas_", 6) && strncmp(name, "LAPACKE_", 8))
		return false;
	return !is_excluded(table, bare);
}

static void report_coverage(const struct table *table, const struct header *header)
{
	for (unsigned i = 0; i < header->function_count; i++)
		if (!header->functions[i].used && could_be_form(table, header->functions[i].name))
			printf("%s: no row makes %s\n", header->path, header->functions[i].name);
}

unsigned headers_check(const struct table *table, char *const *paths, unsigned count, bool coverage)
{
	unsigned disagreements = 0;

	for (unsigned i = 0; i < count; i++) {
		struct header header = read_header(paths[i]);

		for (unsigned j = 0; j < table->form_count; j++) {
			struct declared_function *function =
				find_function(&header, symbol_name(&table->forms[j], SCHEME_PLAIN));

			if (!function)
				continue;
			function->used = true;
			compare_form(&header, &table->forms[j], function, &disagreements);
		}
		if (coverage)
			report_coverage(table, &header);
	}
	return disagreements;
}
