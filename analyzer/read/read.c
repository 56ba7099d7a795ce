/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * read.c - reads a dump: its header, its blocks, and the entries in them.
 * It must never use anything from the file that has not passed a check: block_is_sound for the headers of blocks,
 * check_contents for contents that were final when the dump was closed, span_at for references, table_size for numbers.
 */
#include "analyzer/read/read.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/base/memo.h"
#include "analyzer/base/memory.h"
#include "analyzer/read/header.h"

enum {
	BUFFER = DUMP_ENTRY_MOST, /* bytes of a cursor's buffer, which any entry fits in */
	/*
	 * Bits of the length of a text. A length of 32 bits has a byte of 0 then, so that a text of a damaged dump ends
	 * where the next entry begins: texts that overlap much would take memory without end.
	 */
	STRING_LENGTH_BITS = 24,
	NUMBERS_LOST = 1 << 20, /* a number is believed if at most so many entries of its type are missing */
};

static size_t minimum(uint64_t a, uint64_t b)
{
	return (size_t)(a < b ? a : b);
}

void dump_damaged(struct dump *dump, const char *format, ...)
{
	char text[READ_DAMAGE_TEXT];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);

	dump->damage_total++;
	for (size_t i = 0; i < dump->damage_count; i++)
		if (!strcmp(dump->damage[i].text, text)) {
			dump->damage[i].count++;
			return;
		}
	if (dump->damage_count == READ_DAMAGE_MAX)
		return;
	memcpy(dump->damage[dump->damage_count].text, text, sizeof text);
	dump->damage[dump->damage_count++].count = 1;
}

static size_t read_at(struct dump *dump, uint64_t offset, void *buffer, size_t count)
{
	return dump->source.read_at(dump->source.context, offset, buffer, count);
}

static const char *type_name(unsigned type)
{
	static const char *const names[] = {
		[DUMP_STRINGS] = "strings", [DUMP_META] = "meta", [DUMP_MODULES] = "modules",
		[DUMP_ROUTINES] = "routines", [DUMP_SITES] = "sites", [DUMP_NAMESPACES] = "namespaces",
		[DUMP_LIMITS] = "limits", [DUMP_LANES] = "lanes", [DUMP_ROWS] = "rows", [DUMP_NOTES] = "notes",
		[DUMP_STACKS] = "stacks", [DUMP_SAMPLES] = "samples", [DUMP_LOG] = "calls",
	};

	return type < sizeof names / sizeof *names && names[type] ? names[type] : "unknown";
}

static bool type_is_known(unsigned type)
{
	return type >= DUMP_STRINGS && type <= DUMP_LOG;
}

/* Whether the entries of this type vary in size. `used` of the block counts bytes then. */
static bool type_is_bytes(unsigned type)
{
	return type == DUMP_STRINGS || type == DUMP_STACKS;
}

/* Whether the entries of this type are added up. Damaged ones are left out; damaged names are better than none. */
static bool type_is_counts(unsigned type)
{
	return type == DUMP_LIMITS || type == DUMP_LANES || type == DUMP_ROWS || type == DUMP_NOTES ||
	       type == DUMP_SAMPLES || type == DUMP_LOG;
}

/* The header. */

#define NOT_A_DUMP "not a flopshim dump: it does not begin with " DUMP_MAGIC

static bool block_at(struct dump *dump, uint64_t offset, struct dump_block *block);

static bool page_is_sound(uint64_t page)
{
	return page >= DUMP_PAGE_LEAST && page <= DUMP_PAGE_MOST && !(page & (page - 1));
}

/*
 * Returns the first possible page size at whose offset a sound block stands, which is where the blocks begin; 0 if there is
 * none. It does not ask the header.
 */
static uint64_t first_block(struct dump *dump)
{
	struct dump_block block;

	for (uint64_t page = DUMP_PAGE_LEAST; page_is_sound(page); page *= 2)
		if (block_at(dump, page, &block))
			return page;
	return 0;
}

