/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * intercept.h - the call path: what entry_<arch>.S calls around every BLAS and LAPACK call.
 */
#ifndef FLOPSHIM_INTERCEPT_H
#define FLOPSHIM_INTERCEPT_H

#include <stddef.h>

#include "entry.h"
#include "state.h"

/*
 * A call's options and dimensions, options as letters with the first in the lowest byte. A price wants letters and
 * dimensions in one array: its last letter stands before the first dimension, once somebody asks for the price.
 */
struct shape {
	uint64_t options;
	union {
		struct {
			int64_t letters[SHAPE_OPTIONS_MAX], dims[SHAPE_DIMS_MAX];
		};
		int64_t values[SHAPE_ARGS_MAX];
	};
};

struct entry_verdict intercept_enter(entry_frame frame, uint32_t symbol, struct thread *thread);
/* The same while another call is in flight. */
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

/* Whether an address is on the alternate stack that a signal handler runs on just now. */
bool intercept_on_signal_stack(uint64_t address);

/* Whether a call that has come back says by INFO that it did nothing. */
bool intercept_was_rejected(const struct form *form, entry_frame frame);

/* What tells a row from others of its shape: where it is called and where it is charged, as they stand in the row. */
static inline uint64_t row_place(uint32_t site, uint32_t namespace_id) { return site | (uint64_t)namespace_id << 32; }

/* Of a row with this key; the same for every process. Dimensions that are 0 do not matter. */
static inline uint64_t hash_begin(uint64_t options, uint64_t place)
{
	return place * 0x9fb21c651e98df25u + options * 0xa0761d6478bd642fu;
}

static inline uint64_t hash_dim(unsigned i, int64_t dim)
{
	static const uint64_t factors[SHAPE_DIMS_MAX] = {
		0xc2b2ae3d27d4eb4fu, 0x94d049bb133111ebu, 0xbf58476d1ce4e5b9u, 0xd6e8feb86659fd93u,
		0xff51afd7ed558ccdu, 0xc4ceb9fe1a85ec53u, 0x165667b19e3779f9u, 0x2545f4914f6cdd1du,
	};

	return (uint64_t)dim * factors[i];
}

static inline uint64_t hash_end(uint64_t hash) { return (hash ^ hash >> 32) * 0x9e3779b97f4a7c15u; }

static inline uint64_t shape_hash(const struct shape *shape, unsigned dims, uint64_t place)
{
	uint64_t hash = hash_begin(shape->options, place);

	for (unsigned i = 0; i < dims; i++)
		hash += hash_dim(i, shape->dims[i]);
	return hash_end(hash);
}

/* Where the search for a row begins. */
static inline uint64_t row_index_start(const struct row_index *index, uint64_t hash)
{
	return hash >> 32 & index->mask;
}

static inline uint64_t row_tag(uint64_t hash) { return hash >> (64 - ROW_TAG_BITS); }

static inline struct dump_row *row_of_entry(uint64_t entry)
{
	return (struct dump_row *)(entry & (((uint64_t)1 << (64 - ROW_TAG_BITS)) - 1));
}

/* Kind and flags of a row as one number. */
static inline uint32_t row_sort(enum dump_row_kind kind, uint8_t flags)
{
	return (uint32_t)kind | (uint32_t)flags << 8;
}

static inline bool row_is(const struct dump_row *row, uint64_t place, uint32_t sort, const struct shape *shape,
			  unsigned dims)
{
	uint64_t own_place;
	uint16_t own_sort;

	__builtin_memcpy(&own_place, &row->site, sizeof(own_place));
	__builtin_memcpy(&own_sort, &row->kind, sizeof(own_sort));
	if (own_place != place || own_sort != sort || row->options != shape->options)
		return false;
	for (unsigned i = 0; i < dims; i++)
		if (row->dims[i] != shape->dims[i])
			return false;
	return true;
}

/* The row with this key, NULL if the index has none. */
static inline struct dump_row *row_find(const struct row_index *index, uint64_t hash, uint64_t place, uint32_t sort,
					const struct shape *shape, unsigned dims)
{
	uint64_t entry;

	for (uint64_t at = row_index_start(index, hash); (entry = index->entries[at]); at = (at + 1) & index->mask)
		if (entry >> (64 - ROW_TAG_BITS) == row_tag(hash) && row_is(row_of_entry(entry), place, sort, shape, dims))
			return row_of_entry(entry);
	return NULL;
}

/* Up to the next power of two, and all that is negative to -1, so that a few rows hold all the rest. */
static inline int64_t dim_coarsen(int64_t dim)
{
	if (likely(dim > 1))
		return unlikely(dim > (int64_t)1 << 62) ? INT64_MAX : (int64_t)2 << (__builtin_clzll((uint64_t)dim - 1) ^ 63);
	return dim < 0 ? -1 : dim;
}

/* Returns the hash of what it makes. */
static inline uint64_t shape_coarsen(const struct shape *shape, unsigned dims, uint64_t place, struct shape *coarse)
{
	uint64_t hash = hash_begin(shape->options, place);

	coarse->options = shape->options;
	for (unsigned i = 0; i < dims; i++) {
		coarse->dims[i] = dim_coarsen(shape->dims[i]);
		hash += hash_dim(i, coarse->dims[i]);
	}
	return hash_end(hash);
}

#endif
