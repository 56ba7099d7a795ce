/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_hostile.c - tests dumps with sound check words that would hide work from the reader, or make it take hours.
 * It must never compare times: it counts the bytes that are read, or the work would take hours and the test is killed.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "analyzer/aggregate/aggregate.h"
#include "analyzer/render/format.h"
#include "analyzer/tables/tables.h"
#include "dump_writer.h"
#include "memory_source.h"
#include "run_suite.h"

enum { WORK = 3000 }; /* FLOPs of the example */

/* Writes 3 calls of 1,000 FLOPs each, in blocks of strings, modules, routines, sites, lanes and rows. */
static void example(struct writer *writer)
{
	struct dump_row row;
	uint32_t routine, site;

	writer_open(writer, 7);
	writer_module(writer, "/bin/example", 0x400000, 0, "", 0);
	routine = writer_routine(writer, "dgemm", DUMP_DIRECT, "|m n k");
	site = writer_site(writer, "dgemm_", routine, 0x401000, 0, DUMP_NONE);
	writer_lane(writer, &(struct dump_lane){.threads = 1});
	row = writer_call(site, 3, WORK / 3, "", 1, 2, 3);
	writer_row(writer, 0, &row);
}

static struct dump_block *block_of(struct writer *writer, unsigned type)
{
	for (uint64_t offset = writer->page; offset < writer->size; offset += writer->page) {
		struct dump_block *block = (struct dump_block *)(void *)(writer->bytes + offset);

		if (block->magic == DUMP_BLOCK_MAGIC && block->type == type)
			return block;
	}
	ck_abort_msg("no block of type %u", type);
}

static void seal(struct dump_block *block)
{
	block->header_check = dump_check(block, offsetof(struct dump_block, header_check));
}

static struct aggregate sum_of(const struct dump_source *source)
{
	struct aggregate aggregate;

	aggregate_open(&aggregate, &(struct aggregate_options){0});
	aggregate_add(&aggregate, source, "test.dump");
	return aggregate;
}

static struct aggregate sum_of_writer(struct writer *writer)
{
	struct memory_file file = {writer->bytes, writer->size};
	struct dump_source source = memory_source(&file);

	return sum_of(&source);
}

static bool says(const struct aggregate *aggregate, const char *what)
{
	for (size_t i = 0; i < aggregate->damage_count; i++)
		if (strstr(aggregate->damage[i].text, what))
			return true;
	return false;
}

/* How often damage that is described so was met. */
static uint64_t count_of(const struct aggregate *aggregate, const char *what)
{
	uint64_t count = 0;

	for (size_t i = 0; i < aggregate->damage_count; i++)
		count += strstr(aggregate->damage[i].text, what) ? aggregate->damage[i].count : 0;
	return count;
}

/* ---- blocks that hide others ---- */

/* Wrong sizes of the block of modules, which stands before all counts, and what must be said of them. */
static const struct {
	uint64_t size;
	const char *damage;
} sizes[] = {
	{UINT64_C(1) << 32, "reaches past the end of the dump"},
	{3 * DUMP_PAGE_LEAST, "reaches past the beginning of the next one"},
	{UINT64_C(1) << 62, "reaches past the end of the dump"},
};

START_TEST(a_block_hides_none_by_its_size)
{
	struct writer writer;
	struct aggregate aggregate;
	struct dump_block *block;

	example(&writer);
	block = block_of(&writer, DUMP_MODULES);
	block->size = sizes[_i].size;
	seal(block);
	aggregate = sum_of_writer(&writer);
	ck_assert(!aggregate.complete);
	ck_assert(says(&aggregate, sizes[_i].damage));
	ck_assert_uint_eq((uint64_t)aggregate.totals.flops, WORK);
	ck_assert_uint_eq(aggregate.answered, 1);
	ck_assert_uint_eq(aggregate.modules.count, 1);
	aggregate_close(&aggregate);
	writer_free(&writer);
}
END_TEST

/* A dump without calls is damaged if a budget was used. If none was used, nothing contradicts it. */
START_TEST(used_budgets_answer_for_zeros)
{
	struct dump_limit limit = {.amount = 9000, .used = _i ? WORK : 0};
	struct aggregate aggregate;
	struct dump_block *block;
	struct writer writer;

	example(&writer);
	writer_add(&writer, DUMP_LIMITS, &limit, sizeof limit);
	block = block_of(&writer, DUMP_ROWS);
	((struct dump_row *)(void *)(block + 1))->calls = 0;
	seal(block);
	writer_close(&writer, DUMP_CLOSED);
	aggregate = sum_of_writer(&writer);
	ck_assert_int_eq(aggregate.complete, !_i);
	ck_assert_int_eq(says(&aggregate, "budgets were used, but no calls are counted"), _i);
	aggregate_close(&aggregate);
	writer_free(&writer);
}
END_TEST

