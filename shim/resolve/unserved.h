/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * unserved.h - routines of BLAS and LAPACK that the program's objects refer to and no row of the table serves.
 */
#ifndef FLOPSHIM_UNSERVED_H
#define FLOPSHIM_UNSERVED_H

#include <stdbool.h>

/* Objects may have been opened: the next unserved_look has something to do. Any lock. */
void unserved_expect(void);
/* Whether such a look is due, and somebody waits for what it finds: there is a limit, or the launcher was used. */
bool unserved_is_due(void);

/*
 * Looks at what the objects that are new refer to. What it finds is said, where there is a limit or the launcher was used, and
 * is noted in the dump, if there is one. Reads each object once. With no lock held.
 */
void unserved_look(void);

#endif