/* Whether a header whose magic, version or byte order is wrong is that of a dump with a known layout, but damaged. */
static bool header_is_ours(struct dump *dump)
{
	struct dump_header header = dump->header;

	return header_mend(&header) || first_block(dump) != 0;
}

static enum read_status refuse_newer(struct dump *dump)
{
	const struct dump_header *header = &dump->header;

	dump_damaged(dump, "the dump has layout %" PRIu32 ", which needs a reader of layout %" PRIu32 "; this program reads "
	             "layouts 1 to %d", header->layout, header->version, DUMP_LAYOUT);
	return READ_NEWER;
}

/* Judges magic, version and byte order. READ_OK: the file is a dump that can be read, even if its header is damaged. */
static enum read_status check_identity(struct dump *dump)
{
	const struct dump_header *header = &dump->header;
	bool magic = !memcmp(header->magic, DUMP_MAGIC, sizeof header->magic);
	bool version = header->version >= 1 && header->version <= DUMP_LAYOUT;
	bool order = header->byte_order == DUMP_BYTE_ORDER;

	if (magic && version && order)
		return READ_OK;
	if (magic && order && header_checks(header))
		return refuse_newer(dump);
	if (magic && header->byte_order == __builtin_bswap32(DUMP_BYTE_ORDER)) {
		dump_damaged(dump, "written on a big-endian machine; this program reads little-endian dumps only");
		return READ_UNREADABLE;
	}
	if (header_is_ours(dump)) {
		dump->header_damaged = true;
		dump_damaged(dump, "the file's header is damaged: %s", !magic ? "its magic is not " DUMP_MAGIC :
		             !version ? "unknown version" : "unknown byte order");
		return READ_OK;
	}
	if (magic && order)
		return refuse_newer(dump);
	dump_damaged(dump, NOT_A_DUMP);
	return READ_UNREADABLE;
}

/* Notes what is wrong with a file that is too short for a header: only `read` bytes of it could be read. */
static void complain_of_size(struct dump *dump, size_t read)
{
	if (!read)
		dump_damaged(dump, "the file is empty");
	else if (memcmp(dump->header.magic, DUMP_MAGIC, minimum(read, sizeof dump->header.magic)))
		dump_damaged(dump, NOT_A_DUMP);
	else
		dump_damaged(dump, "cut short: the file has %zu bytes, fewer than a header", read);
}

static enum read_status read_header(struct dump *dump)
{
	struct dump_header *header = &dump->header;
	size_t read = read_at(dump, 0, header, sizeof *header);
	enum read_status status;

	if (read < sizeof *header) {
		complain_of_size(dump, read);
		return READ_UNREADABLE;
	}
	status = check_identity(dump);
	if (status != READ_OK)
		return status;
	if (header->header_check && !header_checks(header)) {
		dump->header_damaged = true;
		dump_damaged(dump, "the file's header is damaged: its check word does not match");
	}
	if (header->close_check &&
	    header->close_check != dump_content_check(DUMP_CONTENT_SEED, header, offsetof(struct dump_header, close_check))) {
		dump->header_damaged = true;
		dump_damaged(dump, "the file's header is damaged: the check word written at closing does not match");
	}
	dump->page = header->page_size ? header->page_size : DUMP_PAGE_LEAST;
	if (!page_is_sound(dump->page)) {
		dump->header_damaged = true;
		dump_damaged(dump, "the file's header is damaged: page size of %" PRIu32 " bytes, expected a power of two "
		             "from %d to %d", header->page_size, DUMP_PAGE_LEAST, DUMP_PAGE_MOST);
	}
	if (dump->header_damaged)
		dump->page = DUMP_PAGE_LEAST;
	if (header->state < DUMP_RUNNING || header->state > DUMP_EXECED)
		dump_damaged(dump, "the file's header is damaged: unknown state %" PRIu32, header->state);
	if (!header_check_identity(header))
		dump_damaged(dump, "the file's header is damaged: the check word of its id, launch and run does not match");
	header_terminate(header);
	return READ_OK;
}

