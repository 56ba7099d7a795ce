// SPDX-License-Identifier: BSD-3-Clause
/*
 * test_generate.c - tests what the generator refuses, its messages, and what it makes of a small table.
 * It must never read the project's own table. It runs the generator that the environment's GENERATE names, or
 * build/generate/generate.
 */
#include <check.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "run_suite.h"

static char directory[] = "/tmp/test_generate.XXXXXX";

static void path_of(char *path, size_t size, const char *name) { snprintf(path, size, "%s/%s", directory, name); }

static void write_file(const char *name, const char *text)
{
	char path[256];
	FILE *file;

	path_of(path, sizeof(path), name);
	file = fopen(path, "w");
	ck_assert_ptr_nonnull(file);
	fputs(text, file);
	fclose(file);
}

static const char *read_file(const char *name)
{
	static char text[1 << 20];
	char path[256];
	FILE *file;

	path_of(path, sizeof(path), name);
	file = fopen(path, "r");
	ck_assert_msg(file != NULL, "%s is missing", path);
	text[fread(text, 1, sizeof(text) - 1, file)] = 0;
	fclose(file);
	return text;
}

/* Runs the generator in the test's directory. Returns its exit status, and leaves its messages in `errors`. */
static int generate(const char *arguments)
{
	const char *generator = getenv("GENERATE");
	char command[1024], absolute[512];
	int status;

	ck_assert_ptr_nonnull(realpath(generator ? generator : "build/generate/generate", absolute));
	snprintf(command, sizeof(command), "cd %s && %s %s >output 2>errors", directory, absolute, arguments);
	status = system(command);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int generate_table(const char *text)
{
	write_file("t.tbl", text);
	return generate("--gpr 6 t.tbl -o .");
}

/* The kinds that the tables of this test use. They are seven lines, so that the first row has line 8. */
#define KINDS "kind o side uplo\nkind b upper\nkind d m n k\nkind i ld*\nkind x alpha\nkind q lwork\nkind n info\n"

struct refusal {
	const char *text, *message;
};

static void check_refusal(const struct refusal *refusal)
{
	char table[8192];

	snprintf(table, sizeof(table), KINDS "%s\n", refusal->text);
	ck_assert_msg(generate_table(table) == 1, "accepted: %s", refusal->text);
	ck_assert_msg(strstr(read_file("errors"), refusal->message) != NULL, "for: %s\nwanted: %s\ngot: %s",
	              refusal->text, refusal->message, read_file("errors"));
}

static const struct refusal malformed_rows[] = {
	{"f | d | m n | none | direct | m | n | m", "t.tbl:8: row 'f': no source"},
	{"f | d | m n | none | direct | m | n", "t.tbl:8: row 'f': 7 columns"},
	{"\n\nf", "t.tbl:10: row 'f': 1 columns"},
	{"2f | d | m | none | none | ? | ? | ?", "malformed family name"},
	{"f/ | d / z | m | none | none | ? | ? | ?", "malformed family name"},
	{"f | | m | none | none | ? | ? | ?", "row 'f': no types"},
	{"f | d q | m | none | none | ? | ? | ?", "row 'f': 'q' is no type"},
	{"f | d:d: | m | none | none | ? | ? | ?", "row 'f': 'd:d:' in the types"},
	{"f | d=9 | m | none | none | ? | ? | ?", "row 'f': '9' is no routine name"},
	{"f | d / z | m | none | none | ? | ? | ?", "row 'f': '/' in the types"},
	{"f/g | d z | m | none | none | ? | ? | ?", "row 'f/g': two family names"},
	{"f | d | m | fblas | none | ? | ? | ?", "row 'f': no C form 'fblas'"},
	{"f | d | m | | none | ? | ? | ?", "row 'f': the C forms column is empty"},
	{"f | d | m | lapacke(m | none | ? | ? | ?", "row 'f': unclosed list"},
	{"f | d | m | cblas[q] | none | ? | ? | ?", "row 'f': 'q' in a list of types"},
	{"f | d | m | none | priced | ? | ? | ?", "row 'f': 'priced' is no kind"},
	{"f | d | m | none | none | m | ? | ?", "row 'f': kind none, and a price"},
	{"f | d | m | none | exempt | m | 0 | 0 | why", "row 'f': kind exempt, and a price"},
	{"f | d | m | none | exempt | 0 | 0 | 0", "row 'f': no source"},
	{"f | d | m | none | direct | m | ? | m | s", "row 'f': a priced row with an empty price"},
	{"f | d | m | none | direct | m | m | m | s | because", "row 'f': 'because' behind the source"},
	{"f | d | m | none | direct | m | m | m | s | info: odd", "row 'f': 'info: odd'"},
	{"kind y a b", "t.tbl:8: a kind line is"},
	{"exclude a b", "t.tbl:8: an exclude line is"},
};

static const struct refusal malformed_arguments[] = {
	{"f | d | m:y | none | none | ? | ? | ?", "row 'f': argument 'm': no kind 'y'"},
	{"f | d | m n m | none | none | ? | ? | ?", "row 'f': argument 'm' stands twice"},
	{"f | d z | m[d] n m[dz] | none | none | ? | ? | ?", "row 'f': argument 'm' stands twice"},
	{"f | d | m, n | none | none | ? | ? | ?", "row 'f': malformed argument 'm'"},
	{"f | d | m [d] | none | none | ? | ? | ?", "row 'f': malformed arguments"},
	{"f | d | -> y m | none | none | ? | ? | ?", "row 'f': a function's type"},
	{"f | d | m?side=L | none | none | ? | ? | ?", "row 'f': argument 'm': 'side' is no option"},
	{"f | d | side m?side | none | none | ? | ? | ?", "row 'f': argument 'm': a condition is"},
	{"f | d | side m?side=l | none | none | ? | ? | ?", "row 'f': argument 'm': a condition names"},
	{"f | d | side m?side=ABCDEFG | none | none | ? | ? | ?", "row 'f': argument 'm': a condition names"},
	{"f | d | side lda?side=L | none | none | ? | ? | ?", "row 'f': argument 'lda' has a condition"},
	{"f | d | m n k a:d b:d c:d d:d e:d f:d | none | none | ? | ? | ?", "row 'f': more than 8 dimensions"},
	{"f | d | upper side uplo a:o b:o c:o d:b e:b f:o | none | none | ? | ? | ?", "row 'f': more than 8 options"},
	{"f | d | a:q b:q c:q d:q e:q f:q g:q | none | none | ? | ? | ?", "row 'f': more than 6 workspace sizes"},
};

static const struct refusal duplicates[] = {
	{"f | d | m | none | none | ? | ? | ?\nf | z | m | none | none | ? | ? | ?",
         "t.tbl:9: row 'f': family 'f' is also in t.tbl:8"},
	{"f | d | m | none | none | ? | ? | ?\ng | d=df | m | none | none | ? | ? | ?",
         "t.tbl:9: row 'g': routine 'df' is also in t.tbl:8"},
	{"f | d d | m | none | none | ? | ? | ?", "row 'f': routine 'df' is also in"},
	{"f | d | m | none | none | ? | ? | ?\nf_64 | d | m | none | none | ? | ? | ?", "is also made by row"},
	{"def a(x) = x\ndef a(y) = y", "t.tbl:9: def 'a': defined twice"},
	{"def f(x) = x\nf | d | m | none | none | ? | ? | ?", "t.tbl:8: def 'f': the name of a family"},
	{"def quotient(a, b) = a\nf | d | m | none | none | ? | ? | ?",
         "t.tbl:8: def 'quotient': the name of a function"},
	{"def min(x) = x\nf | d | m | none | none | ? | ? | ?", "t.tbl:8: def 'min': the name of a function"},
};

#define PRICE(expression) "f | d | side m n | none | direct | " expression " | 1 | 1 | s"
#define PRICED(message)   "t.tbl:8: row 'f': muls: " message

static const struct refusal malformed_expressions[] = {
	{PRICE("m*(n+1"), PRICED("')' expected at the end")},
	{PRICE("m n"), PRICED("'n' behind the end")},
	{PRICE("m 2"), PRICED("'a value' behind the end")},
	{PRICE("m +"), PRICED("an expression ends too early")},
	{PRICE("* m"), PRICED("an expression ends too early, before *")},
	{PRICE("m # n"), "row 'f': 6 columns"},
	{PRICE("m $ n"), PRICED("'$' in an expression")},
	{PRICE("side == '+' ? m : n"), PRICED("an option is compared with one capital letter")},
	{PRICE("side == 'l' ? m : n"), PRICED("an option is compared with one capital letter")},
	{PRICE("side == 'LR' ? m : n"), PRICED("an option is compared with one capital letter")},
	{PRICE("side == 'L' ? m"), PRICED("':' expected at the end")},
	{PRICE("let = m in m"), PRICED("a let is")},
	{PRICE("let a = m"), PRICED("'in' expected behind `let a = ...`")},
	{PRICE("let m = n in m"), PRICED("let m: the name is taken")},
	{PRICE("let a = n in let a = m in a"), PRICED("let a: the name is taken")},
	{PRICE("let complex = n in m"), PRICED("let complex: the name is taken")},
	{PRICE("let double = n in m"), PRICED("let double: the name is taken")},
	{PRICE("99999999999999999999"), PRICED("a number with too many digits")},
	{PRICE("m == n == 1 ? 1 : 2"), PRICED("a condition is compared with a number")},
};

#define NEST2(x) "n*(m+n*(m+" x "))"
#define NEST8(x) NEST2(NEST2(NEST2(NEST2(x))))

static const struct refusal meaningless_expressions[] = {
	{PRICE("m*q"), PRICED("unknown argument 'q'")},
	{PRICE("a"), PRICED("unknown argument 'a'")},
	{PRICE("m/n"), PRICED("the divisor is not a constant")},
	{PRICE("m/(2-2)"), PRICED("division by 0")},
	{PRICE("m^n"), PRICED("an exponent must be one of 0 to 9")},
	{PRICE("m^10"), PRICED("an exponent must be one of 0 to 9")},
	{PRICE("m^0.5"), PRICED("an exponent must be one of 0 to 9")},
	{PRICE("m^(-1)"), PRICED("an exponent must be one of 0 to 9")},
	{PRICE("side"), PRICED("the price: a number expected, not a letter")},
	{PRICE("side*m"), PRICED("*: a number expected, not a letter")},
	{PRICE("(side == 'L')*m"), PRICED("*: a number expected, not a condition")},
	{PRICE("m == 'L' ? 1 : 2"), PRICED("a number is compared with a letter")},
	{PRICE("side < 'L' ? 1 : 2"), PRICED("'<' compares numbers")},
	{PRICE("side ? 1 : 2"), PRICED("?:: a condition expected, not a letter")},
	{PRICE("m == 1 ? side : 2"), PRICED("?: gives a letter or a number")},
	{PRICE("side && m > 1 ? 1 : 2"), PRICED("&&: a condition expected, not a letter")},
	{PRICE("-side"), PRICED("-: a number expected, not a letter")},
	{PRICE("min(m)"), PRICED("min(): wrong number of arguments (1)")},
	{PRICE("floor(m, n)"), PRICED("floor(): wrong number of arguments (2)")},
	{PRICE("floor(x=m)"), PRICED("floor(): no argument 'x'")},
	{PRICE("quotient(m)"), PRICED("quotient(): wrong number of arguments (1)")},
	{PRICE("quotient(m, side)"), PRICED("quotient: a number expected, not a letter")},
	{PRICE("real(side)"), PRICED("real: a number expected, not a letter")},
	{PRICE("9000000000000000000*9000000000000000000"), PRICED("a constant that does not fit")},
	{PRICE("m/9000000000000000000/9000000000000000000"), PRICED("a denominator that does not fit")},
	{PRICE(NEST8(NEST8("m"))), PRICED("the expression needs 33 places on the stack; there are 32")},
};

/* `double` may stand only where the type is complex. This is the message if it stands elsewhere. */
#define DOUBLE_FAILS                "'double' stands outside of `complex ? ... :`"
#define IN_TYPES(types, expression) "f | " types " | m n | none | direct | " expression " | m | m | s"

static const struct refusal wrong_doubles[] = {
	{IN_TYPES("s d c z", "double ? m : n"), "t.tbl:8: row 'f': muls: " DOUBLE_FAILS},
	{IN_TYPES("d", "m + double"), DOUBLE_FAILS},
	{IN_TYPES("s d c z", "complex ? m : double*n"), DOUBLE_FAILS},
	{IN_TYPES("s d c z", "!complex ? double*n : m"), DOUBLE_FAILS},
	{IN_TYPES("s d c z", "complex || m > n ? double*n : m"), DOUBLE_FAILS},
	{IN_TYPES("s d c z", "complex && m > n ? m : double*n"), DOUBLE_FAILS},
	{IN_TYPES("s d c z", "(complex ? m : n)*double"), DOUBLE_FAILS},
	{IN_TYPES("s d c z", "complex*double*m"), DOUBLE_FAILS},
	{"def d(x) = double*x\n" IN_TYPES("s d c z", "d(m)"), "t.tbl:8: def 'd': " DOUBLE_FAILS},
	{"g | c z | m | none | direct | double*m | m | m | s\n" IN_TYPES("s d c z", "g(m)"),
         "t.tbl:8: row 'g': muls: " DOUBLE_FAILS},
	{"g | c z | m | none | direct | double*m | m | m | s\n" IN_TYPES("c z", "real(g(m))"), DOUBLE_FAILS},
	{"f | s d c z | m n | none | direct | m | m | m + double | s", "row 'f': words: " DOUBLE_FAILS},
	{"f | s d c z | m n | none | direct | m | m | m | s | blocked: double", "row 'f': blocked: " DOUBLE_FAILS},
};

#define CALLED \
	"g | d | uplo m k | none | direct | uplo == 'U' ? m*k : k | m | m | s\nu | d | m | none | none | ? | ? | ?\n"
#define CALL(expression)    CALLED "f | d | side m n | none | direct | " expression " | 1 | 1 | s"
#define CALL_FAILS(message) "t.tbl:10: row 'f': muls: " message

static const struct refusal wrong_calls[] = {
	{CALL("h(m, n)"), CALL_FAILS("unknown family 'h'")},
	{CALL("u(m)"), CALL_FAILS("u() has no price yet")},
	{CALL("g(side, m)"), CALL_FAILS("g() has 3 arguments, not 2")},
	{CALL("g()"), CALL_FAILS("g() has 3 arguments, not 0")},
	{CALL("g(side, m, n, 1)"), CALL_FAILS("g() has 3 arguments, not 4")},
	{CALL("g(side, m, j=n)"), CALL_FAILS("g(): no argument 'j'")},
	{CALL("g(side, m, m=n)"), CALL_FAILS("g(): argument 'm' is given twice")},
	{CALL("g(m=m, n)"), CALL_FAILS("g(): an argument by position behind one by name")},
	{CALL("g(m=m, k=n)"), CALL_FAILS("the price of 'g' needs its argument 'uplo'")},
	{CALL("g(uplo='U', m=m)"), CALL_FAILS("the price of 'g' needs its argument 'k'")},
	{CALL("g(m, m, n)"), CALL_FAILS("uplo: a letter expected, not a number")},
	{CALL("g('U', side, n)"), CALL_FAILS("m: a number expected, not a letter")},
	{CALL("f(side, m, n)"), "row 'f': muls: cyclic reference: the price of 'f' needs itself"},
	{"def d(x, y) = x*y\n" PRICE("d(m)"), "row 'f': muls: d() has 2 arguments, not 1"},
	{"def d(x, y) = x*y\n" PRICE("d(m, y=n)"), "row 'f': muls: d(): arguments of a def go by position"},
	{"def d(x) = x*m\n" PRICE("d(m)"), "t.tbl:8: def 'd': unknown argument 'm'"},
	{"def d(x) = x*\n" PRICE("m"), "t.tbl:8: def 'd': an expression ends too early"},
	{"def d(x) = d(x)\n" PRICE("d(m)"), "t.tbl:8: def 'd': cyclic reference: the price of 'd' needs itself"},
	{"def d(x) = f('L', x, x)\n" PRICE("d(m)"), "t.tbl:8: def 'd': cyclic reference"},
	{"def d() = 1", "t.tbl:8: def 'd': malformed parameters"},
	{"def d = 1", "t.tbl:8: a definition is"},
	{"def d(x) 1", "t.tbl:8: def 'd': '=' expected"},
	{"a | d | m | none | direct | b(m) | m | m | s\nb | d | m | none | direct | c(m) | m | m | s\n"
         "c | d | m | none | direct | a(m) | m | m | s",
         "row 'c': muls: cyclic reference: the price of 'a' needs itself"},
	{"a/b | d / z | m | none | direct | m | m | m | s\nc/a | d / z=zc | m | none | direct | m | m | m | s\n"
         "f | d | m | none | direct | a(m) | m | m | s",
         "row 'f': muls: 'a' may be row 'a/b' or 'c/a'"},
	{"f | d | m | none | direct | m | m | m | s | blocked: q", "row 'f': blocked: unknown argument 'q'"},
	{"f | d | m | none | direct | m | q | m | s", "row 'f': adds: unknown argument 'q'"},
	{"f | d | m | none | direct | m | m | q | s", "row 'f': words: unknown argument 'q'"},
};

#define CHECK_REFUSALS(refusals)                                          \
	for (size_t i = 0; i < sizeof(refusals) / sizeof(*refusals); i++) \
	check_refusal(&refusals[i])

START_TEST(refuses_malformed_rows) { CHECK_REFUSALS(malformed_rows); }
END_TEST

START_TEST(refuses_malformed_arguments) { CHECK_REFUSALS(malformed_arguments); }
END_TEST

START_TEST(refuses_duplicates) { CHECK_REFUSALS(duplicates); }
END_TEST

START_TEST(refuses_malformed_expressions) { CHECK_REFUSALS(malformed_expressions); }
END_TEST

START_TEST(refuses_meaningless_expressions) { CHECK_REFUSALS(meaningless_expressions); }
END_TEST

START_TEST(refuses_prices_that_differ_in_s_and_d) { CHECK_REFUSALS(wrong_doubles); }
END_TEST

START_TEST(refuses_wrong_calls) { CHECK_REFUSALS(wrong_calls); }
END_TEST

START_TEST(refuses_an_indented_first_line)
{
	ck_assert_int_eq(generate_table(" f | d | m | none | none | ? | ? | ?\n"), 1);
	ck_assert_ptr_nonnull(strstr(read_file("errors"), "t.tbl:1: an indented line, and no row above it"));
}
END_TEST

START_TEST(says_how_it_is_used)
{
	ck_assert_int_eq(generate(""), 2);
	ck_assert_int_eq(generate("t.tbl -o ."), 2);
	ck_assert_int_eq(generate("--gpr six t.tbl -o ."), 2);
	ck_assert_int_eq(generate("--gpr 6 t.tbl --wrong -o ."), 2);
	ck_assert_ptr_nonnull(strstr(read_file("errors"), "usage: generate"));
	ck_assert_int_eq(generate("--gpr 6 missing.tbl -o ."), 1);
}
END_TEST

/* --- what the generator makes ---------------------------------------------------------------- */

#define GOOD                                                                                                     \
	KINDS                                                                                                    \
	"exclude other thing* | not ours\n"                                                                      \
	"def twice(x) = 2*x # a comment\n"                                                                       \
	"f | d z | side m n a lda x:r alpha info | cblas lapacke[z] | direct | twice(m)*n | \" | m | a source\n" \
	"g/h | s / c | -> x n work[c] | none | none | ? | ? | ?\n"

START_TEST(a_symbol_for_each_scheme)
{
	static const char *const symbols[] = {
		"STUB(df_, 0)\n",
		"STUB(df_64_, 1)\n",
		"STUB(df_64, 2)\n",
		"STUB(scipy_df_, 3)\n",
		"STUB(scipy_df_64_, 4)\n",
		"STUB(DF_64, 5)\n",
		"STUB(df, 6)\n",
		"STUB(DF, 7)\n",
		"STUB(cblas_df, 8)\n",
		"STUB(cblas_df64_, 9)\n",
		"STUB(cblas_df_64, 10)\n",
		"STUB(scipy_cblas_df, 11)\n",
		"STUB(scipy_cblas_df64_, 12)\n",
		"HOLE(13)\nHOLE(14)\nHOLE(15)\n",
		"STUB(zf_, 16)\n",
		"STUB(cblas_zf, 24)\n",
		"STUB(LAPACKE_zf, 32)\n",
		"STUB(LAPACKE_zf64_, 33)\n",
		"STUB(LAPACKE_zf_work, 40)\n",
		"STUB(scipy_LAPACKE_zf_work64_, 44)\n",
		"STUB(sg_, 48)\n",
		"STUB(ch_, 56)\n",
	};
	const char *stubs;

	ck_assert_int_eq(generate_table(GOOD), 0);
	ck_assert_str_eq(read_file("errors"), "");
	stubs = read_file("stubs.inc");
	for (size_t i = 0; i < sizeof(symbols) / sizeof(*symbols); i++)
		ck_assert_msg(strstr(stubs, symbols[i]) != NULL, "no %s", symbols[i]);
	ck_assert_ptr_null(strstr(stubs, "LAPACKE_df"));
	ck_assert_ptr_nonnull(strstr(read_file("symbols.h"), "#define SYMBOL_COUNT 64\n"));
	ck_assert_ptr_nonnull(strstr(read_file("symbols.h"), "X(\"thing*\", \"not ours\")"));
}
END_TEST

START_TEST(formulas_are_as_written)
{
	ck_assert_int_eq(generate_table(GOOD), 0);
	ck_assert_ptr_nonnull(
		strstr(read_file("formulas.c"),
	               "{\"f\", \"side m n a lda x:r alpha info\", \"twice(m)*n\", \"twice(m)*n\", \"m\", \"\", "
	               "\"a source\", \"\", \"\"}"));
	ck_assert_ptr_nonnull(strstr(read_file("formulas.c"), "{\"twice\", \"x\", \"2*x\"}"));
}
END_TEST

static void read_version(char version[17])
{
	const char *at = strstr(read_file("tables.c"), "table_version[] = \"");

	ck_assert_ptr_nonnull(at);
	memcpy(version, at + strlen("table_version[] = \""), 16);
	version[16] = 0;
}

static bool version_differs(const char *a, const char *b)
{
	char first[17], second[17];

	ck_assert_int_eq(generate_table(a), 0);
	read_version(first);
	ck_assert_int_eq(generate_table(b), 0);
	read_version(second);
	return strcmp(first, second) != 0;
}

#define ROW(args, price, source) "f | d | " args " | none | direct | " price " | \" | m | " source "\n"
#define ROW2                     "g | d | m | none | direct | m | m | m | s\n"

START_TEST(the_version_changes_with_prices_only)
{
	const char *table = KINDS ROW("m n", "m*n", "a");

	ck_assert(!version_differs(table, KINDS "# comment\n" ROW("m n", "m * n", "another")));
	ck_assert(!version_differs(KINDS ROW("m n", "m*n", "a") ROW2, KINDS ROW2 ROW("m n", "m*n", "a")));
	ck_assert(!version_differs(table, KINDS ROW("m n lda", "m*n", "a"))); /* lda is not part of the shape */
	ck_assert(version_differs(table, KINDS ROW("m n", "m*m", "a")));
	ck_assert(version_differs(table, KINDS ROW("n m", "m*n", "a")));
	ck_assert(version_differs(table, KINDS ROW("side m n", "m*n", "a")));
	ck_assert(version_differs(KINDS ROW("side m n", "m*n", "a"), KINDS ROW("side m n?side=L", "m*n", "a")));
	ck_assert(version_differs(table, KINDS ROW("m n", "m*n", "a") ROW2));
	ck_assert(version_differs(KINDS "def d(x) = 2*x\n" ROW("m n", "d(m)", "a"),
	                          KINDS "def d(x) = 3*x\n" ROW("m n", "d(m)", "a")));
}
END_TEST

/* Rows may use kinds and definitions of files that are given later. */
START_TEST(the_order_of_files_does_not_matter)
{
	write_file("rows.tbl", ROW("m n", "d(m)", "a"));
	write_file("kinds.tbl", KINDS "def d(x) = 2*x\n");
	ck_assert_int_eq(generate("--gpr 6 rows.tbl kinds.tbl -o ."), 0);
	ck_assert_int_eq(generate("--gpr 6 kinds.tbl rows.tbl -o ."), 0);
}
END_TEST

/* --- headers --------------------------------------------------------------------------------- */

static int generate_with_header(const char *header)
{
	write_file("t.tbl", GOOD);
	write_file("h.i", header);
	return generate("--gpr 6 t.tbl -o . --headers h.i --coverage");
}

static const char right_header[] =
	"typedef int blasint; typedef struct { int x; } other; typedef unsigned long size_t;\n"
	"enum SIDE { Left, Right }; typedef enum SIDE SIDE;\n"
	"static inline int body(int a) { if (a) { return 1; } return 2; }\n"
	"extern void df_(const char *, const blasint *m, int n[], double *, int *, double *, double *, int *, size_t)\n"
	"  __attribute__ ((__nothrow__ , __leaf__));\n"
	"void cblas_df(const enum SIDE layout, SIDE s, blasint, const blasint n, double *a, int lda, double x, const "
	"double alpha, int *);\n"
	"void cblas_zf(int layout, int s, int, int n, void *a, int lda, double x, const void *alpha, int *);\n"
	"int LAPACKE_zf(int layout, char side, int m, int n, double _Complex *a, int lda, double x, double _Complex "
	"alpha);\n"
	"float sg_(int *n);\n"
	"void thing_one_(int *); void something_(void); int strlen(const char *);\n";

START_TEST(agrees_with_a_right_header)
{
	ck_assert_msg(generate_with_header(right_header) == 0, "%s", read_file("errors"));
	ck_assert_str_eq(read_file("errors"), "");
	ck_assert_str_eq(read_file("output"), "h.i: no row makes something_\n");
}
END_TEST

static const struct refusal wrong_headers[] = {
	{"void df_(char *, int *, int *, double *, int *, double *, double *, int *);\nvoid x_(size_t);",
         "t.tbl:10: row 'f': df_ disagrees with h.i: it declares 8 arguments, the row makes 9"},
	{"void cblas_df(int, int, int, int, double *, int, double, double);",
         "row 'f': cblas_df disagrees with h.i: it declares 8 arguments, the row makes 9"},
	{"void cblas_df(int, int, int, int *, double *, int, double, double, int *);",
         "argument 4, 'n', is a pointer there"},
	{"void cblas_df(int, int, int, int, double *, int, float, double, int *);",
         "argument 7, 'x', is a float there"},
	{"void cblas_df(int, int, int, int, double *, int, double, double *, int *);",
         "argument 8, 'alpha', is a pointer there"},
	{"int LAPACKE_zf(int, int, int, int, double *, int, double, double _Complex);",
         "argument 2, 'side', is an integer there"},
	{"int LAPACKE_zf(int, char, int, int, double *, int, double, float _Complex);",
         "argument 8, 'alpha', is a float complex"},
	{"void LAPACKE_zf(int, char, int, int, double *, int, double, double _Complex);",
         "LAPACKE_zf disagrees with h.i: it returns void"},
	{"void sg_(int *);", "row 'g/h': sg_ disagrees with h.i: it returns void"},
	{"void df_(mystery, int *, int *, double *, int *, double *, double *, int *);", "is of an unknown type there"},
};

START_TEST(refuses_wrong_headers)
{
	for (size_t i = 0; i < sizeof(wrong_headers) / sizeof(*wrong_headers); i++) {
		ck_assert_msg(generate_with_header(wrong_headers[i].text) == 1, "accepted: %s", wrong_headers[i].text);
		ck_assert_msg(strstr(read_file("errors"), wrong_headers[i].message) != NULL, "for: %s\ngot: %s",
		              wrong_headers[i].text, read_file("errors"));
	}
}
END_TEST

/* A header that declares no hidden length at all agrees with the table. */
START_TEST(hidden_lengths_may_be_left_out)
{
	ck_assert_int_eq(
		generate_with_header("void df_(char *, int *, int *, double *, int *, double *, double *, int *);\n"),
		0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("generate");
	TCase *refusals = tcase_create("refusals"), *outputs = tcase_create("outputs"),
	      *headers = tcase_create("headers");
	char command[64];
	int status;

	if (!mkdtemp(directory)) {
		perror(directory);
		return EXIT_FAILURE;
	}
	tcase_add_test(refusals, refuses_malformed_rows);
	tcase_add_test(refusals, refuses_malformed_arguments);
	tcase_add_test(refusals, refuses_duplicates);
	tcase_add_test(refusals, refuses_malformed_expressions);
	tcase_add_test(refusals, refuses_meaningless_expressions);
	tcase_add_test(refusals, refuses_prices_that_differ_in_s_and_d);
	tcase_add_test(refusals, refuses_wrong_calls);
	tcase_add_test(refusals, refuses_an_indented_first_line);
	tcase_add_test(refusals, says_how_it_is_used);
	tcase_add_test(outputs, a_symbol_for_each_scheme);
	tcase_add_test(outputs, formulas_are_as_written);
	tcase_add_test(outputs, the_version_changes_with_prices_only);
	tcase_add_test(outputs, the_order_of_files_does_not_matter);
	tcase_add_test(headers, agrees_with_a_right_header);
	tcase_add_test(headers, refuses_wrong_headers);
	tcase_add_test(headers, hidden_lengths_may_be_left_out);
	suite_add_tcase(suite, refusals);
	suite_add_tcase(suite, outputs);
	suite_add_tcase(suite, headers);
	tcase_set_timeout(refusals, 60);
	status = run_suite(suite, CK_FORK);
	snprintf(command, sizeof(command), "rm -rf %s", directory);
	if (system(command))
		fprintf(stderr, "%s is left behind\n", directory);
	return status;
}
