/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * places.h - the frames of a stack, of native code and of Python alike, and which of them are of the user's own code.
 * It must never name a place by an address or a line: an edit elsewhere would change them.
 */
#ifndef ANALYZER_PLACES_H
#define ANALYZER_PLACES_H

#include "analyzer/tables/paths.h"
#include "analyzer/tables/symbolize.h"

/* A line of a function that calls. Texts live as long as the places, their paths and their symbolizer. */
struct call_place {
	const char
		*name; /* file and function, or module and function: "src/model.py:train"; NULL if nothing is known */
	const char *function; /* NULL if it is not known */
	const char *file;     /* as paths.h names it; NULL if it is not known */
	const char *path;     /* the same file, as the debug information or Python names it */
	const char *module;   /* path of the module; NULL for Python, and for code outside of all modules */
	uint64_t offset;      /* of a frame in its module, or its address, if it has neither function nor file */
	int line;             /* valid only with `file` */
	enum path_kind kind;  /* of the file; valid only with `file` */
	bool own;             /* it may be the user's own code, and not that of a library or an interpreter */
	bool python;          /* it is a frame of Python */
};

/* What the places know of a native frame, or of a text of Python's frames: a piece of `frames`. */
struct frame_piece {
	uint32_t first, count;
	bool is_interpreter; /* the frame is one of Python's, R's or another interpreter's own */
};

/* Numbers of places, from the innermost outwards: those of a stack, or of a call site. One that is all zeros is empty. */
struct place_list {
	uint32_t *numbers;
	size_t count, capacity;
};

struct places {
	const struct aggregate *aggregate;
	struct paths *paths;
	struct symbolizer *symbolizer;
	bool *serves;         /* by module: it is a BLAS, since it has served calls */
	bool *is_program;     /* by module: it is the program of a process, and not one of its libraries */
	struct text prefixes; /* folders that interpreters are installed in, each of which ends in 0 */
	struct intern keys;   /* of the places, by what tells them apart */
	struct call_place *places;
	size_t place_capacity;
	struct place_list frames;   /* places of frames, piece by piece */
	struct intern natives;      /* native frames that were looked up (struct stack_frame) */
	struct frame_piece *pieces; /* by their numbers */
	size_t piece_capacity;
	struct intern pythons; /* texts of Python's frames that were read: their numbers in the aggregate */
	struct frame_piece *python_pieces;
	size_t python_capacity;
	struct intern texts;
};

/*
 * Opens places of an aggregate, which must outlive them, as must the paths and the symbolizer. places_close frees all that they
 * have.
 */
void places_open(struct places *places, const struct aggregate *aggregate, struct paths *paths,
                 struct symbolizer *symbolizer);
void places_close(struct places *places);

/*
 * Sets *list to all frames of a stack. Where it has frames of Python, these stand where the innermost frame of an interpreter is:
 * what is inside of that has been called by Python. A function that is inlined is a frame of its own. Of a stack with more frames than
 * any shim takes, the outermost are left out.
 */
void places_list_stack(struct places *places, uint32_t stack, struct place_list *list);

/* Sets *list to the function that a call site is in, and what it is inlined to. */
void places_list_site(struct places *places, uint32_t site, struct place_list *list);

void place_list_free(struct place_list *list);

/* The place with a number, valid until the next list is set. Equal functions and lines have equal numbers. */
static inline const struct call_place *places_at(const struct places *places, uint32_t number)
{
	return &places->places[number];
}

/*
 * The number of the innermost place of a list that is the user's own. Where there is none, that of the innermost frame of Python
 * that is not made by a program, or else of the innermost one that has a name; AGGREGATE_NONE if there is none.
 */
uint32_t places_choose(const struct places *places, const struct place_list *list);

/* How people are shown the file of a place, which must have one: relative to the root if it is below that. */
const char *places_shown_file(const struct places *places, const struct call_place *place);

/* Set *place to the place that places_choose chooses for a call site, or a stack; to one that is all zeros if there is none. */
void places_of_site(struct places *places, uint32_t site, struct call_place *place);
void places_of_stack(struct places *places, uint32_t stack, struct call_place *place);

#endif
