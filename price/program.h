/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * program.h - the numbers of the instructions of price programs, which generate/ writes and price.c runs.
 * It must never be included by anything else.
 *
 * A program is the code of a stack machine, in 16-bit words. Every value is the numerator of a rational number whose
 * denominator the generator knows, so that the machine handles integers only. The first word is a set of PROGRAM_
 * flags; the last instruction is OP_END or OP_END_OVER. opcodes.def says what each instruction does.
 */
#ifndef FLOPSHIM_PRICE_PROGRAM_H
#define FLOPSHIM_PRICE_PROGRAM_H

enum {
	PRICE_STACK_MAX = 32, /* values on the stack; the generator refuses a price that needs more */
	PROGRAM_HAS_REAL = 1, /* the program contains OP_REAL, and is run twice for complex types */
};

enum price_op {
#define OPCODE(NAME, ...) OP_##NAME,
#include "price/opcodes.def"
#undef OPCODE
};

#endif
