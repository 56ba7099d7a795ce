/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * hiding.h - finds libraries whose BLAS calls go past the shim because of the search order of the dynamic linker.
 * It must never be needed on the path of a call.
 */
#ifndef FLOPSHIM_HIDING_H
#define FLOPSHIM_HIDING_H

#include <stdbool.h>

/*
 * Prints a warning if a BLAS comes before the shim in the search order. Called in the constructor, with no lock held.
 */
void hiding_say_before(void);

/*
 * Notes in the dump which objects that use BLAS were opened with RTLD_DEEPBIND; without a dump prints them, `at_end`.
 * Called before objects are unloaded and at the end, with no lock held.
 */
void hiding_note_deep(bool at_end);

#endif
