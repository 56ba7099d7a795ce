/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * writeout.c - copies to the file what has changed in a dump that is not mapped from it.
 * It must never leave a file that cannot be read, whenever the process is killed, and must never use thread-local
 * storage: the thread in writer.c has none.
 *
 * The process goes on counting meanwhile. So that the file has whatever its entries refer to, at every moment:
 *
 *   1. writeout_look notes how many entries each block has: first of those blocks that refer to others. Lanes change in
 *      place, and so they are copied then.
 *   2. A block that the file does not have is written as an empty one, and then the header's size. If the dump was closed and
 *      changes nevertheless, its check words are removed.
 *   3. The entries are written, of those blocks first that others refer to. The first page of a block is its last, since
 *      it says how many entries there are.
 *   4. The header is written.
 *
 * A page has changed if its hash has. The chance that it changes without is 1 in 2^64.
 */
#include "shim/dump/writeout.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>

#include "shim/dump/blocks.h"
#include "shim/guest/guest.h"
#include "shim/guest/machine.h"

enum {
	PIECE = DUMP_PAGE_LEAST, /* bytes that are hashed together */
	PIECE_WORDS = PIECE / 8,
	RUN_MAX = 16, /* pieces that are written together */
	HASHES = 4,   /* hashes of a piece that are made at the same time, since each step waits for the one before */
};

/* Pieces that follow each other in the file, copied, so that they do not change while they are written. */
static struct {
	uint64_t bytes[RUN_MAX][PIECE_WORDS];
	uint64_t hashes[RUN_MAX];
	uint32_t count;
	uint64_t first; /* number of the first one in its block */
} run;

static struct {
	struct dump_header looked; /* the header, when writeout_look was called */
	struct dump_header placed; /* what the file has of it */
	uint32_t parts;            /* how many blocks there were then */
	bool wrote;                /* since then something was written */
} dump;

/* The types of blocks, in the order in which they are written: a block refers to none of a later type. */
static const uint8_t order[] = {DUMP_STRINGS, DUMP_META,   DUMP_ROUTINES, DUMP_MODULES, DUMP_NAMESPACES,
                                DUMP_NOTES,   DUMP_LIMITS, DUMP_SITES,    DUMP_STACKS,  DUMP_SAMPLES,
                                DUMP_ROWS,    DUMP_LOG,    DUMP_LANES};
_Static_assert(sizeof(order) == DUMP_LOG, "each type of block of a process is written");

/* ---- what the file has ---- */

static uint64_t pieces_of(uint64_t bytes) { return (bytes + PIECE - 1) / PIECE; }

/* Bytes at part->written: a hash for each piece; of lanes also a copy of the block. */
static uint64_t written_bytes(const struct dump_part *part)
{
	return pieces_of(part->size) * sizeof(*part->written) + (part->type == DUMP_LANES ? part->size : 0);
}

void writeout_expect(struct dump_part *part) { part->written = guest_pages(written_bytes(part)); }

void writeout_forget(struct dump_part *part)
{
	if (part->written)
		guest_free(part->written, written_bytes(part));
}

void writeout_forked(void)
{
	memset(&dump, 0, sizeof(dump));
	run.count = 0; /* the parent's thread may have been writing */
}

/* Bytes from the beginning of the block to the end of the entries that were noted. */
static uint64_t sampled_bytes(const struct dump_part *part)
{
	return (uint64_t)(part->entries - (char *)part->block) +
	       part->sampled * (part->entry_size ? part->entry_size : 1);
}

/* Where the block's bytes are read from: lanes from their copy. */
static const char *source_of(const struct dump_part *part)
{
	return part->type == DUMP_LANES && part->written ? (const char *)(part->written + pieces_of(part->size))
	                                                 : (const char *)part->block;
}

static void look_at(struct dump_part *part)
{
	part->sampled = __atomic_load_n(&part->block->used, __ATOMIC_ACQUIRE);
	if (part->type == DUMP_LANES && part->written)
		memcpy((char *)source_of(part), part->block, sampled_bytes(part));
}

/* Rows come last: lanes and the record of calls refer to them, and threads add all three without the lock. */
void writeout_look(void)
{
	dump.parts = 0;
	for (struct dump_part *part = blocks_first(); part; part = part->next, dump.parts++)
		if (part->type != DUMP_ROWS)
			look_at(part);
	for (struct dump_part *part = blocks_first(); part; part = part->next)
		if (part->type == DUMP_ROWS)
			look_at(part);
	dump.looked = *dump_header;
	dump.wrote = false;
}

bool writeout_wrote(void) { return dump.wrote; }

/* ---- writing ---- */

/* Returns 0 or the number of the error. */
static int write_bytes(int file, const void *bytes, uint64_t size, uint64_t offset)
{
	const char *at = bytes;

	dump.wrote = true;
	while (size) {
		long written = machine_kernel(SYS_pwrite64, file, at, size, offset);

		if (written == -EFBIG) {
			uint64_t signal = (uint64_t)1 << (SIGXFSZ - 1);
			struct timespec none = {0, 0};

			machine_kernel(SYS_rt_sigtimedwait, &signal, NULL, &none, sizeof(signal));
		}
		if (written == -EINTR)
			continue;
		if (written <= 0)
			return written ? (int)-written : ENOSPC;
		at += written;
		offset += (uint64_t)written;
		size -= (uint64_t)written;
	}
	return 0;
}

