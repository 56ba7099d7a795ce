/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * header.c - checks a dump's header by its check words.
 * It must never restore a member that no check word confirms.
 */
#include "analyzer/read/header.h"

#include <string.h>

bool header_checks(const struct dump_header *header)
{
	return header->header_check && header->header_check == dump_header_check(header);
}

bool header_mend(struct dump_header *header)
{
	struct dump_header mended = *header;

	memcpy(mended.magic, DUMP_MAGIC, sizeof mended.magic);
	mended.byte_order = DUMP_BYTE_ORDER;
	for (mended.version = 1; mended.version <= DUMP_LAYOUT; mended.version++)
		if (header_checks(&mended)) {
			*header = mended;
			return true;
		}
	return false;
}

void header_terminate(struct dump_header *header)
{
	header->table_version[sizeof header->table_version - 1] = 0;
	header->shim_version[sizeof header->shim_version - 1] = 0;
	header->host[sizeof header->host - 1] = 0;
	header->job[sizeof header->job - 1] = 0;
	header->launch[sizeof header->launch - 1] = 0;
	header->run[sizeof header->run - 1] = 0;
	header->step[sizeof header->step - 1] = 0;
	header->array_task[sizeof header->array_task - 1] = 0;
}

/* Sets the members that a check word covers to 0: the bytes from `from` up to `to` of the header. */
static void clear(struct dump_header *header, size_t from, size_t to) { memset((char *)header + from, 0, to - from); }

bool header_check_identity(struct dump_header *header)
{
	if (!header->identity_check || header->identity_check == dump_identity_check(header))
		return true;
	clear(header, offsetof(struct dump_header, id), offsetof(struct dump_header, write_ms));
	return false;
}

bool header_check_place(struct dump_header *header)
{
	if (!header->place_check || header->place_check == dump_place_check(header))
		return true;
	clear(header, offsetof(struct dump_header, local_rank), offsetof(struct dump_header, left));
	return false;
}

bool header_check_process(struct dump_header *header)
{
	if (!header->header_check || header_checks(header))
		return true;
	memset(&header->pid, 0, offsetof(struct dump_header, multiplier) - offsetof(struct dump_header, pid));
	memset(header->job, 0, sizeof header->job);
	header->rank = -1;
	return false;
}

/* Whether the header begins as that of every dump does, whatever its layout. */
static bool header_begins(const struct dump_header *header)
{
	return !memcmp(header->magic, DUMP_MAGIC, sizeof header->magic) && header->byte_order == DUMP_BYTE_ORDER;
}

bool header_peek(const struct dump_source *source, struct dump_header *header, bool *cleared)
{
	*cleared = false;
	if (source->read_at(source->context, 0, header, sizeof *header) < sizeof *header)
		return false;
	if (!header_checks(header) && !header_mend(header) && !header_begins(header)) {
		if (!header->identity_check || !header_check_identity(header))
			return false;
		memset(header, 0, offsetof(struct dump_header, id));
		header->rank = -1;
		*cleared = true;
	}
	*cleared |= !header_check_identity(header);
	*cleared |= !header_check_place(header);
	header_terminate(header);
	return true;
}
