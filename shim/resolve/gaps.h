/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * gaps.h - work of BLAS that the shim cannot see, as the loaded objects tell of it: see unserved.h and own_blas.h.
 */
#ifndef FLOPSHIM_GAPS_H
#define FLOPSHIM_GAPS_H

#include <stdbool.h>

/* Objects may have been opened: the next gaps_look has something to do. Any lock. */
void gaps_expect(void);
/* Whether such a look is due, and somebody waits for what it finds: there is a limit, or the launcher was used. */
bool gaps_are_due(void);

enum gaps_moment {
	GAPS_BEFORE, /* there may be more calls to learn from */
	GAPS_END,    /* the last look of all */
};

/*
 * Looks at the objects that are new. What is found is said where there is a limit or the launcher was used, and is noted in
 * the dump, if there is one. Where there is none of these, GAPS_END looks at the program alone, and says that it has a BLAS
 * of its own. With no lock held; keeps errno.
 */
void gaps_look(enum gaps_moment moment);
/* The same before a dlclose of this handle: it is the last look at the objects that this may unload, and at no others. */
void gaps_look_before_close(const void *handle);

/* Whether anything was said. */
bool gaps_were_said(void);

#endif
