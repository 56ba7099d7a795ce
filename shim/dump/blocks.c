/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * blocks.c - the blocks of the dump, the tables that grow in them, strings and stacks.
 * It must never use a place or a size that it reads from the file, where another process may have changed it: struct
 * dump_part keeps them.
 */
#include "shim/dump/blocks.h"

#include <string.h>

#include "shim/dump/file.h"
#include "shim/dump/path.h"
#include "shim/dump/writeout.h"
#include "shim/guest/guest.h"
#include "shim/guest/page.h"

enum {
	PARTS_FIRST = 64,              /* blocks that need no memory but the shim's own */
	TABLE_BYTES = DUMP_PAGE_LEAST, /* size of the first block of a table */
	STRINGS_BYTES = 8192,          /* least size of a block of strings, and of stacks */
	STACKS_BYTES = 16384,
	ENTRIES_ALIGN = 128, /* where entries begin that calls write to, in bytes: at a cache line */
	LOG_SPARE = 4 << 20, /* bytes of the disk that the record of calls leaves free for rows */
};

static struct {
	bool said_full;       /* the message was printed, by this process or by one that forked it */
	uint64_t first_bytes; /* how many bytes of the file are mapped from the header on; 0 if the header alone is */
	uint64_t size;        /* how many bytes of the file are in use */
	struct dump_part *first, *last;
	struct guest_pool pool; /* memory for struct dump_part */
	struct dump_part *strings, *stacks;
} dump;

#define TABLE(kind, record, size)                                                \
	{                                                                        \
		.type = kind, .entry_size = sizeof(struct record), .bytes = size \
	}
#define TABLES                                                           \
	X(dump_meta, DUMP_META, dump_meta, TABLE_BYTES)                  \
	X(dump_modules, DUMP_MODULES, dump_module, TABLE_BYTES)          \
	X(dump_routines, DUMP_ROUTINES, dump_routine, 2 * TABLE_BYTES)   \
	X(dump_sites, DUMP_SITES, dump_site, 2 * TABLE_BYTES)            \
	X(dump_namespaces, DUMP_NAMESPACES, dump_namespace, TABLE_BYTES) \
	X(dump_limits, DUMP_LIMITS, dump_limit, TABLE_BYTES)             \
	X(dump_lanes, DUMP_LANES, dump_lane, TABLE_BYTES)                \
	X(dump_notes, DUMP_NOTES, dump_note, TABLE_BYTES)                \
	X(dump_samples, DUMP_SAMPLES, dump_sample, TABLE_BYTES)
#define X(name, kind, record, size) struct dump_table name = TABLE(kind, record, size);
TABLES
#undef X

/* ---- blocks ---- */

void blocks_begin(uint64_t offset, uint64_t in_memory)
{
	dump.size = offset;
	dump.first_bytes = in_memory;
}

struct dump_part *blocks_first(void) { return dump.first; }

/* Returns room for one more block, NULL without memory. */
static struct dump_part *part_take(void)
{
	static struct dump_part first[PARTS_FIRST];

	if (!dump.pool.size)
		dump.pool = (struct guest_pool){
			.size = sizeof(first[0]), .fresh = (char *)first, .fresh_end = (char *)first + sizeof(first)};
	return guest_pool_take(&dump.pool);
}

/* Prints once that the file cannot grow, and what that means for this kind of block. */
static void say_full(enum dump_block_type type)
{
	if (!dump.said_full)
		guest_say("%s cannot grow: %s", path_told(),
		          type == DUMP_LOG ? "its record of calls ends here"
		                           : "calls of new shapes are counted together from now on");
	dump.said_full = true;
}

/*
 * Returns zeroed pages for a block: in what is mapped from the start, else in the file, else (not for the record of
 * calls) in memory alone, which is noted as lost space. *in_file tells which. NULL if there are none.
 */
