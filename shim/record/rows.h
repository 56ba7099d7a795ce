/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * rows.h - how the row of a shape is found in a lane, and how a new one is begun: for the call path to inline.
 * It must never take a lock, allocate or use a vector register.
 *
 * A signal handler that calls BLAS may come between any two instructions of what follows, and add rows and entries of
 * its own. So each place in a block or in the index is taken by one instruction, and what is complete is republished
 * until no signal handler has intervened. At worst a row is duplicated.
 */
#ifndef FLOPSHIM_ROWS_H
#define FLOPSHIM_ROWS_H

#include "shim/dump/dump.h"
#include "shim/state/entry.h"
#include "shim/state/shape.h"
#include "shim/state/state.h"

/* The key of a row beside its shape: where it is called and where it is charged, as they stand in the row. */
static inline uint64_t row_place(uint32_t site, uint32_t namespace_id) { return site | (uint64_t)namespace_id << 32; }

/*
 * The hash of a row's key, in three steps. It is the same in every process, and dimensions that are 0 do not change it.
 */
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

/*
 * Shapes that differ only in the last bits of their first dimension are neighbours in the index. A factorization takes
 * one column after the other, with so much work between that any other cache line would have to come from memory.
 */
static inline uint64_t hash_end(uint64_t hash, int64_t first)
{
	uint64_t beside = (uint64_t)first % ROW_NEIGHBOURS;

	hash -= hash_dim(0, (int64_t)beside);
	return (hash ^ hash >> 32) * 0x9e3779b97f4a7c15u ^ beside << (64 - ROW_TAG_BITS);
}

static inline uint64_t shape_hash(const struct shape *shape, unsigned dims, uint64_t place)
{
	uint64_t hash = hash_begin(shape->options, place);

	for (unsigned i = 0; i < dims; i++)
		hash += hash_dim(i, shape->dims[i]);
	return hash_end(hash, dims ? shape->dims[0] : 0);
}

/* The bits of a hash that the index keeps: the tag. */
static inline uint64_t row_tag(uint64_t hash) { return hash >> (64 - ROW_TAG_BITS); }

static inline uint64_t row_entry(const struct dump_row *row, uint64_t tag)
{
	return (uint64_t)row / ROW_ALIGN | tag << (64 - ROW_TAG_BITS);
}

static inline uint64_t row_entry_tag(uint64_t entry) { return entry >> (64 - ROW_TAG_BITS); }

static inline struct dump_row *row_of_entry(uint64_t entry)
{
	return (struct dump_row *)((entry << ROW_TAG_BITS >> ROW_TAG_BITS) * ROW_ALIGN);
}

/* Kind and flags of a row as one number, as they stand in the row. */
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
	uint64_t tag = row_tag(hash), entry;

	for (uint64_t at = tag & index->mask; (entry = index->entries[at]); at = (at + 1) & index->mask)
		if (row_entry_tag(entry) == tag && row_is(row_of_entry(entry), place, sort, shape, dims))
			return row_of_entry(entry);
	return NULL;
}

/* Adds the share of a call to a coarse row. It does so when the call begins, but counts there only when it ends. */
static inline void row_add_share(struct dump_row *row, uint64_t flops, uint64_t charged, uint64_t words)
{
	row->flops += flops;
	row->charged += charged;
	row->words += words;
}

/*
 * Has readers know which share of a coarse row belongs to a call that has not ended. Must come before the call is in
 * flight.
 */
static inline void share_note(struct dump_lane *lane, uint64_t slot, uint64_t flops, uint64_t charged, uint64_t words)
{
	volatile struct dump_share *share = &lane->shares[slot / 16 % DUMP_SHARES]; /* one for all calls of a slot */

	share->slot = 0;
	share->flops = flops;
	share->charged = charged;
	share->words = words;
	share->slot = slot;
}

/*
 * Adds a call's time to its row. While no call is counted as timed, time_ns may hold one time that is not typical,
 * which this replaces: see leave_long.
 */
static inline void row_add_time(struct dump_row *row, uint64_t ns)
{
	row->time_ns = likely(row->timed_calls) ? row->time_ns + ns : ns;
	row->timed_calls++;
}

/*
 * Rounds a dimension up to the next power of two, and all that is negative to -1, so that a few rows hold all other
 * shapes.
 */
