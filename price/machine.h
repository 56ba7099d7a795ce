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

	for (;;) {
		switch ((enum price_op)*at++) {
		case OP_END:
			*result = *top;
			*den = 1;
			return true;
		case OP_END_OVER:
			*result = *top;
			*den = read64(at);
			return true;
		case OP_CONST:
			*++top = *at++;
			break;
		case OP_CONST64:
			*++top = read64(at);
			at += 4;
			break;
		case OP_LOAD:
			*++top = shape_value(machine, *at++);
			break;
		case OP_PICK:
			top[1] = stack[*at++ + 1];
			top++;
			break;
		case OP_SLIDE:
			top[-*at] = *top;
			top -= *at++;
			break;
		case OP_COMPLEX:
			*++top = machine->complex;
			break;
		case OP_DOUBLE:
			*++top = machine->is_double;
			break;
		case OP_REAL:
			if (!machine->real_is_one)
				*top = 0;
			break;
		case OP_TWICE_IF_REAL:
			if (!machine->complex && !WIDTH(multiply)(*top, 2, top))
				return false;
			break;
		case OP_ADD:
			top--;
			if (__builtin_add_overflow(top[0], top[1], top))
				return false;
			break;
		case OP_SUB:
			top--;
			if (__builtin_sub_overflow(top[0], top[1], top))
				return false;
			break;
		case OP_MUL:
			top--;
			if (!WIDTH(multiply)(top[0], top[1], top))
				return false;
			break;
		case OP_LOAD_MUL:
			if (!WIDTH(multiply)(*top, shape_value(machine, *at++), top))
				return false;
			break;
		case OP_SCALE:
			if (!WIDTH(multiply)(*top, (int16_t)*at++, top))
				return false;
			break;
		case OP_SCALE64:
			if (!WIDTH(multiply)(*top, read64(at), top))
				return false;
			at += 4;
			break;
		case OP_POWER:
			if (!WIDTH(power)(*top, *at++, top))
				return false;
			break;
		case OP_MIN:
			top--;
			if (top[1] < top[0])
				top[0] = top[1];
			break;
		case OP_MAX:
			top--;
			if (top[1] > top[0])
				top[0] = top[1];
			break;
		case OP_NOT_NEGATIVE:
			if (*top < 0)
				*top = 0;
			break;
		case OP_FLOOR:
			*top = WIDTH(floor_divide)(*top, read64(at));
			at += 4;
			break;
		case OP_CEIL:
			*top = WIDTH(ceil_divide)(*top, read64(at));
			at += 4;
			break;
		case OP_QUOTIENT:
			top--;
			top[0] = WIDTH(quotient)(top[0], top[1]);
			break;
		case OP_LOG2:
			*top = WIDTH(log2)(*top);
			break;
		case OP_EQ:
			top--;
			top[0] = top[0] == top[1];
			break;
		case OP_NE:
			top--;
			top[0] = top[0] != top[1];
			break;
		case OP_LT:
			top--;
			top[0] = top[0] < top[1];
			break;
		case OP_LE:
			top--;
			top[0] = top[0] <= top[1];
			break;
		case OP_AND:
			top--;
			top[0] &= top[1];
			break;
		case OP_OR:
			top--;
			top[0] |= top[1];
			break;
		case OP_NOT:
			*top = !*top;
			break;
		case OP_JUMP:
			at += 1 + *at;
			break;
		case OP_JUMP_ZERO:
			at += 1 + (*top-- ? 0 : *at);
			break;
		default:
			__builtin_unreachable(); /* the generator writes nothing else */
		}
	}
}
