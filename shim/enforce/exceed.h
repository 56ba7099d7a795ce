/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * exceed.h - what happens to a call that does not fit its budget.
 * It must never be called with a lock of the shim's held, since the program's code may run inside.
 */
#ifndef FLOPSHIM_EXCEED_H
#define FLOPSHIM_EXCEED_H

#include <stdbool.h>
#include <stdint.h>

#include "shim/charge/charge.h"
#include "flopshim.h"
#include "shim/state/entry.h"
#include "shim/state/shape.h"
#include "shim/charge/namespace.h"
#include "price/routines.h"

/* A call that does not fit, for the message and for denying it. */
struct exceeding_call {
	const char *operation; /* name of work charged by hand; NULL for a call */
	const struct routine *routine;
	const struct form *form;
	const struct shape *shape;
	entry_frame frame; /* NULL for work charged by hand */
	bool ilp64;
	uint64_t caller;
	int64_t cost;
	struct limit *limit;
	uint64_t remaining;
	struct thread *thread;
	struct refusal *refusal; /* gets what a language that charges by hand is to raise by itself; else NULL */
};

/*
 * Has the program decide, or not any more if `callback` is NULL; see flopshim_on_exceed. False without memory: then
 * nothing has changed.
 */
bool exceed_set_callback(flopshim_exceed_callback callback, void *context);
/* Sets whether refusals are left unsaid; returns what was set before. */
int exceed_set_quiet(int quiet);

/* Ends the process with status 2 and a message: a limit should hold, and there is no memory to keep count for it. */
void exceed_without_memory(void) __attribute__((noreturn));

/*
 * Does with a call that does not fit what was asked for. True if it is to run over its budget; false if it is denied,
 * and its results are set. May not return, or be left by longjmp.
 */
bool exceed(const struct exceeding_call *call);

#endif
