/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_read.c - the dump reader and the sums over it: dumps as they should be, as later versions may make
 * them, as they grow, and damaged in every way.
 * It must never take an expected value from the reader itself.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "analyzer/aggregate/aggregate.h"
#include "dump_writer.h"
#include "memory_source.h"
#include "analyzer/render/json.h"
#include "analyzer/tables/tables.h"
#include "run_suite.h"

/* ---- a dump with a bit of everything ---- */

static uint64_t example_stack; /* reference of its only stack */

/* 3 dgemm of 1,000 FLOPs, 2 dtrsm of 500 in "train", a query; 4 nested and no lost calls. */
static void example_paged(struct writer *writer, uint32_t page)
{
	static const uint64_t addresses[] = { 0x401010, 0x402020, 0x403030 };
	struct dump_lane lane = { .nested_calls = 4, .threads = 1 };
	struct dump_limit limit = { .amount = 10000, .used = 4000 };
	struct dump_sample sample = { .flops = 3000, .calls = 1 };
	struct dump_call call = { .sequence = 1, .duration_ns = 10, .cumulative = 1000 };
	uint32_t program, blas, gemm, trsm, train, site;
	struct dump_row row;

	writer_open_paged(writer, 42, page);
	writer_meta(writer, "program", "/bin/example");
	writer_meta(writer, "argument", "example");
	writer_meta(writer, "argument", "-x");
	program = writer_module(writer, "/bin/example", 0x400000, 0, "id", 2);
	blas = writer_module(writer, "/lib/blas.so", 0x500000, DUMP_MODULE_SERVES, "", 0);
	gemm = writer_routine(writer, "dgemm", DUMP_DIRECT, "transa transb|m n k");
	trsm = writer_routine(writer, "dtrsm", DUMP_DIRECT, "side uplo transa diag|m n");
	writer_namespace(writer, "", DUMP_NONE);
	train = writer_namespace(writer, "train", 0);
	writer_add(writer, DUMP_LIMITS, &limit, sizeof limit);
	writer_lane(writer, &lane);
	site = writer_site(writer, "dgemm_", gemm, 0x401010, program, blas);
	row = writer_call(site, 3, 1000, "NT", 10, 10, 5);
	writer_row(writer, 0, &row);
	row.kind = DUMP_ROW_QUERY;
	row.calls = 1;
	row.flops = row.charged = 0;
	writer_row(writer, 0, &row);
	site = writer_site(writer, "dtrsm_", trsm, 0x402020, program, blas);
	row = writer_call(site, 2, 500, "LUNN", 10, 5, 0);
	row.namespace_id = train;
	writer_row(writer, 0, &row);
	writer_note(writer, DUMP_NOTE_HIDDEN, "/lib/other.so", 1);
	example_stack = writer_stack(writer, addresses, 3, writer_string(writer, "f (a.py:1)\ng (a.py:9)"));
	sample.stack = example_stack;
	writer_add(writer, DUMP_SAMPLES, &sample, sizeof sample);
	writer_add(writer, DUMP_LOG, &call, sizeof call);
}

static void example(struct writer *writer)
{
	example_paged(writer, DUMP_PAGE_LEAST);
}

static struct aggregate sum_of(const unsigned char *bytes, uint64_t size)
{
	struct memory_file file = { bytes, size };
	struct dump_source source = memory_source(&file);
	struct aggregate aggregate;

	aggregate_open(&aggregate, &(struct aggregate_options){ 0 });
	aggregate_add(&aggregate, &source, "test.dump");
	return aggregate;
}

/* What the report would say, damage apart. To be freed. */
static char *report_of(const struct aggregate *aggregate)
{
	static const struct table_kind *const kinds[] = {
		&table_routines, &table_namespaces, &table_shapes, &table_limits, &table_libraries, &table_notes,
		&table_processes, &table_sites,
	};
	struct views views;
	char *text;
	size_t size;
	struct output output = { .stream = open_memstream(&text, &size) };

	views_open(&views, aggregate);
	json_open(&output, NULL, '{');
	json_number(&output, "flops", aggregate->totals.flops);
	json_number(&output, "calls", aggregate->totals.calls);
	json_number(&output, "nested", aggregate->totals.nested_calls);
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		struct table table;

		views_get(&views, kinds[i], SIZE_MAX, false, &table);
		json_table(&output, &table);
	}
	json_close(&output, '}');
	fclose(output.stream);
	views_close(&views);
	return text;
}

static const char *only_damage(const struct aggregate *aggregate)
{
	ck_assert_uint_eq(aggregate->damage_count, 1);
	return aggregate->damage[0].text;
}

/* ---- as it should be ---- */

static void check_example(const struct aggregate *aggregate)
{
	const struct totals *totals = &aggregate->totals;

	ck_assert_uint_eq((uint64_t)totals->flops, 4000);
	ck_assert_uint_eq((uint64_t)totals->charged, 4000);
	ck_assert_uint_eq(totals->calls, 5);
	ck_assert_uint_eq(totals->queries, 1);
	ck_assert_uint_eq(totals->nested_calls, 4);
	ck_assert_uint_eq(aggregate->row_count, 3);
	ck_assert_uint_eq(aggregate->process_count, 1);
	ck_assert_uint_eq(aggregate->limits.count, 1);
	ck_assert_uint_eq(aggregate->notes.count, 1);
}

