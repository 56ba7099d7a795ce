// SPDX-License-Identifier: BSD-3-Clause
/*
 * test_stack_words.c - tests in which register or stack slot each form of the table expects each argument, and how many
 * stack words it has. A wrong number of stack words would corrupt the program's arguments.
 * It must never share code with the generator. It compares the table with three independent witnesses: how the compiler
 * reads the installed headers, how gfortran reads the reference sources (lapack-*-prototypes.txt), and what newer
 * headers declare (c-prototypes.txt).
 *
 * It is linked with the tables.c that the build generates, and needs gcc for -aux-info.
 */
#include <check.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "price/routines.h"
#include "symbols.h"
#include "run_suite.h"

enum { GPR_COUNT = 6, XMM_COUNT = 8, ARGS_MAX = 64, LINE_BYTES = 8192 };

static const char *const form_names[FORM_COUNT] = {
#define NAME(number, name) [number] = #name,
	EACH_FORM(NAME)
#undef NAME
};

/* Whether any witness declares the form. */
static bool witnessed[FORM_COUNT];

/* --- finding forms --------------------------------------------------------------------------- */

static int compare_form_numbers(const void *a, const void *b)
{
	return strcmp(form_names[*(const unsigned *)a], form_names[*(const unsigned *)b]);
}