static void *block_pages(enum dump_block_type type, uint64_t offset, uint64_t size, bool at_once, bool *in_file)
{
	void *pages;

	*in_file = offset + size <= dump.first_bytes;
	if (*in_file)
		return (char *)dump_header + offset;
	if (!file_is_there())
		return guest_pages(size);
	pages = guest_confined ? NULL : file_extend(offset, size, at_once, type == DUMP_LOG ? LOG_SPARE : 0);
	*in_file = pages != NULL;
	if (pages)
		return pages;
	if (!guest_confined)
		say_full(type);
	if (type == DUMP_LOG)
		return NULL;
	dump_lose(DUMP_LOST_SPACE);
	return guest_pages(size); /* NULL in a confined process */
}

/* Whether every call writes to these entries. They are aligned so that each takes as few cache lines as possible. */
static bool is_for_calls(enum dump_block_type type) { return type == DUMP_ROWS || type == DUMP_LANES; }
_Static_assert(sizeof(struct dump_row) % 64 == 0 && sizeof(struct dump_lane) % 64 == 0, "whole cache lines");

struct dump_part *dump_block_add(enum dump_block_type type, uint32_t entry_size, uint64_t bytes, uint32_t lane,
                                 uint32_t first)
{
	uint64_t page = file_page(), size = (bytes + page - 1) / page * page, offset = dump.size;
	uint16_t begin = is_for_calls(type) ? ENTRIES_ALIGN : sizeof(struct dump_block);
	struct dump_part *part = part_take();
	struct dump_block *block;
	bool in_file;

	if (!part)
		return NULL;
	/*
	 * All pages are made at once only for blocks that fill up: not for a lane's first rows, which may stay its
	 * only ones.
	 */
	block = block_pages(type, offset, size, type == DUMP_LOG || (type == DUMP_ROWS && first), &in_file);
	if (block && ((uint64_t)block + size) >> MEMORY_BITS) {
		guest_free(block, size); /* its address is too high to be packed: see MEMORY_BITS */
		block = NULL;
	}
	if (!block) {
		guest_pool_give(&dump.pool, part);
		return NULL;
	}
	*block = (struct dump_block){
		.magic = DUMP_BLOCK_MAGIC,
		.type = (uint16_t)type,
		.header_size = begin,
		.offset = offset,
		.size = size,
		.address = (uint64_t)block,
		.entry_size = entry_size,
		.first = first,
		.lane = lane,
	};
	block->header_check = dump_check(block, offsetof(struct dump_block, header_check));
	*part = (struct dump_part){
		.block = block,
		.entries = (char *)block + begin,
		.capacity = (size - begin) / (entry_size ? entry_size : 1),
		.entry_size = entry_size,
		.first = first,
		.offset = offset,
		.size = size,
		.type = type,
		.in_file = in_file,
	};
	if (in_file && file_is_written_out())
		writeout_expect(part);
	if (dump.last)
		dump.last->next = part;
	else
		dump.first = part;
	dump.last = part;
	dump_unseal();
	/* A block that is only in memory takes no room in the file; the next block gets the same offset. */
	if (in_file || !file_is_there()) {
		dump.size = offset + size;
		__atomic_store_n(&dump_header->size, dump.size, __ATOMIC_RELEASE);
	}
	return part;
}

void *dump_append(struct dump_table *table, uint32_t *number)
{
	if (!table->part || table->part->used == table->part->capacity) {
		struct dump_part *part =
			dump_block_add(table->type, table->entry_size, table->bytes, DUMP_NONE, table->count);

		if (!part)
			return NULL;
		table->part = part;
		if (table->bytes < 1u << 20)
			table->bytes *= 2;
	}
	if (number)
		*number = table->count;
	return dump_entry(table->part, table->part->used);
}

void dump_commit(struct dump_table *table)
{
	dump_unseal();
	table->count++;
	dump_part_use(table->part, table->part->used + 1);
}

/*
 * Returns room for an entry of `size` bytes behind the last one in *part, a block of entries that vary in size. If it
 * does not fit, *part becomes a new block of at least `bytes` bytes. NULL if there is no room.
 */
static void *varied_append(struct dump_part **part, enum dump_block_type type, uint64_t bytes, uint64_t size)
{
	if (!*part || (*part)->used + size > (*part)->capacity) {
		uint64_t needed = size + sizeof(struct dump_block);
		struct dump_part *added = dump_block_add(type, 0, needed > bytes ? needed : bytes, DUMP_NONE, 0);

		if (!added)
			return NULL;
		*part = added;
	}
	return (*part)->entries + (*part)->used;
}

