/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_read.c - tests the dump reader: on sound dumps, on dumps of later versions, on dumps that still grow, and on
 * dumps that are damaged in every way.
 * It must never take an expected value from the reader itself.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "example_dump.h"
#include "analyzer/render/json.h"
#include "analyzer/tables/tables.h"
#include "run_suite.h"

/* The report as JSON, without what it says of damage. The caller frees it. */
static char *report_of(const struct aggregate *aggregate)
{
	static const struct table_kind *const kinds[] = {
		&table_routines,  &table_namespaces, &table_shapes,    &table_limits,
		&table_libraries, &table_notes,      &table_processes, &table_sites,
	};
	struct views views;
	char *text;
	size_t size;
	struct output output = {.stream = open_memstream(&text, &size)};

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

/* The text of the only damage; fails the test if there is none or more than one. */
static const char *only_damage(const struct aggregate *aggregate)
{
	ck_assert_uint_eq(aggregate->damage_count, 1);
	return aggregate->damage[0].text;
}

/* ---- sound dumps ---- */

/* Fails the test unless the sums are those of example(). */
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
	file = (struct memory_file){writer.bytes, writer.size};
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

/* Rows in many blocks and lanes, more than fit into a buffer of the reader, are all counted. */
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
		writer_lane(&writer, &(struct dump_lane){.threads = 1});
	for (uint32_t i = 0; i < ROWS; i++) {
		struct dump_row row = writer_call(site, 2, i, "", i % 100, 0, 0);

		row.flops = row.charged = i % 100;
		writer_row(&writer, (i / 40) % LANES, &row);
		flops += 2 * (i % 100);
	}
	writer_close(&writer, DUMP_CLOSED);
	aggregate = sum_of(writer.bytes, writer.size);
	ck_assert(aggregate.complete);
	ck_assert_uint_eq(aggregate.row_count, 100); /* equal rows of different lanes are added up */
	ck_assert_uint_eq(aggregate.totals.calls, 2 * ROWS);
	ck_assert(aggregate.totals.flops == flops);
	aggregate_close(&aggregate);
	writer_free(&writer);
}
END_TEST

START_TEST(finds_calls_in_flight)
{
	struct dump_lane lane = {.threads = 1, .depth = 2, .frames = {{1, 2, 0}, {3, 4, 0}}};
	struct writer writer;
	struct aggregate aggregate;
	uint32_t routine, site;
	struct dump_row row;

	writer_open(&writer, 1);
	routine = writer_routine(&writer, "dgemm", DUMP_DIRECT, "|m n k");
	site = writer_site(&writer, "dgemm_", routine, 0, DUMP_NONE, DUMP_NONE);
	writer_lane(&writer, &(struct dump_lane){.threads = 1});
	writer_lane(&writer, &lane);
	row = writer_call(site, 1, 999, "", 9, 9, 9); /* a row of the other lane */
	writer_row(&writer, 0, &row);
	row = writer_call(site, 1, 20, "", 1, 1, 1);
	writer_row(&writer, 1, &row);
	row = writer_call(site, 0, 300, "", 2, 2, 2); /* its only call is in flight */
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
	writer_lane(&writer, &(struct dump_lane){.threads = 1, .nested_calls = 3});
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
	row.words = 77; /* an earlier version did not have this last field */
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
	snprintf(expected, sizeof expected,
	         "the dump has layout %d, which needs a reader of layout %d; this program reads "
	         "layouts 1 to %d",
	         DUMP_LAYOUT + 3, DUMP_LAYOUT + 1, DUMP_LAYOUT);
	aggregate = sum_of(writer.bytes, writer.size);
	ck_assert(aggregate.newer);
	ck_assert_uint_eq(aggregate.process_count, 0);
	ck_assert_str_eq(only_damage(&aggregate), expected);
	aggregate_close(&aggregate);
	writer_free(&writer);
}
END_TEST

/* A later layout that only adds fields is read like today's. */
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

/* A block of an unknown type is skipped, whatever the size of its entries is. */
START_TEST(skips_blocks_of_any_shape)
{
	static const uint32_t sizes[] = {0, 1, 7, 24, DUMP_ENTRY_MOST + 8, UINT32_MAX};
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
	writer_lane(&writer, &(struct dump_lane){.threads = 1, .nested_calls = 2}); /* after the unknown block */
	aggregate = sum_of(writer.bytes, writer.size);
	ck_assert(aggregate.complete);
	ck_assert_uint_eq(aggregate.totals.calls, 5);
	ck_assert_uint_eq(aggregate.totals.nested_calls, 6);
	aggregate_close(&aggregate);
	writer_free(&writer);
}
END_TEST

