/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * thunks.c - the functions that thunks stand for.
 * It must never take a thunk back: the program may keep its address for ever.
 */
#include "shim/record/thunks.h"

#include "price/routines.h"
#include "shim/dump/dump.h"
#include "shim/state/entry.h"

static struct thunk thunks[THUNK_COUNT];
static uint32_t thunk_count;

const struct thunk *thunk_at(uint32_t number) { return &thunks[number]; }

uint32_t thunk_find(uint32_t symbol, const void *real)
{
	for (uint32_t number = 0; number < thunk_count; number++)
		if (thunks[number].symbol == symbol && thunks[number].real == real)
			return number;
	return THUNK_COUNT;
}

uint32_t thunk_make(uint32_t symbol, void *real)
{
	uint32_t number = thunk_find(symbol, real);

	if (number == THUNK_COUNT && thunk_count < THUNK_COUNT) {
		number = thunk_count++;
		thunks[number] = (struct thunk){symbol, real};
	}
	if (number == THUNK_COUNT)
		dump_note(DUMP_NOTE_THUNKS_FULL, routines[forms[symbol / SCHEME_COUNT].routine].name, 1);
	return number;
}
