/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * blocks.c - finds the blocks of a dump and decides which of them can be believed.
 * It must never use a block's header that block_is_sound refuses, nor, of a dump that was closed, the counts of a block that
 * check_contents refuses.
 */
#include "analyzer/read/blocks.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/base/memo.h"
#include "analyzer/base/memory.h"

const char *block_type_name(unsigned type)
{
	static const char *const names[] = {
		[DUMP_STRINGS] = "strings",     [DUMP_META] = "meta",
		[DUMP_MODULES] = "modules",     [DUMP_ROUTINES] = "routines",
		[DUMP_SITES] = "sites",         [DUMP_NAMESPACES] = "namespaces",
		[DUMP_LIMITS] = "limits",       [DUMP_LANES] = "lanes",
		[DUMP_ROWS] = "rows",           [DUMP_NOTES] = "notes",
		[DUMP_STACKS] = "stacks",       [DUMP_SAMPLES] = "samples",
		[DUMP_LOG] = "calls",           [DUMP_COUNTS] = "counts",
		[DUMP_PROGRAMS] = "programs",   [DUMP_PROCESSES] = "processes",
		[DUMP_RARE] = "rare counts",    [DUMP_SUMS] = "sums",
		[DUMP_ESTIMATES] = "estimates", [DUMP_FLIGHTS] = "calls in flight",
		[DUMP_DAMAGE] = "damage",       [DUMP_SPREADS] = "spreads",
	};

	return type < sizeof names / sizeof *names && names[type] ? names[type] : "unknown";
}

static bool type_is_known(unsigned type) { return type >= DUMP_STRINGS && type <= DUMP_SPREADS; }

/* Whether only merged dumps have entries of this type, or only dumps of one process. */
static bool type_is_of_merged(unsigned type) { return type >= DUMP_COUNTS && type <= DUMP_SPREADS; }
static bool type_is_of_process(unsigned type)
{
	return type == DUMP_META || type == DUMP_LANES || type == DUMP_ROWS || type == DUMP_SAMPLES || type == DUMP_LOG;
}

bool block_type_is_bytes(unsigned type) { return type == DUMP_STRINGS || type == DUMP_STACKS; }

/* Whether the entries of this type are added up. Damaged ones are left out; damaged names are better than none. */
static bool type_is_counts(unsigned type)
{
	return type == DUMP_LIMITS || type == DUMP_LANES || type == DUMP_ROWS || type == DUMP_NOTES ||
	       type == DUMP_SAMPLES || (type >= DUMP_LOG && type <= DUMP_SPREADS && type != DUMP_PROGRAMS);
}

/* Whether entries of this size can be of this type. A type of a later layout may have entries of any size. */
static bool entries_are_sound(const struct dump_block *block)
{
	return !type_is_known(block->type) || (block_type_is_bytes(block->type) == (block->entry_size == 0) &&
	                                       block->entry_size % 8 == 0 && block->entry_size <= DUMP_ENTRY_MOST);
}

/* Whether a block header read at `offset` is one, and its numbers are possible; the file may be too short for them. */
static bool block_is_sound(const struct dump_block *block, uint64_t offset)
{
	return block->magic == DUMP_BLOCK_MAGIC && block->offset == offset &&
	       block->header_check == dump_check(block, offsetof(struct dump_block, header_check)) &&
	       block->size >= DUMP_PAGE_LEAST && block->size % DUMP_PAGE_LEAST == 0 &&
	       block->size <= UINT64_MAX - offset && block->header_size >= DUMP_BLOCK_LEAST &&
	       block->header_size % 8 == 0 && block->header_size <= block->size && entries_are_sound(block);
}

/* Reads the block header at `offset`. Members that its layout does not have are 0. Returns false if none is there. */
static bool block_at(struct dump *dump, uint64_t offset, struct dump_block *block)
{
	if (dump_read_at(dump, offset, block, sizeof *block) < sizeof *block || !block_is_sound(block, offset))
		return false;
	if (block->header_size < sizeof *block)
		memset((char *)block + block->header_size, 0, sizeof *block - block->header_size);
	return true;
}

