/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * module.h - the loaded objects, and what is known of each. Callers hold record_lock, but for the functions that say
 * otherwise.
 * It must never wait for a lock of the dynamic linker: its owner may be a thread that waits for the caller, or one
 * that a forked child does not have. So, after module_init, the linker's list is read as a debugger reads it.
 */
#ifndef FLOPSHIM_MODULE_H
#define FLOPSHIM_MODULE_H

#include <link.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct dump_module;

enum module_flags {
	MODULE_START = 1 << 0,           /* loaded with the program: it stays in memory and in the global scope */
	MODULE_SELF = 1 << 1,            /* the shim itself */
	MODULE_SERVES = 1 << 2,          /* the shim has passed calls on to it */
	MODULE_COUNTED = 1 << 3,         /* known_decorated and known_bare are valid */
	MODULE_PROBED = 1 << 4,          /* MODULE_ILP64 is valid */
	MODULE_ILP64 = 1 << 5,           /* its integers have 64 bits */
	MODULE_LAZY = 1 << 6,            /* opened with RTLD_LAZY: it binds functions when they are first called */
	MODULE_DEEP = 1 << 7,            /* opened with RTLD_DEEPBIND: what it is linked to comes before the shim */
	MODULE_RESULT_PROBED = 1 << 8,   /* MODULE_HIDDEN_RESULT is valid */
	MODULE_HIDDEN_RESULT = 1 << 9,   /* its complex functions take the result's address before their arguments */
	MODULE_PLAUSIBLE = 1 << 10,      /* doubtful, and it had a call whose arguments a BLAS may have: see doubt.c */
	MODULE_REFUTED = 1 << 11,        /* doubtful, and it had a call whose arguments no BLAS can have */
	MODULE_USES_COUNTED = 1 << 12,   /* MODULE_USES is valid */
	MODULE_USES = 1 << 13,           /* it refers to a symbol of the shim that it does not define */
	MODULE_IMPORTS_SEEN = 1 << 14,   /* unserved.c has examined which symbols it refers to */
	MODULE_UNSERVED = 1 << 15,       /* unserved.c has found a routine among them that the table does not have */
	MODULE_OWN_NONE = 1 << 16,       /* own_blas.c has found no BLAS of its own in it */
	MODULE_OWN_NOTED = 1 << 17,      /* own_blas.c has found one, and the dump has a note of it */
	MODULE_OWN_SAID = 1 << 18,       /* own_blas.c has found one, and a line on standard error has said so */
	MODULE_ASKED = 1 << 19,          /* dlsym has returned a routine of it */
	MODULE_CLOSING = 1 << 20,        /* the dlclose that is about to be called may unload it */
	MODULE_OPEN_COUNTED = 1 << 21,   /* MODULE_OPEN is valid */
	MODULE_OPEN = 1 << 22,           /* it defines routines that other objects may call */
	MODULE_UNSERVED_NOTED = 1 << 23, /* the dump has a note of each routine that the table does not have */
};

enum { BUILD_ID_MAX = 32 };
#define NEVER_GLOBAL UINT32_MAX /* module.global of an object that is not in the global scope */

/*
 * What is known of a loaded object. It is made when the object is first seen. When the object is seen to be gone, its
 * memory may be used for another one. Texts are copies, but for objects that were loaded with the program, which
 * stay.
 */
struct module {
	uintptr_t start, end, bias;                 /* its memory; what was added to addresses in the file */
	const void *dynamic;                        /* its dynamic section */
	const char *path, *soname;                  /* as it was opened, "" for the program; DT_SONAME, or "" */
	uint32_t path_hash, name_hash, soname_hash; /* `name` is what follows the last slash of path */
	uint32_t flags;
	uint32_t known_decorated, known_bare; /* symbols of the shim that it defines, at most KNOWN_BARE */
	uint32_t dump_number;                 /* number in the dump; DUMP_NONE while it is not there */
	struct dump_module *dump_entry;

	/* Tables in the object's own memory. They may be gone at any time: read them by module_peek. */
	const void *symbols;
	const char *strings;
	const uint32_t *gnu_hash, *sysv_hash;
	const uint16_t *versions; /* of its symbols; NULL if they have none */
	const void *version_definitions, *version_needs;
	const ElfW(Phdr) * headers;
	uint16_t header_count;

