/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * fuzz_read.c - feeds arbitrary bytes to the dump reader and to everything that adds up and prints what it reads.
 * It must never judge the output: only a crash or a sanitizer's finding is a failure.
 *
 * It is compiled for libFuzzer by clang -fsanitize=fuzzer,address,undefined. In half of the inputs the check words of
 * headers are set right first, since hardly any mutated input would pass them otherwise.
 *
 * With -DFUZZ_STANDALONE it is a program without libFuzzer: fuzz_read ROUNDS [SEED-FILE ...] mutates the files ROUNDS
 * times, in the same way in every run.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/aggregate/aggregate.h"
#include "memory_source.h"
#include "analyzer/commands/report.h"
#include "analyzer/export/export.h"

enum { PAGE = DUMP_PAGE_LEAST };

static FILE *discard;

static void print(struct views *views, const struct options *options)
{
	struct output output = {.stream = discard};
	struct answer answer;

	options_answer(options, &answer, NULL);
	report_fill(&answer, options, views);
	options_render(options, &output, &answer);
}

static void print_all(const struct aggregate *aggregate)
{
	struct views views;

	views_open(&views, aggregate);
	for (unsigned i = 0; i < FORMAT_COUNT; i++) {
		struct options options = {.format = formats[i], .top = 20};

		if (!formats[i]->one_table)
			print(&views, &options);
		for (size_t j = 0; formats[i]->one_table && j < report_table_count; j++) {
			options.table = &report_tables[j];
			print(&views, &options);
		}
	}
	views_close(&views);
	rewind(discard);
}

static void print_by(const struct dump_source *source, const struct key *key)
{
	struct options options = {.format = &format_text, .by = key};
	struct aggregate aggregate;
	struct views views;

	aggregate_open(&aggregate, &(struct aggregate_options){.worker = key->worker});
	aggregate_add(&aggregate, source, "input");
	views_open(&views, &aggregate);
	print(&views, &options);
	views_close(&views);
	aggregate_close(&aggregate);
}

/* Gives the process that `context` points to, once. */
static bool next_process(void *context, struct export_record *process)
{
	struct export_record *given = context;
	bool is_new = given->aggregate && given->aggregate->process_count;

	*process = *given;
	given->aggregate = NULL;
	return is_new;
}

static void export_as(const struct export *export, enum export_source source)
{
	struct output output = {.stream = discard};

	for (unsigned i = 0; i < EXPORT_COUNT; i++)
		if (export_formats[i].source == source)
			export_formats[i].write(&output, export);
	rewind(discard);
}

/* Writes all formats of other programs. */
static void export_all(const struct aggregate *aggregate)
{
	struct call_stacks stacks;
	struct views views;
	struct table table;

	call_stacks_open(&stacks, aggregate, true);
	export_as(&(struct export){.aggregate = aggregate, .run = &stacks}, EXPORT_STACKS);
	export_as(&(struct export){.aggregate = aggregate, .run = &stacks, .old = &stacks}, EXPORT_TWO);
	call_stacks_close(&stacks);
	views_open(&views, aggregate);
	views_get(&views, &table_rows, SIZE_MAX, false, &table);
	export_as(&(struct export){.aggregate = aggregate, .table = &table}, EXPORT_ROWS);
	views_close(&views);
}

/* Reads and writes what the report does not read, which is the ordered record. */
static void export_record_of(const struct dump_source *source)
{
	struct aggregate aggregate;
	struct record record;
	struct export_record process = {.aggregate = &aggregate, .record = &record, .id = 1};

	aggregate_open(&aggregate, &(struct aggregate_options){0});
	record_open(&record, &aggregate);
	aggregate_add(&aggregate, source, "input");
	record_read(&record, source);
	process.symbolizer = symbolizer_new(&aggregate);
	export_as(&(struct export){.next = next_process, .context = &process}, EXPORT_RECORDS);
	symbolizer_free(process.symbolizer);
	record_close(&record);
	aggregate_close(&aggregate);
}