bool block_page_is_sound(uint64_t page)
{
	return page >= DUMP_PAGE_LEAST && page <= DUMP_PAGE_MOST && !(page & (page - 1));
}

uint64_t blocks_first(struct dump *dump)
{
	struct dump_block block;

	for (uint64_t page = DUMP_PAGE_LEAST; block_page_is_sound(page); page *= 2)
		if (block_at(dump, page, &block))
			return page;
	return 0;
}

/*
 * Returns the offset at which the blocks end. It reads the header again, since the dump of a running process grows. The
 * end is that of the file if the size in the header is impossible or lies behind it.
 */
static uint64_t blocks_end(struct dump *dump)
{
	uint64_t file = dump->source.size(dump->source.context), size = dump->header.size;
	struct dump_header now;

	if (!dump->header_damaged && dump_read_at(dump, 0, &now, sizeof now) == sizeof now && now.size > size)
		size = dump->header.size = now.size;
	if (dump->header_damaged || size < dump->page || size % dump->page)
		return file;
	return size < file ? size : file;
}

/* Returns what dump_source.seek says, or the answer for a file without holes if there is no such function. */
static uint64_t seek(struct dump *dump, uint64_t offset, bool hole)
{
	return dump->source.seek ? dump->source.seek(dump->source.context, offset, hole)
	       : hole            ? dump->source.size(dump->source.context)
	                         : offset;
}

/* Whether the bytes at `offset` are zeros. Some file systems call a hole what they have not written to the disk yet. */
static bool is_empty(struct dump *dump, uint64_t offset)
{
	unsigned char bytes[DUMP_PAGE_LEAST];
	size_t count = dump_read_at(dump, offset, bytes, sizeof bytes);

	for (size_t i = 0; i < count; i++)
		if (bytes[i])
			return false;
	return true;
}

/*
 * Returns how many of the `size` bytes from `begin` on come before the first hole that is as long as the longest entry. No
 * process leaves such a hole, since its entries are not all zeros; and a damaged `used` may reach over gigabytes of it.
 */
static uint64_t before_hole(struct dump *dump, uint64_t begin, uint64_t size)
{
	uint64_t at = begin, end = begin + size;

	while (size >= READ_BUFFER) {
		uint64_t hole = seek(dump, at, true), data;

		if (hole >= end)
			break;
		data = seek(dump, hole, false);
		if (data - hole >= READ_BUFFER && is_empty(dump, hole))
			return hole - begin;
		if (data <= at)
			break;
		at = data;
	}
	return size;
}

/* Returns `used` of a block, but no more than the block, and the file, have room for. */
static uint64_t usable(struct dump *dump, const struct dump_block *block)
{
	uint64_t file = dump->source.size(dump->source.context);
	uint64_t begin = block->offset + block->header_size;
	uint64_t unit = block_type_is_bytes(block->type) ? 1 : block->entry_size;
	uint64_t room = (block->size - block->header_size) / unit, filled;
	uint64_t there = (begin < file ? file - begin : 0) / unit;

	if (block->used > room)
		dump_damaged(dump,
		             "block of %s at %" PRIu64 ": it claims %" PRIu64 " entries, but has room for %" PRIu64,
		             block_type_name(block->type), block->offset, block->used, room);
	else if (block->used > there)
		dump_damaged(dump,
		             "cut short: of the block of %s at %" PRIu64 ", the file has %" PRIu64 " of %" PRIu64
		             " entries",
		             block_type_name(block->type), block->offset, there, block->used);
	room = minimum(block->used, minimum(room, there));
	filled = before_hole(dump, begin, room * unit) / unit;
	if (filled < room)
		dump_damaged(dump,
		             "block of %s at %" PRIu64 ": it claims %" PRIu64 " entries, but the file has a hole "
		             "after %" PRIu64,
		             block_type_name(block->type), block->offset, room, filled);
	return filled;
}

static void set_used(struct dump *dump, struct read_block *block, const struct dump_block *read)
{
	block->claimed = read->used;
	block->used = usable(dump, read);
	if (block->used > UINT32_MAX - block->first && !block_type_is_bytes(block->type)) {
		dump_damaged(dump, "block of %s at %" PRIu64 ": the numbers of its entries exceed 32 bits",
		             block_type_name(block->type), block->offset);
		block->used = UINT32_MAX - block->first;
	}
}

