/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * mutants.c - runs flopshim-report on dumps that have been changed in part, and fails if it misbehaves.
 * It must never judge a number that is reported: only whether there is an answer, and its form.
 *
 * mutants COUNT DUMP ... makes COUNT changed dumps in all, the same ones in every run: blocks are swapped, cut,
 * doubled, enlarged or get another type; fields of entries become huge, negative or references to another place. Mostly
 * the check words of headers are set right again. On none of these may the report crash, take too long, report zeros
 * with status 0, print malformed JSON, or print control bytes on standard output or standard error. A dump on which it
 * does is kept in the current directory.
 */
#include <getopt.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "analyzer/base/text.h"
#include "analyzer/commands/command.h"
#include "flopshim_dump.h"

enum { BLOCKS_MAX = 4096, SECONDS_MAX = 2, SLACK = 4 /* sanitizers are slow */ };

/* ---- random numbers ---- */

static uint64_t state = 1;

static uint64_t chance(uint64_t below)
{
	state = state * 6364136223846793005u + 1442695040888963407u;
	return (state >> 20) % below;
}

/* A number that is likely to be a limit of something: a power of two, a size, or an offset in the file. */
static uint64_t odd_number(uint64_t size)
{
	static const uint64_t numbers[] = {
		0,
		1,
		2,
		7,
		8,
		63,
		64,
		255,
		4095,
		4096,
		65535,
		65536,
		1u << 31,
		0x7fffffff,
		0xffffffff,
		UINT64_C(1) << 32,
		UINT64_C(1) << 40,
		UINT64_C(1) << 62,
		INT64_MAX,
		(uint64_t)INT64_MIN,
		UINT64_MAX,
		UINT64_MAX - 7,
	};

	switch (chance(4)) {
	case 0: return chance(size) / 8 * 8; /* somewhere in the file */
	case 1: return chance(100);
	default: return numbers[chance(sizeof numbers / sizeof *numbers)];
	}
}

/* ---- a dump, and its blocks ---- */

struct bytes {
	unsigned char *at;
	size_t size, capacity;
};

static struct bytes load(const char *path)
{
	FILE *stream = fopen(path, "rb");
	struct bytes bytes = {.capacity = 16 << 20};

	bytes.at = malloc(bytes.capacity);
	if (!stream || !bytes.at) {
		perror(path);
		exit(2);
	}
	bytes.size = fread(bytes.at, 1, bytes.capacity / 2, stream);
	fclose(stream);
	return bytes;
}

static struct dump_block *block_at(const struct bytes *bytes, size_t offset)
{
	return (struct dump_block *)(void *)(bytes->at + offset);
}

static size_t list_blocks(const struct bytes *bytes, size_t *offsets)
{
	size_t count = 0;

	for (size_t at = DUMP_PAGE_LEAST; at + DUMP_PAGE_LEAST <= bytes->size && count < BLOCKS_MAX;
	     at += DUMP_PAGE_LEAST)
		if (block_at(bytes, at)->magic == DUMP_BLOCK_MAGIC)
			offsets[count++] = at;
	return count;
}

static void check_block(const struct bytes *bytes, size_t offset)
{
	struct dump_block *block = block_at(bytes, offset);

	block->header_check = dump_check(block, offsetof(struct dump_block, header_check));
}

static void check_header(struct bytes *bytes)
{
	struct dump_header *header = (struct dump_header *)(void *)bytes->at;

	if (header->header_check)
		header->header_check = dump_header_check(header);
	if (header->identity_check)
		header->identity_check = dump_identity_check(header);
	if (header->place_check)
		header->place_check = dump_place_check(header);
	if (header->close_check)
		header->close_check =
			dump_content_check(DUMP_CONTENT_SEED, header, offsetof(struct dump_header, close_check));
}

/* ---- changes ---- */

/* The bytes from block `i` to the next one, or to the end of the file. */
static size_t extent(const struct bytes *bytes, const size_t *offsets, size_t count, size_t i)
{
	return (i + 1 < count ? offsets[i + 1] : bytes->size) - offsets[i];
}

/* Swaps two blocks, or their beginnings if one is longer. The offsets that they state are mostly set right. */
static void swap_blocks(struct bytes *bytes, const size_t *offsets, size_t count)
{
	size_t i = chance(count), j = chance(count), size = extent(bytes, offsets, count, i);
	bool right = chance(4);

	if (extent(bytes, offsets, count, j) < size)
		size = extent(bytes, offsets, count, j);
	for (size_t at = 0; i != j && at < size; at++) {
		unsigned char byte = bytes->at[offsets[i] + at];

		bytes->at[offsets[i] + at] = bytes->at[offsets[j] + at];
		bytes->at[offsets[j] + at] = byte;
	}
	if (right) {
		block_at(bytes, offsets[i])->offset = offsets[i];
		block_at(bytes, offsets[j])->offset = offsets[j];
	}
	check_block(bytes, offsets[i]);
	check_block(bytes, offsets[j]);
}

