/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * dlsym.h - programs that fetch BLAS by dlsym get a thunk of ours that is bound to what they asked for.
 */
#ifndef FLOPSHIM_DLSYM_H
#define FLOPSHIM_DLSYM_H

#include <pthread.h>
#include <stdint.h>

/* Finds the C library's functions. Idempotent; may run before any constructor. */
void dlsym_init(void);

/* The C library's dlsym, called as the shim. May wait for the loader's lock. */
void *dlsym_call_real(void *handle, const char *name);

/* The C library's dlopen, called as the shim. Only from the constructor: it waits for the loader's lock. */
void *dlsym_call_real_dlopen(const char *path, int flags);

/* The C library's pthread_create, after dlsym_init. */
extern int (*pthread_create_real)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *)
	__attribute__((visibility("hidden")));

/* What thunk `number` stands for. */
struct thunk {
	uint32_t symbol;
	void *real;
};

const struct thunk *dlsym_thunk(uint32_t number);

#endif
