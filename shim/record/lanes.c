/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * lanes.c - what a thread counts in: its lane of the dump.
 * It must never let a call of a thread without a lane go unmentioned: it is counted as lost.
 */
#include "shim/record/record.h"

#include <string.h>

#include "shim/charge/namespace.h"
#include "shim/dump/dump.h"
#include "shim/guest/guest.h"
#include "shim/guest/program.h"
#include "shim/record/parts.h"
#include "shim/record/rows.h"

enum { INDEX_FIRST = 512 };

static size_t index_bytes(uint64_t entries) { return sizeof(struct row_index) + entries * sizeof(uint64_t); }

struct row_index *row_index_make(uint64_t entries)
{
	struct row_index *index = guest_pages(index_bytes(entries));

	if (!index)
		return NULL;
	guest_populate(index, index_bytes(entries));
	index->mask = entries - 1;
	return index;
}

static bool lane_make(struct thread *thread)
{
	struct row_index *index = row_index_make(INDEX_FIRST);
	struct dump_lane *lane;

	thread->rows = (struct lane_rows){.index = index, .factors = namespace_factors};
	lane = index ? dump_append(&dump_lanes, &thread->rows.lane) : NULL;
	if (lane) {
		dump_commit(&dump_lanes);
		thread->lane = lane;
	} else if (index) {
		guest_free(index, index_bytes(INDEX_FIRST));
	}
	return lane;
}

void record_begin(void)
{
	if (dump_is_open())
		return;
	dump_open();
	namespace_record();
}

void record_call_lost(void)
{
	guest_lock(&record_lock);
	record_begin();
	dump_header->lost_calls++;
	dump_lose(DUMP_LOST_CALLS);
	guest_unlock(&record_lock);
	dump_flush_due();
}

bool record_lane_take(struct thread *thread)
{
	dump_unseal();
	record_begin();
	if (!thread->lane && !lane_make(thread))
		return false;
	thread->lane->tid = program_thread();
	thread->lane->threads++;
	thread->lane->depth = 0;
	return true;
}

void record_lane_blind(struct thread *thread)
{
	static struct dump_lane lane;
	static struct dump_row rows[ROW_KINDS];

	memset(&lane, 0, sizeof(lane));
	for (unsigned kind = 0; kind < ROW_KINDS; kind++)
		rows[kind] = (struct dump_row){.site = DUMP_NONE, .kind = (uint8_t)kind, .flags = DUMP_ROW_COARSE};
	thread->lane = &lane;
	thread->rows.block_count = 0;
	thread->rows.overflow = rows;
	memset(thread->rows.index->entries, 0, (thread->rows.index->mask + 1) * sizeof(thread->rows.index->entries[0]));
}

void record_lane_rest(struct thread *thread)
{
	thread->lane->tid = 0;
	thread->lane->depth = 0;
}

void record_forked(void)
{
	names_forked();
	sites_forked();
	manual_forked();
}