/* If a row or site refers to an entry that the dump does not have, the work is counted and the damage is reported. */
static const char *const references[] = {"of routines", "in modules", "of call sites", "of namespaces"};

START_TEST(references_lead_somewhere)
{
	enum { FAR = 12345 };
	struct dump_site *site;
	struct dump_row *row;
	struct dump_block *block;
	struct aggregate aggregate;
	struct writer writer;

	example(&writer);
	block = block_of(&writer, _i < 2 ? DUMP_SITES : DUMP_ROWS);
	site = (struct dump_site *)(void *)(block + 1);
	row = (struct dump_row *)(void *)(block + 1);
	switch (_i) {
	case 0: site->routine = FAR; break;
	case 1: site->caller_module = FAR; break;
	case 2: row->site = FAR; break;
	case 3: row->namespace_id = FAR; break;
	}
	seal(block);
	writer_close(&writer, DUMP_CLOSED);
	aggregate = sum_of_writer(&writer);
	ck_assert(!aggregate.complete);
	ck_assert(says(&aggregate, references[_i]));
	ck_assert_uint_eq((uint64_t)aggregate.totals.flops, WORK);
	aggregate_close(&aggregate);
	writer_free(&writer);
}
END_TEST

/* If a block of modules cannot be read, the only site that is in one of them is said to lack it, once. */
START_TEST(a_gap_of_modules_is_no_call_site)
{
	struct aggregate aggregate;
	struct dump_block *block;
	struct writer writer;

	example(&writer);
	block = block_of(&writer, DUMP_MODULES);
	for (uint64_t i = 1; i <= block->size / sizeof(struct dump_module); i++)
		writer_module(&writer, "/lib/more.so", 0x500000 + i * 0x1000, 0, "", 0);
	block_of(&writer, DUMP_MODULES)->magic = 0;
	aggregate = sum_of_writer(&writer);
	ck_assert_uint_eq(count_of(&aggregate, "in modules"), 1);
	ck_assert_uint_eq(aggregate.modules.count, 1);
	aggregate_close(&aggregate);
	writer_free(&writer);
}
END_TEST

/* A block of a running process that claims more than it has is read twice, and its damage is said once. */
START_TEST(a_running_process_has_damage_once)
{
	struct aggregate aggregate;
	struct dump_block *block;
	struct writer writer;

	example(&writer);
	block = block_of(&writer, DUMP_STRINGS);
	block->used = block->size;
	seal(block);
	aggregate = sum_of_writer(&writer);
	ck_assert_uint_eq(count_of(&aggregate, "it claims"), 1);
	aggregate_close(&aggregate);
	writer_free(&writer);
}
END_TEST

/* A dump that grows while it is read: its process adds a module and a call site after the block of modules was read. */
struct growing {
	struct memory_file file;
	uint64_t modules, sites; /* offsets of the blocks */
	bool grown;              /* whether the module is there by now */
};

static size_t growing_read_at(void *context, uint64_t offset, void *buffer, size_t count)
{
	struct growing *growing = context;
	size_t read = memory_read_at(&growing->file, offset, buffer, count);

	if (offset == growing->sites)
		growing->grown = true;
	if (offset == growing->modules && !growing->grown)
		((struct dump_block *)buffer)->used = 0;
	return read;
}

static uint64_t growing_size(void *context) { return memory_size(&((struct growing *)context)->file); }

START_TEST(a_running_process_goes_on)
{
	struct growing growing = {.grown = false};
	struct dump_source source = {.context = &growing, .read_at = growing_read_at, .size = growing_size};
	struct aggregate aggregate;
	struct writer writer;

	example(&writer);
	growing.file = (struct memory_file){writer.bytes, writer.size};
	growing.modules = (uint64_t)((unsigned char *)block_of(&writer, DUMP_MODULES) - writer.bytes);
	growing.sites = (uint64_t)((unsigned char *)block_of(&writer, DUMP_SITES) - writer.bytes);
	ck_assert_uint_lt(growing.modules, growing.sites);
	aggregate = sum_of(&source);
	ck_assert(growing.grown);
	ck_assert_uint_eq(aggregate.damage_count, 0);
	ck_assert_uint_eq(aggregate.modules.count, 1);
	ck_assert_uint_eq((uint64_t)aggregate.totals.flops, WORK);
	aggregate_close(&aggregate);
	writer_free(&writer);
}
END_TEST

