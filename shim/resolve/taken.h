/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * taken.h - finds the function that a call of a stub means. All objects have the stub as the address of a routine, and
 * may pass it to an object that does not know the routine, so the caller alone does not always tell.
 * Callers hold record_lock. It must never be needed on the path of a call from a known site.
 */
#ifndef FLOPSHIM_TAKEN_H
#define FLOPSHIM_TAKEN_H

#include <stdbool.h>
#include <stdint.h>

#include "shim/state/entry.h"

struct module;

/* The function that a call means. */
struct meaning {
	void *real;        /* NULL: no object defines the name */
	const char *about; /* text of a note, if another function is as likely; valid until the next call; or NULL */
	bool by_value;     /* the arguments decided: the next call from this site may mean another function */
	bool asks;         /* no answer yet: first find out the width of integers of the object that has `real` */
};

/*
 * Returns the function that a call from `caller` means (NULL: from code in no object). `named` is the number of the
 * symbol, of which a thunk's call has another one; `name` is its name. `frame` has the arguments; NULL if they must
 * not be read.
 */
struct meaning taken_meaning(uint32_t named, const char *name, struct module *caller, entry_frame frame);

/*
 * Whether dlsym, asked by `caller` for the function `real`, may return the stub of its symbol. It may if the stub
 * means `real` to all objects that have its address. Remembers the answer, for the calls that will come.
 */
bool taken_by_dlsym(uint32_t named, const char *name, void *real, struct module *caller);

#endif
