/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * generate.h - what the parts of the generator share: the rows of the table, and the forms that are made of them.
 * It must never be included outside of generate/: everything here exists at build time only.
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
	QUERY_MAX = 6, /* workspace sizes of a form; the length of query_slots in routines.h */
};

enum { TYPES_S = 1, TYPES_D = 2, TYPES_C = 4, TYPES_Z = 8, TYPES_ALL = 15 };

/* A line of the table, for messages. */
struct place {
	const char *file;
	unsigned line;
};

/* An argument of a row, such as `il?range=I` or `rwork[c z]`. */
struct argument {
	const char *name;
	char kind;          /* a letter of the table of kinds in docs/adding-a-routine.md */
	uint8_t types;      /* the types of routine that have it: TYPES_ bits */
	const char *option; /* it is read only if this option is one of `letters`; NULL: it is always read */
	const char *letters;
};

/* One entry of the C forms column: `cblas0`, `lapacke[c z](m n a lda)`. */
struct form_rule {
	enum form_interface interface; /* FORM_LAPACKE stands for both LAPACKE forms */
	bool layout;                   /* the first argument is the matrix layout */
	bool result_pointer;           /* cblas_sub: the result is stored through the last argument, not returned */
	uint8_t types;                 /* the types of routine that have the form: TYPES_ bits */
	bool lists_args;               /* the entry has a list of arguments; without one the form follows the rule */
	bool appends_args;             /* the list is appended to the arguments by the rule; else it replaces them */
	struct argument list[ROW_ARGS_MAX];
	unsigned list_count;
};

/* The columns of a row that are expressions. */
enum column { COLUMN_MULS, COLUMN_ADDS, COLUMN_WORDS, COLUMN_BLOCKED, COLUMN_COUNT };

/* A row of the table, that is a family of routines. */
struct row {
	struct place place;
	unsigned number;          /* index into the rows of struct table */
	const char *name;         /* "orgqr/ungqr" */
	const char *real_name;    /* "orgqr" */
	const char *complex_name; /* "ungqr" */
	struct {
		uint8_t type; /* enum number_type */
		const char *name;
	} routines[ROW_ROUTINES_MAX];
	unsigned routine_count;
	uint8_t types; /* of its routines: TYPES_ bits */
	char result;   /* what the Fortran form returns: 'r', 'x', 'i', or 0 for a subroutine */
	struct argument args[ROW_ARGS_MAX];
	unsigned arg_count;
	const char *args_text;
	struct form_rule forms[ROW_FORMS_MAX];
	unsigned form_count;
	enum price_kind kind;
	const char *text[COLUMN_COUNT]; /* NULL where the column has no expression */
	const char *source, *error, *not_modelled;
	bool info_after_work;
	const char *shape[SHAPE_ARGS_MAX]; /* names of its options, then of its dimensions */
	unsigned option_count, dim_count;
	uint32_t program[COLUMN_COUNT]; /* index of the column's program in table.programs, or PROGRAM_NONE */
	unsigned native;                /* number of its price in price_native, 0 if it is not there */
};

/* One name of an `exclude` line: a pattern of symbols that are never interposed. */
struct exclusion {
	const char *pattern, *reason;
};

/* A `def` line: an expression that several rows share. */
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
	const struct argument *arg; /* NULL for a hidden length and for the address of the result */
	enum pass pass;
	int slot; /* number of its slot (see routines.h); -1 for a floating-point argument, which is never read */
};

/* A form with its arguments in the order of the call. */
struct call_form {
	struct form form;
	const struct row *row;
	const char *routine;
	uint8_t type;        /* enum number_type */
	bool result_pointer; /* as in struct form_rule */
	struct passed passed[2 * ROW_ARGS_MAX];
	unsigned passed_count;
	struct shape_arg shape[SHAPE_ARGS_MAX];
};

/* The whole table, and what is made of it. Each part of the generator fills the next members. */
struct table {
	struct row *rows;
	unsigned row_count;
	struct exclusion *exclusions;
	unsigned exclusion_count;
	struct definition *definitions;
	unsigned definition_count;

	struct call_form *forms;
	struct call_form *hidden; /* for hidden_forms of routines.h */
	unsigned form_count, hidden_count, routine_count;
	struct condition *conditions;
	unsigned condition_count;

	uint16_t *programs;
	uint32_t program_words;
};

/* text.c. Memory is never freed, and its lack ends the generator. */
void *allocate(size_t size); /* cleared */
/*
 * Returns the array with room for element `count`, of `size` bytes; `count` must be 0 at first, and grow by 1 each
 * time.
 */
void *grow(void *array, unsigned count, size_t size);
/* Returns a terminated copy of `length` bytes. */
char *copy_text(const char *start, size_t length);
/* Returns a copy without blanks at either end. */
const char *trim(const char *text);
/* Print a message with file and line, and the row's name, and end the generator with status 1. */
_Noreturn void fail_at(struct place place, const char *format, ...) __attribute__((format(printf, 2, 3)));
_Noreturn void fail_row(const struct row *row, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* table.c. Anything malformed ends the generator with a message. */
uint8_t type_bit(uint8_t type); /* the TYPES_ bit of a type's letter, 0 if it is none */
bool type_is_complex(uint8_t type);
/* Reads one file: its kind lines, exclusions and definitions. */
void table_read(struct table *table, const char *path);
/* Makes the rows; to be called after the last file, since a row needs the kind lines of all files. */
void table_finish(struct table *table);

/* forms.c */
/* Makes the forms of all routines, for an ABI with `gpr_count` integer argument registers. */
void forms_make(struct table *table, unsigned gpr_count);
/* Returns the name of a form without a scheme: dgemm, cblas_dgemm. */
const char *form_name(const struct call_form *form);
/* Returns the symbol of a form in a scheme: dgemm_64_; NULL if such forms do not have the scheme. */
const char *symbol_name(const struct call_form *form, enum scheme scheme);

/* compile.c: compiles the price columns of all rows. An error in one ends the generator. */
void prices_compile(struct table *table);

/* version.c: returns a hash that changes whenever a price may change. */
uint64_t table_hash(const struct table *table);

/*
 * headers.c: compares the forms with the declarations in preprocessed headers. Prints each disagreement and returns
 * their number. `coverage`: also prints each declared function that looks like BLAS or LAPACK and that no row makes.
 */
unsigned headers_check(const struct table *table, char *const *paths, unsigned count, bool coverage);

/* native.c: numbers the prices whose programs are short, from 1 on; rows with the same price get the same number. */
void number_natives(struct table *table);
/* Writes the function price_native of price/narrow.h, which computes those prices. */
void emit_natives(FILE *out, const struct table *table);

/* emit.c: writes all generated files to `directory`. */
void emit_all(const struct table *table, const char *directory);

#endif
