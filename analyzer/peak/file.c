/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * file.c - reads and writes the file of roofs: a word and its values on each line, so that people can read it too.
 * It must never use a part of a file that is not whole.
 */
#include "analyzer/peak/file.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_LINE "flopshim-peak 1"
#define LAST_LINE  "end"

enum { LINE_MAX_BYTES = 512 };

void peak_path(struct text *path, const char *host)
{
	const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");

	if (strchr(host, '/') || !*host)
		return;
	if (cache && *cache == '/')
		text_format(path, "%s/flopshim/peak-%s", cache, host);
	else if (home && *home)
		text_format(path, "%s/.cache/flopshim/peak-%s", home, host);
}

static const char *const thread_words[ROOF_THREADS] = {[ROOF_ONE] = "one", [ROOF_ALL] = "all"};

void peak_write(struct text *file, const struct roofs *roofs)
{
	text_add(file, FIRST_LINE "\n# Written by flopshim-report peak; GFLOP/s, GB/s, and sizes in bytes.\n");
	text_format(file, "host %s\n", roofs->host);
	if (*roofs->processor)
		text_format(file, "processor %s\n", roofs->processor);
	text_format(file, "library %s\n", roofs->library);
	text_format(file, "measured %" PRIu64 "\nthreads %u\n", roofs->measured, roofs->threads);
	for (unsigned i = 0; i < ROOF_PRECISIONS; i++)
		for (unsigned j = 0; j < ROOF_THREADS; j++)
			if (roofs->gflops[i][j] > 0)
				text_format(file, "compute %s %s %.6g\n", roof_precisions[i], thread_words[j],
				            roofs->gflops[i][j]);
	for (unsigned i = 0; i < ROOF_LEVELS; i++)
		for (unsigned j = 0; j < ROOF_THREADS; j++)
			if (roofs->gbytes[i][j] > 0)
				text_format(file, "bandwidth %s %s %.6g %" PRIu64 "\n", roof_levels[i], thread_words[j],
				            roofs->gbytes[i][j], roofs->bytes[i]);
	text_add(file, LAST_LINE "\n");
}

/* The place of a word in a list; `count` if it is not there. */
static unsigned find(const char *const *words, unsigned count, const char *word)
{
	unsigned place = 0;

	while (place < count && strcmp(words[place], word))
		place++;
	return place;
}

static bool is_rate(double rate) { return isfinite(rate) && rate > 0; }

static void take_text(char text[ROOF_TEXT], const char *from)
{
	snprintf(text, ROOF_TEXT, "%.*s", ROOF_TEXT - 1, from);
}

/* Takes a line over. Returns false if it makes no sense. Words of later versions are passed over. */
static bool take_line(struct roofs *roofs, const char *line)
{
	char first[LINE_MAX_BYTES], second[LINE_MAX_BYTES];
	unsigned place, threads;
	uint64_t bytes;
	double rate;

	if (!strncmp(line, "host ", 5))
		take_text(roofs->host, line + 5);
	else if (!strncmp(line, "processor ", 10))
		take_text(roofs->processor, line + 10);
	else if (!strncmp(line, "library ", 8))
		take_text(roofs->library, line + 8);
	else if (sscanf(line, "measured %" SCNu64, &bytes) == 1)
		roofs->measured = bytes;
	else if (sscanf(line, "threads %u", &threads) == 1)
		roofs->threads = threads;
	else if (sscanf(line, "compute %511s %511s %lf", first, second, &rate) == 3) {
		place = find(roof_precisions, ROOF_PRECISIONS, first);
		threads = find(thread_words, ROOF_THREADS, second);
		if (place == ROOF_PRECISIONS || threads == ROOF_THREADS || !is_rate(rate))
			return false;
		roofs->gflops[place][threads] = rate;
	} else if (sscanf(line, "bandwidth %511s %511s %lf %" SCNu64, first, second, &rate, &bytes) == 4) {
		place = find(roof_levels, ROOF_LEVELS, first);
		threads = find(thread_words, ROOF_THREADS, second);
		if (place == ROOF_LEVELS || threads == ROOF_THREADS || !is_rate(rate))
			return false;
		roofs->gbytes[place][threads] = rate;
		roofs->bytes[place] = bytes;
	} else {
		return strncmp(line, "compute", 7) != 0 && strncmp(line, "bandwidth", 9) != 0;
	}
	return true;
}

enum peak_found peak_read(struct roofs *roofs, const char *path, struct text *why)
{
	FILE *file = fopen(path, "re");
	char line[LINE_MAX_BYTES];
	unsigned number = 0;
	bool ended = false, fine = true;

	*roofs = (struct roofs){.used = ROOF_ALL};
	if (!file && errno == ENOENT)
		return PEAK_NONE;
	if (!file) {
		text_format(why, "%s: %s", path, strerror(errno));
		return PEAK_WRONG;
	}
	while (fine && !ended && fgets(line, sizeof line, file)) {
		line[strcspn(line, "\n")] = 0;
		if (!number++)
			fine = !strcmp(line, FIRST_LINE);
		else if (!strcmp(line, LAST_LINE))
			ended = true;
		else
			fine = *line == '#' || take_line(roofs, line);
	}
	if (ferror(file))
		text_format(why, "%s: %s", path, strerror(errno));
	else if (!fine || !ended)
		text_format(why, "%s, line %u: this is not a file of 'flopshim-report peak'", path,
		            number ? number : 1);
	fclose(file);
	if (fine && ended)
		return PEAK_READ;
	*roofs = (struct roofs){.used = ROOF_ALL};
	return PEAK_WRONG;
}

bool peak_by_hand(struct roofs *roofs, const char *text, bool bandwidth)
{
	do {
		size_t length = strcspn(text, ","), name = strcspn(text, "=");
		char word[16] = "", *end;
		const char *number = name < length ? text + name + 1 : text;
		double rate = strtod(number, &end);
		unsigned place;

		if (name < length && name < sizeof word)
			memcpy(word, text, name);
		if (end != text + length || end == number || !is_rate(rate) || (name < length && !*word))
			return false;
		if (bandwidth)
			place = *word ? find(roof_levels, ROOF_LEVELS, word) : ROOF_MEMORY;
		else
			place = *word ? find(roof_precisions, ROOF_PRECISIONS, word) : ROOF_DOUBLE;
		if (place == (bandwidth ? (unsigned)ROOF_LEVELS : (unsigned)ROOF_PRECISIONS))
			return false;
		for (unsigned i = 0; i < ROOF_THREADS; i++)
			*(bandwidth ? &roofs->gbytes[place][i] : &roofs->gflops[place][i]) = rate;
		text += length;
	} while (*text++ == ',');
	return true;
}
