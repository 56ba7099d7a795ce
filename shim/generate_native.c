// SPDX-License-Identifier: BSD-3-Clause
/*
 * generate_native.c - writes short price programs as C.
 * A shape that shares its row with others is priced at every call: what BLAS asks for then takes a third of the
 * instructions. It must never be the only form of a program: what does not fit into 64 bits is run by price.c.
 */
#include "generate.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "price_program.h"

enum { LONGEST = 40 /* words; all the longer ones would be half a megabyte */, VALUES_MAX = PRICE_STACK_MAX + 2 };

/* How many words follow an instruction. */
static unsigned operand_words(enum price_op op)
{
	switch (op) {
	case OP_END_OVER: case OP_CONST64: case OP_SCALE64: case OP_FLOOR: case OP_CEIL:
		return 4;
	case OP_CONST: case OP_LOAD: case OP_PICK: case OP_SLIDE: case OP_LOAD_MUL: case OP_SCALE: case OP_POWER:
	case OP_JUMP: case OP_JUMP_ZERO:
		return 1;
	default:
		return 0;
	}
}

/* Values that an instruction adds to the stack. */
static int growth(enum price_op op, unsigned operand)
{
	switch (op) {
	case OP_CONST: case OP_CONST64: case OP_LOAD: case OP_PICK: case OP_COMPLEX: case OP_DOUBLE:
		return 1;
	case OP_SLIDE:
		return -(int)operand;
	case OP_ADD: case OP_SUB: case OP_MUL: case OP_MIN: case OP_MAX: case OP_QUOTIENT: case OP_EQ: case OP_NE:
	case OP_LT: case OP_LE: case OP_AND: case OP_OR: case OP_JUMP_ZERO:
		return -1;
	default:
		return 0;
	}
}

struct native {
	const uint16_t *words; /* without the word of flags */
	unsigned count;        /* 0: too long */
	int depth[LONGEST];    /* of the stack before the instruction there; -1: none begins there */
	bool target[LONGEST];  /* of a jump */
};

/* Finds out where instructions begin, and how deep the stack is there. */
static bool survey(struct native *native)
{
	int depth = 0;

	memset(native->depth, -1, sizeof(native->depth));
	memset(native->target, 0, sizeof(native->target));
	for (unsigned at = 0; at < LONGEST;) {
		enum price_op op = (enum price_op)native->words[at];
		unsigned operand = native->words[at + 1], next = at + 1 + operand_words(op);

		if (native->depth[at] >= 0)
			depth = native->depth[at]; /* a jump has been here */
		native->depth[at] = depth;
		if (op == OP_JUMP || op == OP_JUMP_ZERO) {
			if (next + operand >= LONGEST)
				return false;
			native->depth[next + operand] = depth + growth(op, operand);
			native->target[next + operand] = true;
		}
		if (next > LONGEST)
			return false;
		native->count = next;
		depth += growth(op, operand);
		/* The end of the program is the last instruction, and nothing jumps past it. */
		if (op == OP_END || op == OP_END_OVER)
			return true;
		at = next;
	}
	return false;
}

static int64_t long_operand(const uint16_t *at)
{
	return (int64_t)((uint64_t)at[0] | (uint64_t)at[1] << 16 | (uint64_t)at[2] << 32 | (uint64_t)at[3] << 48);
}

static void emit_compare(FILE *out, int top, const char *operator)
{
	fprintf(out, "v%d = v%d %s v%d;", top - 1, top - 1, operator, top);
}

