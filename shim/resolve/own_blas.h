/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * own_blas.h - objects that hold routines of BLAS and call them without the dynamic linker, past the shim.
 */
#ifndef FLOPSHIM_OWN_BLAS_H
#define FLOPSHIM_OWN_BLAS_H

#include <stdbool.h>
#include <stddef.h>

struct module;

/*
 * Looks whether the object is one, and notes it in the dump, if that is open. `is_last`: nothing more will be learnt of who
 * calls it. True if it is to be said, which is so once and where `sentence` is not NULL: that then holds what to say. With
 * record_lock held.
 */
bool own_blas_look_at(struct module *module, bool is_last, char *sentence, size_t size);

#endif
