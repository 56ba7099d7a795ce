/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * thunks.h - what the entries stand for that dlsym hands out, each bound to one function.
 */
#ifndef FLOPSHIM_THUNKS_H
#define FLOPSHIM_THUNKS_H

#include <stdint.h>

/* What thunk `number` stands for. */
struct thunk {
	uint32_t symbol;
	void *real;
};

/* Needs no lock: a thunk never changes. */
const struct thunk *thunk_at(uint32_t number);

/* The number of the thunk that stands for this function, THUNK_COUNT if there is none. With record_lock held. */
uint32_t thunk_find(uint32_t symbol, const void *real);

/* The same, made if need be: THUNK_COUNT, and a note of it, if there is no room. With record_lock held. */
uint32_t thunk_make(uint32_t symbol, void *real);

#endif