static inline int64_t dim_coarsen(int64_t dim)
{
	if (likely(dim > 1))
		return unlikely(dim > (int64_t)1 << 62) ? INT64_MAX
		                                        : (int64_t)2 << (__builtin_clzll((uint64_t)dim - 1) ^ 63);
	return dim < 0 ? -1 : dim;
}

/* Rounds all dimensions of a shape; returns the hash of the result. */
static inline uint64_t shape_coarsen(const struct shape *shape, unsigned dims, uint64_t place, struct shape *coarse)
{
	uint64_t hash = hash_begin(shape->options, place);

	coarse->options = shape->options;
	for (unsigned i = 0; i < dims; i++) {
		coarse->dims[i] = dim_coarsen(shape->dims[i]);
		hash += hash_dim(i, coarse->dims[i]);
	}
	return hash_end(hash, dims ? coarse->dims[0] : 0);
}

/* ---- new rows ---- */

enum { ROW_KINDS = DUMP_ROW_MANUAL + 1 };

/* How many rows a block takes. One of each kind is kept for when the file cannot grow any more. */
static inline uint64_t row_block_room(const struct dump_part *part) { return part->capacity - ROW_KINDS; }

static inline struct dump_row *row_at(const struct dump_part *part, uint64_t position)
{
	return (struct dump_row *)part->entries +
	       position; /* without a multiplication by a variable, as in dump_entry */
}

/* Enters a row into the index. */
static inline void row_index_put(struct row_index *index, struct dump_row *row, uint64_t tag)
{
	uint64_t entry = row_entry(row, tag), at = tag & index->mask;

	while (!entry_put(&index->entries[at], entry))
		at = (at + 1) & index->mask;
}

/*
 * The same for a coarse row, which thousands of shapes share: it is put where their search begins, and the entry that
 * was there moves on.
 */
static inline void row_index_put_first(struct row_index *index, struct dump_row *row, uint64_t tag)
{
	uint64_t entry = row_entry(row, tag), *first = &index->entries[tag & index->mask], moved;

	if (entry_put(first, entry))
		return;
	moved = *first;
	*first = entry;
	for (uint64_t at = tag + 1; !entry_put(&index->entries[at & index->mask], moved); at++)
		;
}

/* Has readers see all rows that were taken from a block; republishes until no signal handler has intervened. */
static inline void row_block_publish(const struct lane_rows *rows, struct dump_part *part)
{
	uint64_t used;

	do {
		used = __atomic_load_n(&part->taken, __ATOMIC_RELAXED);
		if (used > row_block_room(part))
			used = row_block_room(part) +
			       (rows->overflow == row_at(part, row_block_room(part)) ? ROW_KINDS : 0);
		dump_part_use(part, used);
	} while (used < row_block_room(part) && used != __atomic_load_n(&part->taken, __ATOMIC_RELAXED));
}

/* Takes the next row of a block; NULL if there is none left. */
static inline struct dump_row *row_take(struct dump_part *part)
{
	uint64_t position = entry_take(&part->taken);

	return likely(position < row_block_room(part)) ? row_at(part, position) : NULL;
}

/* Begins a new row, zeroed, in the block *part; NULL where block or index must grow first. */
static inline struct dump_row *row_begin(struct lane_rows *rows, struct dump_part **part)
{
	if (unlikely(!rows->block_count || (uint64_t)(rows->count + 1) * 2 > rows->index->mask))
		return NULL;
	*part = rows->blocks[rows->block_count - 1];
	return row_take(*part);
}

/*
 * Ends a row that row_begin has given and the caller has filled: publishes it, and enters it into the index. `coarse`
 * says what the row's flags say, since reading these would have to wait for memory.
 */
static inline void row_end(struct lane_rows *rows, struct dump_part *part, struct dump_row *row, uint64_t hash,
                           bool coarse)
{
	row_block_publish(rows, part);
	if (unlikely(coarse))
		row_index_put_first(rows->index, row, row_tag(hash));
	else
		row_index_put(rows->index, row, row_tag(hash));
	if (++rows->count >= ROWS_MAX)
		rows->coarse = true;
}

/* Fetches the row of the next new shape, which need not exist, while this call has the caches. */
static inline void row_prefetch(const struct dump_row *row)
{
	_Static_assert(sizeof(*row) == 128, "two cache lines");
	__builtin_prefetch(row, 1);
	__builtin_prefetch((const char *)row + 64, 1);
}

#endif
