/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * intercept.h - the call path: what entry_<arch>.S calls around every BLAS and LAPACK call.
 */
#ifndef FLOPSHIM_INTERCEPT_H
#define FLOPSHIM_INTERCEPT_H

#include "entry.h"
#include "state.h"

/* A call's options and dimensions, options as letters with the first in the lowest byte. */
struct shape {
	uint64_t options;
	int64_t dims[SHAPE_DIMS_MAX];
};

struct entry_verdict intercept_enter(entry_frame frame, uint32_t symbol);
struct entry_verdict intercept_enter_slow(entry_frame frame, uint32_t symbol);
int intercept_leave(entry_frame frame);

/*
 * What intercept_enter does, for threads whose every call is timed: function 0 where more is needed. The caller starts the
 * clock; intercept_leave_timed is false where more is needed.
 */
struct entry_verdict intercept_enter_timed(entry_frame frame, uint32_t symbol, uint64_t flags);
bool intercept_leave_timed(entry_frame frame);
void intercept_leave_slow(entry_frame frame);

/* Reads the shape arguments of a call. Where LAPACK would not reference one, it is not read. */
void shape_read(const struct form *form, unsigned options, unsigned dims, bool ilp64, entry_frame frame,
		struct shape *shape);

/* Works out how the site's arguments are read; form, flags, options and dims must be set. */
void site_slot_prepare(struct site_slot *slot);
/* Keeps the row of this call for the next one from the site. */
void site_slot_remember(struct site_slot *slot, entry_frame frame, struct dump_row *row, uint32_t row_number,
			const struct scope *scope);

/* Whether a workspace size of this call is -1. */
bool intercept_is_query(const struct form *form, entry_frame frame);

/* Whether an address is on the alternate stack that a signal handler runs on just now. */
bool intercept_on_signal_stack(uint64_t address);

/* Whether a call that has come back says by INFO that it did nothing. */
bool intercept_was_rejected(const struct form *form, entry_frame frame);

/* The index number of a row with this key; the same for every process. */
static inline uint32_t shape_hash(const struct shape *shape, unsigned dims, uint32_t site, uint32_t namespace_id)
{
	uint64_t hash = shape->options * 0x9e3779b97f4a7c15u + site;

	hash = (hash ^ (hash >> 29)) * 0xbf58476d1ce4e5b9u + namespace_id;
	for (unsigned i = 0; i < dims; i++)
		hash = (hash ^ (hash >> 31) ^ (uint64_t)shape->dims[i]) * 0x94d049bb133111ebu;
	return (uint32_t)(hash >> 32);
}

#endif
