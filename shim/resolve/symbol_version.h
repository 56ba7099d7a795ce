/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * symbol_version.h - versions of symbols, `ddot_@V1`, as the dynamic linker reads them.
 * Every function is called with record_lock held, but for version_fit of the shim itself.
 */
#ifndef FLOPSHIM_SYMBOL_VERSION_H
#define FLOPSHIM_SYMBOL_VERSION_H

#include <stdbool.h>
#include <stdint.h>

#include "shim/resolve/module.h"

/* The name of a version; longer ones are cut, here and where they are compared. */
struct version {
	char name[64];
};

/* Which version a search wants. */
struct version_wanted {
	const struct version *version; /* NULL: any, and then the one that references without a version get */
	bool newest;                   /* or, as dlsym, the default one */
};

enum version_fit {
	VERSION_WRONG,
	VERSION_RIGHT,
	VERSION_ALONE, /* right where it is the only such definition in its object */
};

/* How the definition with this number in the object's table of symbols fits. */
enum version_fit version_fit(const struct module *module, uint32_t symbol, struct version_wanted wanted);

/* The version that the object's symbol of this number asks for, or has; false if it has none. */
bool version_of(const struct module *module, uint32_t symbol, struct version *version);

#endif
