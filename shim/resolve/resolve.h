/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * resolve.h - finds the definition of a name that the dynamic linker would have bound a caller to without the shim.
 * Callers hold record_lock, but for the functions that say otherwise. It must never be needed on the path of a call.
 */
#ifndef FLOPSHIM_RESOLVE_H
#define FLOPSHIM_RESOLVE_H

#include "price/routines.h"
#include "shim/resolve/module.h"

struct version;

/*
 * How many symbols of the shim an object must define to be taken for a BLAS: decorated ones (dgemm_), or, if it is to
 * serve bare names (dgemm) too, of both kinds together.
 */
enum { KNOWN_DECORATED = 3, KNOWN_BARE = 16 };

/*
 * Returns the definition of `name` that code in `caller` (NULL: code in no object) would have been bound to without
 * the shim; if there is none in the caller's scope, that in any object; NULL if no object has one. `version` is the
 * version that the caller asks for, see symbol_version.h; NULL: none.
 */
void *resolve(const char *name, const struct version *version, struct module *caller);

/* The same within the scope of `caller` alone, as the linker binds a GOT entry; NULL if there is none. */
void *resolve_in_scope(const char *name, const struct version *version, struct module *caller);

/*
 * Returns what dlsym(RTLD_DEFAULT) of `caller` would find now. Unlike in resolve_in_scope, objects count that joined
 * the global scope after the caller was bound.
 */
void *resolve_default(const char *name, const struct version *version, struct module *caller);

/* Returns the next definition behind the shim in the global scope, which is RTLD_NEXT for an object before the shim. */
void *resolve_after_self(const char *name);
/* Returns the next definition behind an object that came with the program, which is RTLD_NEXT for that object. */
void *resolve_behind(const char *name, const struct module *module);
/* Whether an object comes before the shim in the search order. */
bool module_is_before_self(const struct module *module);

/* Returns the definition of `name` in one object, of several versions the default one; NULL if it has none. */
void *module_symbol(const struct module *module, const char *name);

/* Whether `needed` is `module` itself or one of the objects that it needs, directly or not. */
bool module_needs(struct module *module, const struct module *needed);

/*
 * Whether a symbol's name is bare: dgemm or DGEMM, without an underscore or prefix that sets it apart from other
 * names.
 */
static inline bool symbol_is_bare(uint32_t symbol)
{
	return symbol % SCHEME_COUNT == SCHEME_BARE || symbol % SCHEME_COUNT == SCHEME_BARE_UPPER;
}

/*
 * Whether the object looks like a BLAS or LAPACK: see KNOWN_DECORATED. `bare`: to serve bare names, for which it must
 * define more symbols.
 */
bool module_is_blas(struct module *module, bool bare);
/*
 * Whether it looks like a BLAS, but by so few symbols that its calls must be examined before they are counted: see
 * doubt.h.
 */
bool module_is_doubtful(struct module *module);

/*
 * Returns the function by which probe.h can learn whether the object takes 64-bit integers: `isamax` (the name in the
 * scheme of the call, `isamax_` or `scipy_isamax_`) in the object or in what it needs. Returns NULL if MODULE_ILP64
 * is valid already, or if there is no such function: then integers are taken to have 32 bits.
 */
void *module_probe(struct module *module, const char *isamax);
/* Whether the object refers to a symbol of the shim that it does not define. */
bool module_uses_blas(struct module *module);

/*
 * Calls `visit` with each name that the object refers to and does not define. `visit` must not call
 * module_each_import.
 */
typedef void import_visit(const char *name, void *context);
void module_each_import(const struct module *module, import_visit *visit, void *context);

/*
 * Calls `visit` with each function that the object defines for others. `is_protected`: its own calls of the function
 * are always bound to this definition. `visit` must not call module_each_definition.
 */
typedef void definition_visit(const char *name, bool is_protected, void *context);
void module_each_definition(const struct module *module, definition_visit *visit, void *context);

/*
 * Copies the name of the object's symbol `index`, cut to `size` bytes with its end; false if it does not define the
 * symbol.
 */
bool module_definition(const struct module *module, uint32_t index, char *name, size_t size);

/* Returns the number of the symbol whose stub is at this address, -1 if it is no stub. Needs no lock. */
int32_t resolve_own_symbol(const void *address);
/* Returns the number of a symbol by its name, -1 if the shim does not export the name. Needs no lock. */
int32_t resolve_own_name(const char *name);

/* For tests: does what resolve_in_scope does for the caller with this return address. Called WITHOUT record_lock. */
void *resolve_as_caller(const char *name, const void *return_address);

#endif
