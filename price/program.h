/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * program.h - the instructions of the price programs: generate/ writes them, price.c runs them.
 * It must never be needed by anyone else.
 *
 * A program is a stack machine's code in 16-bit words. Every value is the numerator of a rational number
 * whose denominator the generator knows, so that the machine only ever handles integers. The first word
 * is a set of PROGRAM_ flags, the last instruction is OP_END or OP_END_OVER.
 * opcodes.def says what each one does.
 */
#ifndef FLOPSHIM_PRICE_PROGRAM_H
#define FLOPSHIM_PRICE_PROGRAM_H

enum {
	PRICE_STACK_MAX = 32, /* values; the generator refuses what needs more */
	PROGRAM_HAS_REAL = 1, /* contains OP_REAL: complex types evaluate it twice */
};

enum price_op {
#define OPCODE(NAME, ...) OP_##NAME,
#include "price/opcodes.def"
#undef OPCODE
};

#endif
