/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * resolve.h - which definition of a name a caller would have bound to without the shim.
 * Every function is called with record_lock held, but for those that say otherwise.
 */
#ifndef FLOPSHIM_RESOLVE_H
#define FLOPSHIM_RESOLVE_H

#include "price/routines.h"
#include "shim/resolve/module.h"

struct version;

/* Names that we interpose, from which a decorated or a bare name is taken to be a BLAS. */
enum { KNOWN_DECORATED = 3, KNOWN_BARE = 16 };

/*
 * The definition of `name` that code in `caller` (NULL: code in no object) would have bound to if the shim were not
 * there, NULL if there is none. `version` is what the caller asks for, see symbol_version.h; NULL: no version.
 */
void *resolve(const char *name, const struct version *version, struct module *caller);

/* The same within the scope of `caller` alone, as a GOT entry has it. */
void *resolve_in_scope(const char *name, const struct version *version, struct module *caller);

/* What dlsym(RTLD_DEFAULT) finds now: what joined the global scope after `caller` was bound comes before its own too. */
void *resolve_default(const char *name, const struct version *version, struct module *caller);

/* What follows the shim in the global scope: RTLD_NEXT for what stands before it. */
void *resolve_after_self(const char *name);
/* What follows another object that the process began with: RTLD_NEXT for what it holds. */
void *resolve_behind(const char *name, const struct module *module);
bool module_is_before_self(const struct module *module);

/* The definition of `name` in one object, the default one of several versions; NULL if it has none. */
void *module_symbol(const struct module *module, const char *name);

/* Whether `needed` is in what dlopen of `module` searches: itself and all that it was linked to. */
bool module_needs(struct module *module, const struct module *needed);

/* Whether a symbol's name has no underscore or prefix that tells it from other names. */
static inline bool symbol_is_bare(uint32_t symbol)
{
	return symbol % SCHEME_COUNT == SCHEME_BARE || symbol % SCHEME_COUNT == SCHEME_BARE_UPPER;
}

/* Whether the object looks like a BLAS or a LAPACK; to be served under bare names it must define more of ours. */
bool module_is_blas(struct module *module, bool bare);
/* Whether it has so few names that its calls are to be looked at before they are believed: see doubt.h. */
bool module_is_doubtful(struct module *module);

/*
 * What to call to learn whether the object takes 64-bit integers, where names do not say so: the isamax that is spelled
 * the same way, `isamax_` or `scipy_isamax_`, where it has none that of what it is linked to. NULL once that is known, as
 * MODULE_ILP64 says; without an isamax it does not. See probe.h.
 */
void *module_probe(struct module *module, const char *isamax);
/* Whether the object refers to any of our symbols without defining it. */
bool module_uses_blas(struct module *module);

/* Calls `visit` with each name that the object refers to and does not define. */
typedef void import_visit(const char *name, void *context);
void module_each_import(const struct module *module, import_visit *visit, void *context);

/* The same with each function that it defines for others, and whether its own calls of that go to no other. */
typedef void definition_visit(const char *name, bool is_protected, void *context);
void module_each_definition(const struct module *module, definition_visit *visit, void *context);

/* The name of the object's symbol of this number; false if it does not define that itself. A long name is cut. */
bool module_definition(const struct module *module, uint32_t index, char *name, size_t size);

/* Symbol number behind an address in the stubs, -1 if it is not one. Needs no lock. */
int32_t resolve_own_symbol(const void *address);
/* Symbol number of an exported name, -1 if it is not ours. Needs no lock. */
int32_t resolve_own_name(const char *name);

/* For tests: all of the above in one, with a lock of its own. */
void *resolve_as_caller(const char *name, const void *return_address);

#endif
