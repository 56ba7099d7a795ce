/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * intercept.h - the call path: what entry_<arch>.S calls around every BLAS and LAPACK call.
 */
#ifndef FLOPSHIM_INTERCEPT_H
#define FLOPSHIM_INTERCEPT_H

#include <stddef.h>

#include "shim/state/entry.h"
#include "shim/state/shape.h"
#include "shim/state/state.h"

/* A call from a site that the thread has in its place, while no other is in flight. */
struct entry_verdict intercept_enter(entry_frame frame, struct site_slot *slot, struct thread *thread);
/* From one that it has not. */
struct entry_verdict intercept_enter_displaced(entry_frame frame, uint32_t symbol, struct thread *thread);
/* A call while another is in flight. */
struct entry_verdict intercept_enter_nested(entry_frame frame, uint32_t symbol, struct thread *thread);
struct entry_verdict intercept_enter_slow(entry_frame frame, uint32_t symbol);
int intercept_leave(entry_frame frame);

/*
 * What intercept_enter does for threads whose every call is timed or logged, after it has refused one of them:
 * function 0 where more is needed. The caller starts the clock; intercept_leave_timed is false where more is needed.
 */
struct entry_verdict intercept_enter_timed(entry_frame frame, uint32_t symbol, uint64_t flags);
bool intercept_leave_timed(entry_frame frame);
void intercept_leave_slow(entry_frame frame);

/*
 * Reads the shape arguments of a call, of a batch those of one group. Where LAPACK would not reference one, it is not
 * read.
 */
void shape_read(const struct form *form, unsigned options, unsigned dims, bool ilp64, entry_frame frame,
		uint64_t group, struct shape *shape);

/* Works out how the site's arguments are read; form, flags, options and dims must be set. */
void site_slot_prepare(struct site_slot *slot);
/* Keeps the row of this call for the next one from the site. */
void site_slot_remember(struct site_slot *slot, struct dump_row *row, const struct scope *scope);

/* Whether a workspace size of this call is -1. */
bool intercept_is_query(const struct form *form, entry_frame frame);

/* Whether a call that has come back says by INFO that it did nothing. */
bool intercept_was_rejected(const struct form *form, entry_frame frame);

#endif