/* Zeros are not believed if the block of rows has another type, claims to be empty, or has only rows without calls. */
START_TEST(zeros_are_no_answer)
{
	struct writer writer;
	struct aggregate aggregate;
	struct dump_block *block;
	char unknown[64];

	snprintf(unknown, sizeof unknown, "block of an unknown type, %d", DUMP_SPREADS + 1);
	example(&writer);
	writer_site(&writer, "dgemm_", 0, 0x402000, 0, DUMP_NONE);
	block = block_of(&writer, DUMP_ROWS);
	if (_i == 0)
		block->type = DUMP_SPREADS + 1;
	else if (_i == 1)
		block->used = 0;
	else
		((struct dump_row *)(void *)(block + 1))->calls = 0;
	seal(block);
	aggregate = sum_of_writer(&writer);
	ck_assert(!aggregate.complete);
	ck_assert(says(&aggregate, "there are call sites, but no calls are counted"));
	if (_i == 0)
		ck_assert(says(&aggregate, unknown));
	aggregate_close(&aggregate);
	writer_free(&writer);
}
END_TEST

/* A block of a type that only merged dumps have does not make the dump of one process a merged one. */
START_TEST(is_no_merged_dump)
{
	struct writer writer;
	struct aggregate aggregate;
	struct dump_block *block;

	example(&writer);
	writer_site(&writer, "dgemm_", 0, 0x402000, 0, DUMP_NONE);
	block = block_of(&writer, DUMP_ROWS);
	block->type = (uint16_t)(DUMP_COUNTS + _i);
	seal(block);
	aggregate = sum_of_writer(&writer);
	ck_assert(!aggregate.complete && !aggregate.merged);
	ck_assert(says(&aggregate, ": no dump of one process has one"));
	ck_assert(says(&aggregate, "there are call sites, but no calls are counted"));
	aggregate_close(&aggregate);
	writer_free(&writer);
}
END_TEST

/* A header that says of the dump of one process that it is a merged one hides no call without a word. */
START_TEST(is_no_dump_of_a_process)
{
	struct writer writer;
	struct aggregate aggregate;
	struct dump_header *header;

	example(&writer);
	header = (struct dump_header *)(void *)writer.bytes;
	header->version = DUMP_MERGED_VERSION;
	header->header_check = dump_header_check(header);
	aggregate = sum_of_writer(&writer);
	ck_assert(!aggregate.complete && !aggregate.answered);
	ck_assert(says(&aggregate, ": no merged dump has one"));
	ck_assert(says(&aggregate, "it is a merged dump, but has no processes"));
	aggregate_close(&aggregate);
	writer_free(&writer);
}
END_TEST

/*
 * One site without calls is no damage: the process may have ended just after it had noted the site of its first call.
 */
START_TEST(ends_before_its_first_call)
{
	struct writer writer;
	struct aggregate aggregate;
	struct dump_block *block;

	example(&writer);
	block = block_of(&writer, DUMP_ROWS);
	((struct dump_row *)(void *)(block + 1))->calls = 0;
	seal(block);
	aggregate = sum_of_writer(&writer);
	ck_assert(aggregate.complete);
	ck_assert_uint_eq(aggregate.damage_count, 0);
	aggregate_close(&aggregate);
	writer_free(&writer);
}
END_TEST

/* A block of rows that was copied to another place counts once: both state the same address in memory. */
START_TEST(doubled_counts_count_once)
{
	struct writer writer;
	struct aggregate aggregate;
	struct dump_block *block;
	uint64_t offset;

	example(&writer);
	offset = writer.size;
	writer_unknown_block(&writer);
	block = (struct dump_block *)(void *)(writer.bytes + offset);
	memcpy(block, block_of(&writer, DUMP_ROWS), writer.page);
	block->offset = offset;
	seal(block);
	aggregate = sum_of_writer(&writer);
	ck_assert(!aggregate.complete);
	ck_assert(says(&aggregate, "is there twice: counted once"));
	ck_assert_uint_eq((uint64_t)aggregate.totals.flops, WORK);
	aggregate_close(&aggregate);
	writer_free(&writer);
}
END_TEST

