/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * copies.c - compares copies of dumps.
 * It must never depend on the names of files, nor on the order in which copies are named.
 */
#include "analyzer/aggregate/copies.h"

#include <string.h>

#include "count.h"

bool copy_key_of(struct copy_key *key, const struct dump_header *header)
{
	memset(key, 0, sizeof *key);
	if (header->id[0] | header->id[1]) {
		memcpy(key->id, header->id, sizeof key->id);
		return true;
	}
	key->start_ticks = header->start_ticks;
	key->start_realtime_ns = header->start_realtime_ns;
	key->start_monotonic_ns = header->start_monotonic_ns;
	key->pid = header->pid;
	memcpy(key->host, header->host, strnlen(header->host, sizeof key->host));
	return header->start_realtime_ns != 0;
}

void copy_worth_find(struct copy_worth *worth, const struct dump_source *source)
{
	struct dump dump;
	struct dump_cursor cursor;
	const struct dump_row *row;

	*worth = (struct copy_worth){0};
	if (dump_open(&dump, source) <= READ_DAMAGED) {
		dump_cursor_open(&cursor, &dump, DUMP_ROWS, sizeof *row);
		while ((row = dump_cursor_next(&cursor)))
			worth->calls = count_plus(worth->calls, row->calls);
		dump_cursor_close(&cursor);
		worth->closed = dump.header.state == DUMP_CLOSED;
		worth->size = dump.header.size;
		worth->sound = !dump.damage_total;
	}
	dump_close(&dump);
}

bool copy_is_better(const struct copy_worth *other, const struct copy_worth *worth)
{
	if (other->sound != worth->sound)
		return other->sound;
	if (other->sound && other->closed != worth->closed)
		return other->closed;
	if (other->calls != worth->calls)
		return other->calls > worth->calls;
	if (other->closed != worth->closed)
		return other->closed;
	return other->size > worth->size;
}

bool copy_knows_more(const struct copy_worth *other, const struct copy_worth *worth)
{
	return other->calls > worth->calls || (other->closed && !worth->closed);
}