static uint64_t hash_of(const uint64_t *words)
{
	uint64_t hashes[HASHES] = {DUMP_CONTENT_SEED, DUMP_CONTENT_SEED, DUMP_CONTENT_SEED, DUMP_CONTENT_SEED};
	uint64_t hash = DUMP_CONTENT_SEED;

	for (unsigned i = 0; i < PIECE_WORDS; i += HASHES)
		for (unsigned j = 0; j < HASHES; j++)
			hashes[j] = dump_content_step(hashes[j], words[i + j]);
	for (unsigned j = 0; j < HASHES; j++)
		hash = dump_content_step(hash, hashes[j]);
	return hash ? hash : 1;
}

/* Writes the pieces that were gathered. */
static int run_end(int file, struct dump_part *part)
{
	uint64_t begin = run.first * PIECE, size = (uint64_t)run.count * PIECE;
	int error;

	if (!run.count)
		return 0;
	if (begin + size > part->size)
		size = part->size - begin;
	error = write_bytes(file, run.bytes, size, part->offset + begin);
	for (uint32_t i = 0; !error && part->written && i < run.count; i++)
		part->written[run.first + i] = run.hashes[i];
	run.count = 0;
	return error;
}

/* Whether entries do not change once they are in the block, which can then be left alone where it is full of them. */
static bool is_only_added_to(const struct dump_part *part)
{
	return part->type == DUMP_LOG || part->type == DUMP_STRINGS || part->type == DUMP_STACKS;
}

/*
 * Gathers a piece of a block, if the file has another one. Writes what was gathered before where this one does not
 * follow it, or there is no more room.
 */
static int piece_gather(int file, struct dump_part *part, uint64_t piece)
{
	bool follows = run.count && run.count < RUN_MAX && run.first + run.count == piece;
	int error = follows ? 0 : run_end(file, part);
	uint64_t *bytes = run.bytes[run.count], hash;

	memcpy(bytes, source_of(part) + piece * PIECE, PIECE);
	if (!piece) /* entries that were added meanwhile may refer to others that are not noted */
		((struct dump_block *)bytes)->used = part->sampled;
	hash = hash_of(bytes);
	if (part->written && part->written[piece] == hash) {
		if (is_only_added_to(part) && piece == part->final_pages + 1 &&
		    (piece + 1) * PIECE <= sampled_bytes(part))
			part->final_pages++;
		return error;
	}
	if (!run.count)
		run.first = piece;
	run.hashes[run.count++] = hash;
	return error;
}

static void keep_first(int *error, int other)
{
	if (!*error)
		*error = other;
}

static int part_write(int file, struct dump_part *part, bool all)
{
	uint64_t pieces = pieces_of(sampled_bytes(part));
	int error = 0;

	for (uint64_t piece = all ? 1 : part->final_pages + 1; piece < pieces; piece++)
		keep_first(&error, piece_gather(file, part, piece));
	keep_first(&error, run_end(file, part));
	if (error) /* then the file must not count these entries */
		return error;
	keep_first(&error, piece_gather(file, part, 0));
	keep_first(&error, run_end(file, part));
	part->sealed = part->block->content_check;
	return error;
}

/* Calls `write` for each block of this type that was noted and is in the file. Returns the first error. */
static int each_part(int (*write)(int file, struct dump_part *, bool), int file, int type, bool all)
{
	struct dump_part *part = blocks_first();
	int error = 0;

	for (uint32_t i = 0; i < dump.parts; i++, part = part->next)
		if (part->in_file && part->type == (enum dump_block_type)type)
			keep_first(&error, write(file, part, all));
	return error;
}

/* Writes a block without entries if the file does not have the block at all. */
static int part_place(int file, struct dump_part *part, bool all)
{
	struct dump_block block = *part->block;
	int error;

	(void)all;
	if (part->placed)
		return 0;
	block.used = block.content_check = 0;
	error = write_bytes(file, &block, sizeof(block), part->offset);
	part->placed = !error;
	return error;
}

static int header_place(int file, const struct dump_header *header)
{
	int error;

	if (!memcmp(&dump.placed, header, sizeof(*header)))
		return 0;
	error = write_bytes(file, header, sizeof(*header), 0);
	if (!error)
		dump.placed = *header;
	return error;
}

/*
 * Has the file's header say how many blocks there are. If the dump was closed and changes nevertheless, the header has no
 * check word any more.
 */
static int size_place(int file)
{
	struct dump_header header = dump.placed.size ? dump.placed : dump.looked;

	if (dump.placed.size == dump.looked.size && (!dump.placed.close_check || dump.looked.close_check))
		return 0;
	header.size = dump.looked.size;
	header.close_check = 0;
	return header_place(file, &header);
}

/* Removes the check word that the file has of a closed block, if entries may have changed since. */
static int part_unseal(int file, struct dump_part *part, bool all)
{
	static const uint64_t none;
	int error;

	(void)all;
	if (!part->sealed || part->block->content_check)
		return 0;
	error = write_bytes(file, &none, sizeof(none), part->offset + offsetof(struct dump_block, content_check));
	part->sealed = error;
	if (part->written)
		part->written[0] = 0; /* the hash is of a page with the check word */
	return error;
}

int writeout_blocks(int file, bool all)
{
	int error = 0;

	for (unsigned i = 0; i < sizeof(order); i++)
		keep_first(&error, each_part(part_place, file, order[i], all));
	if (!error)
		error = size_place(file);
	for (unsigned i = 0; i < sizeof(order); i++)
		keep_first(&error, each_part(part_unseal, file, order[i], all));
	for (unsigned i = 0; i < sizeof(order); i++)
		keep_first(&error, each_part(part_write, file, order[i], all));
	return error;
}

int writeout_header(int file, uint32_t losses)
{
	dump.looked.losses |= losses;
	return header_place(file, &dump.looked);
}