	size_t strings_size;
	uint32_t gnu_header[4]; /* hash buckets, first symbol, words of the filter, shift */
	bool binds_now;         /* linked with -z now: it binds when it is opened */
	bool incomplete;        /* not all that it needs was found yet */
	uint16_t needed_count, needed_room;
	struct module **needed; /* the objects that it was linked to (DT_NEEDED), in order */
	uint8_t build_id[BUILD_ID_MAX];
	uint32_t build_id_size;
	uint32_t opened; /* number of the dlopen that loaded it, from 1 on; 0 with MODULE_START */
	uint32_t global; /* number of the dlopen that put it into the global scope, or NEVER_GLOBAL */

	const struct link_map *link; /* the linker's own entry for it, and the name there */
	const char *link_name;
	uint32_t listed, joined, seen, covered, live; /* marks that searches have left, see module_mark */
	struct module *next_made, *next_retired;
};

/*
 * Finds _dl_find_object of the C library, and reads LD_BIND_NOW. Called once, before all else and WITHOUT
 * record_lock, since it asks the linker.
 */
void module_init(void);

/*
 * Calls `visit` with each object of the linker's list, in order, until it returns true; false if it never does. The
 * modules are temporary and have only what dynamic sections say. For use before dlsym can be called, while the
 * program starts and no lock is needed.
 */
bool module_before_list(bool (*visit)(const struct module *, void *), void *context);

/*
 * Takes all objects that are loaded now as those that came with the program, which stay in memory. Called in the
 * constructor, or before the first dlopen if that comes first.
 */
void module_start(void);

/*
 * Finds objects that were loaded or unloaded since the last call. Returns true if there were any; then a new epoch has
 * begun, so that threads look again at what they remember of call sites.
 *
 * While the linker is in the middle of a change, the list may lack objects that are being loaded, but none that was
 * loaded before.
 */
bool module_refresh(void);

/* Returns the module whose memory has this address, NULL if none has. */
struct module *module_of(const void *address);
/*
 * Returns the absolute path of the object's file, if it can be found; of the program's for the program itself. A path
 * without a slash is no file: linux-vdso.so.1 is the kernel's. Valid until the next call.
 */
const char *module_file(const struct module *module);
/* Returns module `number`, in load order from 0 on, which is the program; NULL past the last. */
struct module *module_at(unsigned number);
/*
 * Returns object `number` of those that joined the global scope by RTLD_GLOBAL, in the order in which they did; NULL
 * past the last.
 */
struct module *module_global_at(unsigned number);
/* Returns the shim's own module; NULL before module_refresh has seen it. Needs no lock. */
const struct module *module_self(void);

/*
 * Returns the objects that a dlopen of `root` searches: root and all that it needs, directly or not, breadth first.
 * *count is how many there are. Each has `seen` equal to *mark until the next call, and no other object has. Valid
 * until the next call.
 */
struct module *const *module_closure(struct module *root, unsigned *count, uint32_t *mark);
/*
 * Returns a number that no module has as a mark. A search gives it to modules, and need not remove the marks of
 * earlier ones.
 */
uint32_t module_mark(void);

/*
 * Says that `caller` and all that it needs stay in memory until module_distrust, since the caller's code is running.
 * They are then read directly instead of by system calls. NULL: no object.
 */
void module_trust(struct module *caller);
void module_distrust(void);

/* Copies `size` bytes of an object's memory. If the object has been unloaded, returns false instead of faulting. */
bool module_peek(const struct module *module, const void *address, void *to, size_t size);
/* The same for a string, which is cut to `size` bytes with its end. */
bool module_peek_text(const struct module *module, const char *address, char *to, size_t size);

/* Notes a call of dlopen with these arguments. Called by the shim's dlopen before the real one. */
void module_opened(const char *path, int flags);
/*
 * Sets MODULE_CLOSING on the objects that a dlclose of this handle may unload (the object and all that it needs,
 * except what came with the program), and clears it on all others. NULL: clears it on all.
 */
void module_mark_closing(const void *handle);
/* Called before and after dlclose. */
void module_closing(void);
void module_closed(void);
/* Whether anything was opened with RTLD_DEEPBIND. Needs no lock. */
bool module_deep_seen(void);

/* Does what dl_iterate_phdr does, on the shim's list as it is. */
int module_iterate(int (*callback)(struct dl_phdr_info *, size_t, void *), void *context);

/* In a forked child: notes that no module is in its dump yet. */
void module_forked(void);

/* Returns the hash of a name that DT_GNU_HASH tables use. */
uint32_t module_hash(const char *name);

#endif
