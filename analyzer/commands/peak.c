/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * peak.c - the command `peak`: measures what this machine can do at most, and keeps it for reports.
 * It must never replace what was measured before by what could not be.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "analyzer/commands/command.h"
#include "analyzer/commands/options.h"
#include "analyzer/commands/write_file.h"
#include "analyzer/peak/file.h"
#include "analyzer/peak/measure.h"
#include "analyzer/read/system.h"

#define SCHEMA "flopshim-peak/1"

static const char usage[] = "Usage: flopshim-report peak [OPTION ...]\n\n"
			    "Measures what this machine can do at most, in less than ten seconds: GFLOP/s of dgemm and "
			    "sgemm, and GB/s from\n"
			    "each cache and from memory, by one thread and by all. Reports of runs on this machine "
			    "show what part of it the\n"
			    "routines have reached. Let nothing else run meanwhile.\n";

struct request {
	const char *library, *path;
};

static int take_option(void *context, int code, const char *value)
{
	struct request *request = context;

	if (!*value)
		return usage_error("peak", "expected the name of a file");
	if (code == OPTION_BLAS)
		request->library = value;
	else
		request->path = value;
	return -1;
}

/* ---- the table ---- */

/* A line of the table: a product, or a memory. */
struct roof {
	const char *name, *unit;
	uint64_t bytes;      /* size of a cache; 0 for others */
	const double *rates; /* by enum roof_threads */
};

/* The size of a cache for people. Caches have sizes that are round in powers of two. */
static struct value size_of(uint64_t bytes)
{
	static char text[NUMBER_TEXT];
	static const char *const units[] = {"B", "KiB", "MiB", "GiB"};
	unsigned unit = 0;

	while (bytes >= 10240 && unit + 1 < sizeof units / sizeof *units) {
		bytes /= 1024;
		unit++;
	}
	snprintf(text, sizeof text, "%llu %s", (unsigned long long)bytes, units[unit]);
	return value_text(bytes ? text : NULL);
}

GETTER(roof_name, struct roof, value_text(item->name))
GETTER(roof_size, struct roof, size_of(item->bytes))
GETTER(roof_bytes, struct roof, value_number_if(item->bytes != 0, item->bytes))
GETTER(roof_one, struct roof, value_real(item->rates[ROOF_ONE], item->rates[ROOF_ONE] > 0))
GETTER(roof_all, struct roof, value_real(item->rates[ROOF_ALL], item->rates[ROOF_ALL] > 0))
GETTER(roof_unit, struct roof, value_text(item->unit))

/* clang-format off */
static const struct column columns[] = {
	{ "roof",        "roof",        COLUMN_TEXT,   0,                roof_name },
	{ "size",        "size",        COLUMN_TEXT,   COLUMN_ONLY_TEXT, roof_size },
	{ "bytes",       "",            COLUMN_NUMBER, COLUMN_NO_TEXT,   roof_bytes },
	{ "one_thread",  "one thread",  COLUMN_REAL,   0,                roof_one },
	{ "all_threads", "all threads", COLUMN_REAL,   0,                roof_all },
	{ "unit",        "unit",        COLUMN_TEXT,   0,                roof_unit },
};
/* clang-format on */

enum { ROOF_COUNT = ROOF_PRECISIONS + ROOF_LEVELS };

static void list_roofs(const struct roofs *roofs, struct roof list[ROOF_COUNT])
{
	static const char *const products[ROOF_PRECISIONS] = {[ROOF_DOUBLE] = "dgemm", [ROOF_SINGLE] = "sgemm"};

	for (unsigned i = 0; i < ROOF_PRECISIONS; i++)
		list[i] = (struct roof){products[i], "GFLOP/s", 0, roofs->gflops[i]};
	for (unsigned i = 0; i < ROOF_LEVELS; i++)
		list[ROOF_PRECISIONS + i] =
			(struct roof){roof_titles[i], "GB/s", i == ROOF_MEMORY ? 0 : roofs->bytes[i], roofs->gbytes[i]};
}

/* ---- the command ---- */

static void name_processor(char name[ROOF_TEXT])
{
	FILE *file = fopen("/proc/cpuinfo", "re");
	char line[ROOF_TEXT * 2], *colon;

	*name = 0;
	while (file && !*name && fgets(line, sizeof line, file)) {
		colon = strchr(line, ':');
		if (strncmp(line, "model name", 10) != 0 || !colon)
			continue;
		line[strcspn(line, "\n")] = 0;
		snprintf(name, ROOF_TEXT, "%.*s", ROOF_TEXT - 1, colon + 1 + strspn(colon + 1, " "));
	}
	if (file)
		fclose(file);
}

