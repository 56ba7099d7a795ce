/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * hiding.c - libraries whose calls the shim cannot see, because something hides them from it.
 * It must never say anything of a library that makes no BLAS call.
 */
#include "shim/resolve/hiding.h"

#include "shim/dump/dump.h"
#include "shim/dump/lock.h"
#include "shim/guest/config.h"
#include "shim/guest/guest.h"
#include "shim/resolve/resolve.h"
#include "shim/state/epoch.h"

/* A BLAS in front of the shim in the search order answers first: its calls are never seen. */
void hiding_say_before(void)
{
	struct module *module, *hiding = NULL;
	bool used = false;

	/* What the program itself defines is own_blas.c's concern: nobody can put the shim before that. */
	for (unsigned i = 1; (module = module_at(i)) && !(module->flags & MODULE_SELF); i++)
		if (module_is_blas(module, true))
			hiding = module;
	for (unsigned i = 0; hiding && (module = module_at(i)); i++)
		used |= module != hiding && !module_is_blas(module, false) && module_uses_blas(module);
	if (hiding && used && !config.quiet)
		guest_say("%s stands before the shim: calls to it are not seen; put libflopshim.so first in LD_PRELOAD",
			  hiding->path);
}

/* Objects that were opened RTLD_DEEPBIND call their BLAS past the shim. */
void hiding_note_deep(bool at_end)
{
	struct module *module;

	if (!epoch_is_counting() || !module_deep_seen())
		return;
	guest_lock(&record_lock);
	module_refresh();
	for (unsigned i = 0; (module = module_at(i)); i++) {
		if (!(module->flags & MODULE_DEEP) || !module_uses_blas(module))
			continue;
		if (dump_is_open())
			dump_note(DUMP_NOTE_DEEPBIND, module->path, 1);
		else if (at_end && !config.quiet)
			guest_say("%s was opened RTLD_DEEPBIND: its BLAS calls are not seen", module->path);
	}
	guest_unlock(&record_lock);
}