/* A dump without any block is not complete. */
START_TEST(a_header_alone_is_no_answer)
{
	struct writer writer;
	struct aggregate aggregate;

	writer_open(&writer, 1);
	aggregate = sum_of_writer(&writer);
	ck_assert(!aggregate.complete);
	ck_assert(says(&aggregate, "neither calls nor scopes of any thread"));
	ck_assert_uint_eq(aggregate.answered, 0);
	aggregate_close(&aggregate);
	writer_free(&writer);
}
END_TEST

/* A lane is damaged if it has a call in flight of a row that no block has. */
START_TEST(a_call_in_flight_has_a_row)
{
	struct writer writer;
	struct aggregate aggregate;
	struct dump_lane lane = {.threads = 1, .depth = 1, .frames = {{1, 2, 3}}};

	example(&writer);
	writer_lane(&writer, &lane);
	writer_close(&writer, DUMP_CLOSED);
	aggregate = sum_of_writer(&writer);
	ck_assert(!aggregate.complete);
	ck_assert(says(&aggregate, "calls in flight whose rows are missing"));
	aggregate_close(&aggregate);
	writer_free(&writer);
}
END_TEST

/* A header whose size is too small is noticed, even if the first block past that size is empty. */
START_TEST(the_end_is_behind_all_blocks)
{
	struct writer writer;
	struct aggregate aggregate;

	example(&writer);
	block_of(&writer, DUMP_LANES)->used = 0;
	writer_header(&writer)->size = block_of(&writer, DUMP_LANES)->offset;
	aggregate = sum_of_writer(&writer);
	ck_assert(!aggregate.complete);
	ck_assert(says(&aggregate, "size in its header is too small"));
	aggregate_close(&aggregate);
	writer_free(&writer);
}
END_TEST

/* ---- dumps that would take hours ---- */

/* A large file with a hole, and how much of it is read. */
struct counted {
	struct memory_file file; /* the beginning of the file; the rest is a hole */
	uint64_t size, read;     /* size of the whole file; bytes that were asked for */
};

static size_t counted_read(void *context, uint64_t offset, void *buffer, size_t count)
{
	struct counted *counted = context;

	if (offset >= counted->size)
		return 0;
	if (count > counted->size - offset)
		count = (size_t)(counted->size - offset);
	memset(buffer, 0, count);
	memory_read_at(&counted->file, offset, buffer, count);
	counted->read += count;
	return count;
}

static uint64_t counted_size(void *context) { return ((const struct counted *)context)->size; }

static uint64_t counted_seek(void *context, uint64_t offset, bool hole)
{
	const struct counted *counted = context;

	return (offset < counted->file.size) == hole ? (hole ? counted->file.size : counted->size) : offset;
}

static struct aggregate sum_of_sparse(struct writer *writer, uint64_t size, uint64_t *read)
{
	struct counted counted = {.file = {writer->bytes, writer->size}, .size = size};
	struct dump_source source = {&counted, counted_read, counted_size, counted_seek};
	struct aggregate aggregate = sum_of(&source);

	*read = counted.read;
	return aggregate;
}

enum { READ_LITTLE = 1 << 20 };
static const uint64_t HUGE_FILE = UINT64_C(100) << 30;

START_TEST(holes_are_not_read)
{
	static const unsigned types[] = {0, DUMP_STRINGS, DUMP_ROWS, DUMP_MODULES, DUMP_LANES, DUMP_NAMESPACES};
	uint64_t size = types[_i] ? UINT64_C(4) << 30 : HUGE_FILE, read;
	struct writer writer;
	struct aggregate aggregate;

	example(&writer);
	writer_namespace(&writer, "", DUMP_NONE);
	if (types[_i]) { /* the last block is this hole */
		struct dump_block *block;
		uint64_t offset = writer.size;

		writer_unknown_block(&writer);
		block = (struct dump_block *)(void *)(writer.bytes + offset);
		block->type = (uint16_t)types[_i];
		block->size = size - offset;
		block->entry_size = types[_i] == DUMP_STRINGS ? 0 : block_of(&writer, types[_i])->entry_size;
		block->used = (block->size - block->header_size) / (block->entry_size ? block->entry_size : 1);
		seal(block);
	}
	writer_header(&writer)->size = size;
	aggregate = sum_of_sparse(&writer, size, &read);
	ck_assert(!aggregate.complete);
	ck_assert_uint_lt(read, READ_LITTLE);
	ck_assert_uint_eq((uint64_t)aggregate.totals.flops, WORK);
	aggregate_close(&aggregate);
	writer_free(&writer);
}
END_TEST

