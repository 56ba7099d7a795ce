/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * read.c - reads a dump: its header, and the entries of its blocks.
 * It must never use anything from the file that has not passed a check: blocks.c for the blocks, span_at for references,
 * table_size for numbers.
 */
#include "analyzer/read/read.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/base/memory.h"
#include "analyzer/read/blocks.h"
#include "analyzer/read/header.h"

enum {
	/*
	 * Bits of the length of a text. A length of 32 bits has a byte of 0 then, so that a text of a damaged dump ends
	 * where the next entry begins: texts that overlap much would take memory without end.
	 */
	STRING_LENGTH_BITS = 24,
	NUMBERS_LOST = 1 << 20, /* entries of one type that a dump may lack: larger gaps in their numbers are damage */
};

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

/* The header. */

#define NOT_A_DUMP "not a flopshim dump: it does not begin with " DUMP_MAGIC

/* Whether a header whose magic, version or byte order is wrong is that of a dump with a known layout, but damaged. */
static bool header_is_ours(struct dump *dump)
{
	struct dump_header header = dump->header;

	return header_mend(&header) || blocks_first(dump) != 0;
}

static enum read_status refuse_newer(struct dump *dump)
{
	const struct dump_header *header = &dump->header;

	dump_damaged(dump,
	             "the dump has layout %" PRIu32 ", which needs a reader of layout %" PRIu32 "; this program reads "
	             "layouts 1 to %d",
	             header->layout, header->version, DUMP_LAYOUT);
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
		dump_damaged(dump, "the file's header is damaged: %s",
		             !magic     ? "its magic is not " DUMP_MAGIC
		             : !version ? "unknown version"
		                        : "unknown byte order");
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
	size_t read = dump_read_at(dump, 0, header, sizeof *header);
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
	    header->close_check !=
	            dump_content_check(DUMP_CONTENT_SEED, header, offsetof(struct dump_header, close_check))) {
		dump->header_damaged = true;
		dump_damaged(dump, "the file's header is damaged: the check word written at closing does not match");
	}
	dump->page = header->page_size ? header->page_size : DUMP_PAGE_LEAST;
	if (!block_page_is_sound(dump->page)) {
		dump->header_damaged = true;
		dump_damaged(dump,
		             "the file's header is damaged: page size of %" PRIu32 " bytes, expected a power of two "
		             "from %d to %d",
		             header->page_size, DUMP_PAGE_LEAST, DUMP_PAGE_MOST);
	}
	if (dump->header_damaged)
		dump->page = DUMP_PAGE_LEAST;
	if (header->state < DUMP_RUNNING || header->state > DUMP_EXECED)
		dump_damaged(dump, "the file's header is damaged: unknown state %" PRIu32, header->state);
	if (!header_check_identity(header))
		dump_damaged(dump,
		             "the file's header is damaged: the check word of its id, launch and run does not match");
	if (!header_check_place(header))
		dump_damaged(dump, "the file's header is damaged: the check word of its step does not match");
	header_terminate(header);
	return READ_OK;
}

static void load_span(struct dump *dump, const struct read_block *block)
{
	struct read_span *span;

	dump->spans = memory_resize(dump->spans, dump->span_count + 1, sizeof *span);
	span = &dump->spans[dump->span_count];
	*span = (struct read_span){
		.offset = block->offset + block->header_size,
		.size = block->used,
		.type = block->type,
	};
	span->bytes = malloc(span->size + 1);
	if (!span->bytes) {
		dump_damaged(dump, "out of memory: a block of %s is left out", block_type_name(block->type));
		return;
	}
	span->size = dump_read_at(dump, span->offset, span->bytes, (size_t)span->size);
	dump->span_count++;
}

static void table_free(struct read_table *table)
{
	free(table->entries);
	free(table->present);
	*table = (struct read_table){0};
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
			             block_type_name(type), block->offset, block->first);
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
		dump_damaged(dump, "out of memory: the %s are left out", block_type_name(type));
		table_free(table);
		return;
	}
	dump_cursor_open(&cursor, dump, type, struct_size);
	while ((entry = dump_cursor_next(&cursor)))
		if (cursor.number < table->count) {
			if (table->present[cursor.number])
				dump_damaged(dump, "two %s with the same number", block_type_name(type));
			memcpy(table->entries + cursor.number * struct_size, entry, struct_size);
			table->present[cursor.number] = true;
		}
	dump_cursor_close(&cursor);
}

enum read_status dump_open(struct dump *dump, const struct dump_source *source)
{
	enum read_status status;

	*dump = (struct dump){.source = *source};
	status = read_header(dump);
	if (status != READ_OK)
		return status;
	blocks_find(dump);
	for (size_t i = 0; i < dump->block_count; i++)
		if (block_type_is_bytes(dump->blocks[i].type))
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
	*dump = (struct dump){0};
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
	dump_damaged(dump, "references to %s that the dump does not have", block_type_name(type));
	return 0;
}

const char *dump_text_sized(struct dump *dump, uint64_t reference, size_t *length)
{
	struct dump_string string;
	unsigned char *bytes;
	size_t size;

	*length = 0;
	if (!reference)
		return NULL;
	size = span_at(dump, reference, DUMP_STRINGS, &bytes);
	if (!size)
		return NULL;
	if (size <= sizeof string)
		goto damaged;
	memcpy(&string, bytes, sizeof string);
	if (string.length >> STRING_LENGTH_BITS || string.length >= size - sizeof string ||
	    bytes[sizeof string + string.length] != 0)
		goto damaged;
	*length = string.length;
	return (const char *)bytes + sizeof string;
damaged:
	dump_damaged(dump, "strings of impossible length");
	return NULL;
}

const char *dump_text(struct dump *dump, uint64_t reference)
{
	size_t length;

	return dump_text_sized(dump, reference, &length);
}

uint64_t dump_bytes(const struct dump *dump, enum dump_block_type type)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < dump->span_count; i++)
		bytes += dump->spans[i].type == type ? dump->spans[i].size : 0;
	return bytes;
}

bool dump_is_merged(const struct dump *dump)
{
	if (!dump->header_damaged)
		return dump->header.version == DUMP_MERGED_VERSION;
	return dump_has(dump, DUMP_COUNTS) || (dump_has(dump, DUMP_PROCESSES) && !dump_has(dump, DUMP_ROWS));
}

bool dump_has(const struct dump *dump, enum dump_block_type type)
{
	for (size_t i = 0; i < dump->block_count; i++)
		if (dump->blocks[i].type == type)
			return true;
	return false;
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
	stack = (struct dump_stack *)(void *)
		bytes; /* it is aligned: spans come from malloc, and references are multiples of 8 */
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
		return dump_read_at(dump, block->offset + block->header_size + position, row,
		                    minimum(block->entry_size, sizeof *row)) != 0;
	}
	return false;
}

/* Cursors. */

void dump_cursor_open(struct dump_cursor *cursor, struct dump *dump, enum dump_block_type type, size_t struct_size)
{
	*cursor = (struct dump_cursor){.dump = dump, .type = (uint16_t)type, .struct_size = struct_size};
	cursor->buffer = memory_new(1, READ_BUFFER);
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
	count = minimum(block->used - cursor->position, READ_BUFFER / block->entry_size);
	cursor->buffered =
		dump_read_at(cursor->dump, block->offset + block->header_size + cursor->position * block->entry_size,
	                     cursor->buffer, count * block->entry_size) /
		block->entry_size;
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
