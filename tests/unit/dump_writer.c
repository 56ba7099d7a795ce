/* SPDX-License-Identifier: BSD-3-Clause */
#include "dump_writer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The address at which the process had mapped the first byte of the file. */
static const uint64_t MEMORY = 0x7f0000000000;

static void *at(struct writer *writer, uint64_t offset) { return writer->bytes + offset; }

static void reserve(struct writer *writer, size_t size)
{
	if (size > writer->capacity) {
		size_t capacity = 2 * size;

		writer->bytes = realloc(writer->bytes, capacity);
		if (!writer->bytes)
			abort();
		memset(writer->bytes + writer->capacity, 0, capacity - writer->capacity);
		writer->capacity = capacity;
	}
	writer->size = size;
}

void writer_open(struct writer *writer, uint32_t pid) { writer_open_paged(writer, pid, DUMP_PAGE_LEAST); }

void writer_open_paged(struct writer *writer, uint32_t pid, uint32_t page)
{
	struct dump_header *header;

	*writer = (struct writer){.page = page, .block_pages = 1};
	reserve(writer, page);
	header = writer_header(writer);
	memcpy(header->magic, DUMP_MAGIC, sizeof header->magic);
	header->version = dump_version(page);
	header->layout = DUMP_LAYOUT;
	header->page_size = page;
	header->byte_order = DUMP_BYTE_ORDER;
	header->size = page;
	header->state = DUMP_RUNNING;
	header->pid = pid;
	header->parent_pid = 1;
	header->start_ticks = 1000 + pid;
	header->start_realtime_ns = 1700000000u * UINT64_C(1000000000);
	header->start_monotonic_ns = 5000000000u;
	header->multiplier = UINT64_C(1) << 32;
	header->id[0] = pid;
	header->id[1] = header->start_monotonic_ns;
	header->rank = -1;
	header->exit_status = -1;
	strcpy(header->table_version, "table-1");
	strcpy(header->shim_version, "0.1");
	strcpy(header->host, "testhost");
	writer_check(writer);
}

void writer_free(struct writer *writer)
{
	free(writer->bytes);
	*writer = (struct writer){0};
}

static struct dump_block *add_block(struct writer *writer, unsigned type, uint32_t entry_size, uint64_t bytes,
                                    uint32_t lane, uint32_t first)
{
	uint64_t offset = writer->size, size = (uint64_t)writer->block_pages * writer->page;
	struct dump_block *block;

	while (size < sizeof *block + bytes)
		size += writer->page;
	reserve(writer, offset + size);
	block = at(writer, offset);
	*block = (struct dump_block){
		.magic = DUMP_BLOCK_MAGIC,
		.type = (uint16_t)type,
		.header_size = sizeof *block,
		.offset = offset,
		.size = size,
		.address = MEMORY + offset,
		.entry_size = entry_size,
		.first = first,
		.lane = lane,
	};
	block->header_check = dump_check(block, offsetof(struct dump_block, header_check));
	writer_header(writer)->size = writer->size;
	if (type < WRITER_TYPES)
		writer->open[type] = (struct writer_block){offset, lane};
	return block;
}

/* The open block of this type and lane, or NULL if there is none or `bytes` more do not fit. */
static struct dump_block *open_block(struct writer *writer, unsigned type, uint64_t bytes, uint32_t lane)
{
	struct dump_block *block;
	uint64_t used;

	if (!writer->open[type].offset || writer->open[type].lane != lane)
		return NULL;
	block = at(writer, writer->open[type].offset);
	used = block->used * (block->entry_size ? block->entry_size : 1);
	return block->header_size + used + bytes <= block->size ? block : NULL;
}

/* Reserves `bytes` bytes in a block without entries of a fixed size, and returns their offset in the file. */
static uint64_t add_bytes(struct writer *writer, unsigned type, uint64_t bytes)
{
	struct dump_block *block = open_block(writer, type, bytes, DUMP_NONE);
	uint64_t offset;

	if (!block)
		block = add_block(writer, type, 0, bytes, DUMP_NONE, 0);
	offset = block->offset + block->header_size + block->used;
	block->used += bytes;
	return offset;
}

