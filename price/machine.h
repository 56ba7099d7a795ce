/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * machine.h - the loop that runs a price program, for price.c to include once for each width of number.
 * It must never round or wrap: a step that does not fit in a NUMBER ends it.
 *
 * The includer defines NUMBER, and WIDTH(name) to name its functions: WIDTH(run) is made here,
 * the steps that it calls by WIDTH() must be there.
 */

/* False: a step does not fit. Else *result is the numerator of the price and *den its denominator. */
static bool WIDTH(run)(const struct price_machine *machine, const uint16_t *at, NUMBER *result, int64_t *den)
{
	NUMBER stack[PRICE_STACK_MAX + 2]; /* the first is never used */
	NUMBER *top = stack;

#define X (*top)
#define Y (top[-1])
#define PUSHED (top[1])
#define FROM_TOP(n) (top[-(n)])
#define FROM_BOTTOM(n) (stack[(n) + 1])
#define W (*at)
#define W64 read64(at)
#define TRY(done) do { if (!(done)) return false; } while (0)
#define GO(n) (at += (n))
#define DONE(x) DONE_OVER(x, 1)
#define DONE_OVER(x, w) do { *result = (x); *den = (w); return true; } while (0)
#define OPCODE(NAME, words, growth, step) \
		case OP_##NAME: \
			step; \
			top += (growth); \
			at += (words); \
			break;

	for (;;) {
		switch ((enum price_op)*at++) {
#include "price/opcodes.def"
		default:
			__builtin_unreachable(); /* the generator writes nothing else */
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