/* Makes an entry from varied_append valid. Returns its place: its offset in the file. */
static uint64_t varied_commit(struct dump_part *part, uint64_t size)
{
	uint64_t place = part->offset + (uint64_t)(part->entries - (char *)part->block) + part->used;

	dump_unseal();
	dump_part_use(part, part->used + size);
	return place;
}

uint64_t dump_string(const char *text, uint64_t length)
{
	uint64_t size = (sizeof(struct dump_string) + length + 1 + 7) & ~(uint64_t)7;
	struct dump_string *string = varied_append(&dump.strings, DUMP_STRINGS, STRINGS_BYTES, size);

	if (!string)
		return 0;
	string->length = (uint32_t)length;
	memcpy(string->text, text, length);
	return varied_commit(dump.strings, size);
}

uint64_t dump_stack_add(const uint64_t *addresses, uint32_t count, uint64_t python)
{
	uint32_t size = (uint32_t)sizeof(struct dump_stack) + 8 * count;
	struct dump_stack *stack = varied_append(&dump.stacks, DUMP_STACKS, STACKS_BYTES, size);

	if (!stack)
		return 0;
	stack->size = size;
	stack->count = count;
	stack->python = python;
	memcpy(stack->addresses, addresses, 8 * (size_t)count);
	return varied_commit(dump.stacks, size);
}

void dump_each_row(void (*visit)(const struct dump_row *, uint64_t place, void *), void *context)
{
	uint64_t place = 0;

	for (const struct dump_part *part = dump.first; part; part = part->next) {
		/* Places are numbered by the capacity of blocks, not by their use, so that a row keeps its place. */
		for (uint64_t j = 0; part->type == DUMP_ROWS && j < part->capacity; j++, place++)
			if (j < part->used)
				visit(dump_entry(part, j), place, context);
	}
}

void *dump_entry_numbered(enum dump_block_type type, uint32_t number)
{
	for (const struct dump_part *part = dump.first; part; part = part->next) {
		if (part->type == type && number >= part->first && number - part->first < part->used)
			return dump_entry(part, number - part->first);
	}
	return NULL;
}

/*
 * Returns the text at this place of the file, and in *room how many bytes its block has from there on: the terminator
 * may have been overwritten. An empty text with *room 0 if no block of strings is there.
 */
static const char *text_at(uint64_t place, uint64_t *room)
{
	for (const struct dump_part *part = dump.first; part; part = part->next) {
		uint64_t begin = part->offset + (uint64_t)(part->entries - (char *)part->block);

		if (part->type != DUMP_STRINGS || place < begin || place >= part->offset + part->size)
			continue;
		*room = part->offset + part->size - place;
		if (*room <= sizeof(struct dump_string))
			break;
		*room -= sizeof(struct dump_string);
		return (const char *)part->block + (place - part->offset) + sizeof(struct dump_string);
	}
	*room = 0;
	return "";
}

bool dump_text_is(uint64_t place, const char *text)
{
	uint64_t room, length = strlen(text);
	const char *found = text_at(place, &room);

	return length < room && !memcmp(found, text, length) && !found[length];
}

void dump_text_copy(uint64_t place, char *text, size_t size)
{
	uint64_t room;
	const char *found = text_at(place, &room);
	size_t length = 0;

	for (; length < room && length + 1 < size && found[length]; length++)
		text[length] = found[length];
	text[length] = 0;
}

void blocks_forked(void)
{
	for (struct dump_part *part = dump.first, *next; part; part = next) {
		next = part->next;
		writeout_forget(part);
		guest_free(part->block, part->size);
		guest_pool_give(&dump.pool, part);
	}
	dump.first = dump.last = NULL;
	dump.first_bytes = 0;
	dump.strings = dump.stacks = NULL;
#define X(name, kind, record, size) name = (struct dump_table)TABLE(kind, record, size);
	TABLES
#undef X
}
