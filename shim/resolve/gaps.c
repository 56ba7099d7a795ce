/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * gaps.c - work of BLAS that the shim cannot see, as the loaded objects tell of it.
 * It must never make a dump, nor say a word of a program in which nothing is missing.
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

static bool is_awaited(void) { return config.budget_count || config.launched; }

void gaps_expect(void) { atomic_store(&is_due, true); }

bool gaps_are_due(void) { return is_awaited() && atomic_load(&is_due); }

bool gaps_were_said(void) { return atomic_load(&said); }

/* A process without a dump has no notes, so its last look is said. */
static bool may_say(bool is_last) { return !config.quiet && (is_awaited() || (is_last && !dump_is_open())); }

/*
 * Where nobody waits for it, and no dump is there to be read, only the program itself is looked at, and once: a preload that
 * stands for a whole session must not read the files of all libraries of every process.
 */
static bool is_looked_at(unsigned number, enum gaps_moment moment)
{
	return is_awaited() || dump_is_open() || (moment == GAPS_END && !number);
}

/*
 * Looks until there is something to say, which `sentence` then holds, and at each object that has been dealt with no more.
 * False where there is nothing to say any more.
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
		found = own_blas_look_at(module, is_last || module->flags & MODULE_CLOSING, may_say(is_last) ? sentence : NULL, size);
	guest_unlock(&record_lock);
	return found;
}

/* `closing`: the handle that is about to be closed, if there is one. Says nothing under the lock: standard error may be slow. */
static void look(enum gaps_moment moment, const void *closing)
{
	char sentence[SPEAK_LINE_MAX];
	int saved = errno;

	if (guest_confined || !epoch_is_counting())
		return; /* a confined process reads no objects, and a child's locks and dump are its parent's until it starts over */
	atomic_store(&is_due, false);
	while (find_next(moment, closing, sentence, sizeof(sentence))) {
		atomic_store(&said, true);
		guest_say("%s", sentence);
	}
	errno = saved;
}

void gaps_look(enum gaps_moment moment) { look(moment, NULL); }
void gaps_look_before_close(const void *handle) { look(GAPS_BEFORE, handle); }
