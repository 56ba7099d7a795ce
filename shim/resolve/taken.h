/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * taken.h - whose function a call means that comes by an address: the shim's stub is what everybody has as the address of
 * a routine, and hands on to objects without a BLAS.
 * Every function is called with record_lock held.
 */
#ifndef FLOPSHIM_TAKEN_H
#define FLOPSHIM_TAKEN_H

#include <stdbool.h>
#include <stdint.h>

#include "shim/state/entry.h"

struct module;

/* What a call means. */
struct meaning {
	void *real;         /* NULL: nothing defines the name */
	const char *about;  /* where it stays open: what the report is to say; valid until the next call. NULL otherwise */
	bool by_value;      /* the next call from this site may mean another one */
	bool asks;          /* the width of the integers of the object that `real` is in must be known first */
};

/*
 * The function that a call of this symbol out of `caller` means (NULL: out of no object). `named` is the symbol without the
 * thunk, `name` its name. `frame` has the arguments; NULL: they are not to be looked at.
 */
struct meaning taken_meaning(uint32_t named, const char *name, struct module *caller, entry_frame frame);

/*
 * Whether dlsym may answer the stub of a symbol where `real` is what was asked for: wherever that one address means a single
 * function, it must be the one that programs have already. Remembers the answer, for the calls that will come by it.
 */
bool taken_by_dlsym(uint32_t named, const char *name, void *real, struct module *caller);

#endif
