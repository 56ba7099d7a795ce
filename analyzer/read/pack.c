/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * pack.c - puts the entries of a dump into columns, and back.
 * It must never believe a size that stands in packed bytes before it has seen that there are as many.
 *
 * Packed, a dump is its size, and stretches of it one after the other: the words of an entry (32 bits each; 0: the stretch is
 * bytes), the number of entries (of bytes), and then the bytes, or the entries: the first word of all of them, then the second,
 * and so on, each as its difference to the one before. All numbers are LEB128, and differences zigzag.
 */
#include "analyzer/read/pack.h"

#include <stdlib.h>
#include <string.h>

#include "analyzer/base/leb128.h"

enum { WORDS_MAX = 1024 }; /* most words of an entry */

static size_t read_at(void *context, uint64_t offset, void *buffer, size_t count)
{
	const struct dump_memory *memory = context;

	if (offset >= memory->size)
		return 0;
	if (count > memory->size - offset)
		count = memory->size - (size_t)offset;
	memcpy(buffer, memory->bytes + offset, count);
	return count;
}

static uint64_t size_of(void *context) { return ((const struct dump_memory *)context)->size; }

struct dump_source dump_memory_source(struct dump_memory *memory)
{
	return (struct dump_source){.context = memory, .read_at = read_at, .size = size_of};
}

static uint32_t word_at(const unsigned char *bytes)
{
	uint32_t word;

	memcpy(&word, bytes, sizeof word);
	return word;
}

static void add_bytes(struct text *packed, const unsigned char *bytes, size_t count)
{
	if (!count)
		return;
	leb128_add(packed, 0);
	leb128_add(packed, count);
	text_add_bytes(packed, bytes, count);
}

static void add_entries(struct text *packed, const unsigned char *bytes, size_t words, size_t count)
{
	leb128_add(packed, words);
	leb128_add(packed, count);
	for (size_t word = 0; word < words; word++) {
		uint32_t before = 0;

		for (size_t i = 0; i < count; i++) {
			uint32_t now = word_at(bytes + (i * words + word) * sizeof now);

			leb128_add(packed, (uint32_t)zigzag((u128)(__int128)(int32_t)(now - before)));
			before = now;
		}
	}
}

/* The words of an entry of a block; 0 if its contents are packed as bytes. */
static size_t words_of(const struct read_block *block)
{
	size_t words =
		block->type == DUMP_STACKS ? sizeof(uint64_t) / sizeof(uint32_t) : block->entry_size / sizeof(uint32_t);

	return block->type == DUMP_STRINGS || block->entry_size % sizeof(uint32_t) || words > WORDS_MAX ? 0 : words;
}

void pack_dump(struct text *packed, const void *bytes, size_t size)
{
	struct dump_memory memory = {bytes, size};
	struct dump_source source = dump_memory_source(&memory);
	size_t done = 0;
	struct dump dump;

	leb128_add(packed, size);
	if (dump_open(&dump, &source) <= READ_DAMAGED) {
		for (size_t i = 0; i < dump.block_count; i++) {
			const struct read_block *block = &dump.blocks[i];
			size_t begin = block->offset + block->header_size, words = words_of(block);
			size_t entry = words * sizeof(uint32_t);
			size_t count = !words ? 0 : block->type == DUMP_STACKS ? block->used / entry : block->used;

			if (!count || begin < done || begin > size || count > (size - begin) / entry)
				continue;
			add_bytes(packed, memory.bytes + done, begin - done);
			add_entries(packed, memory.bytes + begin, words, count);
			done = begin + count * entry;
		}
	}
	dump_close(&dump);
	add_bytes(packed, memory.bytes + done, size - done);
}

/* Takes the entries of a stretch. Returns false if they are cut. */
static bool take_entries(unsigned char *bytes, size_t words, size_t count, const unsigned char **at,
                         const unsigned char *end)
{
	for (size_t word = 0; word < words; word++) {
		uint32_t before = 0;

		for (size_t i = 0; i < count; i++) {
			uint64_t difference;

			if (!leb128_take(at, end, &difference))
				return false;
			before += (uint32_t)(difference >> 1) ^ (difference & 1 ? UINT32_MAX : 0);
			memcpy(bytes + (i * words + word) * sizeof before, &before, sizeof before);
		}
	}
	return true;
}

/* Takes a stretch, of which at most `room` bytes may be. Returns how many they are, or 0 if it is damaged. */
static size_t take_stretch(unsigned char *bytes, size_t room, const unsigned char **at, const unsigned char *end)
{
	uint64_t words, count, size;

	if (!leb128_take(at, end, &words) || !leb128_take(at, end, &count) || words > WORDS_MAX || count > room)
		return 0;
	size = words ? words * sizeof(uint32_t) * count : count;
	if (size > room)
		return 0;
	if (words)
		return take_entries(bytes, words, count, at, end) ? size : 0;
	if (count > (size_t)(end - *at))
		return 0;
	memcpy(bytes, *at, count);
	*at += count;
	return size;
}

unsigned char *unpack_dump(const void *packed, size_t length, size_t *size)
{
	const unsigned char *at = packed, *end = at + length;
	unsigned char *bytes;
	uint64_t expected;
	size_t done = 0;

	/* Each word of 4 bytes takes one byte at least. */
	if (!leb128_take(&at, end, &expected) || expected / sizeof(uint32_t) > length)
		return NULL;
	bytes = malloc(expected + 1);
	while (bytes && done < expected) {
		size_t taken = take_stretch(bytes + done, expected - done, &at, end);

		if (!taken) {
			free(bytes);
			return NULL;
		}
		done += taken;
	}
	*size = expected;
	return bytes;
}
