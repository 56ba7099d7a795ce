/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * seal.c - writes the dump out, closes it with check words, and takes them back where it changes after all.
 * It must never leave a check word that does not hold.
 */
#include "shim/dump/seal.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "shim/dump/blocks.h"
#include "shim/dump/file.h"
#include "shim/dump/header.h"
#include "shim/dump/lock.h"
#include "shim/dump/notes.h"
#include "shim/dump/path.h"
#include "shim/guest/guest.h"
#include "shim/guest/speak.h"
#include "shim/state/state.h"

enum { FLUSH_NS = 1000000000 }; /* between two times that it is written out */

static struct {
	bool said_unwritten; /* by this process or by one that forked it */
	uint64_t flushed_ns;
} dump;

bool dump_is_cut(void) { return file_is_there() && dump_header->losses & DUMP_LOST_SPACE; }

/* ---- writing out ---- */

/* The header comes last: it tells how far the file goes, and what is missing. */
static bool write_blocks(int file)
{
	const struct dump_part *part;
	bool written = true;

	for (uint32_t i = 0; (part = blocks_part(i)); i++)
		if (part->in_file)
			written &= file_write(file, part->block, part->size, part->offset);
	if (!written)
		dump_lose(DUMP_LOST_SPACE);
	return file_write(file, dump_header, sizeof(*dump_header), 0) && written;
}

/* Its blocks have room in the file, which is a promise on some file systems, and not on others. */
void seal_write_out(void)
{
	int saved = errno, file;
	bool written = false;

	if (guest_confined)
		return;
	file = file_reopen();
	errno = ENOENT;
	if (file >= 0) {
		written = write_blocks(file);
		close(file);
	}
	if (!written && !dump.said_unwritten) {
		dump.said_unwritten = true;
		guest_say("%s cannot be written (%s): what came since may be missing", path_told(), strerrorname_np(errno));
	}
	errno = saved;
}

void dump_flush_due(void)
{
	uint64_t now;

	if (unlikely(speak_keeps())) {
		guest_lock(&record_lock);
		notes_take_messages();
		guest_unlock(&record_lock);
	}
	if (!file_is_written_out())
		return;
	now = guest_clock();
	if (now - __atomic_load_n(&dump.flushed_ns, __ATOMIC_RELAXED) < FLUSH_NS)
		return;
	guest_lock(&record_lock);
	if (file_is_there() && now - dump.flushed_ns >= FLUSH_NS) {
		__atomic_store_n(&dump.flushed_ns, now, __ATOMIC_RELAXED);
		seal_write_out();
	}
	guest_unlock(&record_lock);
}

void dump_prepare_confined(void)
{
	guest_lock(&record_lock);
	if (file_is_written_out())
		seal_write_out();
	guest_unlock(&record_lock);
}

/* ---- closing ---- */

static bool is_written_by_threads(const struct dump_part *part)
{
	return part->type == DUMP_ROWS || part->type == DUMP_LANES || part->type == DUMP_LOG ||
	       part->type == DUMP_SAMPLES || part->type == DUMP_LIMITS || part->type == DUMP_NAMESPACES;
}

static void write_checks(bool quiet)
{
	const struct dump_part *part;

	for (uint32_t i = 0; (part = blocks_part(i)); i++) {
		uint64_t used = part->used; /* threads may add to it meanwhile */

		if (quiet || !is_written_by_threads(part))
			part->block->content_check = dump_content_check(DUMP_CONTENT_SEED ^ used, part->entries,
									used * (part->entry_size ? part->entry_size : 1));
	}
	dump_header->close_check =
		dump_content_check(DUMP_CONTENT_SEED, dump_header, offsetof(struct dump_header, close_check));
}

void dump_unseal(void)
{
	const struct dump_part *part;

	if (!dump_header->close_check)
		return;
	dump_header->close_check = 0;
	for (uint32_t i = 0; (part = blocks_part(i)); i++)
		part->block->content_check = 0;
}

void dump_unseal_unlocked(void)
{
	if (__atomic_load_n(&dump_header->state, __ATOMIC_SEQ_CST) != DUMP_CLOSED)
		return;
	guest_lock(&record_lock);
	dump_unseal();
	guest_unlock(&record_lock);
}

/* One atomic operation: calls note losses under no lock. */
static void losses_add(enum dump_loss loss)
{
	if (!(__atomic_load_n(&dump_header->losses, __ATOMIC_RELAXED) & loss))
		__atomic_fetch_or(&dump_header->losses, (uint32_t)loss, __ATOMIC_SEQ_CST);
}

void dump_lose(enum dump_loss loss)
{
	dump_unseal();
	losses_add(loss);
}

void dump_lose_unlocked(enum dump_loss loss)
{
	losses_add(loss);
	dump_unseal_unlocked();
}

void dump_close(enum dump_state state, int exit_status, bool quiet)
{
	notes_take_messages();
	if (!dump_is_open() || dump_header->close_check)
		return;
	dump_header->end_monotonic_ns = guest_clock();
	dump_header->exit_status = exit_status;
	/* Before the header is checked: who changes it later under no lock sees that it was closed. */
	__atomic_store_n(&dump_header->state, (uint32_t)state, __ATOMIC_SEQ_CST);
	write_checks(quiet);
	if (file_is_written_out())
		seal_write_out();
}
void dump_forked(void)
{
	blocks_forked();
	header_forked();
	notes_forked();
	file_forked();
}
