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
#include "shim/resolve/module.h"
#include "shim/resolve/own_blas.h"
#include "shim/resolve/unserved.h"
#include "shim/state/epoch.h"

static atomic_bool is_due, said;

static bool is_awaited(void) { return config.budget_count || config.launched; }

void gaps_expect(void) { atomic_store(&is_due, true); }

bool gaps_are_due(void) { return is_awaited() && atomic_load(&is_due); }

bool gaps_were_said(void) { return atomic_load(&said); }

/* At the end of a process without a dump there is no other place for it. */
static bool may_say(bool is_last) { return !config.quiet && (is_awaited() || (is_last && !dump_is_open())); }

void gaps_look(enum gaps_moment moment)
{
	int saved = errno;
	struct module *module;
	bool found = false;

	if (guest_confined || !epoch_is_counting())
		return; /* a confined process reads no objects, and a child's locks and dump are its parent's until it starts over */
	atomic_store(&is_due, false);
	guest_lock(&record_lock);
	module_refresh();
	for (unsigned i = 0; (is_awaited() || dump_is_open()) && (module = module_at(i)); i++)
		found |= unserved_look_at(module, may_say(false));
	for (unsigned i = 0; (module = module_at(i)); i++)
		if (is_awaited() || dump_is_open() || moment == GAPS_END)
			found |= own_blas_look_at(module, moment != GAPS_BEFORE, may_say(moment == GAPS_END));
	guest_unlock(&record_lock);
	if (found)
		atomic_store(&said, true);
	errno = saved;
}