START_TEST(reads_a_closed_dump)
{
	struct writer writer;
	struct aggregate aggregate;

	example(&writer);
	writer_close(&writer, DUMP_CLOSED);
	aggregate = sum_of(writer.bytes, writer.size);
	check_example(&aggregate);
	ck_assert(aggregate.complete);
	ck_assert_uint_eq(aggregate.damage_count, 0);
	ck_assert_int_eq(aggregate.processes[0].state, PROCESS_CLOSED);
	ck_assert_uint_eq(aggregate.processes[0].elapsed_ns, 2000000000u);
	ck_assert_str_eq(text_at(&aggregate, aggregate.processes[0].program), "/bin/example");
	ck_assert_uint_eq(aggregate.processes[0].argument_bytes, sizeof "example" + sizeof "-x");
	aggregate_close(&aggregate);
	writer_free(&writer);
}
END_TEST

START_TEST(reads_a_running_dump)
{
	struct writer writer;
	struct aggregate aggregate;

	example(&writer);
	aggregate = sum_of(writer.bytes, writer.size);
	check_example(&aggregate);
	ck_assert(aggregate.complete);
	aggregate_close(&aggregate);
	writer_free(&writer);
}
END_TEST

START_TEST(reads_stacks_samples_and_the_log)
{
	struct writer writer;
	struct memory_file file;
	struct dump_source source;
	struct dump dump;
	struct dump_cursor cursor;
	const struct dump_stack *stack;
	const struct dump_sample *sample;
	const struct dump_call *call;

	example(&writer);
	file = (struct memory_file){ writer.bytes, writer.size };
	source = memory_source(&file);
	ck_assert_int_eq(dump_open(&dump, &source), READ_OK);
	dump_cursor_open(&cursor, &dump, DUMP_SAMPLES, sizeof *sample);
	sample = dump_cursor_next(&cursor);
	ck_assert_ptr_nonnull(sample);
	stack = dump_stack_at(&dump, sample->stack);
	ck_assert_ptr_nonnull(stack);
	ck_assert_uint_eq(stack->count, 3);
	ck_assert_uint_eq(stack->addresses[2], 0x403030);
	ck_assert_str_eq(dump_text(&dump, stack->python), "f (a.py:1)\ng (a.py:9)");
	ck_assert_ptr_null(dump_cursor_next(&cursor));
	dump_cursor_close(&cursor);
	dump_cursor_open(&cursor, &dump, DUMP_LOG, sizeof *call);
	call = dump_cursor_next(&cursor);
	ck_assert_ptr_nonnull(call);
	ck_assert_uint_eq(call->cumulative, 1000);
	dump_cursor_close(&cursor);
	dump_close(&dump);
	writer_free(&writer);
}
END_TEST

/* Rows over many blocks and lanes, more than a buffer of the reader holds. */
START_TEST(reads_many_blocks)
{
	enum { ROWS = 5000, LANES = 3 };
	struct writer writer;
	struct aggregate aggregate;
	uint32_t routine, site;
	u128 flops = 0;

	writer_open(&writer, 1);
	routine = writer_routine(&writer, "dgemm", DUMP_DIRECT, "|m n k");
	site = writer_site(&writer, "dgemm_", routine, 0, DUMP_NONE, DUMP_NONE);
	for (uint32_t i = 0; i < LANES; i++)
		writer_lane(&writer, &(struct dump_lane){ .threads = 1 });
	for (uint32_t i = 0; i < ROWS; i++) {
		struct dump_row row = writer_call(site, 2, i, "", i % 100, 0, 0);

		row.flops = row.charged = i % 100;
		writer_row(&writer, (i / 40) % LANES, &row);
		flops += 2 * (i % 100);
	}
	writer_close(&writer, DUMP_CLOSED);
	aggregate = sum_of(writer.bytes, writer.size);
	ck_assert(aggregate.complete);
	ck_assert_uint_eq(aggregate.row_count, 100); /* equal rows of different lanes are one */
	ck_assert_uint_eq(aggregate.totals.calls, 2 * ROWS);
	ck_assert(aggregate.totals.flops == flops);
	aggregate_close(&aggregate);
	writer_free(&writer);
}
END_TEST

START_TEST(finds_calls_in_flight)
{
	struct dump_lane lane = { .threads = 1, .depth = 2, .frames = { { 1, 2, 0 }, { 3, 4, 0 } } };
	struct writer writer;
	struct aggregate aggregate;
	uint32_t routine, site;
	struct dump_row row;

	writer_open(&writer, 1);
	routine = writer_routine(&writer, "dgemm", DUMP_DIRECT, "|m n k");
	site = writer_site(&writer, "dgemm_", routine, 0, DUMP_NONE, DUMP_NONE);
	writer_lane(&writer, &(struct dump_lane){ .threads = 1 });
	writer_lane(&writer, &lane);
	row = writer_call(site, 1, 999, "", 9, 9, 9); /* of the other lane */
	writer_row(&writer, 0, &row);
	row = writer_call(site, 1, 20, "", 1, 1, 1);
	writer_row(&writer, 1, &row);
	row = writer_call(site, 0, 300, "", 2, 2, 2); /* its first call has not ended */
	writer_row(&writer, 1, &row);
	writer_frame(&writer, 1, 0, 1);
	writer_frame(&writer, 1, 1, 0);
	aggregate = sum_of(writer.bytes, writer.size);
	ck_assert_uint_eq(aggregate.totals.in_flight_calls, 2);
	ck_assert_uint_eq((uint64_t)aggregate.totals.in_flight_flops, 320);
	ck_assert_uint_eq(aggregate.totals.calls, 2);
	aggregate_close(&aggregate);
	writer_free(&writer);
}
END_TEST

/* ---- later versions, and live dumps ---- */

