/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * own_blas.h - finds objects that contain routines of BLAS and call them directly, so that the shim cannot see the
 * calls.
 * It must never be needed on the path of a call.
 */
#ifndef FLOPSHIM_OWN_BLAS_H
#define FLOPSHIM_OWN_BLAS_H

#include <stdbool.h>
#include <stddef.h>

struct module;

/*
 * Examines whether an object is such a one, and if so notes it in the dump, if that is open. `is_last`: this is the
 * last look at the object, so that all of its callers are known. Returns true, once for an object, with a message in
 * `sentence`; never if `sentence` is NULL. With record_lock held.
 */
bool own_blas_look_at(struct module *module, bool is_last, char *sentence, size_t size);

#endif