uint64_t writer_string(struct writer *writer, const char *text)
{
	size_t length = strlen(text);
	uint64_t offset = add_bytes(writer, DUMP_STRINGS, (sizeof(struct dump_string) + length + 1 + 7) / 8 * 8);
	struct dump_string *string = at(writer, offset);

	string->length = (uint32_t)length;
	memcpy(string->text, text, length);
	return offset;
}

static uint32_t add_entry(struct writer *writer, unsigned type, const void *entry, size_t size, uint32_t lane,
                          uint32_t *count)
{
	uint32_t entry_size = (uint32_t)size + writer->extra_entry_bytes;
	struct dump_block *block = open_block(writer, type, entry_size, lane);
	unsigned char *place;

	if (!block)
		block = add_block(writer, type, entry_size, entry_size, lane, *count);
	place = at(writer, block->offset + block->header_size + block->used * entry_size);
	memcpy(place, entry, size);
	memset(place + size, 0xee, writer->extra_entry_bytes);
	block->used++;
	return (*count)++;
}

uint32_t writer_add(struct writer *writer, enum dump_block_type type, const void *entry, size_t size)
{
	return add_entry(writer, type, entry, size, DUMP_NONE, &writer->counts[type]);
}

void writer_meta(struct writer *writer, const char *key, const char *value)
{
	struct dump_meta meta = {writer_string(writer, key), writer_string(writer, value)};

	writer_add(writer, DUMP_META, &meta, sizeof meta);
}

void writer_note(struct writer *writer, enum dump_note_kind kind, const char *text, uint64_t count)
{
	struct dump_note note = {.kind = kind, .text = writer_string(writer, text), .count = count};

	writer_add(writer, DUMP_NOTES, &note, sizeof note);
}

uint32_t writer_module(struct writer *writer, const char *path, uint64_t start, uint32_t flags, const void *build_id,
                       uint32_t build_id_size)
{
	struct dump_module module = {.path = writer_string(writer, path),
	                             .start = start,
	                             .end = start + 0x100000,
	                             .bias = start,
	                             .flags = flags};

	module.build_id_size = build_id_size;
	memcpy(module.build_id, build_id, build_id_size);
	return writer_add(writer, DUMP_MODULES, &module, sizeof module);
}

static unsigned add_names(struct writer *writer, const char *names, size_t length, uint64_t *references)
{
	unsigned count = 0;
	char name[32];

	for (size_t i = 0; i < length;) {
		size_t end = i;

		while (end < length && names[end] != ' ')
			end++;
		memcpy(name, names + i, end - i);
		name[end - i] = 0;
		references[count++] = writer_string(writer, name);
		i = end + 1;
	}
	return count;
}

uint32_t writer_routine(struct writer *writer, const char *name, enum dump_kind kind, const char *shape)
{
	const char *bar = strchr(shape, '|');
	struct dump_routine routine = {
		.name = writer_string(writer, name), .type = (uint8_t)name[0], .kind = (uint8_t)kind};

	routine.option_count = (uint8_t)add_names(writer, shape, (size_t)(bar - shape), routine.options);
	routine.dim_count = (uint8_t)add_names(writer, bar + 1, strlen(bar + 1), routine.dims);
	return writer_add(writer, DUMP_ROUTINES, &routine, sizeof routine);
}

uint32_t writer_site(struct writer *writer, const char *symbol, uint32_t routine, uint64_t caller,
                     uint32_t caller_module, uint32_t callee_module)
{
	struct dump_site site = {.caller = caller,
	                         .symbol = writer_string(writer, symbol),
	                         .routine = routine,
	                         .caller_module = caller_module,
	                         .callee_module = callee_module};

	return writer_add(writer, DUMP_SITES, &site, sizeof site);
}

uint32_t writer_namespace(struct writer *writer, const char *path, uint32_t parent)
{
	struct dump_namespace space = {
		.name = writer_string(writer, path), .parent = parent, .multiplier = UINT64_C(1) << 32};

	return writer_add(writer, DUMP_NAMESPACES, &space, sizeof space);
}

uint32_t writer_lane(struct writer *writer, const struct dump_lane *lane)
{
	return writer_add(writer, DUMP_LANES, lane, sizeof *lane);
}