/* Copies a block to the end of the file or over another block. */
static void double_block(struct bytes *bytes, const size_t *offsets, size_t count)
{
	size_t i = chance(count), size = extent(bytes, offsets, count, i);
	size_t to = (bytes->size + 7) &
	            ~(size_t)7; /* block headers must be aligned here; the file may have been cut anywhere */

	if (chance(2)) {
		size_t j = chance(count);

		to = offsets[j];
		if (extent(bytes, offsets, count, j) < size)
			return;
	} else if (to + size > bytes->capacity) {
		return;
	} else {
		memset(bytes->at + bytes->size, 0, to - bytes->size);
		bytes->size = to + size;
		((struct dump_header *)(void *)bytes->at)->size = bytes->size;
	}
	memmove(bytes->at + to, bytes->at + offsets[i], size);
	block_at(bytes, to)->offset = to;
	check_block(bytes, to);
}

/* Cuts the file, clears half of a block, or removes a block. */
static void cut(struct bytes *bytes, const size_t *offsets, size_t count)
{
	size_t i = chance(count), size = extent(bytes, offsets, count, i);

	switch (chance(3)) {
	case 0: bytes->size = DUMP_PAGE_LEAST + chance(bytes->size - DUMP_PAGE_LEAST); break;
	case 1: /* clear the second half of a block */
		memset(bytes->at + offsets[i] + size / 2, 0, size - size / 2);
		break;
	default: /* remove a block */
		memmove(bytes->at + offsets[i], bytes->at + offsets[i] + size, bytes->size - offsets[i] - size);
		bytes->size -= size;
		if (chance(2))
			((struct dump_header *)(void *)bytes->at)->size = bytes->size;
	}
}

static void change_block_header(struct bytes *bytes, const size_t *offsets, size_t count)
{
	size_t i = chance(count);
	struct dump_block *block = block_at(bytes, offsets[i]);

	switch (chance(9)) {
	case 0: block->size = chance(2) ? odd_number(bytes->size) * DUMP_PAGE_LEAST : odd_number(bytes->size); break;
	case 1: block->used = odd_number(bytes->size); break;
	case 2: block->type = (uint16_t)(chance(4) ? 1 + chance(13) : odd_number(bytes->size)); break;
	case 3: block->first = (uint32_t)odd_number(bytes->size); break;
	case 4: block->lane = (uint32_t)odd_number(bytes->size); break;
	case 5: block->entry_size = (uint32_t)(chance(2) ? 8 * chance(30) : odd_number(bytes->size)); break;
	case 6: block->header_size = (uint16_t)(chance(2) ? 8 * chance(600) : odd_number(bytes->size)); break;
	case 7: block->address = odd_number(bytes->size); break;
	default: block->content_check = chance(2) ? 0 : odd_number(bytes->size);
	}
	if (chance(8))
		check_block(bytes, offsets[i]);
}

/* Changes a word of an entry. In half of the cases the block has no check word of its contents any more. */
static void change_entry(struct bytes *bytes, const size_t *offsets, size_t count)
{
	size_t i = chance(count), size = extent(bytes, offsets, count, i);
	struct dump_block *block = block_at(bytes, offsets[i]);
	uint64_t filled = block->used * (block->entry_size ? block->entry_size : 1), number = odd_number(bytes->size);
	size_t at;

	if (!filled || filled > size)
		filled = 512;
	at = sizeof *block + chance(filled) / 4 * 4;
	if (at + 8 > size)
		return;
	if (chance(2))
		block->content_check = 0;
	if (chance(8) == 0)
		memcpy(bytes->at + offsets[i] + at, "=\x1b[31m\xc2\x9b\x9b",
		       8); /* control sequences of terminals, and a formula */
	else
		memcpy(bytes->at + offsets[i] + at, &number, chance(2) ? 8 : 4);
}

static void change_header(struct bytes *bytes)
{
	uint64_t number = odd_number(bytes->size);
	size_t at = 8 + chance(sizeof(struct dump_header) - 16) / 4 * 4;

	memcpy(bytes->at + at, &number, chance(2) ? 8 : 4);
	if (chance(4))
		check_header(bytes);
}

