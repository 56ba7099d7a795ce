/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * unserved.h - finds routines of BLAS and LAPACK that objects of the program refer to and the routine table does not
 * have.
 * It must never be needed on the path of a call.
 */
#ifndef FLOPSHIM_UNSERVED_H
#define FLOPSHIM_UNSERVED_H

#include <stdbool.h>
#include <stddef.h>

struct module;

/*
 * Examines the symbols that an object refers to, and notes in the dump, if there is one, those that look like
 * routines. Returns true, once for an object, with a message in `sentence`; never if `sentence` is NULL. An object is
 * read once, and once more if a dump is opened only afterwards. With record_lock held.
 */
bool unserved_look_at(struct module *module, char *sentence, size_t size);

#endif