/*
 * A block that claims impossible numbers for its entries is left out, even in a file that is large enough for so many.
 */
START_TEST(numbers_follow_one_another)
{
	uint64_t read;
	struct writer writer;
	struct aggregate aggregate;
	struct dump_block *block;

	example(&writer);
	block = block_of(&writer, DUMP_MODULES);
	block->first = 1u << 30;
	seal(block);
	aggregate = sum_of_sparse(&writer, HUGE_FILE, &read);
	ck_assert(says(&aggregate, "is impossible"));
	ck_assert_uint_lt(read, READ_LITTLE);
	ck_assert_uint_eq(aggregate.modules.count, 0);
	ck_assert_uint_eq((uint64_t)aggregate.totals.flops, WORK);
	aggregate_close(&aggregate);
	writer_free(&writer);
}
END_TEST

/* Stacks that overlap are not all read: n bytes could hold about n stacks of n bytes each. */
START_TEST(stacks_do_not_overlap)
{
	enum { DEPTH = 600, SAMPLES = 290 };
	uint64_t addresses[DEPTH], whole;
	struct writer writer;
	struct aggregate aggregate;
	uint64_t frames = 0;

	example(&writer);
	for (uint64_t i = 0; i < DEPTH; i++) /* each pair of addresses looks like the head of a stack of 300 */
		addresses[i] = i % 2 ? 0 : UINT64_C(300) << 32 | (16 + 8 * 300);
	whole = writer_stack(&writer, addresses, DEPTH, 0);
	for (uint64_t i = 0; i < SAMPLES / 2; i++) {
		struct dump_sample sample = {.stack = whole + 16 + 16 * i, .flops = 1, .calls = 1};

		writer_add(&writer, DUMP_SAMPLES, &sample, sizeof sample);
	}
	aggregate = sum_of_writer(&writer);
	for (uint32_t i = 0; i < aggregate.stacks.count; i++)
		frames += stack_of(&aggregate, i)->frame_count;
	ck_assert_uint_le(frames, DEPTH + 2);
	ck_assert(says(&aggregate, "stacks that overlap"));
	ck_assert_uint_eq((uint64_t)aggregate.totals.flops, WORK);
	aggregate_close(&aggregate);
	writer_free(&writer);
}
END_TEST

/* A million samples of one deep stack are each found by one lookup. Otherwise this would take hours, and be killed. */
START_TEST(a_stack_is_read_once)
{
	enum { DEPTH = 4000, SAMPLES = 1000000, MODULES = 2000 };
	static uint64_t addresses[DEPTH];
	struct dump_sample sample = {.flops = 1, .calls = 1};
	struct writer writer;
	struct aggregate aggregate;

	example(&writer);
	for (uint64_t i = 0; i < MODULES; i++)
		writer_module(&writer, "/lib/some.so", 0x10000000 + 0x200000 * i, 0, "", 0);
	for (uint64_t i = 0; i < DEPTH; i++)
		addresses[i] = 0x10000000 + 0x100000 * i + 5;
	sample.stack = writer_stack(&writer, addresses, DEPTH, 0);
	for (uint64_t i = 0; i < SAMPLES; i++)
		writer_add(&writer, DUMP_SAMPLES, &sample, sizeof sample);
	aggregate = sum_of_writer(&writer);
	ck_assert(aggregate.complete);
	ck_assert_uint_eq(aggregate.stacks.count, 1);
	ck_assert_uint_eq(aggregate.sample_totals[0].calls, SAMPLES);
	/* Modules of writer_module are a megabyte long: the first frame is in one, the second in the gap after it. */
	ck_assert_uint_eq(frames_of(stack_of(&aggregate, 0))[0].module, 1);
	ck_assert_uint_eq(frames_of(stack_of(&aggregate, 0))[1].module, AGGREGATE_NONE);
	aggregate_close(&aggregate);
	writer_free(&writer);
}
END_TEST

/*
 * A text of eight megabytes with 300,000 references to it is read once. Otherwise this would take hours, and be killed.
 */
