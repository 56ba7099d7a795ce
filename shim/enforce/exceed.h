/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * exceed.h - what happens to a call that does not fit its budget.
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

/* A call, for the message and for denying it. */
struct exceeding_call {
	const char *operation;          /* of work charged by hand; NULL for a call */
	const struct routine *routine;
	const struct form *form;
	const struct shape *shape;
	entry_frame frame;     /* NULL for work charged through a marker */
	bool ilp64;
	uint64_t caller;
	int64_t cost;
	struct limit *limit;
	uint64_t remaining;
	struct thread *thread;
	struct refusal *refusal; /* of work charged by a block's language, which raises by itself: what it raises; else NULL */
};

/* Has the program decide; see flopshim_on_exceed. False without memory: then nothing has changed. */
bool exceed_set_callback(flopshim_exceed_callback callback, void *context);
/* Whether refusals are said; returns what was set before. */
int exceed_set_quiet(int quiet);

/* Ends the process with status 2, saying why: a limit should hold, and there is no memory to keep count for it. */
void exceed_without_memory(void) __attribute__((noreturn));

/* True if the call is to run over its budget; false if it is denied, and its results are set. May not return. */
bool exceed(const struct exceeding_call *call);

#endif
