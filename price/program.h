/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * program.h - the instructions of the price programs: compile.c writes them, price.c runs them.
 * It must never be needed by anyone else.
 *
 * A program is a stack machine's code in 16-bit words. Every value is the numerator of a rational number
 * whose denominator the generator knows, so that the machine only ever handles integers. The first word
 * is a set of PROGRAM_ flags, the last instruction is OP_END or OP_END_OVER.
 */
#ifndef FLOPSHIM_PRICE_PROGRAM_H
#define FLOPSHIM_PRICE_PROGRAM_H

enum {
	PRICE_STACK_MAX = 32, /* values; the generator refuses what needs more */
	PROGRAM_HAS_REAL = 1, /* contains OP_REAL: complex types evaluate it twice */
};

/* "x" is the value on top, "y x" the two on top; operands are words behind the instruction. */
enum price_op {
	OP_END,       /*            the price is x */
	OP_END_OVER,  /* w w w w    the price is x / w, rounded to nearest; w is 64 bits, low word first */
	OP_CONST,     /* w          push w */
	OP_CONST64,   /* w w w w    push a signed 64-bit number */
	OP_LOAD,      /* i          push shape argument i, or 0 if it is negative */
	OP_PICK,      /* i          push the value at position i, counted from the bottom of the stack */
	OP_SLIDE,     /* n          drop n values below x */
	OP_COMPLEX,   /*            push 1 in complex types, 0 in real ones */
	OP_DOUBLE,    /*            push 1 in types d and z, 0 in s and c */
	OP_REAL,      /*            x times the indeterminate that stands for real work */
	OP_TWICE_IF_REAL, /*        2 x in real types, x in complex ones */
	OP_ADD,       /*            y + x */
	OP_SUB,       /*            y - x */
	OP_MUL,       /*            y * x */
	OP_LOAD_MUL,  /* i          x times shape argument i */
	OP_SCALE,     /* w          x * w, w signed */
	OP_SCALE64,   /* w w w w */
	OP_POWER,     /* w          x ^ w */
	OP_MIN,       /*            the smaller of y and x */
	OP_MAX,
	OP_NOT_NEGATIVE, /*         x, or 0 if it is negative */
	OP_FLOOR,     /* w w w w    x / w, rounded down */
	OP_CEIL,      /* w w w w    x / w, rounded up */
	OP_QUOTIENT,  /*            y / x, rounded down; 0 where x <= 0 or y < 0 */
	OP_LOG2,      /*            the largest e with 2^e <= x; 0 for x < 1 */
	OP_EQ,        /*            1 if y == x, else 0 */
	OP_NE,
	OP_LT,
	OP_LE,
	OP_AND,       /*            y and x are 0 or 1 */
	OP_OR,
	OP_NOT,
	OP_JUMP,      /* n          skip n words */
	OP_JUMP_ZERO, /* n          drop x, skip n words if it was 0 */
};

#endif