static void add_block(struct dump *dump, const struct dump_block *block)
{
	struct read_block *added;

	if (!type_is_known(block->type)) {
		if (!dump->header_damaged && dump->header.layout <= DUMP_LAYOUT)
			dump_damaged(dump, "block of an unknown type, %u, at %" PRIu64, block->type, block->offset);
		return;
	}
	if (!dump->header_damaged &&
	    (dump_is_merged(dump) ? type_is_of_process(block->type) : type_is_of_merged(block->type))) {
		dump_damaged(dump, "block of %s at %" PRIu64 ": no %s has one", block_type_name(block->type),
		             block->offset, dump_is_merged(dump) ? "merged dump" : "dump of one process");
		return;
	}
	if (dump->block_count == dump->block_capacity) {
		size_t capacity = dump->block_capacity ? 2 * dump->block_capacity : 32;
		void *blocks = reallocarray(dump->blocks, capacity, sizeof *added);

		if (!blocks) {
			dump_damaged(dump, "out of memory: some blocks are left out");
			return;
		}
		dump->blocks = blocks;
		dump->block_capacity = capacity;
	}
	added = &dump->blocks[dump->block_count++];
	*added = (struct read_block){
		.offset = block->offset,
		.size = block->size,
		.address = block->address,
		.content_check = block->content_check,
		.entry_size = block->entry_size,
		.first = block->first,
		.lane = block->lane,
		.type = block->type,
		.header_size = block->header_size,
	};
	set_used(dump, added, block);
}

/* Returns the offset of the first sound block from `offset` on, or `end` if there is none before it. */
static uint64_t find_block(struct dump *dump, uint64_t offset, uint64_t end)
{
	while (offset < end) {
		struct dump_block block = {0};

		if (block_at(dump, offset, &block))
			return offset;
		offset += dump->page;
		if (!block.magic && offset < end) { /* it may be a hole of gigabytes */
			uint64_t data = seek(dump, offset, false) / dump->page * dump->page;

			offset = data > offset ? data : offset;
		}
	}
	return end;
}

/*
 * Returns the offset at which a block ends: as its size says, but not behind the end of the dump, nor behind the beginning of
 * the next sound block. Otherwise a block with a wrong size would hide those that follow. Corrects the block's size.
 */
static uint64_t end_of_block(struct dump *dump, struct dump_block *block, uint64_t end)
{
	uint64_t claimed = block->offset + block->size, limit = dump->header.size, next;

	if (claimed > end)
		end = blocks_end(dump);
	if (dump->header_damaged || limit < end)
		limit = end;
	if (claimed > limit) {
		dump_damaged(dump, "block of %s at %" PRIu64 " reaches past the end of the dump",
		             block_type_name(block->type), block->offset);
		claimed = limit;
	}
	next = find_block(dump, block->offset + dump->page, claimed < end ? claimed : end);
	if (next < claimed && next < end) {
		dump_damaged(dump, "block of %s at %" PRIu64 " reaches past the beginning of the next one",
		             block_type_name(block->type), block->offset);
		claimed = next;
	}
	block->size = claimed - block->offset;
	return claimed;
}

static void index_blocks(struct dump *dump)
{
	uint64_t offset = dump->header_damaged ? blocks_first(dump) : dump->page, end = blocks_end(dump);
	struct dump_block block;

	if (!offset)
		offset = dump->page;
	for (;;) {
		if (offset >= end && offset >= (end = blocks_end(dump)))
			break;
		if (block_at(dump, offset, &block)) {
			uint64_t next = end_of_block(dump, &block, end);

			if (block.header_size <= block.size)
				add_block(dump, &block);
			offset = next;
			continue;
		}
		dump_damaged(dump, "no sound block at %" PRIu64, offset);
		offset = find_block(dump, offset + dump->page, end);
	}
	/* If a sound block with entries lies behind the end, the size in the header is wrong. */
	for (; !dump->header_damaged && block_at(dump, offset, &block); offset += block.size)
		if (block.used && type_is_known(block.type) && blocks_end(dump) <= offset) {
			dump_damaged(dump, "the file's size in its header is too small: %" PRIu64, dump->header.size);
			break;
		}
}

