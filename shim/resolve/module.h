/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * module.h - the loaded objects, and what dlopen made of them.
 * Every function is called with record_lock held, but for those that say otherwise. None asks the dynamic linker
 * anything, but for module_init: the list is read as a debugger reads it, so that no call waits for a lock of the linker,
 * which may be held by a thread that waits for the caller, or by one that a forked child does not have.
 */
#ifndef FLOPSHIM_MODULE_H
#define FLOPSHIM_MODULE_H

#include <link.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct dump_module;

enum module_flags {
	MODULE_START = 1 << 0,    /* loaded with the program: in the global scope, and in memory, for good */
	MODULE_SELF = 1 << 1,
	MODULE_SERVES = 1 << 2,   /* calls were given to it */
	MODULE_COUNTED = 1 << 3,  /* known_decorated and known_bare are valid */
	MODULE_PROBED = 1 << 4,   /* MODULE_ILP64 is valid */
	MODULE_ILP64 = 1 << 5,
	MODULE_LAZY = 1 << 6,     /* opened RTLD_LAZY: binds at the first call, not when it was opened */
	MODULE_DEEP = 1 << 7,     /* opened RTLD_DEEPBIND: what it is linked to comes before the shim */
	MODULE_RESULT_PROBED = 1 << 8, /* MODULE_HIDDEN_RESULT is valid */
	MODULE_HIDDEN_RESULT = 1 << 9, /* its complex functions want the result's address before their arguments */
	MODULE_PLAUSIBLE = 1 << 10, /* few names, and it was called as a BLAS is: see doubt.c */
	MODULE_REFUTED = 1 << 11,   /* few names, and it was called as no BLAS can be */
	MODULE_USES_COUNTED = 1 << 12, /* MODULE_USES is valid */
	MODULE_USES = 1 << 13,      /* it refers to one of our symbols that it does not define */
	MODULE_IMPORTS_SEEN = 1 << 14, /* what it refers to was looked at by unserved.c */
	MODULE_UNSERVED = 1 << 15,  /* and a routine was among it that no row of the table serves */
	MODULE_OWN_NONE = 1 << 16,  /* own_blas.c has found no BLAS of its own in it */
	MODULE_OWN_NOTED = 1 << 17, /* or has, and the dump has a note of it */
	MODULE_OWN_SAID = 1 << 18,  /* or it was said */
	MODULE_ASKED = 1 << 19,     /* dlsym has answered with a routine of it */
	MODULE_CLOSING = 1 << 20,   /* the dlclose that is about to happen may unload it */
	MODULE_OPEN_COUNTED = 1 << 21, /* MODULE_OPEN is valid */
	MODULE_OPEN = 1 << 22,      /* it defines routines that others may call */
	MODULE_UNSERVED_NOTED = 1 << 23, /* the dump has a note of each routine that no row serves */
};

enum { BUILD_ID_MAX = 32 };
#define NEVER_GLOBAL UINT32_MAX

/*
 * An object. It is made when the object is first seen, and lives until the object is seen to be gone; then its memory may
 * be used again. What it says is a copy, but for what an object of the program's start has, which stays where it is.
 */
struct module {
	uintptr_t start, end, bias;
	const void *dynamic;
	const char *path, *soname;
	uint32_t path_hash, name_hash, soname_hash; /* name: what follows the last slash */
	uint32_t flags;
	uint32_t known_decorated, known_bare;       /* of our symbols that it defines, counted up to KNOWN_BARE */
	uint32_t dump_number;                       /* DUMP_NONE until it is in the dump */
	struct dump_module *dump_entry;

	/* In the object's own memory: to be read by module_peek. */
	const void *symbols;
	const char *strings;
	const uint32_t *gnu_hash, *sysv_hash;
	const uint16_t *versions;                   /* of its symbols; NULL: they have none */
	const void *version_definitions, *version_needs;
	const ElfW(Phdr) *headers;
	uint16_t header_count;