START_TEST(a_text_is_read_once)
{
	enum { LENGTH = 8 << 20, SITES = 300000 };
	char *text = malloc(LENGTH + 1);
	struct writer writer;
	struct aggregate aggregate;
	struct dump_site site = {.caller_module = DUMP_NONE, .callee_module = DUMP_NONE};

	ck_assert_ptr_nonnull(text);
	memset(text, 'x', LENGTH);
	text[LENGTH] = 0;
	example(&writer);
	site.symbol = writer_string(&writer, text);
	writer.block_pages = 4096;
	for (uint64_t i = 0; i < SITES; i++) {
		struct dump_row row =
			writer_call(writer_add(&writer, DUMP_SITES, &site, sizeof site), 1, 0, "", 1, 2, 3);

		writer_row(&writer, 0, &row);
		site.caller++;
	}
	aggregate = sum_of_writer(&writer);
	ck_assert(aggregate.complete);
	ck_assert_uint_eq((uint64_t)aggregate.totals.flops, WORK);
	aggregate_close(&aggregate);
	writer_free(&writer);
	free(text);
}
END_TEST

/* ---- texts that a terminal or a spreadsheet would obey ---- */

START_TEST(csv_has_no_formulas_and_no_controls)
{
	static const struct {
		const char *path, *shown;
	} cases[] = {
		{"=cmd|' /C calc'!A0", "\n'=cmd|' /C calc'!A0,"},
		{"+1", "\n'+1,"},
		{"-1+1,2", "\n\"'-1+1,2\","},
		{"@SUM(1)", "\n'@SUM(1),"},
		{"a=b", "\na=b,"},
		{"\x1b[31m", "\n?[31m,"},
		{"\xc2\x9b"
	         "31m",
	         "\n?31m,"},
		{"\x9b"
	         "31m\x7f",
	         "\n?31m?,"},
		{"a\nb", "\na?b,"},
	};
	struct writer writer;
	struct aggregate aggregate;
	struct views views;
	struct table table;
	struct answer answer;
	char *text;
	size_t size;
	struct output output = {.stream = open_memstream(&text, &size)};

	example(&writer);
	writer_namespace(&writer, "", DUMP_NONE);
	writer_namespace(&writer, cases[_i].path, 0);
	aggregate = sum_of_writer(&writer);
	views_open(&views, &aggregate);
	views_get(&views, &table_namespaces, SIZE_MAX, false, &table);
	answer_open(&answer, format_csv.audience, format_csv.one_table, "test/1");
	answer_table(&answer, &table, (struct table_options){0});
	format_csv.render(&output, &answer);
	fclose(output.stream);
	ck_assert_msg(strstr(text, cases[_i].shown), "%s", text);
	answer_close(&answer);
	views_close(&views);
	free(text);
	aggregate_close(&aggregate);
	writer_free(&writer);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("hostile");
	TCase *hiding = tcase_create("hiding"), *slow = tcase_create("slow"), *texts = tcase_create("texts");

	tcase_add_loop_test(hiding, a_block_hides_none_by_its_size, 0, sizeof sizes / sizeof *sizes);
	tcase_add_loop_test(hiding, zeros_are_no_answer, 0, 3);
	tcase_add_loop_test(hiding, is_no_merged_dump, 0, DUMP_SPREADS - DUMP_COUNTS + 1);
	tcase_add_test(hiding, is_no_dump_of_a_process);
	tcase_add_loop_test(hiding, used_budgets_answer_for_zeros, 0, 2);
	tcase_add_loop_test(hiding, references_lead_somewhere, 0, sizeof references / sizeof *references);
	tcase_add_test(hiding, a_gap_of_modules_is_no_call_site);
	tcase_add_test(hiding, a_running_process_has_damage_once);
	tcase_add_test(hiding, a_running_process_goes_on);
	tcase_add_test(hiding, ends_before_its_first_call);
	tcase_add_test(hiding, a_call_in_flight_has_a_row);
	tcase_add_test(hiding, doubled_counts_count_once);
	tcase_add_test(hiding, a_header_alone_is_no_answer);
	tcase_add_test(hiding, the_end_is_behind_all_blocks);
	tcase_set_timeout(slow, 60);
	tcase_add_loop_test(slow, holes_are_not_read, 0, 6);
	tcase_add_test(slow, numbers_follow_one_another);
	tcase_add_test(slow, stacks_do_not_overlap);
	tcase_add_test(slow, a_stack_is_read_once);
	tcase_add_test(slow, a_text_is_read_once);
	tcase_add_loop_test(texts, csv_has_no_formulas_and_no_controls, 0, 9);
	suite_add_tcase(suite, hiding);
	suite_add_tcase(suite, slow);
	suite_add_tcase(suite, texts);
	return run_suite(suite, CK_FORK);
}
