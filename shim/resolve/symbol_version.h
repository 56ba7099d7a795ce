/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * symbol_version.h - versions of symbols (`ddot_@V1`), as the dynamic linker reads them.
 * Callers hold record_lock, unless the object is the shim itself. It must never need more of an object than its tables.
 */
#ifndef FLOPSHIM_SYMBOL_VERSION_H
#define FLOPSHIM_SYMBOL_VERSION_H

#include <stdbool.h>
#include <stdint.h>

#include "shim/resolve/module.h"

/* The name of a version. A longer one is cut wherever it is read, so that cut names are compared. */
struct version {
	char name[64];
};

/* The version that a search looks for. */
struct version_wanted {
	const struct version *version; /* NULL: the one that a reference without a version gets, see `newest` */
	bool newest;                   /* dlsym gets the default version, a relocation the oldest */
};

enum version_fit {
	VERSION_WRONG,
	VERSION_RIGHT,
	VERSION_ALONE, /* right if it is the only definition with VERSION_ALONE in its object */
};

/* Says whether the version of symbol `symbol` of an object, a definition, is the wanted one. */
enum version_fit version_fit(const struct module *module, uint32_t symbol, struct version_wanted wanted);

/* Gets the version that symbol `symbol` of an object refers to or, for a definition, has; false if it has none. */
bool version_of(const struct module *module, uint32_t symbol, struct version *version);

#endif
