/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * rows.c - rows: the calls of one shape from one site in one namespace, and what becomes of those that have no room.
 * It must never lose a call silently: what does not fit into a row of its own goes into a coarse one.
 */
#include "shim/record/record.h"

#include <string.h>

#include "price/price.h"
#include "shim/charge/namespace.h"
#include "shim/charge/weights.h"
#include "shim/dump/dump.h"
#include "shim/guest/guest.h"
#include "shim/record/parts.h"
#include "shim/record/rows.h"

enum {
	ROWS_FIRST_BYTES = 1 << 14,
	ROWS_BLOCK_USUAL = 1 << 18, /* a full lane has 20 blocks */
	ROWS_BLOCK_MAX = 1 << 21,
	ROWS_USUAL = 20,
	ROWS_KEPT = 64, /* for coarse rows of a confined process, which cannot make blocks */
};

/* Doubles the index. Without memory the old one gets slower, until the lane counts as full. */
static void index_grow(struct lane_rows *rows)
{
	struct row_index *old = rows->index, *index;

	guest_lock(&record_lock);
	index = rows->index == old ? row_index_make((old->mask + 1) * 2) : NULL;
	for (uint64_t i = 0; index && i <= old->mask; i++)
		if (old->entries[i])
			row_index_put(index, row_of_entry(old->entries[i]), row_entry_tag(old->entries[i]));
	if (index)
		rows->index = index;
	else if (rows->index == old && rows->count >= old->mask / 4 * 3)
		rows->coarse = true;
	guest_unlock(&record_lock);
}

/*
 * Begins the rows that all new shapes share from now on. There is one for each kind, so that refused calls do not
 * count as done. Totals stay exact; the shapes are lost.
 */
static void overflow_begin(struct lane_rows *rows, struct dump_part *block)
{
	struct dump_row *first = row_at(block, row_block_room(block));

	for (unsigned kind = 0; kind < ROW_KINDS; kind++)
		first[kind] = (struct dump_row){.site = DUMP_NONE, .kind = (uint8_t)kind, .flags = DUMP_ROW_COARSE};
	rows->overflow = first;
	row_block_publish(rows, block);
}

/*
 * The size in bytes of the next block. The space of a block is made at once, so that one much larger than needed costs
 * more than another block. A full lane gets only coarse rows and those of work charged by hand, whose number is not
 * known.
 */
static uint64_t block_next_size(const struct lane_rows *rows, const struct dump_part *last)
{
	if (!last)
		return ROWS_FIRST_BYTES;
	if (last->size == ROWS_BLOCK_MAX || (last->size == ROWS_BLOCK_USUAL && rows->block_count < ROWS_USUAL))
		return last->size;
	return last->size * 2;
}

/* Adds a block. NULL if that is not possible: then there may be overflow rows. */
static struct dump_part *block_next(struct lane_rows *rows, struct dump_part *last)
{
	struct dump_part *block = NULL;

	guest_lock(&record_lock);
	if (rows->block_count && rows->blocks[rows->block_count - 1] != last)
		block = rows->blocks[rows->block_count - 1];
	else if (!rows->overflow && rows->block_count < ROW_BLOCKS_MAX)
		block = dump_block_add(DUMP_ROWS, sizeof(struct dump_row), block_next_size(rows, last), rows->lane,
		                       last ? last->first + (uint32_t)last->capacity : 0);
	if (last && !rows->overflow && (!block || dump_is_cut())) {
		overflow_begin(rows, last);
		block = NULL;
	}
	if (block && block != (rows->block_count ? rows->blocks[rows->block_count - 1] : NULL))
		rows->blocks[rows->block_count++] = block;
	guest_unlock(&record_lock);
	return block;
}

/*
 * The row of calls whose lane has no memory for any row. It is coarse, so that each call brings its own price and
 * limits hold. Many threads write it, and nobody reads it.
 */
static struct dump_row row_lost = {.site = DUMP_NONE, .flags = DUMP_ROW_COARSE};

/* Whether the index takes no more, since it cannot grow. A search ends only at an empty entry. */
static bool index_is_full(const struct lane_rows *rows) { return rows->count >= rows->index->mask / 8 * 7; }

/*
 * Counts a call that runs without a row as lost. A refused call does not run, and a rejected one was counted as lost
 * before.
 */
static void row_lose(struct thread *thread, enum dump_row_kind kind)
{
	if (kind == DUMP_ROW_REFUSED || kind == DUMP_ROW_REJECTED)
		return;
	thread->lane->lost_calls++;
	dump_lose_unlocked(DUMP_LOST_CALLS);
}

struct dump_row *row_place_new(struct thread *thread, enum dump_row_kind kind, struct dump_part **block)
{
	struct lane_rows *rows = &thread->rows;
	struct dump_part *last = rows->block_count ? rows->blocks[rows->block_count - 1] : NULL;
	struct dump_row *row;

	*block = NULL;
	if (index_is_full(rows)) { /* the row would not be found again */
		if (!rows->overflow)
			overflow_begin(rows, last);
		return &rows->overflow[kind];
	}
	while (!last || !(row = row_take(last))) {
		last = rows->overflow ? NULL : block_next(rows, last);
		if (!last && rows->overflow)
			return &rows->overflow[kind];
		if (!last) {
			row_lose(thread, kind);
			return &row_lost;
		}
	}
	*block = last;
	return row;
}

/* How many more rows the last block takes. */
static uint64_t rooms_left(const struct lane_rows *rows)
{
	const struct dump_part *block = rows->block_count ? rows->blocks[rows->block_count - 1] : NULL;

	return block && block->taken < row_block_room(block) ? row_block_room(block) - block->taken : 0;
}

