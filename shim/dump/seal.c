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
#include "shim/dump/writeout.h"
#include "shim/dump/writer.h"
#include "shim/guest/guest.h"
#include "shim/guest/speak.h"
#include "shim/state/epoch.h"
#include "shim/state/registry.h"
#include "shim/state/state.h"

enum { FLUSH_NS = 1000000000 }; /* least time between two times that the dump is written out */

static struct {
	bool said_unwritten; /* the message was printed, by this process or by one that forked it */
	uint64_t flushed_ns; /* when the dump was last written out, by guest_clock */
	volatile bool apart; /* the thread was ended by dump_stand_apart */
} dump;

bool dump_is_cut(void) { return file_is_there() && dump_header->losses & DUMP_LOST_SPACE; }

/* ---- writing out ---- */

/* Prints once that the file could not be written. */
static void say_unwritten(int error)
{
	if (!dump.said_unwritten)
		guest_say("%s cannot be written (%s): the latest calls may be missing from it", path_told(),
		          strerrorname_np(error));
	dump.said_unwritten = true;
}

/* Writes blocks and header to the open file. Returns 0 or the number of the first error. */
static int write_all(int file)
{
	int error, last;

	writer_wait();
	writeout_look();
	error = writeout_blocks(file, true);
	if (error) {
		dump_lose(DUMP_LOST_SPACE);
		writeout_look();
	}
	last = writeout_header(file, 0);
	return error ? error : last;
}

/* Writing may fail although the space was reserved: not every file system keeps that promise. */
void seal_write_out(void)
{
	int saved = errno, file, error;

	if (guest_confined)
		return;
	errno = ENOENT;
	file = file_reopen();
	error = file < 0 ? errno : write_all(file);
	if (file >= 0 && close(file) && !error)
		error = errno;
	if (error)
		say_unwritten(error);
	errno = saved;
}

/* Says what the thread that writes could not. */
static void say_writers_error(void)
{
	int error = writer_error();

	if (likely(!error) || dump.said_unwritten)
		return;
	guest_lock(&record_lock);
	say_unwritten(error);
	guest_unlock(&record_lock);
}

/* Writes the dump, where no thread does and it was not written within the last second. */
static void write_due(void)
{
	uint64_t now = guest_clock();

	if (now - __atomic_load_n(&dump.flushed_ns, __ATOMIC_RELAXED) < FLUSH_NS) {
		if (unlikely(dump.apart))
			epoch_next(); /* so that later calls come here, too, until one makes the thread */
		return;
	}
	guest_lock(&record_lock);
	if (file_is_there() && now - dump.flushed_ns >= FLUSH_NS) {
		__atomic_store_n(&dump.flushed_ns, now, __ATOMIC_RELAXED);
		dump.apart = false;
		writer_start(); /* what kept it from being made may have passed */
		seal_write_out();
	}
	guest_unlock(&record_lock);
}

void dump_flush_due(void)
{
	if (unlikely(speak_keeps())) {
		guest_lock(&record_lock);
		notes_take_messages();
		guest_unlock(&record_lock);
	}
	if (likely(!file_is_written_out()) || guest_confined)
		return;
	if (writer_is_there())
		say_writers_error();
	else
		write_due();
}

/*
 * Whether this process has to write its dump out. A child of fork or vfork has the memory of its parent, or a copy. The
 * shim itself may be the caller, and hold the lock.
 */
static bool is_to_be_written(void)
{
	return unlikely(file_is_written_out()) && !guest_confined && !guest_holds() && !epoch_is_forked() &&
	       dump_header->pid == (uint32_t)getpid();
}

void dump_write_now(void)
{
	if (!is_to_be_written())
		return;
	if (!writer_is_there()) {
		guest_lock(&record_lock);
		seal_write_out();
		guest_unlock(&record_lock);
		return;
	}
	/* If the process goes on all the same, since exec fails, the thread takes this back when it writes again. */
	dump_header->left = registry_is_alone();
	if (!writer_ask())
		dump_header->left = 0;
}

/* No call makes the thread again within the next second, in which the program does what it is about to do. */
void dump_stand_apart(void)
{
	if (!is_to_be_written())
		return;
	if (writer_is_there() && !writer_ask())
		return; /* the file server does not answer: the thread cannot be ended either */
	guest_lock(&record_lock);
	__atomic_store_n(&dump.flushed_ns, guest_clock(), __ATOMIC_RELAXED);
	dump.apart = true;
	if (writer_stop())
		seal_write_out();
	guest_unlock(&record_lock);
	epoch_next();
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
	for (const struct dump_part *part = blocks_first(); part; part = part->next) {
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
	if (!dump_header->close_check)
		return;
	dump_header->close_check = 0;
	for (const struct dump_part *part = blocks_first(); part; part = part->next)
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
	writer_stop();
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
	writer_forked();
	writeout_forked();
	header_forked();
	notes_forked();
	file_forked();
}