START_TEST(skips_what_it_does_not_know)
{
	struct writer writer;
	struct aggregate aggregate;

	example(&writer);
	writer_unknown_block(&writer);
	writer_note(&writer, (enum dump_note_kind)99, "something new", 1);
	writer_close(&writer, DUMP_CLOSED);
	aggregate = sum_of(writer.bytes, writer.size);
	ck_assert(aggregate.complete);
	ck_assert_uint_eq(aggregate.totals.calls, 5);
	ck_assert_uint_eq(aggregate.notes.count, 2);
	aggregate_close(&aggregate);
	writer_free(&writer);
}
END_TEST

static struct writer longer_entries(void)
{
	struct writer writer;
	uint32_t routine, site;
	struct dump_row row;

	writer_open(&writer, 1);
	writer.extra_entry_bytes = 24;
	routine = writer_routine(&writer, "dgemm", DUMP_DIRECT, "|m n k");
	site = writer_site(&writer, "dgemm_", routine, 0, DUMP_NONE, DUMP_NONE);
	writer_lane(&writer, &(struct dump_lane){ .threads = 1, .nested_calls = 3 });
	for (int i = 0; i < 100; i++) {
		row = writer_call(site, 1, 10, "", i, 0, 0);
		writer_row(&writer, 0, &row);
	}
	writer_close(&writer, DUMP_CLOSED);
	return writer;
}

START_TEST(reads_longer_entries)
{
	struct writer writer = longer_entries();
	struct aggregate aggregate = sum_of(writer.bytes, writer.size);

	ck_assert(aggregate.complete);
	ck_assert_uint_eq(aggregate.totals.calls, 100);
	ck_assert_uint_eq((uint64_t)aggregate.totals.flops, 1000);
	ck_assert_uint_eq(aggregate.totals.nested_calls, 3);
	aggregate_close(&aggregate);
	writer_free(&writer);
}
END_TEST

START_TEST(reads_shorter_entries)
{
	struct dump_row row = writer_call(0, 4, 25, "", 7, 0, 0);
	struct writer writer;
	struct aggregate aggregate;
	uint32_t routine;

	writer_open(&writer, 1);
	routine = writer_routine(&writer, "dgemm", DUMP_DIRECT, "|m n k");
	writer_site(&writer, "dgemm_", routine, 0, DUMP_NONE, DUMP_NONE);
	row.words = 77; /* the last field, which an earlier version did not have */
	writer_add(&writer, DUMP_ROWS, &row, offsetof(struct dump_row, words));
	writer_close(&writer, DUMP_CLOSED);
	aggregate = sum_of(writer.bytes, writer.size);
	ck_assert(aggregate.complete);
	ck_assert_uint_eq((uint64_t)aggregate.totals.flops, 100);
	ck_assert_uint_eq((uint64_t)aggregate.totals.words, 0);
	aggregate_close(&aggregate);
	writer_free(&writer);
}
END_TEST

START_TEST(refuses_a_later_format)
{
	struct writer writer;
	struct aggregate aggregate;
	char expected[READ_DAMAGE_TEXT];

	example(&writer);
	writer_header(&writer)->version = DUMP_LAYOUT + 1;
	writer_header(&writer)->layout = DUMP_LAYOUT + 3;
	writer_check(&writer);
	snprintf(expected, sizeof expected, "the dump has layout %d, which needs a reader of layout %d; this program reads "
	         "layouts 1 to %d", DUMP_LAYOUT + 3, DUMP_LAYOUT + 1, DUMP_LAYOUT);
	aggregate = sum_of(writer.bytes, writer.size);
	ck_assert(aggregate.newer);
	ck_assert_uint_eq(aggregate.process_count, 0);
	ck_assert_str_eq(only_damage(&aggregate), expected);
	aggregate_close(&aggregate);
	writer_free(&writer);
}
END_TEST

/* A later layout that adds and takes nothing away. */
START_TEST(reads_a_later_layout)
{
	struct writer writer;
	struct aggregate aggregate;

	example(&writer);
	writer_header(&writer)->layout = DUMP_LAYOUT + 7;
	writer_close(&writer, DUMP_CLOSED);
	aggregate = sum_of(writer.bytes, writer.size);
	check_example(&aggregate);
	ck_assert(aggregate.complete);
	aggregate_close(&aggregate);
	writer_free(&writer);
}
END_TEST

START_TEST(reads_the_first_layout)
{
	struct writer writer;
	struct aggregate aggregate;

	example(&writer);
	writer_first_layout(&writer);
	if (_i)
		writer_close(&writer, DUMP_CLOSED);
	aggregate = sum_of(writer.bytes, writer.size);
	check_example(&aggregate);
	ck_assert(aggregate.complete);
	aggregate_close(&aggregate);
	writer_free(&writer);
}
END_TEST

/* An unknown type may have entries of any size, and none. */
START_TEST(skips_blocks_of_any_shape)
{
	static const uint32_t sizes[] = { 0, 1, 7, 24, DUMP_ENTRY_MOST + 8, UINT32_MAX };
	struct writer writer;
	struct aggregate aggregate;
	struct dump_block *block;
	uint64_t offset;

	example(&writer);
	offset = writer.size;
	writer_unknown_block(&writer);
	block = (struct dump_block *)(void *)(writer.bytes + offset);
	block->entry_size = sizes[_i];
	block->used = UINT64_MAX;
	block->header_check = dump_check(block, offsetof(struct dump_block, header_check));
	writer_lane(&writer, &(struct dump_lane){ .threads = 1, .nested_calls = 2 }); /* behind it */
	aggregate = sum_of(writer.bytes, writer.size);
	ck_assert(aggregate.complete);
	ck_assert_uint_eq(aggregate.totals.calls, 5);
	ck_assert_uint_eq(aggregate.totals.nested_calls, 6);
	aggregate_close(&aggregate);
	writer_free(&writer);
}
END_TEST

