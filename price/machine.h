/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * machine.h - the loop that runs a price program; price.c includes it once for 64-bit numbers and once for 128-bit
 * ones. It must never round or wrap: where the result of a step does not fit in a NUMBER, the program ends.
 *
 * The includer defines the type NUMBER, and WIDTH(name), which makes the name of a function for that width. The
 * functions that steps call, such as WIDTH(multiply), must be defined before; this file defines WIDTH(run).
 */

/*
 * Runs the program whose first instruction is at `at`. Stores the numerator of the price in *result and its denominator
 * in *den; returns false if a result on the way does not fit in a NUMBER.
 */
static bool WIDTH(run)(const struct price_machine *machine, const uint16_t *at, NUMBER *result, int64_t *den)
{
	NUMBER stack[PRICE_STACK_MAX + 2]; /* the first element stands below the bottom, and is never used */
	NUMBER *top = stack;

#define X              (*top)
#define Y              (top[-1])
#define PUSHED         (top[1])
#define FROM_TOP(n)    (top[-(n)])
#define FROM_BOTTOM(n) (stack[(n) + 1])
#define W              (*at)
#define W64            read64(at)
#define TRY(done)                     \
	do {                          \
		if (!(done))          \
			return false; \
	} while (0)
#define GO(n)   (at += (n))
#define DONE(x) DONE_OVER(x, 1)
#define DONE_OVER(x, w)        \
	do {                   \
		*result = (x); \
		*den = (w);    \
		return true;   \
	} while (0)
#define OPCODE(NAME, words, growth, step) \
	case OP_##NAME:                   \
		step;                     \
		top += (growth);          \
		at += (words);            \
		break;

	for (;;) {
		switch ((enum price_op) * at++) {
#include "price/opcodes.def"
		default: __builtin_unreachable(); /* the generator writes no other number */
		}
	}

#undef X
#undef Y
#undef PUSHED
#undef FROM_TOP
#undef FROM_BOTTOM
#undef W
#undef W64
#undef TRY
#undef GO
#undef DONE
#undef DONE_OVER
#undef OPCODE
}
