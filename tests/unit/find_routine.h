/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * find_routine.h - finds a routine of the table by its canonical name, for unit tests.
 * It must never accept another name: an alias would hide that the table has changed.
 */
#ifndef FLOPSHIM_FIND_ROUTINE_H
#define FLOPSHIM_FIND_ROUTINE_H

#include <check.h>
#include <string.h>

#include "price/routines.h"

/* Returns the routine, or fails the test if there is none of this name. */
static inline const struct routine *find_routine(const char *name)
{
	for (unsigned i = 0; i < routine_count; i++)
		if (!strcmp(routines[i].name, name))
			return &routines[i];
	ck_abort_msg("no routine %s", name);
	return NULL;
}

#endif
