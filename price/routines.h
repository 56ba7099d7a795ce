/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * routines.h - the constant arrays that the generator makes of the routine table (routines/).
 * It must never hold a fact about a routine: all of them stand in the table.
 *
 * Vocabulary
 *   family   one row of the table: `gemm`, with its arguments and prices
 *   routine  a family in one type, under its canonical name: `dgemm`
 *   form     a routine in one calling interface: `dgemm_`, `cblas_dgemm`, `LAPACKE_dgesv_work`
 *   scheme   one of the SCHEME_COUNT spellings of a form's symbol: `dgemm_64_`
 *   symbol   a form in one scheme; its number is form * SCHEME_COUNT + scheme
 *   slot     the place of eight bytes on the stack where an argument lies once the entry body has saved the registers.
 *            Slots are numbered: 0 .. ENTRY_GPR_COUNT-1 are those of the integer argument registers, in order, and
 *            ENTRY_GPR_COUNT + j is that of the j-th word that the caller has passed on the stack (see slots.h)
 */
#ifndef FLOPSHIM_ROUTINES_H
#define FLOPSHIM_ROUTINES_H

#include <stdbool.h>
#include <stdint.h>

enum {
	SHAPE_DIMS_MAX = 8,    /* most dimensions (integer arguments) of a shape */
	SHAPE_OPTIONS_MAX = 8, /* most options (character and logical arguments) of a shape */
	SHAPE_ARGS_MAX = SHAPE_DIMS_MAX + SHAPE_OPTIONS_MAX,
};

enum number_type { TYPE_S = 's', TYPE_D = 'd', TYPE_C = 'c', TYPE_Z = 'z' };

enum price_kind {
	PRICE_DIRECT,    /* the price is that of the standard algorithm, in closed form */
	PRICE_ITERATIVE, /* the price is a model fitted to measurements */
	PRICE_EXEMPT,    /* the routine does no floating-point operation; the table's source column says why */
	PRICE_NONE,      /* the table has no price yet: calls are recorded as unpriced */
};

/* Spellings of a symbol: of Fortran forms on the left, of C forms (CBLAS and LAPACKE) on the right. */
enum scheme {
	SCHEME_PLAIN,      /* dgemm_           cblas_dgemm            */
	SCHEME_64_,        /* dgemm_64_        cblas_dgemm64_         */
	SCHEME_64,         /* dgemm_64         cblas_dgemm_64         */
	SCHEME_SCIPY,      /* scipy_dgemm_     scipy_cblas_dgemm      */
	SCHEME_SCIPY_64_,  /* scipy_dgemm_64_  scipy_cblas_dgemm64_   */
	SCHEME_UPPER_64,   /* DGEMM_64         (Fortran only)         */
	SCHEME_BARE,       /* dgemm            (Fortran only, on request) */
	SCHEME_BARE_UPPER, /* DGEMM            (Fortran only, on request) */
	SCHEME_COUNT
};

enum form_interface { FORM_FORTRAN, FORM_CBLAS, FORM_LAPACKE, FORM_LAPACKE_WORK };

/* How one argument of the shape is read from a call. */
enum fetch {
	FETCH_ABSENT,      /* the form has no such argument, which then counts as 0 */
	FETCH_CHAR_REF,    /* pointer to a character (Fortran option), read in upper case */
	FETCH_CHAR,        /* a character by value (LAPACKE) */
	FETCH_ENUM,        /* a CBLAS enum by value, read as the Fortran letter it stands for */
	FETCH_LOGICAL_REF, /* pointer to a Fortran LOGICAL: an option 'T' or 'F' */
	FETCH_LOGICAL,     /* a lapack_logical by value: an option 'T' or 'F' */
	FETCH_INT_REF,     /* pointer to an integer of the library's width */
	FETCH_INT,         /* an integer by value */
	/* pointer to integers, one for each group of a batch; the family's other dimension is their number */
	FETCH_INT_GROUPS,
};

/* The type of the value that a form returns. */
enum result { RESULT_VOID, RESULT_INT, RESULT_REAL, RESULT_COMPLEX8, RESULT_COMPLEX16 };