	size_t strings_size;
	uint32_t gnu_header[4];                     /* buckets, first symbol, words of the filter, shift */
	bool binds_now;                             /* linked so that it binds when it is opened */
	bool incomplete;                            /* not all that it needs was there when its list was made */
	uint16_t needed_count, needed_room;
	struct module **needed;                     /* what it was linked to, in order */
	uint8_t build_id[BUILD_ID_MAX];
	uint32_t build_id_size;
	uint32_t opened;     /* number of the dlopen that loaded it, 0 with MODULE_START */
	uint32_t global;     /* of the one that put it into the global scope, or NEVER_GLOBAL */

	const struct link_map *link;                /* the linker's own entry, and its name there */
	const char *link_name;
	uint32_t listed, joined, seen, covered, live; /* marks of searches, see module_mark */
	struct module *next_made, *next_retired;
};

/* Finds what the C library has to find objects with. Before anything else; it asks the linker, so WITHOUT record_lock. */
void module_init(void);

/*
 * Calls `visit` with what stands for each object of the linker's list, in order, until it returns true; false if it never
 * does. For what has to be found before the linker can be asked, while the program starts: no lock is needed then.
 */
bool module_before_list(bool (*visit)(const struct module *, void *), void *context);

/* What is loaded now stays for good. In the constructor, or before something is opened, whichever is first. */
void module_start(void);

/*
 * Looks for objects that were loaded or unloaded since the last time. True if there were any; then a new epoch has begun, in
 * which threads look again at what they remember of call sites.
 *
 * Where the linker is in the middle of loading something, the list stays what it was or has all that was loaded before. It
 * never has only a part of that.
 */
bool module_refresh(void);

/* The module that holds this address, NULL for none. */
struct module *module_of(const void *address);
/*
 * The absolute path of the object's file, also where it was opened by a relative one, and of the program's for the program.
 * Without a slash it is no file: linux-vdso.so.1 is the kernel's. Valid until the next call.
 */
const char *module_file(const struct module *module);
/* Any module by its number, in load order, NULL past the last. */
struct module *module_at(unsigned number);
/* What joined the global scope by RTLD_GLOBAL, in that order, NULL past the last. */
struct module *module_global_at(unsigned number);
/* The object that the shim is; NULL before it has been seen. Needs no lock. */
const struct module *module_self(void);

/*
 * What dlopen of this object searches: the object and all that it needs, breadth first. Valid until the next call; the
 * modules in it have `seen` equal to what *mark says.
 */
struct module *const *module_closure(struct module *root, unsigned *count, uint32_t *mark);
/* A number that no module has as a mark yet. */
uint32_t module_mark(void);

/*
 * Takes `caller`, whose code is running, and all that it needs as being in memory until module_distrust: what is read of
 * them needs no system call. NULL: none.
 */
void module_trust(struct module *caller);
void module_distrust(void);

/* Copies memory of an object; false, and no fault, if it is not there any more. */
bool module_peek(const struct module *module, const void *address, void *to, size_t size);
/* The same of a string, cut to `size` bytes with its end. */
bool module_peek_text(const struct module *module, const char *address, char *to, size_t size);

/* The dlopen hook, with the program's arguments, before anything is opened. */
void module_opened(const char *path, int flags);
/*
 * Gives MODULE_CLOSING to what a dlclose of this handle may unload, which is the object and all that it needs but for what
 * came with the program, and takes it away from all others. NULL: nothing is being closed.
 */
void module_mark_closing(const void *handle);
/* Before and after dlclose. */
void module_closing(void);
void module_closed(void);
/* Whether anything was opened RTLD_DEEPBIND. Needs no lock. */
bool module_deep_seen(void);

/* dl_iterate_phdr over the list as it is. */
int module_iterate(int (*callback)(struct dl_phdr_info *, size_t, void *), void *context);

/* In a forked child: no module is in its dump. */
void module_forked(void);

/* The hash of the linker's tables. */
uint32_t module_hash(const char *name);

#endif