/* ---- pages of other machines ---- */

static const uint32_t pages[] = { DUMP_PAGE_LEAST, 1 << 14, 1 << 16, DUMP_PAGE_MOST };
enum { PAGES = sizeof pages / sizeof *pages };

START_TEST(reads_any_size_of_page)
{
	struct writer writer;
	struct aggregate aggregate;

	example_paged(&writer, pages[_i]);
	ck_assert_uint_eq(writer.size % pages[_i], 0);
	aggregate = sum_of(writer.bytes, writer.size);
	check_example(&aggregate);
	ck_assert(aggregate.complete);
	aggregate_close(&aggregate);
	writer_close(&writer, DUMP_CLOSED);
	aggregate = sum_of(writer.bytes, writer.size);
	check_example(&aggregate);
	ck_assert(aggregate.complete);
	aggregate_close(&aggregate);
	writer_free(&writer);
}
END_TEST

/* What the header says of its pages is damaged, or all of it, or a block: the others are found all the same. */
START_TEST(finds_blocks_at_any_size_of_page)
{
	enum { PAGE_SIZE_FLIPPED, MAGIC_GONE, FIRST_BLOCK_DAMAGED, KINDS };
	struct writer writer;

	example_paged(&writer, pages[_i]);
	writer_close(&writer, DUMP_CLOSED);
	for (int kind = 0; kind < KINDS; kind++) {
		unsigned char *bytes = malloc(writer.size);
		struct dump_header *header = (struct dump_header *)(void *)bytes;
		struct dump_block *first = (struct dump_block *)(void *)(bytes + pages[_i]);
		struct aggregate aggregate;

		ck_assert_ptr_nonnull(bytes);
		memcpy(bytes, writer.bytes, writer.size);
		if (kind == PAGE_SIZE_FLIPPED)
			header->page_size ^= 0x2000;
		if (kind == MAGIC_GONE)
			memset(header, 0, 16);
		if (kind == FIRST_BLOCK_DAMAGED)
			first->header_check ^= 1;
		aggregate = sum_of(bytes, writer.size);
		ck_assert(!aggregate.complete);
		ck_assert_uint_eq(aggregate.totals.calls, 5);
		ck_assert_uint_eq(aggregate.totals.nested_calls, 4);
		aggregate_close(&aggregate);
		free(bytes);
	}
	writer_free(&writer);
}
END_TEST

START_TEST(refuses_impossible_pages)
{
	static const uint32_t sizes[] = { 1, 512, 4095, 12288, 2 * DUMP_PAGE_MOST, UINT32_MAX };
	struct writer writer;
	struct aggregate aggregate;
	char expected[READ_DAMAGE_TEXT];

	example(&writer);
	writer_header(&writer)->page_size = sizes[_i];
	writer_check(&writer);
	snprintf(expected, sizeof expected, "the file's header is damaged: page size of %u bytes, expected a power of two "
	         "from 4096 to 1048576", sizes[_i]);
	aggregate = sum_of(writer.bytes, writer.size);
	ck_assert(!aggregate.complete);
	ck_assert_str_eq(aggregate.damage[0].text, expected);
	ck_assert_uint_eq(aggregate.totals.calls, 5);
	aggregate_close(&aggregate);
	writer_free(&writer);
}
END_TEST

/* A file that is longer than its header says: room that has been reserved, or a block not yet in place. */
START_TEST(ignores_room_behind_the_end)
{
	struct writer writer;
	struct aggregate aggregate;
	uint64_t size;

	example(&writer);
	size = writer_header(&writer)->size;
	writer_unknown_block(&writer);
	memset(writer.bytes + size, 0, writer.size - size);
	writer_header(&writer)->size = size;
	aggregate = sum_of(writer.bytes, writer.size);
	check_example(&aggregate);
	ck_assert(aggregate.complete);
	aggregate_close(&aggregate);
	writer_free(&writer);
}
END_TEST

/* ---- damage ---- */

START_TEST(notices_a_size_that_is_too_small)
{
	struct writer writer;
	struct aggregate aggregate;

	example(&writer);
	writer_header(&writer)->size -= DUMP_PAGE_LEAST;
	aggregate = sum_of(writer.bytes, writer.size);
	ck_assert(!aggregate.complete);
	aggregate_close(&aggregate);
	writer_free(&writer);
}
END_TEST

START_TEST(goes_on_behind_a_damaged_block)
{
	struct writer writer;
	struct aggregate aggregate;

	example(&writer);
	for (uint64_t offset = DUMP_PAGE_LEAST; offset < writer.size; offset += DUMP_PAGE_LEAST) {
		struct dump_block *block = (struct dump_block *)(void *)(writer.bytes + offset);

		if (block->type == DUMP_NOTES)
			block->header_check ^= 1;
	}
	aggregate = sum_of(writer.bytes, writer.size);
	ck_assert(!aggregate.complete);
	ck_assert_uint_eq(aggregate.totals.calls, 5);
	ck_assert_uint_eq(aggregate.notes.count, 0);
	ck_assert_int_eq(strncmp(only_damage(&aggregate), "no sound block at ", 18), 0);
	aggregate_close(&aggregate);
	writer_free(&writer);
}
END_TEST

