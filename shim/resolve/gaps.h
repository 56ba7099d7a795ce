/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * gaps.h - finds work of BLAS that the shim cannot see: see unserved.h and own_blas.h.
 * It must never be needed on the path of a call.
 */
#ifndef FLOPSHIM_GAPS_H
#define FLOPSHIM_GAPS_H

#include <stdbool.h>

/* Notes that objects may have been loaded, which the next gaps_look will examine. May be called with any lock held. */
void gaps_expect(void);
/*
 * Whether objects may have been loaded since the last gaps_look, and a limit or the launcher's use makes its findings
 * urgent.
 */
bool gaps_are_due(void);

enum gaps_moment {
	GAPS_BEFORE, /* the process goes on: later calls may show more */
	GAPS_END,    /* the process ends */
};

/*
 * Examines new objects. Findings are printed if there is a limit or the launcher was used, and are noted in the dump
 * if there is one. If there is none of these three, GAPS_END examines the program's own file alone, and prints
 * whether it has a BLAS of its own. Called with no lock held; keeps errno.
 */
void gaps_look(enum gaps_moment moment);
/*
 * Does what gaps_look(GAPS_BEFORE) does, before a dlclose of this handle: objects that it may unload are examined last.
 */
void gaps_look_before_close(const void *handle);

/* Whether anything was printed. */
bool gaps_were_said(void);

#endif
