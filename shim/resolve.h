/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * resolve.h - the loaded objects, and which definition of a name a caller would have bound to without the shim.
 * Every function is called with record_lock held, but for those that say otherwise.
 */
#ifndef FLOPSHIM_RESOLVE_H
#define FLOPSHIM_RESOLVE_H

#include <stdbool.h>
#include <stdint.h>

struct dump_module;

enum module_flags {
	MODULE_START = 1 << 0,    /* loaded with the program: in the global scope for good */
	MODULE_SELF = 1 << 1,
	MODULE_SERVES = 1 << 2,   /* calls were given to it */
	MODULE_COUNTED = 1 << 3,  /* known_names is valid */
	MODULE_PROBED = 1 << 4,   /* MODULE_ILP64 is valid */
	MODULE_ILP64 = 1 << 5,
	MODULE_LAZY = 1 << 6,     /* opened RTLD_LAZY: binds at the first call, not when it was opened */
	MODULE_RESULT_PROBED = 1 << 8, /* MODULE_HIDDEN_RESULT is valid */
	MODULE_HIDDEN_RESULT = 1 << 9, /* its complex functions want the result's address before their arguments */
	MODULE_PLAUSIBLE = 1 << 10, /* few names, and it was called as a BLAS is: see doubt.c */
	MODULE_REFUTED = 1 << 11,   /* few names, and it was called as no BLAS can be */
	MODULE_DEEP = 1 << 7,     /* opened RTLD_DEEPBIND: what it is linked to comes before the shim */
};

struct module {
	uintptr_t start, end, bias;
	const void *dynamic;
	const char *path, *soname;
	uint32_t path_hash, name_hash, soname_hash; /* name: what follows the last slash */
	uint32_t flags;
	uint32_t known_decorated, known_bare;       /* of our symbols that it defines, counted up to KNOWN_BARE */
	uint32_t dump_number;                       /* DUMP_NONE until it is in the dump */
	struct dump_module *dump_entry;
	const void *symbols;
	const char *strings;
	const uint32_t *gnu_hash, *sysv_hash;
	const uint16_t *needed;                     /* numbers of the modules that it was linked to */
	uint16_t needed_count;
	bool binds_now;                             /* linked so that it binds when it is opened */
	const uint8_t *build_id;
	uint32_t build_id_size;
};

/* Names that we interpose, from which a decorated or a bare name is taken to be a BLAS. */
enum { KNOWN_DECORATED = 3, KNOWN_BARE = 16 };

/* Once, before any other thread and any dlopen of the program. */
void resolve_start(void);

/* Looks for objects that were loaded or unloaded since; true if there were any. Blocks no loader lock for long. */
bool resolve_refresh(void);

/* The module that holds this address, NULL for none. */
struct module *module_of(const void *address);
/* Any module by its number, NULL past the last. */
struct module *module_at(unsigned number);

/*
 * The definition of `name` that code in `caller` (NULL: code in no object) would have bound to if the shim were not
 * there, NULL if there is none. `next` is what dlsym(RTLD_NEXT) said, NULL if it was not asked: see resolve_next.
 */
void *resolve(const char *name, const struct module *caller, void *next);

/* The same within the scope of `caller` alone, as dlsym(RTLD_DEFAULT) and a GOT slot have it. */
void *resolve_in_scope(const char *name, const struct module *caller, void *next);

/* What follows the shim in the search order of the program's start: RTLD_NEXT for what stands before it. */
void *resolve_after_self(const char *name);
bool module_is_before_self(const struct module *module);

/* Called by the dlopen hook with the flags that matter, MODULE_LAZY and MODULE_DEEP. Needs no lock. */
void resolve_opened(const char *path, uint32_t flags);

/*
 * dlsym(RTLD_NEXT, name), asked only once something has been opened RTLD_GLOBAL: it waits for the loader's lock,
 * which a thread that a constructor waits for never gets. Called WITHOUT record_lock.
 */
void *resolve_next(const char *name);

/* The definition of `name` in one object, NULL if it has none. */
void *module_symbol(const struct module *module, const char *name);

/* Whether the object looks like a BLAS or a LAPACK; to be served under bare names it must define more of ours. */
bool module_is_blas(struct module *module, bool bare);
/* Whether it has so few names that its calls are to be looked at before they are believed: see doubt.h. */
bool module_is_doubtful(struct module *module);

/*
 * What to call to learn whether the object takes 64-bit integers, where names do not say so: the isamax that is spelled
 * the same way, `isamax_` or `scipy_isamax_`, where it has none that of what it is linked to. NULL once that is known, as
 * MODULE_ILP64 says; without an isamax it does not.
 */
void *module_probe(struct module *module, const char *isamax);
/*
 * Calls it. WITHOUT record_lock: what only stands before a BLAS may load that BLAS now, start its threads, and call it
 * through the shim.
 */
bool probe_is_ilp64(void *function);
/*
 * Calls a Fortran function with a complex result, to learn whether it wants the address of its result before its
 * arguments. They are such that under either convention every pointer leads somewhere. Without record_lock too.
 */
bool probe_hides_result(void *function);

/* Whether the object refers to any of our symbols without defining it. */
bool module_uses_blas(const struct module *module);

/* Symbol number behind an address in the stubs, -1 if it is not one. Needs no lock. */
int32_t resolve_own_symbol(const void *address);
/* Symbol number of an exported name, -1 if it is not ours. Needs no lock. */
int32_t resolve_own_name(const char *name);

/* Whether anything was opened RTLD_DEEPBIND. Needs no lock. */
bool resolve_deep_seen(void);

/* For tests: all of the above in one, with a lock of its own. */
void *resolve_as_caller(const char *name, const void *return_address);

/* Set by the dlopen hook. */
extern volatile bool resolve_global_seen;

#endif
