/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * dlsym.h - programs that fetch BLAS by dlsym get a thunk of ours that is bound to what they asked for.
 */
#ifndef FLOPSHIM_DLSYM_H
#define FLOPSHIM_DLSYM_H

#include <stdint.h>

/* Finds the C library's functions. Idempotent; may run before any constructor. */
void dlsym_init(void);

/* The C library's dlsym, called as the shim. May wait for the loader's lock. */
void *dlsym_call_real(void *handle, const char *name);

/* What thunk `number` stands for. */
struct thunk {
	uint32_t symbol;
	void *real;
};

const struct thunk *dlsym_thunk(uint32_t number);

#endif