START_TEST(leaves_damaged_counts_out)
{
	struct writer writer;
	struct aggregate aggregate;

	example(&writer);
	writer_close(&writer, DUMP_CLOSED);
	for (uint64_t offset = DUMP_PAGE_LEAST; offset < writer.size; offset += DUMP_PAGE_LEAST) {
		struct dump_block *block = (struct dump_block *)(void *)(writer.bytes + offset);

		if (block->type == DUMP_LANES)
			writer.bytes[offset + block->header_size] ^= 4;
	}
	aggregate = sum_of(writer.bytes, writer.size);
	ck_assert(!aggregate.complete);
	ck_assert_uint_eq(aggregate.totals.calls, 5);
	ck_assert_uint_eq(aggregate.totals.nested_calls, 0);
	ck_assert_ptr_nonnull(strstr(only_damage(&aggregate), "is damaged: its 1 entries are left out"));
	aggregate_close(&aggregate);
	writer_free(&writer);
}
END_TEST

START_TEST(says_what_cannot_be_read)
{
	static const struct { const char *bytes; size_t size; const char *text; } cases[] = {
		{ "", 0, "the file is empty" },
		{ "FLOPSHIM", 8, "cut short: the file has 8 bytes, fewer than a header" },
		{ "hello", 5, "not a flopshim dump: it does not begin with FLOPSHIM" },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct aggregate aggregate = sum_of((const unsigned char *)cases[i].bytes, cases[i].size);

		ck_assert_str_eq(only_damage(&aggregate), cases[i].text);
		ck_assert_uint_eq(aggregate.answered, 0);
		aggregate_close(&aggregate);
	}
}
END_TEST

/* Cut at every length: it is said, and what is shown is part of the truth. */
START_TEST(survives_every_cut)
{
	struct writer writer;

	example(&writer);
	if (_i)
		writer_close(&writer, DUMP_CLOSED);
	for (uint64_t size = 0; size < writer.size; size++) {
		/* Of its own size, so that a sanitizer sees every byte too far. */
		unsigned char *bytes = malloc(size ? size : 1);
		struct aggregate aggregate;

		ck_assert_ptr_nonnull(bytes);
		memcpy(bytes, writer.bytes, size);
		aggregate = sum_of(bytes, size);
		ck_assert_msg(!aggregate.complete && aggregate.damage_count, "cut to %lu bytes: nothing was said", size);
		ck_assert_uint_le(aggregate.totals.calls, 5);
		ck_assert(aggregate.totals.flops <= 4000);
		ck_assert_msg(aggregate.answered || !aggregate.totals.calls, "cut to %lu bytes: zeros as an answer", size);
		aggregate_close(&aggregate);
		free(bytes);
	}
	writer_free(&writer);
}
END_TEST

/* Flip any byte of a closed dump: either it is said, or nothing is different. */
START_TEST(notices_every_flip)
{
	static const unsigned char masks[] = { 0xff, 0x01, 0x80 };
	struct writer writer;
	struct aggregate whole;
	char *expected;

	example(&writer);
	writer_close(&writer, DUMP_CLOSED);
	whole = sum_of(writer.bytes, writer.size);
	expected = report_of(&whole);
	for (uint64_t at = 0; at < writer.size; at++) {
		struct aggregate aggregate;
		char *report;

		writer.bytes[at] ^= masks[_i];
		aggregate = sum_of(writer.bytes, writer.size);
		if (aggregate.complete) {
			report = report_of(&aggregate);
			ck_assert_msg(!strcmp(report, expected), "byte %lu flipped: a different report, and nothing was said", at);
			free(report);
		}
		aggregate_close(&aggregate);
		writer.bytes[at] ^= masks[_i];
	}
	free(expected);
	aggregate_close(&whole);
	writer_free(&writer);
}
END_TEST

static uint64_t next_random(uint64_t *state)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return *state >> 16;
}

/* Many flips at once, also in a dump that has no check words over its contents: never a crash. */
START_TEST(survives_heavy_damage)
{
	uint64_t state = 1;
	struct writer writer;

	example(&writer);
	for (int round = 0; round < 3000; round++) {
		unsigned char *bytes = malloc(writer.size);
		struct aggregate aggregate;
		unsigned flips = 1 + next_random(&state) % 50;

		ck_assert_ptr_nonnull(bytes);
		memcpy(bytes, writer.bytes, writer.size);
		for (unsigned i = 0; i < flips; i++) {
			/* Half of them in the first 256 bytes of a page, where the fields are. */
			uint64_t at = next_random(&state) % writer.size;

			if (i % 2)
				at = at / DUMP_PAGE_LEAST * DUMP_PAGE_LEAST + at % 256;
			bytes[at] = (unsigned char)next_random(&state);
		}
		aggregate = sum_of(bytes, writer.size);
		free(report_of(&aggregate));
		aggregate_close(&aggregate);
		free(bytes);
	}
	writer_free(&writer);
}
END_TEST

/* The same with sound check words over damaged headers of blocks: what is behind them must hold by itself. */
START_TEST(survives_well_checked_nonsense)
{
	uint64_t state = 2;
	struct writer writer;

	example(&writer);
	for (int round = 0; round < 3000; round++) {
		unsigned char *bytes = malloc(writer.size);
		struct aggregate aggregate;

		ck_assert_ptr_nonnull(bytes);
		memcpy(bytes, writer.bytes, writer.size);
		for (uint64_t offset = DUMP_PAGE_LEAST; offset < writer.size; offset += DUMP_PAGE_LEAST) {
			struct dump_block *block = (struct dump_block *)(void *)(bytes + offset);
			uint64_t at = next_random(&state) % 72;

			if (next_random(&state) % 4)
				continue;
			bytes[offset + at] = (unsigned char)next_random(&state);
			if (next_random(&state) % 2)
				block->used = next_random(&state) << (next_random(&state) % 20);
			block->offset = offset;
			block->magic = DUMP_BLOCK_MAGIC;
			block->content_check = 0;
			block->header_check = dump_check(block, offsetof(struct dump_block, header_check));
		}
		aggregate = sum_of(bytes, writer.size);
		free(report_of(&aggregate));
		aggregate_close(&aggregate);
		free(bytes);
	}
	writer_free(&writer);
}
END_TEST