/* Blocks. */

/* Whether entries of this size can be of this type. A type of a later layout may have entries of any size. */
static bool entries_are_sound(const struct dump_block *block)
{
	return !type_is_known(block->type) ||
	       (type_is_bytes(block->type) == (block->entry_size == 0) && block->entry_size % 8 == 0 &&
	        block->entry_size <= DUMP_ENTRY_MOST);
}

/* Whether a block header read at `offset` is one, and its numbers are possible; the file may be too short for them. */
static bool block_is_sound(const struct dump_block *block, uint64_t offset)
{
	return block->magic == DUMP_BLOCK_MAGIC && block->offset == offset &&
	       block->header_check == dump_check(block, offsetof(struct dump_block, header_check)) &&
	       block->size >= DUMP_PAGE_LEAST && block->size % DUMP_PAGE_LEAST == 0 && block->size <= UINT64_MAX - offset &&
	       block->header_size >= DUMP_BLOCK_LEAST && block->header_size % 8 == 0 && block->header_size <= block->size &&
	       entries_are_sound(block);
}

/* Reads the block header at `offset`. Members that its layout does not have are 0. Returns false if none is there. */
static bool block_at(struct dump *dump, uint64_t offset, struct dump_block *block)
{
	if (read_at(dump, offset, block, sizeof *block) < sizeof *block || !block_is_sound(block, offset))
		return false;
	if (block->header_size < sizeof *block)
		memset((char *)block + block->header_size, 0, sizeof *block - block->header_size);
	return true;
}

/*
 * Returns the offset at which the blocks end. It reads the header again, since the dump of a running process grows. The
 * end is that of the file if the size in the header is impossible or lies behind it.
 */
static uint64_t blocks_end(struct dump *dump)
{
	uint64_t file = dump->source.size(dump->source.context), size = dump->header.size;
	struct dump_header now;

	if (!dump->header_damaged && read_at(dump, 0, &now, sizeof now) == sizeof now && now.size > size)
		size = dump->header.size = now.size;
	if (dump->header_damaged || size < dump->page || size % dump->page)
		return file;
	return size < file ? size : file;
}

/* Returns what dump_source.seek says, or the answer for a file without holes if there is no such function. */
static uint64_t seek(struct dump *dump, uint64_t offset, bool hole)
{
	return dump->source.seek ? dump->source.seek(dump->source.context, offset, hole) :
	       hole ? dump->source.size(dump->source.context) : offset;
}