static void put_checks_right(unsigned char *bytes, size_t size)
{
	for (size_t offset = PAGE; offset + sizeof(struct dump_block) <= size; offset += PAGE) {
		struct dump_block block;

		memcpy(&block, bytes + offset, sizeof block);
		if (block.magic != DUMP_BLOCK_MAGIC)
			continue;
		block.offset = offset;
		block.content_check = 0;
		block.header_check = dump_check(&block, offsetof(struct dump_block, header_check));
		memcpy(bytes + offset, &block, sizeof block);
	}
	if (size >= sizeof(struct dump_header)) {
		struct dump_header header;

		memcpy(&header, bytes, sizeof header);
		memcpy(header.magic, DUMP_MAGIC, sizeof header.magic);
		header.version = 1 + header.version % DUMP_LAYOUT;
		header.byte_order = DUMP_BYTE_ORDER;
		header.header_check = header.identity_check = header.place_check = 0;
		header.close_check = 0;
		memcpy(bytes, &header, sizeof header);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned char *bytes = malloc(size ? size : 1);
	struct memory_file file = {bytes, size};
	struct dump_source source = memory_source(&file);
	struct aggregate aggregate;

	if (!discard)
		discard = fopen("/dev/null", "w");
	if (!bytes || !discard)
		abort();
	memcpy(bytes, data, size);
	if (size > PAGE && bytes[PAGE - 1] % 2 == 0) /* the format does not use this byte */
		put_checks_right(bytes, size);
	aggregate_open(&aggregate, &(struct aggregate_options){0});
	aggregate_add(&aggregate, &source, "input");
	print_all(&aggregate);
	export_all(&aggregate);
	aggregate_close(&aggregate);
	print_by(&source, &keys[size % KEY_COUNT]);
	export_record_of(&source);
	free(bytes);
	return 0;
}

#ifdef FUZZ_STANDALONE

static uint64_t next_random(uint64_t *state)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return *state >> 20;
}

static void mutate(unsigned char *bytes, size_t size, uint64_t *state)
{
	static const uint64_t interesting[] = {0,    1,        8,          63,         64,        PAGE - 1,
	                                       PAGE, 4 * PAGE, 0xffffffff, UINT64_MAX, INT64_MAX, 1u << 31};
	unsigned changes = 1 + next_random(state) % 12;

	bytes[PAGE - 1] = (unsigned char)next_random(state);
	for (unsigned i = 0; i < changes; i++) {
		size_t at = next_random(state) % size;

		if (i % 2) /* most fields are at the beginning of a page */
			at = at / PAGE * PAGE + at % 512;
		if (next_random(state) % 2 && at / 8 * 8 + 8 <= size)
			memcpy(bytes + at / 8 * 8,
			       &interesting[next_random(state) % (sizeof interesting / sizeof *interesting)],
			       next_random(state) % 2 ? 8 : 4);
		else if (at < size)
			bytes[at] = (unsigned char)next_random(state);
	}
}

static unsigned char *load(const char *path, size_t *size)
{
	FILE *stream = fopen(path, "rb");
	unsigned char *bytes = malloc(1 << 20);

	if (!stream || !bytes) {
		perror(path);
		exit(1);
	}
	*size = fread(bytes, 1, 1 << 20, stream);
	fclose(stream);
	return bytes;
}

int main(int count, char **arguments)
{
	unsigned long rounds = count > 1 ? strtoul(arguments[1], NULL, 10) : 0;
	uint64_t state = 1;

	for (int i = 2; i < count; i++) {
		size_t size;
		unsigned char *seed = load(arguments[i], &size);

		for (unsigned long round = 0; size > PAGE && round < rounds; round++) {
			size_t length = next_random(&state) % 8 ? size : PAGE + next_random(&state) % (size - PAGE) + 1;
			unsigned char *bytes = malloc(length);

			if (!bytes)
				abort();
			memcpy(bytes, seed, length);
			mutate(bytes, length, &state);
			LLVMFuzzerTestOneInput(bytes, length);
			free(bytes);
		}
		free(seed);
	}
	return 0;
}

#endif