START_TEST(survives_random_bytes)
{
	uint64_t state = 3;

	for (int round = 0; round < 500; round++) {
		uint64_t size = next_random(&state) % 20000;
		unsigned char *bytes = malloc(size ? size : 1);
		struct aggregate aggregate;

		ck_assert_ptr_nonnull(bytes);
		for (uint64_t i = 0; i < size; i++)
			bytes[i] = (unsigned char)next_random(&state);
		if (round % 2 && size > 8)
			memcpy(bytes, DUMP_MAGIC, 8);
		aggregate = sum_of(bytes, size);
		ck_assert(!aggregate.complete);
		ck_assert_uint_eq(aggregate.answered, 0);
		aggregate_close(&aggregate);
		free(bytes);
	}
}
END_TEST

/* ---- sums over several dumps ---- */

START_TEST(adds_dumps_up)
{
	struct aggregate aggregate;
	struct memory_file file;
	struct dump_source source;
	struct writer writer;

	aggregate_open(&aggregate, &(struct aggregate_options){ 0 });
	for (uint32_t pid = 1; pid <= 3; pid++) {
		example(&writer);
		writer_header(&writer)->pid = pid;
		/* Loaded elsewhere, as addresses are random: still the same place. */
		for (uint64_t offset = DUMP_PAGE_LEAST; offset < writer.size; offset += DUMP_PAGE_LEAST) {
			struct dump_block *block = (struct dump_block *)(void *)(writer.bytes + offset);
			struct dump_module *module = (struct dump_module *)(void *)(block + 1);
			struct dump_site *site = (struct dump_site *)(void *)(block + 1);

			if (block->type == DUMP_MODULES)
				module[0].bias += 0x1000 * pid;
			if (block->type == DUMP_SITES)
				for (uint64_t i = 0; i < block->used; i++)
					site[i].caller += 0x1000 * pid;
		}
		writer_close(&writer, DUMP_CLOSED);
		file = (struct memory_file){ writer.bytes, writer.size };
		source = memory_source(&file);
		aggregate_add(&aggregate, &source, "test.dump");
		writer_free(&writer);
	}
	ck_assert_uint_eq(aggregate.row_count, 3);
	ck_assert_uint_eq(aggregate.sites.count, 2);
	ck_assert_uint_eq(aggregate.totals.calls, 15);
	ck_assert_uint_eq((uint64_t)aggregate.totals.flops, 12000);
	ck_assert_uint_eq(aggregate.process_count, 3);
	ck_assert_uint_eq(aggregate.version_count, 1);
	aggregate_close(&aggregate);
}
END_TEST

START_TEST(sums_beyond_64_bits)
{
	struct writer writer;
	struct aggregate aggregate;
	uint32_t routine, site;
	struct dump_row row;
	char text[NUMBER_TEXT];

	writer_open(&writer, 1);
	routine = writer_routine(&writer, "zgemm", DUMP_DIRECT, "|m n k");
	site = writer_site(&writer, "zgemm_", routine, 0, DUMP_NONE, DUMP_NONE);
	row = writer_call(site, UINT64_MAX, UINT64_MAX, "", 1, 1, 1);
	writer_row(&writer, 0, &row);
	aggregate = sum_of(writer.bytes, writer.size);
	/* (2^64 - 1)^2 */
	ck_assert_str_eq(number_exact(aggregate.totals.flops, text), "340282366920938463426481119284349108225");
	aggregate_close(&aggregate);
	row.dims[0] = 2;
	writer_row(&writer, 0, &row);
	aggregate = sum_of(writer.bytes, writer.size);
	ck_assert(aggregate.totals.flops == U128_MAX);
	ck_assert_uint_eq(aggregate.totals.calls, UINT64_MAX);
	aggregate_close(&aggregate);
	writer_free(&writer);
}
END_TEST

/* However many are asked for, the largest are those of a full sort. */
START_TEST(orders_the_largest_first)
{
	enum { ROWS = 1000 };
	struct writer writer;
	struct aggregate aggregate;
	struct group_list all, some;
	uint64_t state = 7;
	uint32_t routine, site;

	writer_open(&writer, 1);
	routine = writer_routine(&writer, "dgemm", DUMP_DIRECT, "|m n k");
	site = writer_site(&writer, "dgemm_", routine, 0, DUMP_NONE, DUMP_NONE);
	for (int i = 0; i < ROWS; i++) {
		struct dump_row row = writer_call(site, 1, next_random(&state) % 300, "", i, 0, 0); /* many ties */

		writer_row(&writer, 0, &row);
	}
	aggregate = sum_of(writer.bytes, writer.size);
	group_rows(&aggregate, NULL, GROUP_SHAPE, &all);
	group_order(&all, SIZE_MAX);
	ck_assert_uint_eq(all.count, ROWS);
	for (size_t i = 1; i < ROWS; i++)
		ck_assert(all.groups[i - 1].flops >= all.groups[i].flops);
	for (size_t top = 1; top <= ROWS; top = top * 3 + 1) {
		group_rows(&aggregate, NULL, GROUP_SHAPE, &some);
		group_order(&some, top);
		ck_assert_uint_eq(some.count, ROWS);
		for (size_t i = 0; i < top; i++)
			ck_assert_ptr_eq(some.groups[i].row, all.groups[i].row);
		group_list_free(&some);
	}
	group_list_free(&all);
	aggregate_close(&aggregate);
	writer_free(&writer);
}
END_TEST

