/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * opened.c - finds out which call of dlopen has loaded each object, and with which flags.
 * It must never wait for a dlopen to end, since its thread may wait for the caller: the list of objects shows when
 * one is loaded.
 */
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "shim/guest/program.h"
#include "shim/resolve/list.h"

enum {
	OPENED_MAX = 64,   /* calls that are remembered */
	OPENED_TRIES = 64, /* lists after which a call without an object is forgotten */
};

/* A call of dlopen whose object has not been found in the list yet. */
struct opened {
	uint32_t sequence;      /* number of the call, from 1 on */
	uint32_t whole, base;   /* hashes of the path (0: it has no slash), and of what follows its last slash */
	int flags;              /* of dlopen */
	uint64_t device, inode; /* of the file; 0, 0 if unknown */
	uint32_t tries;         /* lists that did not have its object */
	struct module *module;  /* its object in the newest list, NULL if it is not there */
};

static struct {
	struct opened list[OPENED_MAX];
	unsigned count;
	uint32_t sequence;  /* number of the last call */
	uint32_t known;     /* number of the last call when the newest list was made */
	volatile bool deep; /* a call had RTLD_DEEPBIND */
	bool never_lazy;    /* LD_BIND_NOW is set */
} opened;

/* Whether a module's file is the one that was opened. */
static bool is_file_of(const struct opened *entry, const struct module *module)
{
	struct stat status;

	return !(module->flags & MODULE_START) && !stat(module->path, &status) && status.st_dev == entry->device &&
	       status.st_ino == entry->inode;
}

/*
 * Returns the object that a call of dlopen means, NULL if it is not in the list: by its path; by its name, as the
 * linker compares; or by its file, which may have several names.
 */
static struct module *opened_module(const struct list *list, const struct opened *entry)
{
	for (unsigned i = 0; entry->whole && i < list->count; i++)
		if (list->modules[i]->path_hash == entry->whole)
			return list->modules[i];
	for (unsigned i = 0; !entry->inode && i < list->count; i++)
		if (list->modules[i]->name_hash == entry->base || list->modules[i]->soname_hash == entry->base)
			return list->modules[i];
	for (unsigned i = 0; entry->inode && i < list->count; i++)
		if (is_file_of(entry, list->modules[i]))
			return list->modules[i];
	return NULL;
}

/* Returns the first call with a number above `after` that may have loaded a new module; NULL if there is none. */
static const struct opened *opened_by(const struct module *module, uint32_t after)
{
	for (unsigned i = 0; i < opened.count; i++)
		if (opened.list[i].module == module && opened.list[i].sequence > after &&
		    !(opened.list[i].flags & RTLD_NOLOAD))
			return &opened.list[i];
	return NULL;
}

/*
 * Sets `opened` and the flags of dlopen on new modules. The linker appends an opened object to its list, and behind
 * it those objects that it needs and that were not loaded, which have the same number.
 */
static void opened_number(const struct list *list)
{
	const struct module *root = NULL;
	uint32_t last = opened.known, mark = 0;

	for (unsigned i = 0; i < list->count; i++) {
		struct module *module = list->modules[i];
		const struct opened *entry;

		if (module->opened != NOT_OPENED)
			continue;
		if (root && module->seen == mark) {
			module->opened = root->opened;
			continue;
		}
		entry = opened_by(module, last);
		if (entry) {
			last = entry->sequence;
			module->flags |= entry->flags & RTLD_NOW || opened.never_lazy ? 0 : MODULE_LAZY;
			module->flags |= entry->flags & RTLD_DEEPBIND ? MODULE_DEEP : 0;
		}
		module->opened = last;
		mark = module_mark();
		list_closure(list, module, mark);
		root = module;
	}
}

/*
 * Adds an object that was opened with RTLD_GLOBAL, and all that it needs, to the global scope. `mark`: see
 * opened_settle.
 */
static void opened_join(struct list *list, const struct opened *entry, uint32_t mark)
{
	unsigned count = list_closure(list, entry->module, module_mark());

	for (unsigned i = 0; i < count; i++) {
		struct module *module = list->order[i];

		if (module->flags & MODULE_START || module->joined == mark || list->global_count == list->room)
			continue;
		module->joined = mark;
		module->global = entry->sequence;
		list->globals[list->global_count++] = module;
	}
}

void opened_settle(struct list *list, uint32_t mark)
{
	for (unsigned i = 0; i < opened.count; i++)
		opened.list[i].module = opened_module(list, &opened.list[i]);
	opened_number(list);
	for (unsigned i = 0; i < opened.count; i++) {
		const struct opened *entry = &opened.list[i];

		if (entry->module && entry->flags & RTLD_GLOBAL &&
		    !(entry->flags & RTLD_NOLOAD && entry->module->opened > entry->sequence))
			opened_join(list, entry, mark);
	}
}

void opened_forget(void)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < opened.count; i++)
		if (!opened.list[i].module && ++opened.list[i].tries < OPENED_TRIES)
			opened.list[kept++] = opened.list[i];
	opened.count = kept;
	opened.known = opened.sequence;
}

void opened_init(void)
{
	const char *bind_now = getenv("LD_BIND_NOW");

	opened.never_lazy = bind_now && *bind_now;
}

/* ---- the hooks ---- */

/* Remembers a call, unless the same one is remembered already. If the list is full, the oldest call is forgotten. */
static void opened_add(const struct opened *entry)
{
	for (unsigned i = 0; i < opened.count; i++)
		if (opened.list[i].whole == entry->whole && opened.list[i].base == entry->base &&
		    opened.list[i].flags == entry->flags)
			return;
	if (opened.count == OPENED_MAX) {
		for (unsigned i = 1; i < OPENED_MAX; i++)
			opened.list[i - 1] = opened.list[i];
		opened.count--;
	}
	opened.list[opened.count] = *entry;
	opened.list[opened.count].sequence = ++opened.sequence;
	opened.count++;
}

void module_opened(const char *path, int flags)
{
	struct opened entry = {.flags = flags & (RTLD_NOW | RTLD_GLOBAL | RTLD_NOLOAD | RTLD_DEEPBIND)};
	struct stat status;
	int saved = errno;

	if (!list_has_started() || !path || !*path)
		return;
	if (strchr(path, '/')) {
		entry.whole = module_hash(path);
		if (!stat(path, &status)) {
			entry.device = status.st_dev;
			entry.inode = status.st_ino;
		}
	}
	errno = saved;
	entry.base = module_hash(base_name(path));
	opened.deep |= (flags & RTLD_DEEPBIND) != 0;
	if (opened.count == OPENED_MAX)
		module_refresh(); /* it forgets the calls whose objects it finds */
	opened_add(&entry);
	list_expect_change();
}

void module_closing(void)
{
	if (opened.count)
		module_refresh();
}

bool module_deep_seen(void) { return opened.deep; }
