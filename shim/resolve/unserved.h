/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * unserved.h - routines of BLAS and LAPACK that the program's objects refer to and no row of the table serves.
 */
#ifndef FLOPSHIM_UNSERVED_H
#define FLOPSHIM_UNSERVED_H

#include <stdbool.h>
#include <stddef.h>

struct module;

/*
 * Looks at what a new object refers to. What is found is noted in the dump, if there is one. True if it is to be said, which is
 * so once and where `sentence` is not NULL: that then holds what to say. Reads each object once, and once more where a dump
 * is opened only after that. With record_lock held.
 */
bool unserved_look_at(struct module *module, char *sentence, size_t size);

#endif
