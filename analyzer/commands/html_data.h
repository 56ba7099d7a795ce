/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * html_data.h - what `html` puts into a page: one run, or a new one beside an old one.
 * It must never read a dump: its caller has done so.
 */
#ifndef ANALYZER_HTML_DATA_H
#define ANALYZER_HTML_DATA_H

#include "analyzer/commands/recorded.h"
#include "analyzer/tables/views.h"

struct html_run {
	const char *name; /* as the command line has it */
	struct aggregate aggregate;
	struct views views;
	struct roofs roofs; /* of the machine where it ran */
	bool has_record;    /* `recorded` is open */
	struct recorded recorded;
};

struct html_data {
	struct html_run *now, *old; /* `old` is NULL if there is nothing to compare with */
	const char *title;          /* NULL: what ran */
	const struct text *dump;    /* packed */
	bool redacted;
};

/* Appends the page of these runs, whose views are open. */
void html_data_add(struct text *html, struct html_data *data);

#endif
