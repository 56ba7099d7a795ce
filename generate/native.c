// SPDX-License-Identifier: BSD-3-Clause
/*
 * native.c - writes the prices of families whose programs are short as C.
 * A shape that shares its row with others is priced at every call: what BLAS asks for then takes a fifth of the
 * instructions. It must never be the only form of a price: what does not fit into 64 bits is run by price.c.
 */
#include "generate/generate.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "price/program.h"

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

static void emit_step(FILE *out, const struct native *native, unsigned at)
{
	const uint16_t *operand = &native->words[at + 1];
	enum price_op op = (enum price_op)native->words[at];
	int top = native->depth[at];
	unsigned next = at + 1 + operand_words(op);

	switch (op) {
	case OP_END:
		fprintf(out, "*result = v%d > 0 ? (uint64_t)v%d : 0; return true;", top, top);
		break;
	case OP_END_OVER:
		fprintf(out, "*result = round_narrow(v%d, INT64_C(%" PRId64 ")); return true;", top, long_operand(operand));
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
		fprintf(out, "goto p%u;", next + *operand);
		break;
	case OP_JUMP_ZERO:
		fprintf(out, "if (!v%d) goto p%u;", top, next + *operand);
		break;
	}
}

static bool survey_program(const struct table *table, uint32_t first, struct native *native)
{
	*native = (struct native){.words = &table->programs[first + 1]};
	return first + 1 + LONGEST <= table->program_words && survey(native);
}

static void emit_program_as_c(FILE *out, const struct table *table, uint32_t first)
{
	struct native native;
	int deepest = 1;

	survey_program(table, first, &native);
	for (unsigned at = 0; at < native.count; at++)
		if (native.depth[at] > deepest)
			deepest = native.depth[at];
	fprintf(out, "\nstatic bool program_%" PRIu32 "(const struct price_machine *machine, uint64_t *result)\n{\n", first);
	fputs("\tint64_t v1 = 0", out);
	for (int i = 2; i <= deepest; i++)
		fprintf(out, ", v%d = 0", i);
	fputs(";\n\n\t(void)machine;\n", out);
	for (unsigned at = 0; at < native.count; at += 1 + operand_words((enum price_op)native.words[at])) {
		if (native.target[at])
			fprintf(out, "p%u:\n", at);
		fputs("\t", out);
		emit_step(out, &native, at);
		fputs("\n", out);
	}
	fputs("}\n", out);
}

/* The columns that make a price, in the order in which they are computed. */
static const enum column columns[] = {COLUMN_WORDS, COLUMN_MULS, COLUMN_ADDS};
enum { COLUMNS = sizeof(columns) / sizeof(columns[0]) };

static bool is_short(const struct table *table, const struct row *row)
{
	struct native native;

	for (unsigned i = 0; i < COLUMNS; i++)
		if (row->program[columns[i]] == PROGRAM_NONE || !survey_program(table, row->program[columns[i]], &native))
			return false;
	return true;
}

static bool same_price(const struct row *a, const struct row *b)
{
	for (unsigned i = 0; i < COLUMNS; i++)
		if (a->program[columns[i]] != b->program[columns[i]])
			return false;
	return true;
}

void number_natives(struct table *table)
{
	unsigned count = 0;

	for (unsigned i = 0; i < table->row_count; i++) {
		struct row *row = &table->rows[i];

		if (!is_short(table, row))
			continue;
		for (unsigned j = 0; j < i && !row->native; j++)
			if (table->rows[j].native && same_price(row, &table->rows[j]))
				row->native = table->rows[j].native;
		if (!row->native)
			row->native = ++count;
	}
}

static void emit_term(FILE *out, const struct table *table, const struct row *row, enum column column, const char *name)
{
	uint32_t first = row->program[column];

	if (column == COLUMN_ADDS && first == row->program[COLUMN_MULS])
		fputs("adds_are_muls(&parts)", out);
	else if (column == COLUMN_WORDS || !(table->programs[first] & PROGRAM_HAS_REAL))
		fprintf(out, "program_%" PRIu32 "(machine, &parts.%s)", first, name);
	else
		fprintf(out, "parted(program_%" PRIu32 ", machine, &parts.%s, &parts.real_%s)", first, name, name);
}

void emit_natives(FILE *out, const struct table *table)
{
	bool *done = calloc(table->program_words, sizeof(*done));
	unsigned emitted = 0;

	for (unsigned i = 0; i < table->row_count; i++)
		for (unsigned j = 0; table->rows[i].native && j < COLUMNS; j++) {
			uint32_t first = table->rows[i].program[columns[j]];

			if (!done[first])
				emit_program_as_c(out, table, first);
			done[first] = true;
		}
	free(done);
	fputs("\nbool price_native(unsigned number, struct price_machine *machine, struct price *price)\n"
	      "{\n\tstruct price parts; /* which nothing points to: arguments need not be read again */\n\n"
	      "\tparts.real_muls = parts.real_adds = 0;\n\tswitch (number) {\n", out);
	for (unsigned i = 0; i < table->row_count; i++) {
		const struct row *row = &table->rows[i];

		if (row->native != emitted + 1)
			continue;
		fprintf(out, "\tcase %u: /* %s */\n\t\tif (!(", ++emitted, row->name);
		emit_term(out, table, row, COLUMN_WORDS, "words");
		fputs(" && ", out);
		emit_term(out, table, row, COLUMN_MULS, "muls");
		fputs(" && ", out);
		emit_term(out, table, row, COLUMN_ADDS, "adds");
		fputs("))\n\t\t\treturn false;\n\t\tbreak;\n", out);
	}
	fputs("\tdefault:\n\t\treturn false;\n\t}\n\tparts_copy(&parts, price);\n\treturn true;\n}\n\n", out);
}
