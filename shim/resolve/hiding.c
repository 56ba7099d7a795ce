/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * hiding.c - finds libraries whose BLAS calls go past the shim because of the search order of the dynamic linker.
 * It must never name a library that makes no BLAS call.
 */
#include "shim/resolve/hiding.h"

#include "shim/dump/dump.h"
#include "shim/dump/lock.h"
#include "shim/guest/config.h"
#include "shim/guest/guest.h"
#include "shim/guest/speak.h"
#include "shim/resolve/resolve.h"
#include "shim/state/epoch.h"

/* A name that a BLAS before the shim defines is bound to that BLAS, if any other object uses BLAS at all. */
void hiding_say_before(void)
{
	struct module *module, *hiding = NULL;
	char path[SPEAK_LINE_MAX] = "";
	bool used = false;
	size_t end = 0;

	guest_lock(&record_lock);
	/* From 1 on: own_blas.c deals with the program itself, which always comes before the shim. */
	for (unsigned i = 1; (module = module_at(i)) && !(module->flags & MODULE_SELF); i++)
		if (module_is_blas(module, true))
			hiding = module;
	for (unsigned i = 0; hiding && (module = module_at(i)); i++)
		used |= module != hiding && !module_is_blas(module, false) && module_uses_blas(module);
	if (hiding && used)
		guest_print(path, sizeof(path), &end, "%s", module_file(hiding));
	guest_unlock(&record_lock);
	if (*path && !config.quiet)
		guest_say("%s comes before libflopshim.so: calls to it are neither counted nor limited; put "
		          "libflopshim.so first in "
		          "LD_PRELOAD",
		          path);
}

/*
 * Notes objects that were opened with RTLD_DEEPBIND, from *number on. Without a dump it stops, if `may_say`, at the
 * first one, with its path in `path`, and returns true; *number is then the next one. False at the end.
 */
static bool find_next_deep(unsigned *number, bool may_say, char *path, size_t size)
{
	struct module *module;
	bool found = false;
	size_t end = 0;

	guest_lock(&record_lock);
	module_refresh();
	for (; !found && (module = module_at(*number)); ++*number) {
		if (!(module->flags & MODULE_DEEP) || !module_uses_blas(module))
			continue;
		if (dump_is_open())
			dump_note(DUMP_NOTE_DEEPBIND, module_file(module), 1);
		else if (may_say)
			guest_print(path, size, &end, "%s", module_file(module));
		found = end > 0;
	}
	guest_unlock(&record_lock);
	return found;
}

/* Prints without the lock, since standard error may block. */
void hiding_note_deep(bool at_end)
{
	char path[SPEAK_LINE_MAX];
	unsigned number = 0;

	if (!epoch_is_counting() || !module_deep_seen())
		return;
	while (find_next_deep(&number, at_end && !config.quiet, path, sizeof(path)))
		guest_say("%s was opened with RTLD_DEEPBIND: its BLAS calls are neither counted nor limited", path);
}
