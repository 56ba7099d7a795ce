/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * generate.h - what the parts of the generator share: the rows as read, and the forms made of them.
 * It must never be included by the shim: everything here exists at build time only.
 */
#ifndef FLOPSHIM_GENERATE_H
#define FLOPSHIM_GENERATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "price/routines.h"

enum {
	ROW_ARGS_MAX = 64,
	ROW_ROUTINES_MAX = 8,
	ROW_FORMS_MAX = 4,
	QUERY_MAX = 6, /* as query_slots in routines.h */
};

enum { TYPES_S = 1, TYPES_D = 2, TYPES_C = 4, TYPES_Z = 8, TYPES_ALL = 15 };

/* Where something stands in the table, for messages. */
struct place {
	const char *file;
	unsigned line;
};

/* An argument of a row: `il?range=I`, `rwork[c z]`. Its kind is the letter of docs/adding-a-routine.md. */
struct argument {
	const char *name;
	char kind;
	uint8_t types;         /* the types of routine that have it */
	const char *option;    /* it is read only where this option is one of `letters`; or NULL */
	const char *letters;
};

/* One entry of the C forms column: `cblas0`, `lapacke[c z](m n a lda)`. */
struct form_rule {
	enum form_interface interface; /* FORM_LAPACKE stands for both LAPACKE forms */
	bool layout;                   /* the first argument is the layout */
	bool result_pointer;           /* cblas_sub: the result is stored, not returned */
	uint8_t types;
	bool lists_args;               /* `list` is what the form has; else it follows the rule */
	bool appends_args;             /* `list` comes behind the arguments by the rule */
	struct argument list[ROW_ARGS_MAX];
	unsigned list_count;
};

/* The price columns, as written. */
enum column { COLUMN_MULS, COLUMN_ADDS, COLUMN_WORDS, COLUMN_BLOCKED, COLUMN_COUNT };

struct row {
	struct place place;
	unsigned number;
	const char *name;         /* "orgqr/ungqr" */
	const char *real_name;    /* "orgqr" */
	const char *complex_name; /* "ungqr" */
	struct {
		uint8_t type; /* enum number_type */
		const char *name;
	} routines[ROW_ROUTINES_MAX];
	unsigned routine_count;
	uint8_t types;
	char result; /* what the Fortran form returns: 'r', 'x', 'i', or 0 */
	struct argument args[ROW_ARGS_MAX];
	unsigned arg_count;
	const char *args_text;
	struct form_rule forms[ROW_FORMS_MAX];
	unsigned form_count;
	enum price_kind kind;
	const char *text[COLUMN_COUNT]; /* NULL where there is none */
	const char *source, *error, *not_modelled;
	bool info_after_work;
	const char *shape[SHAPE_ARGS_MAX]; /* options, then dimensions */
	unsigned option_count, dim_count;
	uint32_t program[COLUMN_COUNT];
	unsigned native; /* number of its price as C; 0: none */
};

struct exclusion {
	const char *pattern, *reason;
};

struct definition {
	struct place place;
	const char *name;
	const char *params[SHAPE_ARGS_MAX];
	unsigned param_count;
	const char *body;
};

/* How the ABI passes an argument. */
enum pass {
	PASS_POINTER,
	PASS_INT,  /* an integer, enum or logical by value */
	PASS_CHAR, /* a character by value */
	PASS_FLOAT,
	PASS_DOUBLE,
	PASS_COMPLEX8,
	PASS_COMPLEX16,
	PASS_LENGTH, /* hidden length of a Fortran string */
};

/* An argument of a form. */
struct passed {
	const struct argument *arg; /* NULL for the layout, a hidden length and the result's pointer */
	enum pass pass;
	int slot; /* where in the integer registers and the stack; or -1: a floating-point register */
};

/* A form with its arguments in the order of the call. */
struct call_form {
	struct form form;
	const struct row *row;
	const char *routine;
	uint8_t type; /* enum number_type */
	bool result_pointer;
	struct passed passed[2 * ROW_ARGS_MAX];
	unsigned passed_count;
	struct shape_arg shape[SHAPE_ARGS_MAX];
};

/* Everything that was read and made; filled by the parts in this order. */
struct table {
	struct row *rows;
	unsigned row_count;
	struct exclusion *exclusions;
	unsigned exclusion_count;
	struct definition *definitions;
	unsigned definition_count;

	struct call_form *forms;
	struct call_form *hidden; /* see hidden_forms of routines.h */
	unsigned form_count, hidden_count, routine_count;
	struct condition *conditions;
	unsigned condition_count;

	uint16_t *programs;
	uint32_t program_words;
};

/* text.c: memory that lives as long as the program, and messages. */
void *allocate(size_t size);
void *grow(void *array, unsigned count, size_t size); /* makes room for element `count` */
char *copy_text(const char *start, size_t length);
const char *trim(const char *text);
_Noreturn void fail_at(struct place place, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
_Noreturn void fail_row(const struct row *row, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* table.c */
uint8_t type_bit(uint8_t type);
bool type_is_complex(uint8_t type);
void table_read(struct table *table, const char *path);
void table_finish(struct table *table); /* after the last file */

/* forms.c: the C interfaces and the ABI */
void forms_make(struct table *table, unsigned gpr_count);
const char *form_name(const struct call_form *form); /* without a scheme: dgemm, cblas_dgemm */
const char *symbol_name(const struct call_form *form, enum scheme scheme); /* NULL: no such scheme */

/* compile.c: the price language */
void prices_compile(struct table *table);

/* version.c */
uint64_t table_hash(const struct table *table);

/* headers.c: comparing the forms with preprocessed headers; returns the disagreements */
unsigned headers_check(const struct table *table, char *const *paths, unsigned count, bool coverage);

/* native.c: numbers the prices whose programs are short, from 1; the same price has one number. */
void number_natives(struct table *table);
/* Writes them as a function. */
void emit_natives(FILE *out, const struct table *table);

/* emit.c */
void emit_all(const struct table *table, const char *directory);

#endif
