/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * manual.c - rows of work that the program charges by hand.
 * It must never charge less than the program says, whatever room there is for its name.
 */
#include "shim/record/record.h"

#include <string.h>

#include "shim/charge/namespace.h"
#include "shim/charge/weights.h"
#include "shim/dump/dump.h"
#include "shim/guest/guest.h"
#include "shim/record/parts.h"
#include "shim/record/rows.h"

/* A name of work charged by hand, with its details. */
struct manual_site {
	uint64_t lengths;
	uint32_t check, number;
	bool used;
};

/*
 * Names are added with their details while the table has fewer than MANUAL_DETAILED elements, and without while it
 * has fewer than MANUAL_NAMED.
 */
enum {
	MANUAL_FIRST = 1 << 8, /* elements to begin with */
	MANUAL_INDEX = 1 << 16,
	MANUAL_DETAILED = MANUAL_INDEX / 2,
	MANUAL_NAMED = MANUAL_INDEX / 8 * 5,
};

static struct manual_site *manual;
static uint32_t manual_count, manual_places;

/* The element for a name and details with this check word and these lengths, or the one where it is to be put. */
static struct manual_site *manual_place(uint32_t check, uint64_t lengths)
{
	uint32_t at = check % manual_places;

	while (manual[at].used && (manual[at].check != check || manual[at].lengths != lengths))
		at = (at + 1) % manual_places;
	return &manual[at];
}

/*
 * Keeps half of the table free, or an eighth where there is no memory for a larger one. False if it is fuller than
 * that.
 */
static bool manual_has_room(void)
{
	struct manual_site *old = manual;
	uint32_t places = manual_places, larger = old ? 2 * places : MANUAL_FIRST;

	if (old && (manual_count < places / 2 || places == MANUAL_INDEX))
		return true;
	manual = guest_pages(larger * sizeof(struct manual_site));
	if (!manual) {
		manual = old;
		return old && manual_count < places - places / 8;
	}
	manual_places = larger;
	for (uint32_t i = 0; i < places; i++)
		if (old[i].used)
			*manual_place(old[i].check, old[i].lengths) = old[i];
	if (old)
		guest_free(old, places * sizeof(*old));
	return true;
}

/* Finds a name with its details, or adds it if there are fewer than `most`; NULL if there is no room. */
static struct manual_site *manual_find(const char *operation, const char *detail, uint32_t most)
{
	uint32_t check = dump_check(operation, strlen(operation)) ^ dump_check(detail, strlen(detail)) * 31;
	uint64_t lengths = strlen(operation) << 32 | strlen(detail);
	bool has_room = manual_has_room();
	struct dump_site *entry;
	struct manual_site *site;

	if (!manual)
		return NULL;
	site = manual_place(check, lengths);
	if (site->used)
		return site;
	if (!has_room || manual_count >= most)
		return NULL;
	entry = dump_append(&dump_sites, &site->number);
	if (!entry)
		return NULL;
	entry->symbol = names_string(operation);
	entry->detail = *detail ? names_string(detail) : 0;
	entry->routine = entry->caller_module = entry->callee_module = DUMP_NONE;
	dump_commit(&dump_sites);
	site->check = check;
	site->lengths = lengths;
	site->used = true;
	manual_count++;
	return site;
}

/* Where there is no room for a name with its details, the work is charged to the name alone, or to "others". */
static struct manual_site *manual_site(const char *operation, const char *detail)
{
	struct manual_site *site = manual_find(operation, detail, MANUAL_DETAILED);

	if (site || !manual)
		return site;
	dump_lose(DUMP_COARSE_SHAPES);
	site = manual_find(operation, "", MANUAL_NAMED);
	return site ? site : manual_find("others", "", MANUAL_INDEX - 1);
}

uint64_t record_manual_price(uint64_t flops, uint32_t namespace_id, bool *saturated)
{
	return weights_apply(NULL, namespace_multiplier(namespace_id), flops, saturated);
}

struct dump_row *record_manual_row(struct thread *thread, const char *operation, const char *detail, uint64_t flops,
                                   uint32_t namespace_id, enum dump_row_kind kind, uint8_t flags)
{
	struct shape key = {.dims = {(int64_t)flops}};
	struct dump_row filled = {.namespace_id = namespace_id, .kind = (uint8_t)kind, .flags = flags, .flops = flops};
	const struct manual_site *site;
	struct dump_part *block;
	struct dump_row *row;
	uint64_t hash, place;
	bool saturated = false;

	guest_lock(&record_lock);
	site = manual_site(operation, detail);
	filled.site = site ? site->number : DUMP_NONE;
	guest_unlock(&record_lock);
	if (!site)
		return NULL;
	filled.charged = record_manual_price(flops, namespace_id, &saturated);
	filled.flags |= saturated ? DUMP_ROW_SATURATED : 0;
	place = row_place(filled.site, namespace_id);
	hash = shape_hash(&key, 1, place);
	row = row_find(thread->rows.index, hash, place, row_sort(kind, filled.flags), &key, 1);
	if (row)
		return row;
	if (thread->rows.coarse) {
		key.dims[0] = dim_coarsen((int64_t)flops);
		hash = shape_hash(&key, 1, place);
		filled.flags |= DUMP_ROW_COARSE;
		filled.flops = filled.charged = 0;
		dump_lose_unlocked(DUMP_COARSE_SHAPES);
		row = row_find(thread->rows.index, hash, place, row_sort(kind, filled.flags), &key, 1);
		if (row)
			return row;
	}
	filled.dims[0] = key.dims[0];
	row = row_place_new(thread, kind, &block);
	if (block) {
		*row = filled;
		row_finish(&thread->rows, block, row, hash);
	}
	return row;
}

void manual_forked(void)
{
	if (manual)
		memset(manual, 0, manual_places * sizeof(struct manual_site));
	manual_count = 0;
}