/* Makes the folders that a path lies in, as far as they are missing. What cannot be made shows when the file is written. */
static void make_folders(const char *path)
{
	struct text folder = {0};

	for (const char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		text_clear(&folder);
		text_add_bytes(&folder, path, (size_t)(slash - path));
		mkdir(folder.bytes, 0700);
	}
	text_free(&folder);
}

static void fill_in(double *rate, double before)
{
	if (!(*rate > 0))
		*rate = before;
}

/* Takes what could not be measured now from an earlier measurement of this machine, if there is one. */
static void take_earlier(struct roofs *roofs, const char *path)
{
	struct text why = {0};
	struct roofs earlier;

	if (peak_read(&earlier, path, &why) == PEAK_READ && !strcmp(earlier.host, roofs->host)) {
		for (unsigned i = 0; i < ROOF_LEVELS; i++) {
			if (!roofs->bytes[i])
				roofs->bytes[i] = earlier.bytes[i];
			for (unsigned j = 0; j < ROOF_THREADS; j++)
				fill_in(&roofs->gbytes[i][j], earlier.gbytes[i][j]);
		}
	}
	text_free(&why);
}

/* Writes the file. Returns whether that went well, after a message if not. */
static bool keep(const struct roofs *roofs, const struct text *path, bool make)
{
	struct text file = {0};
	bool fine;

	if (!path->length) {
		complain("the result is not kept: neither XDG_CACHE_HOME nor HOME says where; -o FILE does");
		return false;
	}
	if (make)
		make_folders(path->bytes);
	peak_write(&file, roofs);
	fine = write_file(path->bytes, 0644, false, &file);
	text_free(&file);
	return fine;
}

static void fill(struct answer *answer, const struct roofs *roofs, const char *path)
{
	static struct roof list[ROOF_COUNT]; /* the table points to it until the answer is rendered */
	struct table table = {.key = "roofs", .title = "At most", TABLE_COLUMNS(columns)};

	list_roofs(roofs, list);
	table_set_items(&table, list, ROOF_COUNT, sizeof *list);
	answer_say(answer, PART_TITLE, "%s", *roofs->processor ? roofs->processor : roofs->host);
	answer_say(answer, PART_PARAGRAPH, "%s, %u processor%s, with %s", roofs->host, roofs->threads,
	           roofs->threads == 1 ? "" : "s", roofs->library);
	answer_gap(answer);
	answer_text(answer, "host", roofs->host);
	answer_text(answer, "processor", *roofs->processor ? roofs->processor : NULL);
	answer_text(answer, "library", roofs->library);
	answer_number(answer, "threads", roofs->threads);
	answer_number(answer, "measured", roofs->measured);
	answer_text(answer, "file", path);
	if (path)
		answer_fact(answer, "kept in", "%s", path);
	answer_table(answer, &table, (struct table_options){0});
}

static void complain_lines(char *lines)
{
	for (char *line = lines, *end; (end = strchr(line, '\n')); line = end + 1) {
		*end = 0;
		complain("%s", line);
	}
}

static int measure(const struct options *options, const struct request *request)
{
	struct output output = options_output(options);
	struct text notes = {0}, path = {0};
	struct roofs roofs;
	struct answer answer;
	int status = EXIT_ERROR;
	bool kept;

	if (peak_measure(&roofs, request->library ? request->library : PEAK_LIBRARY, &notes)) {
		snprintf(roofs.host, sizeof roofs.host, "%s", system_host());
		name_processor(roofs.processor);
		if (request->path)
			text_add(&path, request->path);
		else
			peak_path(&path, system_host());
		if (path.length)
			take_earlier(&roofs, path.bytes);
		kept = keep(&roofs, &path, !request->path);
		options_answer(options, &answer, SCHEMA);
		fill(&answer, &roofs, kept ? path.bytes : NULL);
		options_render(options, &output, &answer);
		status = output_finish(&output) && kept ? EXIT_FINE : EXIT_ERROR;
	}
	if (notes.length)
		complain_lines(notes.bytes);
	if (status == EXIT_ERROR && notes.length && !request->library)
		complain("--blas FILE names the BLAS that a program uses");
	text_free(&notes);
	text_free(&path);
	return status;
}

int command_peak(int count, char **arguments)
{
	struct request request = {0};
	const struct option_parser parser = {.command = "peak",
	                                     .usage = usage,
	                                     .schema = SCHEMA,
	                                     .no_keys = "roofs are of the machine as a whole",
	                                     .take = take_option,
	                                     .context = &request};
	struct options options;
	int status = options_parse(&options, &parser, count, arguments);

	if (status >= 0)
		return status;
	if (options.operand_count)
		return usage_error("peak", "%s: expected no argument", options.operands[0]);
	return measure(&options, &request);
}
