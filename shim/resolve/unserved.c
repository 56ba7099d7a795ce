/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * unserved.c - routines of BLAS and LAPACK that the program's objects refer to and no row of the table serves.
 * It must never make a dump, nor say a word of a program whose names are all known.
 */
#include "shim/resolve/unserved.h"

#include "shim/dump/dump.h"
#include "shim/guest/guest.h"
#include "shim/resolve/blas_name.h"
#include "shim/resolve/resolve.h"

enum { NOTE_MAX = 512 };

/* What was found in one object. */
struct found {
	struct module *module;
	const char *path;
	unsigned count;
	bool noted;       /* it goes into the dump, too */
	char first[128];
};

static bool is_served(const char *name) { return resolve_own_name(name) >= 0; }

/* A library that calls known routines is counted through them: a name of its own is no gap. */
static bool is_defined_by_blas(const char *name)
{
	struct module *module;

	for (unsigned i = 0; (module = module_at(i)); i++)
		if (module_symbol(module, name))
			return module_is_blas(module, false) || !module_uses_blas(module);
	return false;
}

static void take(const char *name, void *context)
{
	static char text[NOTE_MAX]; /* under record_lock */
	struct found *found = context;
	size_t end = 0;

	/* A BLAS refers to what other parts of it define: that is no call of the program's. */
	if (!blas_name_is_unserved(name, is_served) || module_is_blas(found->module, false) || !is_defined_by_blas(name))
		return;
	if (!found->count++)
		guest_print(found->first, sizeof(found->first), &end, "%s", name);
	end = 0;
	guest_print(text, sizeof(text), &end, "%s in %s", name, found->path);
	if (found->noted)
		dump_note(DUMP_NOTE_UNSERVED, text, 0);
}

static void sentence_print(const struct found *found, char *sentence, size_t size)
{
	size_t end = 0;

	if (found->count == 1) {
		guest_print(sentence, size, &end, "%s, which %s calls, has a name like those of BLAS and LAPACK and is not known: if it is one, it is neither counted nor limited",
			  found->first, found->path);
		return;
	}
	guest_print(sentence, size, &end, "%s and %u more, which %s calls, have names like those of BLAS and LAPACK and are not known: if they are, they are neither counted nor limited",
		  found->first, found->count - 1, found->path);
}

bool unserved_look_at(struct module *module, char *sentence, size_t size)
{
	struct found found = {.module = module};
	bool is_new = !(module->flags & MODULE_IMPORTS_SEEN);

	found.noted = dump_is_open() && !(module->flags & MODULE_UNSERVED_NOTED);
	if (module->flags & MODULE_SELF || (!is_new && !(module->flags & MODULE_UNSERVED && found.noted)))
		return false;
	found.path = module_file(module);
	module_each_import(module, take, &found);
	module->flags |= MODULE_IMPORTS_SEEN;
	if (!found.count)
		return false;
	module->flags |= MODULE_UNSERVED | (found.noted ? MODULE_UNSERVED_NOTED : 0);
	if (is_new && sentence)
		sentence_print(&found, sentence, size);
	return is_new && sentence;
}
