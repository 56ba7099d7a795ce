/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * hiding.h - libraries whose calls the shim cannot see, because something hides them from it.
 */
#ifndef FLOPSHIM_HIDING_H
#define FLOPSHIM_HIDING_H

#include <stdbool.h>

/* Says so where a BLAS stands before the shim in the search order. In the constructor, with no lock held. */
void hiding_say_before(void);

/* Notes what was opened RTLD_DEEPBIND and uses BLAS: before objects are unloaded, and at the end. With no lock held. */
void hiding_note_deep(bool at_end);

#endif
