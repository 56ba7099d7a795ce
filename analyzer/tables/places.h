/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * places.h - finds the function of the user's own code that a call comes from, in native code and in Python.
 * It must never name a place by an address or a line: an edit elsewhere would change them.
 */
#ifndef ANALYZER_PLACES_H
#define ANALYZER_PLACES_H

#include "analyzer/tables/paths.h"
#include "analyzer/tables/symbolize.h"

/* A function that calls. Texts live as long as the places and their paths. */
struct call_place {
	const char *name; /* file and function, or module and function: "src/model.py:train", "lapack.so:La_solve" */
	const char *function; /* NULL if it is not known */
	const char *file;     /* as paths.h names it; NULL if it is not known */
	int line;             /* valid only with `file` */
	bool own;             /* it may be the user's own code, and not that of a library or an interpreter */
};

struct native_place {
	struct call_place place;
	bool is_interpreter; /* the frame is one of Python's, R's or another interpreter's own */
};

struct places {
	const struct aggregate *aggregate;
	struct paths *paths;
	struct symbolizer *symbolizer;
	bool *serves;                 /* by module: it is a BLAS, since it has served calls */
	bool *is_program;             /* by module: it is the program of a process, and not one of its libraries */
	struct intern frames;         /* native frames that were looked up (struct stack_frame) */
	struct native_place *natives; /* by their numbers */
	size_t native_capacity;
	struct intern texts;
};

/* Opens places of an aggregate, which must outlive them, as must the paths. places_close frees all that they have. */
void places_open(struct places *places, const struct aggregate *aggregate, struct paths *paths);
void places_close(struct places *places);

/* The function that a call site is in, which may be one of a library. */
void places_of_site(struct places *places, uint32_t site, struct call_place *place);

/* The innermost function of a stack that is the user's own; where there is none, the innermost one that has a name. */
void places_of_stack(struct places *places, uint32_t number, struct call_place *place);

#endif
