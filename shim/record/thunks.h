/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * thunks.h - the functions that thunks stand for: stubs without a name, which dlsym hands out.
 * It must never give one thunk to two functions.
 */
#ifndef FLOPSHIM_THUNKS_H
#define FLOPSHIM_THUNKS_H

#include <stdint.h>

/* What a thunk stands for. */
struct thunk {
	uint32_t symbol;
	void *real;
};

/* A thunk by its number. Needs no lock: a thunk never changes. */
const struct thunk *thunk_at(uint32_t number);

/* The number of the thunk that stands for this function, THUNK_COUNT if there is none. With record_lock held. */
uint32_t thunk_find(uint32_t symbol, const void *real);

/*
 * The same, made if need be. If there is no room, it is THUNK_COUNT, and the dump gets a note. With record_lock held.
 */
uint32_t thunk_make(uint32_t symbol, void *real);

#endif
