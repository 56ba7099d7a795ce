/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * routines.h - what the generator makes of the routine table (routines/), as constant arrays.
 * It must never hold a fact of its own about a routine: those stand in the table.
 *
 * Vocabulary
 *   family   one row of the table: `gemm`, with its arguments and prices
 *   routine  a family in one type, under its canonical name: `dgemm`
 *   form     a routine behind one calling interface: `dgemm_`, `cblas_dgemm`, `LAPACKE_dgesv_work`
 *   scheme   one of the SCHEME_COUNT spellings of a form's symbol: `dgemm_64_`
 *   symbol   a form in one scheme; its number is form * SCHEME_COUNT + scheme
 *   slot     where the ABI passes an argument: 0 .. GPR_COUNT-1 are integer registers,
 *            GPR_COUNT + j is the j-th 8-byte word that the caller left on the stack
 */
#ifndef FLOPSHIM_ROUTINES_H
#define FLOPSHIM_ROUTINES_H

#include <stdbool.h>
#include <stdint.h>

enum {
	SHAPE_DIMS_MAX = 8,    /* integer arguments that a row's shape may hold */
	SHAPE_OPTIONS_MAX = 8, /* character and logical arguments of it */
	SHAPE_ARGS_MAX = SHAPE_DIMS_MAX + SHAPE_OPTIONS_MAX,
};

enum number_type { TYPE_S = 's', TYPE_D = 'd', TYPE_C = 'c', TYPE_Z = 'z' };

enum price_kind {
	PRICE_DIRECT,    /* the standard algorithm, in closed form */
	PRICE_ITERATIVE, /* a model fitted to measurement */
	PRICE_EXEMPT,    /* no floating-point operation by definition; `source` says why */
	PRICE_NONE,      /* no price yet: calls are recorded as unpriced */
};

/* Spellings of a symbol. Fortran / C interface (CBLAS and LAPACKE): */
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

/* How one shape argument is read from a call. */
enum fetch {
	FETCH_ABSENT,      /* this form has no such argument: it reads as 0 */
	FETCH_CHAR_REF,    /* pointer to a character (Fortran option), read in upper case */
	FETCH_CHAR,        /* a character by value (LAPACKE) */
	FETCH_ENUM,        /* a CBLAS enum by value, read as the Fortran letter it stands for */
	FETCH_LOGICAL_REF, /* pointer to a Fortran LOGICAL: an option 'T' or 'F' */
	FETCH_LOGICAL,     /* a lapack_logical by value: an option 'T' or 'F' */
	FETCH_INT_REF,     /* pointer to an integer of the library's width */
	FETCH_INT,         /* an integer by value */
	FETCH_INT_GROUPS,  /* pointer to integers, one for each group of a batch; how many is the family's other dimension */
};

/* What a form returns; tells the `deny` action which registers to clear. */
enum result { RESULT_VOID, RESULT_INT, RESULT_REAL, RESULT_COMPLEX8, RESULT_COMPLEX16 };

enum { INFO_NONE = 0xff, INFO_RETURNED = 0xfe };
enum { CONDITION_NONE = 0xffff, PROGRAM_NONE = 0xffffffff };

struct shape_arg {
	uint8_t fetch;      /* enum fetch */
	uint8_t slot;       /* where, unless FETCH_ABSENT */
	uint16_t condition; /* index into conditions[]: read only where it holds; or CONDITION_NONE */
	int16_t offset;     /* of the slot from the entry's frame, in bytes */
};

/*
 * LAPACK references some arguments only under some options, and C programs pass NULL for the
 * others (dsyevr's IL and IU). Holds when the value of shape argument `arg`, which stands before,
 * is one of the letters in `letters`.
 */
struct condition {
	uint8_t arg;
	char letters[7];
};

struct form {
	uint16_t routine;        /* index into routines[] */
	uint8_t interface;       /* enum form_interface */
	uint8_t stack_words;     /* 8-byte words of arguments that the caller leaves on the stack */
	uint8_t info;            /* slot of the pointer to INFO, INFO_RETURNED or INFO_NONE */
	uint8_t result;          /* enum result */
	uint8_t query_count;     /* workspace sizes: a call is a query when one of them is -1 */
	uint8_t query_is_ref;    /* they are pointers (Fortran), not values */
	uint8_t query_minus_two; /* -2 is a query too (geqr, gelq) */
	uint8_t info_after_work; /* INFO < 0 does not mean that nothing was done */
	uint8_t result_pointer;  /* cblas_zdotc_sub: the result goes through a last argument */
	uint8_t query_slots[6];
	uint8_t pointers;        /* of the integer registers, which hold a pointer: a bit for each slot from 0 on */
	uint8_t integers;        /* and which an integer that is read, or a pointer to one */
	uint8_t hidden;          /* a complex result: number + 1 in hidden_forms[]; 0: none */
	uint32_t shape;          /* first of the routine's shape arguments in shape_args[], options first */
};

struct family {
	const char *name;                /* "gemm", or "orgqr/ungqr" */
	uint8_t kind;                    /* enum price_kind */
	uint8_t option_count, dim_count; /* shape: so many options, then so many dimensions */
	const char *const *shape_names;  /* their names, options first, each group in argument order */
	uint32_t muls, adds, words;      /* programs for price_eval, or PROGRAM_NONE */
	uint32_t blocked;                /* FLOPs that blocking adds, or PROGRAM_NONE */
	uint16_t native;                 /* number of its price in price_native, 0 if it is not there */
};

struct routine {
	const char *name; /* canonical: "dgemm" */
	uint16_t family;
	uint8_t type;     /* enum number_type; the lowest type that the routine takes */
};

extern const struct family families[];
extern const struct routine routines[];
extern const struct form forms[];
/*
 * The Fortran forms of functions with a complex result, as f2c, ifort and some libraries for them have it: the caller
 * passes the address of the result before the first argument. Which of the two a library has, its names do not say.
 */
extern const struct form hidden_forms[];
static inline bool form_hides_result(const struct form *form)
{
	return form->interface == FORM_FORTRAN && form->result >= RESULT_COMPLEX8 && !form->hidden;
}
extern const struct shape_arg shape_args[];
extern const struct condition conditions[];
extern const uint16_t programs[]; /* the price programs, see price.c */

extern const unsigned family_count, routine_count, form_count;
extern const char table_version[]; /* changes whenever a price can: see generate.c */

#endif