static bool alive_42(uint32_t pid, uint64_t start_ticks)
{
	return pid == 42 && start_ticks == 1042;
}

START_TEST(tells_the_living_from_the_dead)
{
	static const struct { const char *host; uint32_t pid; uint64_t ticks; enum process_state state; } cases[] = {
		{ "testhost", 42, 1042, PROCESS_RUNNING },
		{ "testhost", 42, 1043, PROCESS_ENDED }, /* the number was used again */
		{ "testhost", 43, 1042, PROCESS_ENDED },
		{ "another", 42, 1042, PROCESS_UNKNOWN },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct aggregate_options options = { .host = "testhost", .alive = alive_42, .now_ns = 6000000000u };
		struct aggregate aggregate;
		struct writer writer;
		struct memory_file file;
		struct dump_source source;

		example(&writer);
		strcpy(writer_header(&writer)->host, cases[i].host);
		writer_header(&writer)->pid = cases[i].pid;
		writer_header(&writer)->start_ticks = cases[i].ticks;
		writer_check(&writer);
		file = (struct memory_file){ writer.bytes, writer.size };
		source = memory_source(&file);
		aggregate_open(&aggregate, &options);
		aggregate_add(&aggregate, &source, "test.dump");
		ck_assert_int_eq(aggregate.processes[0].state, cases[i].state);
		ck_assert_uint_eq(aggregate.processes[0].elapsed_ns, cases[i].state == PROCESS_RUNNING ? 1000000000u : 0);
		ck_assert(aggregate.complete); /* an end without closing loses nothing */
		aggregate_close(&aggregate);
		writer_free(&writer);
	}
}
END_TEST

/* What a process leaves whose last second, in which it made its first calls, was not written out. */
static void sites_without_counts(struct writer *writer)
{
	uint32_t routine;

	writer_open(writer, 42);
	writer_lane(writer, &(struct dump_lane){ .threads = 1 });
	routine = writer_routine(writer, "dgemm", DUMP_DIRECT, "|m n k");
	writer_site(writer, "dgemm_", routine, 0x401000, DUMP_NONE, DUMP_NONE);
	writer_site(writer, "dgemm_", routine, 0x402000, DUMP_NONE, DUMP_NONE);
}

/* Such zeros are damage where nothing is missing, and no damage where it is known that the end is. */
START_TEST(zeros_may_be_what_was_written_out)
{
	static const struct { enum dump_state state; uint32_t losses; size_t damage; bool complete; } cases[] = {
		{ DUMP_CLOSED, DUMP_NOT_DURABLE, 1, false }, { DUMP_CLOSED, 0, 1, false },
		{ DUMP_RUNNING, DUMP_NOT_DURABLE, 0, false }, { DUMP_RUNNING, 0, 1, false },
	};
	struct aggregate aggregate;
	struct writer writer;

	sites_without_counts(&writer);
	writer_header(&writer)->losses = cases[_i].losses;
	writer_close(&writer, cases[_i].state);
	aggregate = sum_of(writer.bytes, writer.size);
	ck_assert_int_eq(aggregate.complete, cases[_i].complete);
	ck_assert_uint_eq(aggregate.damage_count, cases[_i].damage);
	aggregate_close(&aggregate);
	writer_free(&writer);
}
END_TEST

START_TEST(knows_what_is_lost)
{
	static const struct { uint32_t losses; bool complete; } cases[] = {
		{ DUMP_LOST_CALLS, false }, { DUMP_LOST_SPACE, false }, { DUMP_LOST_SITES, true }, { DUMP_COARSE_SHAPES, true },
		{ DUMP_LOST_LOG, true }, { DUMP_LOST_STACKS, true }, { DUMP_NOT_DURABLE, true },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct writer writer;
		struct aggregate aggregate;

		example(&writer);
		writer_header(&writer)->losses = cases[i].losses;
		writer_close(&writer, DUMP_CLOSED);
		aggregate = sum_of(writer.bytes, writer.size);
		ck_assert_int_eq(aggregate.complete, cases[i].complete);
		aggregate_close(&aggregate);
		writer_free(&writer);
	}
}
END_TEST

/* A file system without shared memory has up to a second less of a process that did not close its dump, zeros included. */
START_TEST(knows_when_the_end_may_be_missing)
{
	static const struct { const char *host; uint32_t pid; enum dump_state state; bool complete; } cases[] = {
		{ "testhost", 42, DUMP_RUNNING, true },  /* it runs, and will be written out */
		{ "testhost", 43, DUMP_RUNNING, false }, /* it ended */
		{ "another", 42, DUMP_RUNNING, false },  /* who knows */
		{ "testhost", 42, DUMP_EXECED, false },
		{ "testhost", 43, DUMP_CLOSED, true },
	};

	for (size_t i = 0; i < 2 * (sizeof cases / sizeof *cases); i++) {
		struct aggregate_options options = { .host = "testhost", .alive = alive_42, .now_ns = 6000000000u };
		bool durable = i % 2;
		struct aggregate aggregate;
		struct writer writer;
		struct memory_file file;
		struct dump_source source;

		example(&writer);
		strcpy(writer_header(&writer)->host, cases[i / 2].host);
		writer_header(&writer)->pid = cases[i / 2].pid;
		writer_header(&writer)->start_ticks = 1042;
		writer_header(&writer)->losses = durable ? 0 : DUMP_NOT_DURABLE;
		writer_header(&writer)->state = cases[i / 2].state;
		writer_check(&writer);
		file = (struct memory_file){ writer.bytes, writer.size };
		source = memory_source(&file);
		aggregate_open(&aggregate, &options);
		aggregate_add(&aggregate, &source, "test.dump");
		ck_assert_int_eq(aggregate.complete, durable || cases[i / 2].complete);
		ck_assert_uint_eq(aggregate.damage_count, 0);
		aggregate_close(&aggregate);
		writer_free(&writer);
	}
}
END_TEST