/*
 * Reads again how many entries the blocks have that others refer to. The process goes on while its dump is read, and writes
 * an entry before any that refers to it: so the types come in the order in which each may refer to those behind it.
 */
static void read_used_again(struct dump *dump)
{
	static const enum dump_block_type types[] = {DUMP_NAMESPACES, DUMP_SITES,   DUMP_STACKS,
	                                             DUMP_ROUTINES,   DUMP_MODULES, DUMP_STRINGS};
	struct dump_block now;

	for (size_t i = 0; i < sizeof types / sizeof *types; i++)
		for (size_t j = 0; j < dump->block_count; j++) {
			struct read_block *block = &dump->blocks[j];

			if (block->type == types[i] && block_at(dump, block->offset, &now) && now.type == block->type &&
			    now.used > block->claimed)
				set_used(dump, block, &now);
		}
}

static void check_size(struct dump *dump)
{
	uint64_t size = dump->header.size, file = dump->source.size(dump->source.context);

	if (size < dump->page || size % dump->page)
		dump_damaged(dump, "the file's header is damaged: impossible size %" PRIu64, size);
	else if (size > file)
		dump_damaged(dump, "cut short: %" PRIu64 " of %" PRIu64 " bytes", file, size);
}

static uint64_t content_size(const struct read_block *block)
{
	return block->used * (block_type_is_bytes(block->type) ? 1 : block->entry_size);
}

/* Whether the block's content_check matches. `buffer` has READ_BUFFER bytes. */
static bool contents_are_sound(struct dump *dump, const struct read_block *block, unsigned char *buffer)
{
	uint64_t begin = block->offset + block->header_size, size = content_size(block);
	uint64_t hash = DUMP_CONTENT_SEED ^ block->used;

	for (uint64_t at = 0; at < size; at += READ_BUFFER) {
		size_t piece = minimum(size - at, READ_BUFFER);

		if (dump_read_at(dump, begin + at, buffer, piece) < piece)
			return false;
		hash = dump_content_check(hash, buffer, piece);
	}
	return hash == block->content_check;
}

/* Leaves out blocks of counts that the file has twice: no two blocks of a process have the same address in its memory. */
static void leave_doubles_out(struct dump *dump)
{
	struct memo addresses = {0};

	for (size_t i = 0; i < dump->block_count; i++) {
		struct read_block *block = &dump->blocks[i];

		if (!block->address || block->left_out || !type_is_counts(block->type))
			continue;
		if (memo_find(&addresses, block->address) == MEMO_NONE) {
			memo_put(&addresses, block->address, (uint32_t)i);
			continue;
		}
		block->left_out = true;
		dump_damaged(dump, "block of %s at %" PRIu64 " is there twice: counted once",
		             block_type_name(block->type), block->offset);
	}
	memo_free(&addresses);
}

static void check_contents(struct dump *dump)
{
	unsigned char *buffer = memory_new(1, READ_BUFFER);

	for (size_t i = 0; i < dump->block_count; i++) {
		struct read_block *block = &dump->blocks[i];

		if (!block->content_check || contents_are_sound(dump, block, buffer))
			continue;
		block->left_out |= type_is_counts(block->type);
		if (block->left_out)
			dump_damaged(dump,
			             "block of %s at %" PRIu64 " is damaged: its %" PRIu64 " entries are left out",
			             block_type_name(block->type), block->offset, block->used);
		else
			dump_damaged(dump, "block of %s at %" PRIu64 " is damaged: names and places may be wrong",
			             block_type_name(block->type), block->offset);
	}
	free(buffer);
}

void blocks_find(struct dump *dump)
{
	index_blocks(dump);
	if (dump->header.state == DUMP_RUNNING)
		read_used_again(dump);
	check_size(dump);
	check_contents(dump);
	leave_doubles_out(dump);
}