static void emit_step(FILE *out, const struct native *native, unsigned number, unsigned at)
{
	const uint16_t *operand = &native->words[at + 1];
	enum price_op op = (enum price_op)native->words[at];
	int top = native->depth[at];
	unsigned next = at + 1 + operand_words(op);

	switch (op) {
	case OP_END:
		fprintf(out, "*result = v%d; *den = 1; return true;", top);
		break;
	case OP_END_OVER:
		fprintf(out, "*result = v%d; *den = INT64_C(%" PRId64 "); return true;", top, long_operand(operand));
		break;
	case OP_CONST:
		fprintf(out, "v%d = %u;", top + 1, *operand);
		break;
	case OP_CONST64:
		fprintf(out, "v%d = (int64_t)UINT64_C(%" PRIu64 ");", top + 1, (uint64_t)long_operand(operand));
		break;
	case OP_LOAD:
		fprintf(out, "v%d = shape_value(machine, %u);", top + 1, *operand);
		break;
	case OP_PICK:
		fprintf(out, "v%d = v%u;", top + 1, *operand + 1u);
		break;
	case OP_SLIDE:
		fprintf(out, "v%d = v%d;", top - *operand, top);
		break;
	case OP_COMPLEX:
		fprintf(out, "v%d = machine->complex;", top + 1);
		break;
	case OP_DOUBLE:
		fprintf(out, "v%d = machine->is_double;", top + 1);
		break;
	case OP_REAL:
		fprintf(out, "if (!machine->real_is_one) v%d = 0;", top);
		break;
	case OP_TWICE_IF_REAL:
		fprintf(out, "if (!machine->complex && !multiply_narrow(v%d, 2, &v%d)) return false;", top, top);
		break;
	case OP_ADD:
	case OP_SUB:
		fprintf(out, "if (__builtin_%s_overflow(v%d, v%d, &v%d)) return false;", op == OP_ADD ? "add" : "sub",
		        top - 1, top, top - 1);
		break;
	case OP_MUL:
		fprintf(out, "if (!multiply_narrow(v%d, v%d, &v%d)) return false;", top - 1, top, top - 1);
		break;
	case OP_LOAD_MUL:
		fprintf(out, "if (!multiply_narrow(v%d, shape_value(machine, %u), &v%d)) return false;", top, *operand, top);
		break;
	case OP_SCALE:
		fprintf(out, "if (!multiply_narrow(v%d, %d, &v%d)) return false;", top, (int16_t)*operand, top);
		break;
	case OP_SCALE64:
		fprintf(out, "if (!multiply_narrow(v%d, (int64_t)UINT64_C(%" PRIu64 "), &v%d)) return false;", top,
		        (uint64_t)long_operand(operand), top);
		break;
	case OP_POWER:
		fprintf(out, "if (!power_narrow(v%d, %u, &v%d)) return false;", top, *operand, top);
		break;
	case OP_MIN:
	case OP_MAX:
		fprintf(out, "if (v%d %c v%d) v%d = v%d;", top, op == OP_MIN ? '<' : '>', top - 1, top - 1, top);
		break;
	case OP_NOT_NEGATIVE:
		fprintf(out, "if (v%d < 0) v%d = 0;", top, top);
		break;
	case OP_FLOOR:
	case OP_CEIL:
		fprintf(out, "v%d = %s_divide_narrow(v%d, INT64_C(%" PRId64 "));", top, op == OP_FLOOR ? "floor" : "ceil",
		        top, long_operand(operand));
		break;
	case OP_QUOTIENT:
		fprintf(out, "v%d = quotient_narrow(v%d, v%d);", top - 1, top - 1, top);
		break;
	case OP_LOG2:
		fprintf(out, "v%d = log2_narrow(v%d);", top, top);
		break;
	case OP_EQ:
		emit_compare(out, top, "==");
		break;
	case OP_NE:
		emit_compare(out, top, "!=");
		break;
	case OP_LT:
		emit_compare(out, top, "<");
		break;
	case OP_LE:
		emit_compare(out, top, "<=");
		break;
	case OP_AND:
		emit_compare(out, top, "&");
		break;
	case OP_OR:
		emit_compare(out, top, "|");
		break;
	case OP_NOT:
		fprintf(out, "v%d = !v%d;", top, top);
		break;
	case OP_JUMP:
		fprintf(out, "goto p%u_%u;", number, next + *operand);
		break;
	case OP_JUMP_ZERO:
		fprintf(out, "if (!v%d) goto p%u_%u;", top, number, next + *operand);
		break;
	}
}

static void emit_program_as_c(FILE *out, const struct native *native, unsigned number)
{
	int deepest = 1;

	for (unsigned at = 0; at < native->count; at++)
		if (native->depth[at] > deepest)
			deepest = native->depth[at];
	fprintf(out, "\tcase %u: {\n\t\tint64_t v1 = 0", number);
	for (int i = 2; i <= deepest; i++)
		fprintf(out, ", v%d = 0", i);
	fputs(";\n\n", out);
	for (unsigned at = 0; at < native->count; at += 1 + operand_words((enum price_op)native->words[at])) {
		if (native->target[at])
			fprintf(out, "\tp%u_%u:\n", number, at);
		fputs("\t\t", out);
		emit_step(out, native, number, at);
		fputs("\n", out);
	}
	fputs("\t}\n", out);
}

/* Gives the program at `first` a number and writes it, if it is short and has none yet. */
static void emit_native(FILE *out, const struct table *table, uint32_t first, unsigned *count)
{
	struct native native;
	uint16_t *flags;

	if (first == PROGRAM_NONE)
		return;
	flags = &table->programs[first];
	native = (struct native){.words = flags + 1};
	if (*flags >> PROGRAM_NATIVE_SHIFT || first + 1 + LONGEST > table->program_words || !survey(&native))
		return;
	*flags |= (uint16_t)(++*count << PROGRAM_NATIVE_SHIFT);
	emit_program_as_c(out, &native, *count);
}

void emit_natives(FILE *out, const struct table *table)
{
	unsigned count = 0;

	fputs("\n/* Short programs as C, by the number in their first word. */\n"
	      "bool programs_native(unsigned number, const struct price_machine *machine, int64_t *result, int64_t *den)\n"
	      "{\n\tswitch (number) {\n", out);
	for (unsigned i = 0; i < table->row_count; i++)
		for (unsigned j = 0; j < COLUMN_COUNT; j++)
			emit_native(out, table, table->rows[i].program[j], &count);
	fputs("\t}\n\treturn false;\n}\n", out);
}
