/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * roofing.c - finds the roofs that a report holds a run against, and says where they are from.
 * It must never measure anything: that takes seconds, and is for the command peak.
 */
#include "analyzer/commands/roofing.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "analyzer/commands/command.h"
#include "analyzer/peak/file.h"
#include "names.h"

int roofing_peak(struct roof_request *request, const char *command, const char *value)
{
	if (!strcmp(value, "none"))
		request->none = true;
	else if (!strcmp(value, "one"))
		request->one_thread = true;
	else if (strchr(value, '/'))
		request->file = value;
	else if (!peak_by_hand(&request->hand, value, false))
		return usage_error(
			command,
			"--peak %s: expected GFLOP/s, as 500 or double=500,single=1000; 'one' for the peak of one "
			"thread; 'none'; or the path of a file, with a slash",
			value);
	return -1;
}

int roofing_bandwidth(struct roof_request *request, const char *command, const char *value)
{
	return peak_by_hand(&request->hand, value, true)
	               ? -1
	               : usage_error(command,
	                             "--bandwidth %s: expected GB/s, as 50 or first=900,second=400,last=200,memory=50",
	                             value);
}

/* Whether all processes ran on one host, and which. */
static const char *host_of(const struct aggregate *aggregate)
{
	for (size_t i = 1; i < aggregate->process_count; i++)
		if (aggregate->processes[i].host != aggregate->processes[0].host)
			return "";
	return aggregate->process_count ? text_at(aggregate, aggregate->processes[0].host) : "";
}

/* Returns whether the rate was given by hand. */
static bool take(double *rate, double by_hand)
{
	if (by_hand > 0)
		*rate = by_hand;
	return by_hand > 0;
}

/* Takes what was given by hand in place of what was measured. */
static void take_hand(struct roofs *roofs, const struct roofs *hand)
{
	for (unsigned threads = 0; threads < ROOF_THREADS; threads++) {
		for (unsigned i = 0; i < ROOF_PRECISIONS; i++)
			if (take(&roofs->gflops[i][threads], hand->gflops[i][threads]))
				*roofs->origin = 0; /* the peaks that are shown were not all measured */
		for (unsigned i = 0; i < ROOF_LEVELS; i++)
			take(&roofs->gbytes[i][threads], hand->gbytes[i][threads]);
	}
}

/* Reads the file that was named, or that of the host. Returns false, after a message, if one that was named cannot be read. */
static bool read_file(struct roofs *roofs, const char *named, const char *host)
{
	struct text path = {0}, why = {0};
	enum peak_found found = PEAK_NONE;

	if (named)
		text_add(&path, named);
	else
		peak_path(&path, host);
	if (path.length)
		found = peak_read(roofs, path.bytes, &why);
	/* A file of another host is nobody's mistake: a home may be shared, and a machine renamed. */
	if (found == PEAK_READ && !named && strcmp(roofs->host, host) != 0) {
		*roofs = (struct roofs){0};
		found = PEAK_NONE;
	}
	if (found == PEAK_READ)
		snprintf(roofs->origin, sizeof roofs->origin, "%s", path.bytes);
	else if (found == PEAK_WRONG)
		complain("%s%s", why.bytes, named ? "" : "; it is not used");
	else if (named)
		complain("%s: there is no such file", named);
	text_free(&path);
	text_free(&why);
	return !named || found == PEAK_READ;
}

bool roofing_find(struct roofs *roofs, const struct roof_request *request, const struct aggregate *aggregate)
{
	*roofs = (struct roofs){0};
	if (!request->none && !read_file(roofs, request->file, host_of(aggregate)))
		return false;
	if (!request->none)
		take_hand(roofs, &request->hand);
	roofs->used = request->one_thread ? ROOF_ONE : ROOF_ALL;
	return true;
}

/* Adds the compute roofs for people: "88.5 GFLOP/s in double precision, 170 in single". */
static void add_compute(struct text *text, const struct roofs *roofs)
{
	const char *before = "";

	for (unsigned i = 0; i < ROOF_PRECISIONS; i++) {
		if (!(roofs->gflops[i][roofs->used] > 0))
			continue;
		text_format(text, "%s%.4g GFLOP/s in %s precision", before, roofs->gflops[i][roofs->used],
		            roof_precisions[i]);
		before = ", ";
	}
}

static void say_to_people(struct answer *answer, const struct roofs *roofs)
{
	const time_t measured = (time_t)roofs->measured;
	struct text text = {0};
	struct tm when;
	char date[32];

	add_compute(&text, roofs);
	if (text.length && *roofs->origin && localtime_r(&measured, &when) && strftime(date, sizeof date, "%F", &when))
		text_format(&text, ", by %s, as measured on %s", roofs->used == ROOF_ONE ? "one thread" : "all threads",
		            date);
	if (text.length)
		answer_fact(answer, "peak", "%s", text.bytes);
	text_free(&text);
}

static void add_roof(struct answer *answer, const char *name, bool is_memory, double rate, uint64_t bytes)
{
	if (!(rate > 0))
		return;
	answer_begin(answer, NULL, '{');
	answer_text(answer, "name", name);
	answer_text(answer, "kind", is_memory ? "memory" : "compute");
	answer_real(answer, "value", rate);
	answer_text(answer, "unit", is_memory ? "GB/s" : "GFLOP/s");
	answer_number_if(answer, "bytes", bytes != 0, bytes);
	answer_end(answer, '}');
}

void roofing_say(struct answer *answer, const struct roofs *roofs)
{
	if (answer_is_for(answer, FOR_PEOPLE)) {
		if (roofs)
			say_to_people(answer, roofs);
		return;
	}
	answer_begin(answer, "roofs", '[');
	for (unsigned i = 0; roofs && i < ROOF_PRECISIONS; i++)
		add_roof(answer, roof_precisions[i], false, roofs->gflops[i][roofs->used], 0);
	for (unsigned i = 0; roofs && i < ROOF_LEVELS; i++)
		add_roof(answer, roof_titles[i], true, roofs->gbytes[i][roofs->used],
		         i == ROOF_MEMORY ? 0 : roofs->bytes[i]);
	answer_end(answer, ']');
}
