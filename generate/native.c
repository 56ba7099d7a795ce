// SPDX-License-Identifier: BSD-3-Clause
/*
 * native.c - translates short price programs into C, which takes a fifth of the instructions that price.c takes.
 * It must never be the only form of a price: where 64 bits do not suffice, price.c runs the program.
 *
 * This is for BLAS: a call whose shape counts in a coarse row is priced every time, and not only once for its row.
 */
#include "generate/generate.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "price/program.h"

enum {
	LONGEST = 40, /* words of a program that is translated. Those of all longer ones would take half a megabyte */
	VALUES_MAX = PRICE_STACK_MAX + 2
};

/* Returns how many operand words follow an instruction. */
static unsigned operand_words(enum price_op op)
{
	static const unsigned char counts[] = {
#define OPCODE(NAME, words, ...) [OP_##NAME] = words,
#include "price/opcodes.def"
#undef OPCODE
	};

	return counts[op];
}

/*
 * Returns how many values an instruction with operand W adds to the stack. opcodes.def uses the name W, which is no
 * constant, so the array cannot be static.
 */
static int growth(enum price_op op, int W)
{
	const int values[] = {
#define OPCODE(NAME, words, growth, ...) [OP_##NAME] = growth,
#include "price/opcodes.def"
#undef OPCODE
	};

	return values[op];
}

/*
 * Returns the step of an instruction as C text, in which X, Y, PUSHED, SLID, PICKED, W, W64 and TARGET are left for
 * emit_word to replace.
 */
static const char *step_text(enum price_op op)
{
#define WIDTH(name) name##_narrow
#define TRY(done)    \
	if (!(done)) \
	return false
#define GO(n)          goto TARGET
#define FROM_TOP(n)    SLID
#define FROM_BOTTOM(n) PICKED
#define DONE(x)                            \
	*result = x > 0 ? (uint64_t)x : 0; \
	return true
#define DONE_OVER(x, w)               \
	*result = round_narrow(x, w); \
	return true
#define TEXT(...)                        #__VA_ARGS__
#define TEXT_EXPANDED(...)               TEXT(__VA_ARGS__)
#define OPCODE(NAME, words, growth, ...) [OP_##NAME] = TEXT_EXPANDED(__VA_ARGS__),
	static const char *const texts[] = {
#include "price/opcodes.def"
	};

	return texts[op];
}

/* A price program, with what has to be known of each word to translate it. */
struct native {
	const uint16_t *words; /* the program without its first word, which has the flags */
	unsigned count;        /* number of words */
	int depth[LONGEST];    /* values on the stack before the instruction that begins here; -1: none begins here */
	bool target[LONGEST];  /* a jump leads here */
};

/* Fills count, depth and target. Returns false if the program is too long. */
static bool survey(struct native *native)
{
	int depth = 0;

	memset(native->depth, -1, sizeof(native->depth));
	memset(native->target, 0, sizeof(native->target));
	for (unsigned at = 0; at < LONGEST;) {
		enum price_op op = (enum price_op)native->words[at];
		unsigned operand = native->words[at + 1], next = at + 1 + operand_words(op);

		if (native->depth[at] >= 0)
			depth = native->depth[at]; /* a jump leads here: its depth holds */
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
		/* OP_END and OP_END_OVER stand only at the end of a program. */
		if (op == OP_END || op == OP_END_OVER)
			return true;
		at = next;
	}
	return false;
}

static uint64_t long_operand(const uint16_t *at)
{
	return (uint64_t)at[0] | (uint64_t)at[1] << 16 | (uint64_t)at[2] << 32 | (uint64_t)at[3] << 48;
}

/*
 * Writes one word of a step's text. In the C function the variables v1, v2 ... are the stack, from its bottom on, and
 * pN is the label of the instruction at word N.
 */
static void emit_word(FILE *out, const char *word, size_t length, const struct native *native, unsigned at)
{
	const uint16_t *operand = &native->words[at + 1];
	int top = native->depth[at];
	const struct {
		const char *name;
		int value;
	} values[] = {
		{"X", top}, {"Y", top - 1}, {"PUSHED", top + 1}, {"SLID", top - *operand}, {"PICKED", *operand + 1},
	};

	for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++)
		if (strlen(values[i].name) == length && !memcmp(word, values[i].name, length)) {
			fprintf(out, "v%d", values[i].value);
			return;
		}
	if (length == 1 && *word == 'W')
		fprintf(out, "%u", *operand);
	else if (length == 3 && !memcmp(word, "W64", length))
		fprintf(out, "(int64_t)UINT64_C(%" PRIu64 ")", long_operand(operand));
	else if (length == 6 && !memcmp(word, "TARGET", length))
		fprintf(out, "p%u", at + 1 + operand_words((enum price_op)native->words[at]) + *operand);
	else
		fwrite(word, 1, length, out);
}

static void emit_step(FILE *out, const struct native *native, unsigned at)
{
	const char *text = step_text((enum price_op)native->words[at]);

	while (*text) {
		size_t length = 0;

		while (isalnum((unsigned char)text[length]) || text[length] == '_')
			length++;
		if (length) {
			emit_word(out, text, length, native, at);
			text += length;
		} else {
			fputc(*text++, out);
		}
	}
	fputc(';', out);
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
	fprintf(out, "\nstatic bool program_%" PRIu32 "(const struct price_machine *machine, uint64_t *result)\n{\n",
	        first);
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

/* The columns that make up a price, in the order in which they are computed. */
static const enum column columns[] = {COLUMN_WORDS, COLUMN_MULS, COLUMN_ADDS};
enum { COLUMNS = sizeof(columns) / sizeof(columns[0]) };

static bool is_short(const struct table *table, const struct row *row)
{
	struct native native;

	for (unsigned i = 0; i < COLUMNS; i++)
		if (row->program[columns[i]] == PROGRAM_NONE ||
		    !survey_program(table, row->program[columns[i]], &native))
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
	      "{\n\tstruct price parts; /* local, so that the compiler need not read the shape again after a write "
	      "*/\n\n"
	      "\tparts.real_muls = parts.real_adds = 0;\n\tswitch (number) {\n",
	      out);
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