static void mutate(struct bytes *bytes)
{
	static size_t offsets[BLOCKS_MAX];

	for (uint64_t changes = 1 + chance(4); changes--;) {
		size_t count = list_blocks(bytes, offsets);

		if (!count || bytes->size <= DUMP_PAGE_LEAST)
			return;
		switch (chance(8)) {
		case 0: swap_blocks(bytes, offsets, count); break;
		case 1: double_block(bytes, offsets, count); break;
		case 2: cut(bytes, offsets, count); break;
		case 3:
		case 4: change_block_header(bytes, offsets, count); break;
		case 5: change_header(bytes); break;
		default: change_entry(bytes, offsets, count);
		}
	}
}

/* ---- checks of the output ---- */

/* Returns where a JSON value (RFC 8259) ends, or NULL if no value begins at `at`. */
static const char *json_value(const char *at, unsigned depth);

static const char *json_text(const char *at)
{
	if (*at++ != '"')
		return NULL;
	while (*at != '"') {
		unsigned length = utf8_length((const unsigned char *)at);

		if (!length || (unsigned char)*at < 0x20)
			return NULL;
		if (*at == '\\' && at[1] == 'u') {
			if (strspn(at + 2, "0123456789abcdefABCDEF") < 4)
				return NULL;
			length = 6;
		} else if (*at == '\\') {
			if (!at[1] || !strchr("\"\\/bfnrt", at[1]))
				return NULL;
			length = 2;
		}
		at += length;
	}
	return at + 1;
}

static const char *json_number(const char *at)
{
	size_t digits;

	at += *at == '-';
	digits = strspn(at, "0123456789");
	if (!digits || (*at == '0' && digits > 1))
		return NULL;
	at += digits;
	if (*at == '.') {
		digits = strspn(at + 1, "0123456789");
		if (!digits)
			return NULL;
		at += 1 + digits;
	}
	if (*at == 'e' || *at == 'E') {
		at += 1 + (at[1] == '+' || at[1] == '-');
		digits = strspn(at, "0123456789");
		if (!digits)
			return NULL;
		at += digits;
	}
	return at;
}

static const char *json_list(const char *at, char end, unsigned depth)
{
	if (*++at == end)
		return at + 1;
	for (;; at++) {
		if (end == '}') {
			at = json_text(at);
			if (!at || *at++ != ':')
				return NULL;
		}
		at = json_value(at, depth);
		if (!at || (*at != ',' && *at != end))
			return NULL;
		if (*at == end)
			return at + 1;
	}
}

static const char *json_value(const char *at, unsigned depth)
{
	static const char *const words[] = {"null", "true", "false"};

	if (depth > 30)
		return NULL;
	if (*at == '{' || *at == '[')
		return json_list(at, *at == '{' ? '}' : ']', depth + 1);
	if (*at == '"')
		return json_text(at);
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (!strncmp(at, words[i], strlen(words[i])))
			return at + strlen(words[i]);
	return json_number(at);
}

static bool is_json(const char *text)
{
	const char *end = json_value(text, 0);

	return end && !strcmp(end, "\n");
}

/* Whether the text has bytes that would control a terminal, or that are no UTF-8. */
static bool has_controls(const char *text)
{
	const unsigned char *at = (const unsigned char *)text;

	while (*at) {
		unsigned length = utf8_length(at);

		if (!length || (utf8_is_control(at, length) && *at != '\n'))
			return true;
		at += length;
	}
	return false;
}

/* Whether a report, as JSON or text, says that there was no call and that none is in flight. */
static bool is_zero(const char *text)
{
	if (strstr(text, "\"in_flight_calls\":"))
		return strstr(text, "\"totals\":{\"calls\":0,\"flops\":0,") && strstr(text, "\"in_flight_calls\":0,");
	return strstr(text, "  0 FLOPs in 0 calls") && !strstr(text, "\nin flight ");
}

/* ---- running the report ---- */

enum { FILE_DUMP, FILE_OUT, FILE_ERR, FILES };
static int files[FILES];
static char name[64]; /* path of the dump */
static struct bytes mutant;
static unsigned long round_now;
static char *said[FILES]; /* what the report has written, as texts */

static int real_error; /* standard error of this program; descriptor 2 is the report's */

static void keep_mutant(void)
{
	char path[64];
	FILE *stream;

	snprintf(path, sizeof path, "mutant-%lu.dump", round_now);
	stream = fopen(path, "wb");
	if (!stream)
		return;
	fwrite(mutant.at, 1, mutant.size, stream);
	fclose(stream);
}

static void fail(const char *what, const char *arguments)
{
	keep_mutant();
	dprintf(real_error, "mutants: mutant-%lu.dump: %s (%s)\n", round_now, what, arguments);
}

static void on_signal(int number)
{
	keep_mutant();
	dprintf(real_error, "mutants: mutant-%lu.dump: %s\n", round_now,
	        number == SIGALRM ? "the report takes too long" : "the report crashes");
	_exit(1);
}

