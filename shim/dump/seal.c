/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * seal.c - writes the dump out, closes it with check words, and removes these if the dump changes later.
 * It must never leave a check word that is wrong.
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

enum { FLUSH_NS = 1000000000 }; /* least time between two times that the dump is written out */

static struct {
	bool said_unwritten; /* the message was printed, by this process or by one that forked it */
	uint64_t flushed_ns; /* when the dump was last written out, by guest_clock */
} dump;

bool dump_is_cut(void) { return file_is_there() && dump_header->losses & DUMP_LOST_SPACE; }

/* ---- writing out ---- */

/* Writes all blocks and, last, the header, which says how long the file is and what is missing. False with errno. */
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

/* Writing may fail although the space was reserved: not every file system keeps that promise. */
void seal_write_out(void)
{
	int saved = errno, file;
	bool written = false;

	if (guest_confined)
		return;
	errno = ENOENT;
	file = file_reopen();
	if (file >= 0) {
		written = write_blocks(file);
		close(file);
	}
	if (!written && !dump.said_unwritten) {
		dump.said_unwritten = true;
		guest_say("%s cannot be written (%s): the latest calls may be missing from it", path_told(),
		          strerrorname_np(errno));
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

/* Whether calls in other threads may write to this block while the dump is being closed. */
static bool is_written_by_threads(const struct dump_part *part)
{
	return part->type == DUMP_ROWS || part->type == DUMP_LANES || part->type == DUMP_LOG ||
	       part->type == DUMP_SAMPLES || part->type == DUMP_LIMITS || part->type == DUMP_NAMESPACES;
}

/* Writes the check words of blocks and header. `quiet`: see dump_close. */
static void write_checks(bool quiet)
{
	const struct dump_part *part;

	for (uint32_t i = 0; (part = blocks_part(i)); i++) {
		uint64_t used = part->used; /* threads may add to it meanwhile */

		if (quiet || !is_written_by_threads(part))
			part->block->content_check =
				dump_content_check(DUMP_CONTENT_SEED ^ used, part->entries,
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

/* One atomic operation, since calls note losses without a lock. */
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
	/*
	 * This comes before the check word: who changes the header without the lock afterwards sees that it was
	 * closed.
	 */
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
