/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * exceed.h - what happens to a call that does not fit its budget.
 */
#ifndef FLOPSHIM_EXCEED_H
#define FLOPSHIM_EXCEED_H

#include <stdbool.h>
#include <stdint.h>

#include "charge.h"
#include "intercept.h"
#include "routines.h"

/* A call, for the message and for denying it. */
struct exceeding_call {
	const struct routine *routine;
	const struct form *form;
	const struct shape *shape;
	entry_frame frame;     /* NULL for work charged through a marker */
	bool ilp64;
	uint64_t caller;
	int64_t cost;
	struct limit *limit;
	uint64_t remaining;
};

/* True if the call is to run over its budget; false if it is denied, and its results are set. May not return. */
bool exceed(const struct exceeding_call *call);

#endif
