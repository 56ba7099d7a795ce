/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * gaps.c - finds work of BLAS that the shim cannot see, and tells the user.
 * It must never make a dump, nor print anything about a program whose work is all counted.
 */
#include "shim/resolve/gaps.h"

#include <errno.h>
#include <stdatomic.h>

#include "shim/dump/dump.h"
#include "shim/dump/lock.h"
#include "shim/guest/config.h"
#include "shim/guest/guest.h"
#include "shim/guest/speak.h"
#include "shim/resolve/module.h"
#include "shim/resolve/own_blas.h"
#include "shim/resolve/unserved.h"
#include "shim/state/epoch.h"

static atomic_bool is_due, said;

/* Whether the user wants to know at once: there is a limit, or the launcher was used. */
static bool is_awaited(void) { return config.budget_count || config.launched; }

void gaps_expect(void) { atomic_store(&is_due, true); }

bool gaps_are_due(void) { return is_awaited() && atomic_load(&is_due); }

bool gaps_were_said(void) { return atomic_load(&said); }

/* Whether findings are printed. At the end they are, too, if there is no dump that could have a note of them. */
static bool may_say(bool is_last) { return !config.quiet && (is_awaited() || (is_last && !dump_is_open())); }

/*
 * Whether object `number` is examined. With neither a limit nor the launcher nor a dump, only the program itself is,
 * at the end: if libflopshim.so is preloaded for a whole session, it must not read the files of all libraries of
 * every process.
 */
static bool is_looked_at(unsigned number, enum gaps_moment moment)
{
	return is_awaited() || dump_is_open() || (moment == GAPS_END && !number);
}

/*
 * Examines objects until one gives a finding to print, which goes to `sentence`. False if there is none. Objects that
 * were examined before are skipped, so that repeated calls get all findings.
 */
static bool find_next(enum gaps_moment moment, const void *closing, char *sentence, size_t size)
{
	bool is_last = moment == GAPS_END, found = false;
	struct module *module;

	guest_lock(&record_lock);
	module_refresh();
	module_mark_closing(closing);
	for (unsigned i = 0; !found && (is_awaited() || dump_is_open()) && (module = module_at(i)); i++)
		found = unserved_look_at(module, may_say(false) ? sentence : NULL, size);
	for (unsigned i = 0; !found && is_looked_at(i, moment) && (module = module_at(i)); i++)
		found = own_blas_look_at(module, is_last || module->flags & MODULE_CLOSING,
		                         may_say(is_last) ? sentence : NULL, size);
	guest_unlock(&record_lock);
	return found;
}

/*
 * Does what gaps_look says. `closing`: the handle that is about to be closed, or NULL. Prints without the lock, since
 * standard error may block.
 */
static void look(enum gaps_moment moment, const void *closing)
{
	char sentence[SPEAK_LINE_MAX];
	int saved = errno;

	if (guest_confined || !epoch_is_counting())
		return; /* confined, or a forked child that has not started over: its locks and dump are its parent's */
	atomic_store(&is_due, false);
	while (find_next(moment, closing, sentence, sizeof(sentence))) {
		atomic_store(&said, true);
		guest_say("%s", sentence);
	}
	errno = saved;
}

void gaps_look(enum gaps_moment moment) { look(moment, NULL); }
void gaps_look_before_close(const void *handle) { look(GAPS_BEFORE, handle); }
