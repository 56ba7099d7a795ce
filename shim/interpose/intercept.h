/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * intercept.h - the call path: what entry_<arch>.S calls around every BLAS and LAPACK call.
 * Only an entry body and the slow path may call these functions.
 */
#ifndef FLOPSHIM_INTERCEPT_H
#define FLOPSHIM_INTERCEPT_H

#include <stddef.h>

#include "shim/state/entry.h"
#include "shim/state/shape.h"
#include "shim/state/state.h"

/* Begins a call whose known site is `known`, with no other call in flight. The entry body has tested key and epoch. */
struct entry_verdict intercept_enter(entry_frame frame, struct known_site *known, struct thread *thread);
/* Begins a call that the entry body did not find at the first place of its site, with no other call in flight. */
struct entry_verdict intercept_enter_displaced(entry_frame frame, uint32_t symbol, struct thread *thread);
/* Begins a call while another one is in flight. */
struct entry_verdict intercept_enter_nested(entry_frame frame, uint32_t symbol, struct thread *thread);
/*
 * Begins any call, after one of the others has answered ACTION_SLOW. May use vector registers, which the entry body
 * has saved.
 */
struct entry_verdict intercept_enter_slow(entry_frame frame, uint32_t symbol);
/* Ends a call: 0, or 1 to have intercept_leave_slow called instead, and then it has changed nothing. */
int intercept_leave(entry_frame frame);

/*
 * Does what intercept_enter does, for a thread whose calls are all timed or logged. The slow path calls it and starts
 * the clock afterwards; function NULL means that more is needed. intercept_leave_timed is true where sample_leave and
 * counting the call are all that is left to do.
 */
struct entry_verdict intercept_enter_timed(entry_frame frame, uint32_t symbol, uint64_t flags);
bool intercept_leave_timed(entry_frame frame);
void intercept_leave_slow(entry_frame frame);

/*
 * Reads the shape arguments of a call, of a batch those of one group. An argument that LAPACK would not reference is
 * not read.
 */
void shape_read(const struct form *form, unsigned options, unsigned dims, bool ilp64, entry_frame frame, uint64_t group,
                struct shape *shape);

/* Works out how the site's arguments are read. form, flags, options and dims must be set. */
void known_site_prepare(struct known_site *known);
/* Keeps the row of this call for the next call from the site. */
void known_site_remember(struct known_site *known, struct dump_row *row, const struct scope *scope);

/* Whether the call asks for the size of its workspace. */
bool intercept_is_query(const struct form *form, entry_frame frame);

/* Whether a call that has returned says by INFO < 0 that it did nothing. */
bool intercept_was_rejected(const struct form *form, entry_frame frame);

#endif