/* Sanitizers call these. A finding ends this program by SIGABRT, so that the mutant is kept and named. */
const char *__asan_default_options(void);
const char *__ubsan_default_options(void);
const char *__asan_default_options(void) { return "abort_on_error=1"; }
const char *__ubsan_default_options(void) { return "abort_on_error=1"; }

static void empty(int file)
{
	if (ftruncate(files[file], 0) || lseek(files[file], 0, SEEK_SET))
		abort();
}

static char *content(int file)
{
	off_t size = lseek(files[file], 0, SEEK_END);
	char *text = malloc((size_t)size + 1);

	if (!text || pread(files[file], text, (size_t)size, 0) != size)
		abort();
	text[size] = 0;
	return text;
}

static double processor_seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Runs one command of the report on the mutant. Returns whether its output is as it must be; says so if it is not. */
static bool run(int (*command)(int count, char **arguments), const char *first, const char *second)
{
	char *arguments[6] = {(char *)first};
	int count = 1, status;
	double begin;
	bool well = true;

	if (second)
		arguments[count++] = (char *)second;
	if (command == command_live)
		arguments[count++] = (char *)"--count=1";
	arguments[count++] = name;
	empty(FILE_OUT);
	empty(FILE_ERR);
	alarm(SECONDS_MAX * SLACK * 4);
	begin = processor_seconds();
	optind = 0;
	status = command(count, arguments);
	fflush(stdout);
	fflush(stderr);
	alarm(0);
	said[FILE_OUT] = content(FILE_OUT);
	said[FILE_ERR] = content(FILE_ERR);
	if (processor_seconds() - begin > SECONDS_MAX * SLACK)
		well = (fail("the report takes too long", second ? second : first), false);
	if (status == EXIT_FINE && !strcmp(first, "report") && is_zero(said[FILE_OUT]))
		well = (fail("the report shows zeros and ends with status 0", second ? second : first), false);
	if (second && !strcmp(second, "--json") && said[FILE_OUT][0] && !is_json(said[FILE_OUT]))
		well = (fail("the output is no JSON", first), false);
	if (has_controls(said[FILE_OUT]) || has_controls(said[FILE_ERR]))
		well = (fail("the output has control bytes", second ? second : first), false);
	free(said[FILE_OUT]);
	free(said[FILE_ERR]);
	return well;
}

static bool run_all(void)
{
	static const char *const tables[] = {"--csv",        "--csv=shapes",       "--csv=namespaces", "--csv=sites",
	                                     "--csv=stacks", "--csv=process_list", "--markdown",       "--by=thread",
	                                     "--by=site",    "--reprice"};
	bool well = run(command_report, "report", NULL) & run(command_report, "report", "--json");

	well &= run(command_report, "report", tables[chance(sizeof tables / sizeof *tables)]);
	switch (chance(4)) {
	case 0: return run(command_calls, "calls", chance(2) ? "--json" : "--csv") & well;
	case 1: return run(command_live, "live", chance(2) ? NULL : "--json") & well;
	case 2: return run(command_reprice, "reprice", "--json") & well;
	default: return well;
	}
}

static void open_files(void)
{
	for (int i = 0; i < FILES; i++) {
		files[i] = memfd_create("mutants", 0);
		if (files[i] < 0)
			abort();
	}
	real_error = dup(STDERR_FILENO);
	snprintf(name, sizeof name, "/proc/self/fd/%d", files[FILE_DUMP]);
	if (dup2(files[FILE_OUT], STDOUT_FILENO) < 0 || dup2(files[FILE_ERR], STDERR_FILENO) < 0)
		abort();
}

int main(int count, char **arguments)
{
	unsigned long rounds = count > 2 ? strtoul(arguments[1], NULL, 10) : 0, bad = 0;

	if (!rounds) {
		fprintf(stderr, "usage: mutants COUNT DUMP ...\n");
		return 2;
	}
	open_files();
	signal(SIGALRM, on_signal);
	signal(SIGABRT, on_signal);
	mutant = (struct bytes){.at = malloc(16 << 20), .capacity = 16 << 20};
	if (!mutant.at)
		abort();
	for (int i = 2; i < count; i++) {
		struct bytes seed = load(arguments[i]);

		for (unsigned long round = 0; round < rounds / (unsigned)(count - 2) + 1; round++, round_now++) {
			memcpy(mutant.at, seed.at, seed.size);
			mutant.size = seed.size;
			mutate(&mutant);
			empty(FILE_DUMP);
			if (pwrite(files[FILE_DUMP], mutant.at, mutant.size, 0) != (ssize_t)mutant.size)
				abort();
			bad += !run_all();
		}
		free(seed.at);
	}
	dprintf(real_error, "%lu mutants, %lu with a wrong answer\n", round_now, bad);
	return bad != 0;
}