/* Values of form.info that are no slot: the form has no INFO, or returns it. */
enum { INFO_NONE = 0xff, INFO_RETURNED = 0xfe };
/* Values of shape_arg.condition, and of the programs of a family, that mean that there is none. */
enum { CONDITION_NONE = 0xffff, PROGRAM_NONE = 0xffffffff };

/* One argument of the shape of a form, an option or a dimension. */
struct shape_arg {
	uint8_t fetch;      /* enum fetch */
	uint8_t slot;       /* number of its slot, unless FETCH_ABSENT */
	uint16_t condition; /* index into conditions[]: it is read only if that holds; or CONDITION_NONE */
	int16_t offset;     /* of the slot from the entry body's frame pointer, in bytes */
};

/*
 * A condition on an option: it holds if argument `arg` of the shape has one of the values in `letters`. LAPACK
 * references some arguments under some options only, such as IL and IU of dsyevr, and C programs pass NULL for them
 * otherwise.
 */
struct condition {
	uint8_t arg;
	char letters[7];
};

/* Where the arguments of a form are, and what it returns. */
struct form {
	uint16_t routine;        /* index into routines[] */
	uint8_t interface;       /* enum form_interface */
	uint8_t stack_words;     /* number of 8-byte words of arguments that the caller passes on the stack */
	uint8_t info;            /* number of the slot of the pointer to INFO; or INFO_RETURNED, or INFO_NONE */
	uint8_t result;          /* enum result */
	uint8_t query_count;     /* number of workspace sizes: a call is a workspace query if one of them is -1 */
	uint8_t query_is_ref;    /* 1: workspace sizes are pointers (Fortran), 0: they are values */
	uint8_t query_minus_two; /* 1: -2 makes a workspace query too (geqr, gelq) */
	uint8_t info_after_work; /* 1: INFO < 0 does not mean that the routine has done nothing */
	uint8_t result_pointer;  /* 1: the last argument is the address of the result (cblas_zdotc_sub) */
	uint8_t query_slots[6];  /* numbers of the slots of the workspace sizes */
	uint8_t pointers;        /* a bit for each integer register, from slot 0 on: it holds a pointer */
	uint8_t integers;        /* the same: it holds an input integer, or a pointer to one */
	uint8_t hidden;          /* index plus 1 of the same function in hidden_forms[]; 0 if it is not there */
	uint32_t shape;          /* index into shape_args[] of the first argument of the shape; options come first */
};

struct family {
	const char *name;                /* "gemm", or "orgqr/ungqr" */
	uint8_t kind;                    /* enum price_kind */
	uint8_t option_count, dim_count; /* a shape has this many options, and then this many dimensions */
	const char *const *shape_names;  /* names of options, then of dimensions, each in the order of the arguments */
	uint32_t muls, adds, words;      /* price programs: indices into programs[], or PROGRAM_NONE */
	uint32_t blocked;                /* program for the FLOPs that the blocked algorithm adds, or PROGRAM_NONE */
	uint16_t native;                 /* number of the same price in price_native, 0 if it is not there */
};

struct routine {
	const char *name; /* canonical: "dgemm" */
	uint16_t family;  /* index into families[] */
	uint8_t type;     /* enum number_type, from the table's column of types */
};

extern const struct family families[];
extern const struct routine routines[];
extern const struct form forms[];
/*
 * A second Fortran form of each function with a complex result, by the convention of f2c and ifort: the caller passes
 * the address of the result before the first argument. Both forms have the same symbol, so that its name does not tell
 * which one a library has.
 */
extern const struct form hidden_forms[];
/* Returns whether `form` is one of hidden_forms: only there a function with a complex result has `hidden` 0. */
static inline bool form_hides_result(const struct form *form)
{
	return form->interface == FORM_FORTRAN && form->result >= RESULT_COMPLEX8 && !form->hidden;
}
extern const struct shape_arg shape_args[];
extern const struct condition conditions[];
extern const uint16_t programs[]; /* the price programs, one behind the other: see program.h */

extern const unsigned family_count, routine_count, form_count;
extern const char table_version[]; /* hash of all that a price depends on: see generate/version.c */

#endif
