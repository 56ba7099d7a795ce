/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * unserved.c - finds routines of BLAS and LAPACK that objects of the program refer to and the routine table does not
 * have.
 * It must never make a dump, nor print anything about a program whose routines are all known.
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
	unsigned count;  /* names that were found */
	bool noted;      /* they are noted in the dump */
	char first[128]; /* the first one */
};

/* Whether the shim exports the name. */
static bool is_served(const char *name) { return resolve_own_name(name) >= 0; }

/*
 * Whether a BLAS defines the name, or a library that does not use one. A library that defines such a name and calls
 * known routines is counted by these.
 */
static bool is_defined_by_blas(const char *name)
{
	struct module *module;

	for (unsigned i = 0; (module = module_at(i)); i++)
		if (module_symbol(module, name))
			return module_is_blas(module, false) || !module_uses_blas(module);
	return false;
}

/* Adds a name to *found if it is that of a routine which the shim does not serve. */
static void take(const char *name, void *context)
{
	static char text[NOTE_MAX]; /* under record_lock */
	struct found *found = context;
	size_t end = 0;

	/* What a BLAS itself refers to is defined in other parts of it: those calls are nested. */
	if (!blas_name_is_unserved(name, is_served) || module_is_blas(found->module, false) ||
	    !is_defined_by_blas(name))
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
		guest_print(sentence, size, &end,
		            "%s, which %s calls, is named like a routine of BLAS or LAPACK, but flopshim does not know "
		            "it: it is neither counted nor limited",
		            found->first, found->path);
		return;
	}
	guest_print(sentence, size, &end,
	            "%s and %u more, which %s calls, are named like routines of BLAS or LAPACK, but flopshim does not "
	            "know them: they are neither counted nor limited",
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