/*
 * A coarse row of two calls of 3,000 FLOPs together, and one of 500 that is in flight, which its sums have already. It comes
 * out of them where the share is that of the frame, and fits.
 */
START_TEST(takes_calls_in_flight_out_of_coarse_rows)
{
	static const struct { uint64_t slot, flops; bool is_known; } cases[] = {
		{ 0x7ffe0018, 500, true }, { 0x7ffe0028, 500, false }, { 0, 500, false }, { 0x7ffe0018, 3501, false },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct dump_lane lane = { .threads = 1, .depth = 1, .frames = { { 0x7ffe0018, 0x401000, 0 } } };
		struct dump_row row;
		struct writer writer;
		struct aggregate aggregate;
		uint32_t site;

		lane.shares[1] = (struct dump_share){ cases[i].slot, cases[i].flops, cases[i].flops, 10 };
		writer_open(&writer, 7);
		site = writer_site(&writer, "ddot_", writer_routine(&writer, "ddot", DUMP_DIRECT, "|n"), 0x401000, DUMP_NONE, DUMP_NONE);
		writer_lane(&writer, &lane);
		row = writer_call(site, 2, 3500, "", 8, 0, 0);
		row.flags = DUMP_ROW_COARSE;
		row.words = 100;
		writer_row(&writer, 0, &row);
		writer_frame(&writer, 0, 0, 0);
		aggregate = sum_of(writer.bytes, writer.size);
		ck_assert(aggregate.totals.flops == (cases[i].is_known ? 3000 : 3500));
		ck_assert(aggregate.totals.charged == aggregate.totals.flops);
		ck_assert(aggregate.totals.words == (cases[i].is_known ? 90 : 100));
		ck_assert(aggregate.totals.in_flight_flops == (cases[i].is_known ? 500 : 0));
		ck_assert_uint_eq(aggregate.totals.in_flight_calls, 1);
		ck_assert_uint_eq(aggregate.damage_count, 0);
		aggregate_close(&aggregate);
		writer_free(&writer);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("read");
	TCase *sound = tcase_create("sound"), *later = tcase_create("later"), *damage = tcase_create("damage"),
	      *sums = tcase_create("sums");

	tcase_add_test(sound, reads_a_closed_dump);
	tcase_add_test(sound, reads_a_running_dump);
	tcase_add_test(sound, reads_stacks_samples_and_the_log);
	tcase_add_test(sound, reads_many_blocks);
	tcase_add_test(sound, finds_calls_in_flight);
	tcase_add_test(later, skips_what_it_does_not_know);
	tcase_add_test(later, reads_longer_entries);
	tcase_add_test(later, reads_shorter_entries);
	tcase_add_test(later, refuses_a_later_format);
	tcase_add_test(later, reads_a_later_layout);
	tcase_add_loop_test(later, reads_the_first_layout, 0, 2);
	tcase_add_loop_test(later, skips_blocks_of_any_shape, 0, 6);
	tcase_add_test(later, ignores_room_behind_the_end);
	tcase_add_loop_test(later, reads_any_size_of_page, 0, PAGES);
	tcase_add_loop_test(later, finds_blocks_at_any_size_of_page, 0, PAGES);
	tcase_add_loop_test(later, refuses_impossible_pages, 0, 6);
	tcase_set_timeout(damage, 300);
	tcase_add_test(damage, notices_a_size_that_is_too_small);
	tcase_add_test(damage, goes_on_behind_a_damaged_block);
	tcase_add_test(damage, leaves_damaged_counts_out);
	tcase_add_test(damage, says_what_cannot_be_read);
	tcase_add_loop_test(damage, survives_every_cut, 0, 2);
	tcase_add_loop_test(damage, notices_every_flip, 0, 3);
	tcase_add_test(damage, survives_heavy_damage);
	tcase_add_test(damage, survives_well_checked_nonsense);
	tcase_add_test(damage, survives_random_bytes);
	tcase_add_test(sums, adds_dumps_up);
	tcase_add_test(sums, sums_beyond_64_bits);
	tcase_add_test(sums, orders_the_largest_first);
	tcase_add_test(sums, tells_the_living_from_the_dead);
	tcase_add_loop_test(sums, zeros_may_be_what_was_written_out, 0, 4);
	tcase_add_test(sums, knows_what_is_lost);
	tcase_add_test(sums, takes_calls_in_flight_out_of_coarse_rows);
	tcase_add_test(sums, knows_when_the_end_may_be_missing);
	suite_add_tcase(suite, sound);
	suite_add_tcase(suite, later);
	suite_add_tcase(suite, damage);
	suite_add_tcase(suite, sums);
	return run_suite(suite, CK_FORK);
}