void row_finish(struct lane_rows *rows, struct dump_part *block, struct dump_row *row, uint64_t hash)
{
	row_end(rows, block, row, hash, row->flags & DUMP_ROW_COARSE);
	if (rows->count * 2 > rows->index->mask)
		index_grow(rows);
}

/* Sets the price of a row's calls. */
static void row_price(struct dump_row *row, const struct routine *routine, struct shape *shape, uint32_t namespace_id)
{
	struct price price;

	row->charged =
		weights_price_inline(routine, shape, families[routine->family].option_count, namespace_id, &price);
	row->flops = price.flops;
	row->words = price.words;
	row->flags |= price.saturated ? DUMP_ROW_SATURATED : 0;
}

/* Makes a row that the index does not have. A coarse one has no price: each call brings its own. */
static inline __attribute__((always_inline)) struct dump_row *row_add(struct thread *thread, const struct site *site,
                                                                      struct shape *shape, uint64_t hash,
                                                                      uint32_t namespace_id, enum dump_row_kind kind,
                                                                      uint8_t flags)
{
	const struct routine *routine = &routines[site->form->routine];
	struct dump_part *block;
	struct dump_row *row = row_place_new(thread, kind, &block);

	if (!block)
		return row;
	row->site = site->number;
	row->namespace_id = namespace_id;
	row->kind = (uint8_t)kind;
	row->flags = flags;
	row->options = shape->options;
	for (unsigned i = 0; i < families[routine->family].dim_count; i++)
		row->dims[i] = shape->dims[i];
	if (kind != DUMP_ROW_QUERY && kind != DUMP_ROW_REJECTED && !(flags & DUMP_ROW_COARSE))
		row_price(row, routine, shape, namespace_id);
	row_finish(&thread->rows, block, row, hash);
	return row;
}

/* The coarse row for a shape in a full lane, made if need be. */
static RARE struct dump_row *row_coarse(struct thread *thread, const struct site *site, const struct shape *shape,
                                        uint32_t namespace_id, enum dump_row_kind kind, uint8_t flags)
{
	unsigned dims = families[routines[site->form->routine].family].dim_count;
	uint64_t place = row_place(site->number, namespace_id), hash;
	struct dump_row *row;
	struct shape key;

	hash = shape_coarsen(shape, dims, place, &key);
	flags |= DUMP_ROW_COARSE;
	dump_lose_unlocked(DUMP_COARSE_SHAPES);
	row = row_find(thread->rows.index, hash, place, row_sort(kind, flags), &key, dims);
	return row ? row : row_add(thread, site, &key, hash, namespace_id, kind, flags);
}

/*
 * Finds a row whether or not its price fits into the numbers: the key has a flag for that, but the price is not known
 * yet.
 */
static RARE struct dump_row *row_known(const struct row_index *index, uint64_t hash, uint64_t place, uint32_t sort,
                                       const struct shape *shape, unsigned dims)
{
	struct dump_row *row = row_find(index, hash, place, sort, shape, dims);

	return row ? row : row_find(index, hash, place, sort | row_sort(0, DUMP_ROW_SATURATED), shape, dims);
}

struct dump_row *record_row(struct thread *thread, const struct site *site, struct shape *shape, uint32_t namespace_id,
                            enum dump_row_kind kind, uint8_t flags)
{
	unsigned dims = families[routines[site->form->routine].family].dim_count;
	uint64_t place = row_place(site->number, namespace_id), hash = shape_hash(shape, dims, place);
	struct dump_row *row = row_known(thread->rows.index, hash, place, row_sort(kind, flags), shape, dims);

	if (row)
		return row;
	if (thread->rows.overflow && kind == DUMP_ROW_CALL)
		return thread->rows.overflow;
	if (guest_confined && rooms_left(&thread->rows) <= ROWS_KEPT)
		thread->rows.coarse = true;
	if (thread->rows.coarse)
		return row_coarse(thread, site, shape, namespace_id, kind, flags);
	return row_add(thread, site, shape, hash, namespace_id, kind, flags);
}

struct dump_row *record_row_like(struct thread *thread, const struct dump_row *row, const struct form *form,
                                 enum dump_row_kind kind, uint8_t flags)
{
	struct site site = {.number = row->site, .form = form};
	struct shape shape = {.options = row->options};
	uint32_t namespace_id = __atomic_load_n(&row->namespace_id, __ATOMIC_RELAXED);

	/* Others can write the dump. */
	namespace_id = namespace_id < namespace_count() ? namespace_id : 0;
	kind = (uint32_t)kind < ROW_KINDS ? kind : DUMP_ROW_CALL;
	memcpy(shape.dims, row->dims, sizeof(shape.dims));
	return record_row(thread, &site, &shape, namespace_id, kind, flags);
}

uint32_t record_row_number(const struct thread *thread, const struct dump_row *row)
{
	for (uint32_t i = thread->rows.block_count; i--;) {
		const struct dump_part *block = thread->rows.blocks[i];
		uint64_t distance = (uint64_t)row - (uint64_t)block->entries;

		if (distance < block->capacity * sizeof(struct dump_row) && distance % sizeof(struct dump_row) == 0)
			return block->first + (uint32_t)(distance / sizeof(struct dump_row));
	}
	return DUMP_NONE;
}

void record_saturated(void)
{
	__atomic_fetch_add(&dump_header->saturated, 1, __ATOMIC_SEQ_CST);
	dump_unseal_unlocked();
}

void record_rows_priced(struct lane_rows *rows)
{
	if (rows->factors == namespace_factors)
		return;
	rows->factors = namespace_factors;
	memset(rows->index->entries, 0, (rows->index->mask + 1) * sizeof(rows->index->entries[0]));
}