/* The form of an undecorated symbol, or NULL if there is none. */
static const struct form *find_form(const char *symbol)
{
	static unsigned sorted[FORM_COUNT];
	char name[256];
	size_t length = strlen(symbol);
	unsigned low = 0, high = FORM_COUNT;

	if (!sorted[0] && !sorted[1]) {
		for (unsigned i = 0; i < FORM_COUNT; i++)
			sorted[i] = i;
		qsort(sorted, FORM_COUNT, sizeof(*sorted), compare_form_numbers);
	}
	snprintf(name, sizeof(name), "%s", symbol);
	if (length && length < sizeof(name) && name[length - 1] == '_')
		name[length - 1] = 0;
	else if (strncmp(symbol, "cblas_", 6) && strncmp(symbol, "LAPACKE_", 8))
		return NULL;
	while (low < high) {
		unsigned middle = (low + high) / 2;
		int order = strcmp(form_names[sorted[middle]], name);

		if (!order)
			return &forms[sorted[middle]];
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

static const struct family *family_of(const struct form *form) { return &families[routines[form->routine].family]; }

/* --- what the ABI does with a prototype ------------------------------------------------------ */

enum word_class { WORD_POINTER, WORD_CHAR, WORD_INT, XMM_ONE, XMM_TWO };

/* Where the System V ABI puts the arguments of a prototype. Slots number the integer registers, then the stack. */
struct layout {
	enum word_class classes[ARGS_MAX];
	int in_slot[2 * ARGS_MAX]; /* number of the argument in each slot, or -1 */
	unsigned arg_count, stack_words;
};

static void lay_out(struct layout *layout)
{
	unsigned gpr = 0, xmm = 0;

	layout->stack_words = 0;
	memset(layout->in_slot, -1, sizeof(layout->in_slot));
	for (unsigned i = 0; i < layout->arg_count; i++) {
		unsigned wanted = layout->classes[i] == XMM_TWO ? 2 : layout->classes[i] == XMM_ONE;

		if (wanted && xmm + wanted <= XMM_COUNT)
			xmm += wanted;
		else if (wanted)
			layout->stack_words += wanted;
		else if (gpr < GPR_COUNT)
			layout->in_slot[gpr++] = (int)i;
		else
			layout->in_slot[GPR_COUNT + layout->stack_words++] = (int)i;
	}
}

/* Whether the prototype passes in the argument's slot what the shim fetches from it. */
static bool fetch_agrees(const struct shape_arg *arg, const struct layout *layout)
{
	int number = layout->in_slot[arg->slot];

	if (arg->fetch == FETCH_ABSENT)
		return true;
	if (number < 0)
		return false;
	switch (layout->classes[number]) {
	case WORD_POINTER:
		return arg->fetch == FETCH_CHAR_REF || arg->fetch == FETCH_LOGICAL_REF || arg->fetch == FETCH_INT_REF ||
		       arg->fetch == FETCH_INT_GROUPS;
	case WORD_CHAR: return arg->fetch == FETCH_CHAR;
	default: return arg->fetch == FETCH_ENUM || arg->fetch == FETCH_LOGICAL || arg->fetch == FETCH_INT;
	}
}

static void check_form(const struct form *form, const struct layout *layout, const char *witness)
{
	const struct family *family = family_of(form);
	const char *name = form_names[form - forms];

	witnessed[form - forms] = true;
	ck_assert_msg(form->stack_words == layout->stack_words, "%s: %u stack words, but %u in %s", name,
	              form->stack_words, layout->stack_words, witness);
	for (unsigned i = 0; i < family->option_count + family->dim_count; i++)
		ck_assert_msg(fetch_agrees(&shape_args[form->shape + i], layout),
		              "%s: '%s' is not fetched as %s passes it", name, family->shape_names[i], witness);
	for (unsigned i = 0; i < form->query_count; i++) {
		int number = layout->in_slot[form->query_slots[i]];

		ck_assert_msg(number >= 0 && layout->classes[number] == (form->query_is_ref ? WORD_POINTER : WORD_INT),
		              "%s: a workspace size is not where %s passes one", name, witness);
	}
	if (form->info != INFO_NONE && form->info != INFO_RETURNED)
		ck_assert_msg(layout->in_slot[form->info] >= 0, "%s: INFO is not where %s passes a pointer", name,
		              witness);
}

/* --- the first witness: the compiler --------------------------------------------------------- */

static enum word_class class_of(const char *type)
{
	if (strchr(type, '*'))
		return WORD_POINTER;
	if (strstr(type, "_Complex") || strstr(type, "complex "))
		return strstr(type, "double") ? XMM_TWO : XMM_ONE;
	if (strstr(type, "float") || strstr(type, "double"))
		return XMM_ONE;
	if (strstr(type, "SELECT")) /* names of lapack.h for pointers to functions */
		return WORD_POINTER;
	return strstr(type, "char") ? WORD_CHAR : WORD_INT;
}

static bool result_agrees(const struct form *form, const char *type)
{
	bool is_complex = strstr(type, "omplex") != NULL;

	if (strstr(type, "void"))
		return form->result == RESULT_VOID;
	if (is_complex)
		return form->result == (strstr(type, "double") ? RESULT_COMPLEX16 : RESULT_COMPLEX8);
	if (strstr(type, "float") || strstr(type, "double"))
		return form->result == RESULT_REAL;
	/* f2c declares a subroutine as a function that returns int. */
	return form->result == RESULT_INT || (form->interface == FORM_FORTRAN && form->result == RESULT_VOID);
}

/* Adds the arguments of a list to `layout`. It overwrites the commas of the list with zero bytes. */
static void split_args(char *list, struct layout *layout, unsigned *char_pointers, bool *has_lengths)
{
	int depth = 0;
	char *start = list;

	if (!strcmp(list, "void"))
		return;
	for (char *at = list;; at++) {
		bool end = !*at;

		depth += *at == '(';
		depth -= *at == ')';
		if (!end && (*at != ',' || depth))
			continue;
		*at = 0;
		ck_assert_uint_lt(layout->arg_count, ARGS_MAX);
		*has_lengths |= strstr(start, "size_t") != NULL;
		*char_pointers += strstr(start, "char *") != NULL && !strstr(start, "**");
		layout->classes[layout->arg_count++] = class_of(start);
		if (end)
			return;
		start = at + 1;
	}
}

/* Checks a line of -aux-info, which is a comment and then `extern TYPE NAME (TYPE, ...);` */
static void check_prototype(char *line, const char *header, unsigned *count)
{
	struct layout layout = {0};
	const struct form *form;
	char *type = strstr(line, "extern "), *open, *name;
	unsigned char_pointers = 0;
	bool has_lengths = false;

	if (!type)
		return;
	open = strstr(type, " (");
	if (!open)
		return;
	*open = 0;
	name = open;
	while (name > type && name[-1] != ' ' && name[-1] != '*')
		name--;
	form = find_form(name);
	if (!form)
		return;
	open += 2;
	*strrchr(open, ')') = 0;
	split_args(open, &layout, &char_pointers, &has_lengths);
	/* f77blas.h does not declare the hidden lengths, of which there is one for each character argument. */
	for (unsigned i = 0; form->interface == FORM_FORTRAN && !has_lengths && i < char_pointers; i++)
		layout.classes[layout.arg_count++] = WORD_INT;
	lay_out(&layout);
	name[-1] = 0;
	ck_assert_msg(result_agrees(form, type + strlen("extern ")), "%s: returns another type in %s: %s", name, header,
	              type);
	check_form(form, &layout, header);
	++*count;
}

/* Checks a header, and returns how many forms it declares; 0 if it is not installed. */
static unsigned check_header(const char *header)
{
	static char line[LINE_BYTES];
	char command[512];
	unsigned count = 0;
	FILE *pipe;

	snprintf(command, sizeof(command),
	         "printf '#if __has_include(<%s>)\\n#include <%s>\\n#endif\\n' | "
	         "gcc -DLAPACK_FORTRAN_STRLEN_END -w -fsyntax-only -aux-info /dev/stdout -x c -",
	         header, header);
	pipe = popen(command, "r");
	ck_assert_ptr_nonnull(pipe);
	while (fgets(line, sizeof(line), pipe))
		check_prototype(line, header, &count);
	ck_assert_int_eq(pclose(pipe), 0);
	return count;
}

START_TEST(agrees_with_installed_headers)
{
	static const char *const others[] = {"cblas-netlib.h",
	                                     "cblas-atlas.h",
	                                     "openblas-pthread/cblas.h",
	                                     "openblas64-pthread/cblas.h",
	                                     "blis-openmp/cblas.h",
	                                     "blis-pthread/cblas.h",
	                                     "openblas-pthread/f77blas.h"};

	ck_assert_uint_ge(check_header("cblas.h"), 140);
	ck_assert_uint_ge(check_header("lapacke.h"), 2400 + 1200);
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
		check_header(others[i]);
}
END_TEST

/* --- the second witness: gfortran ------------------------------------------------------------ */

static int find_word(char *const *words, unsigned count, const char *word)
{
	for (unsigned i = 0; i < count; i++)
		if (!strcmp(words[i], word))
			return (int)i;
	return -1;
}

/* Checks the names of the arguments: in a Fortran form the n-th argument is in slot n. */
static void check_names(const struct form *form, char *const *args, unsigned count)
{
	const struct family *family = family_of(form);
	const char *name = form_names[form - forms];
	int info = find_word(args, count, "info");

	for (unsigned i = 0; i < family->option_count + family->dim_count; i++) {
		const struct shape_arg *arg = &shape_args[form->shape + i];
		int place = find_word(args, count, family->shape_names[i]);

		ck_assert_msg(arg->fetch == FETCH_ABSENT ? place < 0 : place == arg->slot,
		              "%s: '%s' is argument %d, not %u", name, family->shape_names[i], place, arg->slot);
	}
	ck_assert_msg(form->info == (info < 0 ? INFO_NONE : info), "%s: INFO is argument %d", name, info);
}

/* Checks a line of lapack-*-prototypes.txt: NAME ARGUMENTS HIDDEN_LENGTHS ARGUMENT... */
static void check_prototype_line(char *line, unsigned *count)
{
	char *words[ARGS_MAX + 3], symbol[256];
	struct layout layout = {0};
	const struct form *form;
	unsigned word_count = 0, args, lengths;

	for (char *word = strtok(line, " \n"); word; word = strtok(NULL, " \n"))
		words[word_count++] = word;
	ck_assert_uint_ge(word_count, 3);
	args = (unsigned)atoi(words[1]);
	lengths = (unsigned)atoi(words[2]);
	ck_assert_uint_eq(word_count, 3 + args);
	snprintf(symbol, sizeof(symbol), "%s_", words[0]);
	form = find_form(symbol);
	ck_assert_msg(form != NULL, "no form %s", words[0]);
	layout.arg_count = args + lengths;
	for (unsigned i = args; i < args + lengths; i++)
		layout.classes[i] = WORD_INT;
	lay_out(&layout);
	check_form(form, &layout, "the reference sources");
	check_names(form, words + 3, args);
	++*count;
}

/* Calls `check` for each line of a file that is no comment. Returns how many lines were checked. */
static unsigned check_lines(const char *path, void (*check)(char *line, unsigned *count))
{
	static char line[LINE_BYTES];
	FILE *file = fopen(path, "r");
	unsigned count = 0;

	ck_assert_msg(file != NULL, "no file %s", path);
	while (fgets(line, sizeof(line), file))
		if (line[0] != '#')
			check(line, &count);
	fclose(file);
	return count;
}

START_TEST(agrees_with_the_reference_sources)
{
	const char *path = getenv("PROTOTYPES");

	ck_assert_uint_ge(
		check_lines(path ? path : "tests/interfaces/lapack-3.11-prototypes.txt", check_prototype_line), 2100);
	if (!path)
		ck_assert_uint_ge(check_lines("tests/interfaces/lapack-3.12-prototypes.txt", check_prototype_line), 60);
}
END_TEST

/* --- the third witness: newer headers -------------------------------------------------------- */

/* The class of a word of c-prototypes.txt: `double*` and `pointer` are pointers, complex16 takes two registers. */
static enum word_class class_of_word(const char *word)
{
	static const struct {
		const char *start;
		enum word_class value;
	} classes[] = {{"pointer", WORD_POINTER}, {"char", WORD_CHAR}, {"int", WORD_INT},     {"enum", WORD_INT},
	               {"float", XMM_ONE},        {"double", XMM_ONE}, {"complex8", XMM_ONE}, {"complex16", XMM_TWO}};
	size_t length = strcspn(word, ":");

	if (length && word[length - 1] == '*')
		return WORD_POINTER;
	for (size_t i = 0; i < sizeof(classes) / sizeof(*classes); i++)
		if (strlen(classes[i].start) == length && !strncmp(word, classes[i].start, length))
			return classes[i].value;
	ck_abort_msg("no class: %s", word);
}

/* Checks a line of c-prototypes.txt: NAME RESULT CLASS:NAME ... */
static void check_c_prototype_line(char *line, unsigned *count)
{
	char *name = strtok(line, " \n"), *result = strtok(NULL, " \n");
	const struct form *form = find_form(name);
	struct layout layout = {0};

	ck_assert_msg(form != NULL, "no form %s", name);
	ck_assert_msg(result_agrees(form, result), "%s: does not return %s", name, result);
	for (char *word; (word = strtok(NULL, " \n"));)
		layout.classes[layout.arg_count++] = class_of_word(word);
	lay_out(&layout);
	check_form(form, &layout, "c-prototypes.txt");
	++*count;
}

START_TEST(agrees_with_newer_headers)
{
	ck_assert_uint_ge(check_lines("tests/interfaces/c-prototypes.txt", check_c_prototype_line), 70);
}
END_TEST

/* --- the rest -------------------------------------------------------------------------------- */

/* Forms that no witness declares. Each was checked by reading the source or the reference of its library. */
static const char *const unwitnessed[] = {
	"sgemm_batch",
	"dgemm_batch",
	"cgemm_batch",
	"zgemm_batch", /* BLIS 0.9: frame/compat/extra */
	"sgemmt",
	"dgemmt",
	"cgemmt",
	"zgemmt",
	/* MKL, by its reference manual; and forms that OpenBLAS has only in C */
	"sgemm_batch_strided",
	"dgemm_batch_strided",
	"cgemm_batch_strided",
	"zgemm_batch_strided",
	"sgemm_pack",
	"dgemm_pack",
	"sgemm_compute",
	"dgemm_compute",
	"sbgemm_batch",
	"sbgemm_batch_strided",
	"sbgemm_pack",
	"sbgemm_compute",
	"bgemm",
	"bgemv",
	"shgemm",
	"shgemv", /* OpenBLAS after 0.3.29: f77blas.h */
	"sger2",
	"dger2",
	"cger2u",
	"zger2u",
	"cger2c",
	"zger2c",          /* ATLAS 3.10 */
	"LAPACKE_ctrsyl3", /* missing from lapacke.h 3.11 */
	"cblas_sger2",
	"cblas_dger2",
	"cblas_cger2u",
	"cblas_zger2u",
	"cblas_cger2c",
	"cblas_zger2c",
};

START_TEST(every_form_has_a_witness)
{
	char unknown[LINE_BYTES] = "";
	size_t length = 0;

	for (unsigned i = 0; i < FORM_COUNT; i++) {
		bool known = witnessed[i];

		for (size_t j = 0; j < sizeof(unwitnessed) / sizeof(*unwitnessed); j++)
			known |= !strcmp(form_names[i], unwitnessed[j]);
		if (!known && length < sizeof(unknown))
			length += (size_t)snprintf(unknown + length, sizeof(unknown) - length, " %s", form_names[i]);
	}
	ck_assert_msg(!length, "neither a header nor the reference sources declare%s", unknown);
}
END_TEST

/* Stack words are those counted by hand, for one form of each kind that the System V ABI treats differently. */
START_TEST(agrees_with_the_abi_by_hand)
{
	static const struct {
		const char *symbol;
		unsigned stack_words;
	} expected[] = {
		{"ddot_", 0},            /* 5 pointers */
		{"dgemm_", 13 + 2 - 6},  /* 2 hidden lengths */
		{"cblas_dgemm", 12 - 6}, /* alpha and beta in registers */
		{"cblas_zgemm", 14 - 6}, /* alpha and beta by pointer */
		{"LAPACKE_dgesv", 8 - 6},
		{"LAPACKE_zlaset", 6 - 6},  /* alpha and beta in two registers each */
		{"LAPACKE_dlatms", 13 - 6}, /* 15 arguments, 2 of them reals in registers */
		{"dsyevr_", 21 + 3 - 6},
		{"zuncsd_", 32 + 6 - 6},
	};

	for (size_t i = 0; i < sizeof(expected) / sizeof(*expected); i++) {
		const struct form *form = find_form(expected[i].symbol);

		ck_assert_msg(form != NULL, "no %s", expected[i].symbol);
		ck_assert_msg(form->stack_words == expected[i].stack_words, "%s: %u stack words, not %u",
		              expected[i].symbol, form->stack_words, expected[i].stack_words);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("stack words");
	TCase *witnesses = tcase_create("witnesses");

	/* The last test uses what the others have recorded, so all must run in this order and in one process. */
	tcase_add_test(witnesses, agrees_with_the_abi_by_hand);
	tcase_add_test(witnesses, agrees_with_installed_headers);
	tcase_add_test(witnesses, agrees_with_the_reference_sources);
	tcase_add_test(witnesses, agrees_with_newer_headers);
	tcase_add_test(witnesses, every_form_has_a_witness);
	tcase_set_timeout(witnesses, 60);
	suite_add_tcase(suite, witnesses);
	return run_suite(suite, CK_NOFORK);
}