/* ---- pages of other machines ---- */

static const uint32_t pages[] = {DUMP_PAGE_LEAST, 1 << 14, 1 << 16, DUMP_PAGE_MOST};
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

/* All other blocks are found if the page size in the header, the whole header or a block's header is damaged. */
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
	static const uint32_t sizes[] = {1, 512, 4095, 12288, 2 * DUMP_PAGE_MOST, UINT32_MAX};
	struct writer writer;
	struct aggregate aggregate;
	char expected[READ_DAMAGE_TEXT];

	example(&writer);
	writer_header(&writer)->page_size = sizes[_i];
	writer_check(&writer);
	snprintf(expected, sizeof expected,
	         "the file's header is damaged: page size of %u bytes, expected a power of two "
	         "from 4096 to 1048576",
	         sizes[_i]);
	aggregate = sum_of(writer.bytes, writer.size);
	ck_assert(!aggregate.complete);
	ck_assert_str_eq(aggregate.damage[0].text, expected);
	ck_assert_uint_eq(aggregate.totals.calls, 5);
	aggregate_close(&aggregate);
	writer_free(&writer);
}
END_TEST

/* A file may be longer than its header says: space was reserved, or a block is being added. The rest is ignored. */
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
	ck_assert_ptr_nonnull(strstr(only_damage(&aggregate), "block of lanes at "));
	ck_assert_ptr_nonnull(strstr(only_damage(&aggregate), " is damaged: its 1 entries are left out"));
	aggregate_close(&aggregate);
	writer_free(&writer);
}
END_TEST

START_TEST(says_what_cannot_be_read)
{
	static const struct {
		const char *bytes;
		size_t size;
		const char *text;
	} cases[] = {
		{"", 0, "the file is empty"},
		{"FLOPSHIM", 8, "cut short: the file has 8 bytes, fewer than a header"},
		{"hello", 5, "not a flopshim dump: it does not begin with FLOPSHIM"},
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct aggregate aggregate = sum_of((const unsigned char *)cases[i].bytes, cases[i].size);

		ck_assert_str_eq(only_damage(&aggregate), cases[i].text);
		ck_assert_uint_eq(aggregate.answered, 0);
		aggregate_close(&aggregate);
	}
}
END_TEST

/* A dump that is cut at any length is reported as damaged, and never shows more work than the whole dump. */
START_TEST(survives_every_cut)
{
	struct writer writer;

	example(&writer);
	if (_i)
		writer_close(&writer, DUMP_CLOSED);
	for (uint64_t size = 0; size < writer.size; size++) {
		/* The copy has exactly this size, so that a sanitizer notices if the reader goes past the end. */
		unsigned char *bytes = malloc(size ? size : 1);
		struct aggregate aggregate;

		ck_assert_ptr_nonnull(bytes);
		memcpy(bytes, writer.bytes, size);
		aggregate = sum_of(bytes, size);
		ck_assert_msg(!aggregate.complete && aggregate.damage_count, "cut to %lu bytes: no damage was reported",
		              size);
		ck_assert_uint_le(aggregate.totals.calls, 5);
		ck_assert(aggregate.totals.flops <= 4000);
		ck_assert_msg(aggregate.answered || !aggregate.totals.calls,
		              "cut to %lu bytes: it has calls, but counts as unanswered", size);
		aggregate_close(&aggregate);
		free(bytes);
	}
	writer_free(&writer);
}
END_TEST

/* If any byte of a closed dump is changed, the reader says so or the report is the same. */
START_TEST(notices_every_flip)
{
	static const unsigned char masks[] = {0xff, 0x01, 0x80};
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
			ck_assert_msg(!strcmp(report, expected),
			              "byte %lu flipped: the report is different, and no damage was reported", at);
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

/* Many changed bytes at once, in a dump that has no check words over its contents, never crash the reader. */
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
			/* Half of the changes are in the first 256 bytes of a page, where most fields are. */
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

/* The reader does not crash either if headers of blocks are nonsense, but have sound check words. */
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

int main(void)
{
	Suite *suite = suite_create("read");
	TCase *sound = tcase_create("sound"), *later = tcase_create("later"), *damage = tcase_create("damage");

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
	suite_add_tcase(suite, sound);
	suite_add_tcase(suite, later);
	suite_add_tcase(suite, damage);
	return run_suite(suite, CK_FORK);
}