uint32_t writer_row(struct writer *writer, uint32_t lane, const struct dump_row *row)
{
	return add_entry(writer, DUMP_ROWS, row, sizeof *row, lane, &writer->row_counts[lane]);
}

/* Finds the entry of this number among the blocks of a type and lane. Sets `*block` to the block that holds it. */
static void *find_entry(struct writer *writer, unsigned type, uint32_t lane, uint32_t number, struct dump_block **block)
{
	for (uint64_t offset = writer->page; offset < writer->size; offset += (*block)->size) {
		*block = at(writer, offset);
		if ((*block)->type == type && (*block)->lane == lane && number - (*block)->first < (*block)->used)
			return (char *)*block + (*block)->header_size +
			       (number - (*block)->first) * (*block)->entry_size;
	}
	abort();
}

void writer_frame(struct writer *writer, uint32_t lane, unsigned frame, uint32_t row)
{
	struct dump_block *block, *unused;
	char *entry = find_entry(writer, DUMP_ROWS, lane, row, &block);
	struct dump_lane *of = find_entry(writer, DUMP_LANES, DUMP_NONE, lane, &unused);

	of->frames[frame].row = block->address + (uint64_t)(entry - (char *)block);
}

void writer_log(struct writer *writer, uint32_t lane, const struct dump_call *call)
{
	add_entry(writer, DUMP_LOG, call, sizeof *call, lane, &writer->counts[DUMP_LOG]);
}

uint64_t writer_stack(struct writer *writer, const uint64_t *addresses, uint32_t count, uint64_t python)
{
	uint64_t size = sizeof(struct dump_stack) + count * sizeof *addresses;
	uint64_t offset = add_bytes(writer, DUMP_STACKS, size);
	struct dump_stack *stack = at(writer, offset);

	stack->size = (uint32_t)size;
	stack->count = count;
	stack->python = python;
	memcpy(stack->addresses, addresses, count * sizeof *addresses);
	return offset;
}

void writer_unknown_block(struct writer *writer)
{
	add_block(writer, 77, 24, 24, DUMP_NONE, 0)->used = 1;
	writer_header(writer)->layout = DUMP_LAYOUT + 1;
	writer_check(writer);
}

void writer_first_layout(struct writer *writer)
{
	struct dump_header *header = writer_header(writer);

	header->layout = header->page_size = 0;
	memset(header->id, 0, sizeof *header - offsetof(struct dump_header, id));
	writer_check(writer);
	header->identity_check = header->place_check = 0;
}

void writer_check(struct writer *writer)
{
	writer_header(writer)->header_check = dump_header_check(writer_header(writer));
	writer_header(writer)->identity_check = dump_identity_check(writer_header(writer));
	writer_header(writer)->place_check = dump_place_check(writer_header(writer));
}

void writer_close(struct writer *writer, enum dump_state state)
{
	struct dump_header *header = writer_header(writer);

	header->state = state;
	header->end_monotonic_ns = header->start_monotonic_ns + 2000000000u;
	for (uint64_t offset = writer->page; offset < writer->size;) {
		struct dump_block *block = at(writer, offset);
		uint64_t bytes = block->used * (block->entry_size ? block->entry_size : 1);

		block->content_check = dump_content_check(DUMP_CONTENT_SEED ^ block->used,
		                                          at(writer, offset + block->header_size), bytes);
		offset += block->size;
	}
	writer_check(writer);
	header->close_check = dump_content_check(DUMP_CONTENT_SEED, header, offsetof(struct dump_header, close_check));
}

struct dump_row writer_call(uint32_t site, uint64_t calls, uint64_t flops, const char *options, int64_t a, int64_t b,
                            int64_t c)
{
	struct dump_row row = {.calls = calls,
	                       .flops = flops,
	                       .charged = flops,
	                       .site = site,
	                       .kind = DUMP_ROW_CALL,
	                       .dims = {a, b, c}};

	for (unsigned i = 0; options[i]; i++)
		row.options |= (uint64_t)(unsigned char)options[i] << (8 * i);
	return row;
}

bool writer_save(const struct writer *writer, const char *path)
{
	FILE *stream = fopen(path, "wb");
	bool written;

	if (!stream)
		return false;
	written = fwrite(writer->bytes, 1, writer->size, stream) == writer->size;
	return fclose(stream) == 0 && written;
}