/* Whether the bytes at `offset` are zeros. Some file systems call a hole what they have not written to the disk yet. */
static bool is_empty(struct dump *dump, uint64_t offset)
{
	unsigned char bytes[DUMP_PAGE_LEAST];
	size_t count = read_at(dump, offset, bytes, sizeof bytes);

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

	while (size >= BUFFER) {
		uint64_t hole = seek(dump, at, true), data;

		if (hole >= end)
			break;
		data = seek(dump, hole, false);
		if (data - hole >= BUFFER && is_empty(dump, hole))
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
	uint64_t unit = type_is_bytes(block->type) ? 1 : block->entry_size;
	uint64_t room = (block->size - block->header_size) / unit, filled;
	uint64_t there = (begin < file ? file - begin : 0) / unit;

	if (block->used > room)
		dump_damaged(dump, "block of %s at %" PRIu64 ": it claims %" PRIu64 " entries, but has room for %" PRIu64,
		             type_name(block->type), block->offset, block->used, room);
	else if (block->used > there)
		dump_damaged(dump, "cut short: of the block of %s at %" PRIu64 ", the file has %" PRIu64 " of %" PRIu64
		             " entries",
		             type_name(block->type), block->offset, there, block->used);
	room = minimum(block->used, minimum(room, there));
	filled = before_hole(dump, begin, room * unit) / unit;
	if (filled < room)
		dump_damaged(dump, "block of %s at %" PRIu64 ": it claims %" PRIu64 " entries, but the file has a hole "
		             "after %" PRIu64,
		             type_name(block->type), block->offset, room, filled);
	return filled;
}

static void set_used(struct dump *dump, struct read_block *block, const struct dump_block *read)
{
	block->used = usable(dump, read);
	if (block->used > UINT32_MAX - block->first && !type_is_bytes(block->type)) {
		dump_damaged(dump, "block of %s at %" PRIu64 ": the numbers of its entries exceed 32 bits",
		             type_name(block->type), block->offset);
		block->used = UINT32_MAX - block->first;
	}
}

static void add_block(struct dump *dump, const struct dump_block *block)
{
	struct read_block *slot;

	if (!type_is_known(block->type)) {
		if (!dump->header_damaged && dump->header.layout <= DUMP_LAYOUT)
			dump_damaged(dump, "block of an unknown type, %u, at %" PRIu64, block->type, block->offset);
		return;
	}
	if (dump->block_count == dump->block_capacity) {
		size_t capacity = dump->block_capacity ? 2 * dump->block_capacity : 32;
		void *blocks = reallocarray(dump->blocks, capacity, sizeof *slot);

		if (!blocks) {
			dump_damaged(dump, "out of memory: some blocks are left out");
			return;
		}
		dump->blocks = blocks;
		dump->block_capacity = capacity;
	}
	slot = &dump->blocks[dump->block_count++];
	*slot = (struct read_block){
		.offset = block->offset, .size = block->size, .address = block->address,
		.content_check = block->content_check,
		.entry_size = block->entry_size, .first = block->first, .lane = block->lane,
		.type = block->type, .header_size = block->header_size,
	};
	set_used(dump, slot, block);
}

/* Returns the offset of the first sound block from `offset` on, or `end` if there is none before it. */
static uint64_t find_block(struct dump *dump, uint64_t offset, uint64_t end)
{
	while (offset < end) {
		struct dump_block block = { 0 };

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
		dump_damaged(dump, "block of %s at %" PRIu64 " reaches past the end of the dump", type_name(block->type),
		             block->offset);
		claimed = limit;
	}
	next = find_block(dump, block->offset + dump->page, claimed < end ? claimed : end);
	if (next < claimed && next < end) {
		dump_damaged(dump, "block of %s at %" PRIu64 " reaches past the beginning of the next one", type_name(block->type),
		             block->offset);
		claimed = next;
	}
	block->size = claimed - block->offset;
	return claimed;
}

static void index_blocks(struct dump *dump)
{
	uint64_t offset = dump->header_damaged ? first_block(dump) : dump->page, end = blocks_end(dump);
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
	static const enum dump_block_type types[] = { DUMP_NAMESPACES, DUMP_SITES, DUMP_STACKS, DUMP_ROUTINES, DUMP_MODULES,
	                                              DUMP_STRINGS };
	struct dump_block now;

	for (size_t i = 0; i < sizeof types / sizeof *types; i++)
		for (size_t j = 0; j < dump->block_count; j++) {
			struct read_block *block = &dump->blocks[j];

			if (block->type == types[i] && block_at(dump, block->offset, &now) && now.type == block->type &&
			    now.used > block->used)
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

/* Contents. */

static uint64_t content_size(const struct read_block *block)
{
	return block->used * (type_is_bytes(block->type) ? 1 : block->entry_size);
}

/* Whether the block's content_check matches. `buffer` has BUFFER bytes. */
static bool contents_are_sound(struct dump *dump, const struct read_block *block, unsigned char *buffer)
{
	uint64_t begin = block->offset + block->header_size, size = content_size(block);
	uint64_t hash = DUMP_CONTENT_SEED ^ block->used;

	for (uint64_t at = 0; at < size; at += BUFFER) {
		size_t piece = minimum(size - at, BUFFER);

		if (read_at(dump, begin + at, buffer, piece) < piece)
			return false;
		hash = dump_content_check(hash, buffer, piece);
	}
	return hash == block->content_check;
}

/* Leaves out blocks of counts that the file has twice: no two blocks of a process have the same address in its memory. */
static void leave_doubles_out(struct dump *dump)
{
	struct memo addresses = { 0 };

	for (size_t i = 0; i < dump->block_count; i++) {
		struct read_block *block = &dump->blocks[i];

		if (!block->address || block->left_out || !type_is_counts(block->type))
			continue;
		if (memo_find(&addresses, block->address) == MEMO_NONE) {
			memo_put(&addresses, block->address, (uint32_t)i);
			continue;
		}
		block->left_out = true;
		dump_damaged(dump, "block of %s at %" PRIu64 " is there twice: counted once", type_name(block->type), block->offset);
	}
	memo_free(&addresses);
}

static void check_contents(struct dump *dump)
{
	unsigned char *buffer = memory_new(1, BUFFER);

	for (size_t i = 0; i < dump->block_count; i++) {
		struct read_block *block = &dump->blocks[i];

		if (!block->content_check || contents_are_sound(dump, block, buffer))
			continue;
		block->left_out |= type_is_counts(block->type);
		if (block->left_out)
			dump_damaged(dump, "block of %s at %" PRIu64 " is damaged: its %" PRIu64 " entries are left out",
			             type_name(block->type), block->offset, block->used);
		else
			dump_damaged(dump, "block of %s at %" PRIu64 " is damaged: names and places may be wrong",
			             type_name(block->type), block->offset);
	}
	free(buffer);
}

static void load_span(struct dump *dump, const struct read_block *block)
{
	struct read_span *span;

	dump->spans = memory_resize(dump->spans, dump->span_count + 1, sizeof *span);
	span = &dump->spans[dump->span_count];
	*span = (struct read_span){
		.offset = block->offset + block->header_size, .size = block->used, .type = block->type,
	};
	span->bytes = malloc(span->size + 1);
	if (!span->bytes) {
		dump_damaged(dump, "out of memory: a block of %s is left out", type_name(block->type));
		return;
	}
	span->size = read_at(dump, span->offset, span->bytes, (size_t)span->size);
	dump->span_count++;
}

static void table_free(struct read_table *table)
{
	free(table->entries);
	free(table->present);
	*table = (struct read_table){ 0 };
}

/*
 * Returns how large a table must be for the entries of a type: the largest number that is believed, plus 1. Numbers
 * follow one another, so that one much larger than the number of entries is damage.
 */
static uint64_t table_size(struct dump *dump, enum dump_block_type type)
{
	uint64_t most = NUMBERS_LOST, size = 0;

	for (size_t i = 0; i < dump->block_count; i++)
		most += dump->blocks[i].type == type ? dump->blocks[i].used : 0;
	for (size_t i = 0; i < dump->block_count; i++) {
		const struct read_block *block = &dump->blocks[i];
		uint64_t end = block->first + block->used;

		if (block->type != type || !block->used)
			continue;
		if (end > most)
			dump_damaged(dump, "block of %s at %" PRIu64 ": its first number, %" PRIu32 ", is impossible",
			             type_name(type), block->offset, block->first);
		else if (end > size)
			size = end;
	}
	return size;
}

static void load_table(struct dump *dump, enum dump_block_type type, size_t struct_size, struct read_table *table)
{
	struct dump_cursor cursor;
	const void *entry;

	table->count = table_size(dump, type);
	if (!table->count)
		return;
	table->entries = calloc(table->count, struct_size);
	table->present = calloc(table->count, sizeof *table->present);
	if (!table->entries || !table->present) {
		dump_damaged(dump, "out of memory: the %s are left out", type_name(type));
		table_free(table);
		return;
	}
	dump_cursor_open(&cursor, dump, type, struct_size);
	while ((entry = dump_cursor_next(&cursor)))
		if (cursor.number < table->count) {
			if (table->present[cursor.number])
				dump_damaged(dump, "two %s with the same number", type_name(type));
			memcpy(table->entries + cursor.number * struct_size, entry, struct_size);
			table->present[cursor.number] = true;
		}
	dump_cursor_close(&cursor);
}

enum read_status dump_open(struct dump *dump, const struct dump_source *source)
{
	enum read_status status;

	*dump = (struct dump){ .source = *source };
	status = read_header(dump);
	if (status != READ_OK)
		return status;
	index_blocks(dump);
	if (dump->header.state == DUMP_RUNNING)
		read_used_again(dump);
	check_size(dump);
	check_contents(dump);
	leave_doubles_out(dump);
	for (size_t i = 0; i < dump->block_count; i++)
		if (type_is_bytes(dump->blocks[i].type))
			load_span(dump, &dump->blocks[i]);
	load_table(dump, DUMP_MODULES, sizeof(struct dump_module), &dump->modules);
	load_table(dump, DUMP_ROUTINES, sizeof(struct dump_routine), &dump->routines);
	load_table(dump, DUMP_SITES, sizeof(struct dump_site), &dump->sites);
	load_table(dump, DUMP_NAMESPACES, sizeof(struct dump_namespace), &dump->namespaces);
	return dump->damage_total ? READ_DAMAGED : READ_OK;
}

void dump_close(struct dump *dump)
{
	for (size_t i = 0; i < dump->span_count; i++)
		free(dump->spans[i].bytes);
	free(dump->spans);
	free(dump->blocks);
	table_free(&dump->modules);
	table_free(&dump->routines);
	table_free(&dump->sites);
	table_free(&dump->namespaces);
	*dump = (struct dump){ 0 };
}

/* References. */

/*
 * Sets *bytes to what a reference names, and returns how many bytes there are up to the end of the span that holds it.
 * Returns 0, and notes damage, if no span of this type holds it.
 */
static size_t span_at(struct dump *dump, uint64_t reference, unsigned type, unsigned char **bytes)
{
	size_t low = 0, high = dump->span_count;

	while (low < high) { /* finds the last span that begins at or before the reference */
		size_t middle = (low + high) / 2;

		if (dump->spans[middle].offset <= reference)
			low = middle + 1;
		else
			high = middle;
	}
	if (low-- && reference % 8 == 0 && dump->spans[low].type == type &&
	    reference - dump->spans[low].offset < dump->spans[low].size) {
		uint64_t at = reference - dump->spans[low].offset;

		*bytes = dump->spans[low].bytes + at;
		return (size_t)(dump->spans[low].size - at);
	}
	dump_damaged(dump, "references to %s that the dump does not have", type_name(type));
	return 0;
}

const char *dump_text(struct dump *dump, uint64_t reference)
{
	struct dump_string string;
	unsigned char *bytes;
	size_t size;

	if (!reference)
		return NULL;
	size = span_at(dump, reference, DUMP_STRINGS, &bytes);
	if (!size)
		return NULL;
	if (size <= sizeof string)
		goto damaged;
	memcpy(&string, bytes, sizeof string);
	if (string.length >> STRING_LENGTH_BITS || string.length >= size - sizeof string || bytes[sizeof string + string.length] != 0)
		goto damaged;
	return (const char *)bytes + sizeof string;
damaged:
	dump_damaged(dump, "strings of impossible length");
	return NULL;
}

const struct dump_stack *dump_stack_at(struct dump *dump, uint64_t reference)
{
	struct dump_stack *stack;
	unsigned char *bytes;
	size_t size;

	if (!reference)
		return NULL;
	size = span_at(dump, reference, DUMP_STACKS, &bytes);
	if (!size)
		return NULL;
	stack = (struct dump_stack *)(void *)bytes; /* it is aligned: spans come from malloc, and references are multiples of 8 */
	if (size < sizeof *stack || stack->size > size || stack->size < sizeof *stack ||
	    stack->count > (stack->size - sizeof *stack) / sizeof stack->addresses[0]) {
		dump_damaged(dump, "stacks of impossible size");
		return NULL;
	}
	return stack;
}

static const void *table_at(const struct read_table *table, uint32_t number, size_t struct_size)
{
	return number < table->count && table->present[number] ? table->entries + number * struct_size : NULL;
}

const struct dump_module *dump_module_at(const struct dump *dump, uint32_t number)
{
	return table_at(&dump->modules, number, sizeof(struct dump_module));
}

const struct dump_routine *dump_routine_at(const struct dump *dump, uint32_t number)
{
	return table_at(&dump->routines, number, sizeof(struct dump_routine));
}

const struct dump_site *dump_site_at(const struct dump *dump, uint32_t number)
{
	return table_at(&dump->sites, number, sizeof(struct dump_site));
}

const struct dump_namespace *dump_namespace_at(const struct dump *dump, uint32_t number)
{
	return table_at(&dump->namespaces, number, sizeof(struct dump_namespace));
}

bool dump_row_of_frame(struct dump *dump, uint32_t lane, uint64_t address, struct dump_row *row, uint32_t *number)
{
	for (size_t i = 0; i < dump->block_count; i++) {
		const struct read_block *block = &dump->blocks[i];
		uint64_t position = address - block->address - block->header_size;

		if (block->type != DUMP_ROWS || block->lane != lane || block->left_out || address < block->address ||
		    position % block->entry_size || position / block->entry_size >= block->used)
			continue;
		memset(row, 0, sizeof *row);
		*number = (uint32_t)(block->first + position / block->entry_size);
		return read_at(dump, block->offset + block->header_size + position, row,
		               minimum(block->entry_size, sizeof *row)) != 0;
	}
	return false;
}

/* Cursors. */

void dump_cursor_open(struct dump_cursor *cursor, struct dump *dump, enum dump_block_type type, size_t struct_size)
{
	*cursor = (struct dump_cursor){ .dump = dump, .type = (uint16_t)type, .struct_size = struct_size };
	cursor->buffer = memory_new(1, BUFFER);
}

void dump_cursor_close(struct dump_cursor *cursor)
{
	free(cursor->buffer);
	cursor->buffer = NULL;
}

/* Goes to the next block that has entries of the cursor's type; returns false if there is none. */
static bool next_block(struct dump_cursor *cursor)
{
	const struct dump *dump = cursor->dump;

	while (cursor->next_block < dump->block_count) {
		const struct read_block *block = &dump->blocks[cursor->next_block++];

		if (block->type != cursor->type || block->left_out || !block->used)
			continue;
		cursor->block = cursor->next_block - 1;
		cursor->position = 0;
		cursor->lane = block->lane;
		return true;
	}
	return false;
}

/* Fills the buffer with whole entries; returns false at the end, or if nothing can be read. */
static bool refill(struct dump_cursor *cursor)
{
	const struct read_block *block;
	size_t count;

	cursor->position += cursor->buffered;
	cursor->buffered = cursor->taken = 0;
	while (!cursor->next_block || cursor->position >= cursor->dump->blocks[cursor->block].used)
		if (!next_block(cursor))
			return false;
	block = &cursor->dump->blocks[cursor->block];
	count = minimum(block->used - cursor->position, BUFFER / block->entry_size);
	cursor->buffered = read_at(cursor->dump, block->offset + block->header_size + cursor->position * block->entry_size,
	                           cursor->buffer, count * block->entry_size) / block->entry_size;
	if (cursor->buffered < count)
		dump_damaged(cursor->dump, "the file became shorter while it was read");
	return cursor->buffered != 0;
}

const void *dump_cursor_next(struct dump_cursor *cursor)
{
	const struct read_block *block;
	const unsigned char *entry;

	if (cursor->taken == cursor->buffered && !refill(cursor))
		return NULL;
	block = &cursor->dump->blocks[cursor->block];
	entry = cursor->buffer + cursor->taken * block->entry_size;
	cursor->number = (uint32_t)(block->first + cursor->position + cursor->taken++);
	if (block->entry_size >= cursor->struct_size)
		return entry;
	memset(cursor->entry, 0, sizeof cursor->entry);
	memcpy(cursor->entry, entry, block->entry_size);
	return cursor->entry;
}
