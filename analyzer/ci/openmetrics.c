/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * openmetrics.c - the work of a run as OpenMetrics, which Prometheus and GitLab's reports on metrics read.
 * It must never have a label for what has many values, such as a shape or a function: each would be a series of its own.
 */
#include <stdlib.h>

#include "analyzer/ci/ci.h"

/* Adds the value of a label. Control characters, which need not be refused but are often, are written as in a lockfile. */
static void add_label(struct text *text, const char *name, const char *value)
{
	const unsigned char *at = (const unsigned char *)value;

	text_format(text, "%s=\"", name);
	while (*at) {
		unsigned length = utf8_length(at);

		if (*at == '\n')
			text_add(text, "\\n");
		else if (*at == '"' || *at == '\\')
			text_format(text, "\\%c", *at);
		else if (!length || utf8_is_control(at, length))
			for (unsigned i = 0; i < (length ? length : 1); i++)
				text_format(text, "\\\\x%02X", at[i]);
		else
			text_add_bytes(text, at, length);
		at += length ? length : 1;
	}
	text_add_byte(text, '"');
}

static void begin_metric(FILE *stream, const char *name, const char *help)
{
	fprintf(stream, "# HELP %s %s\n# TYPE %s gauge\n", name, help, name);
}

static void put_metric(FILE *stream, const char *name, const char *help, u128 value)
{
	char number[NUMBER_TEXT];

	begin_metric(stream, name, help);
	fprintf(stream, "%s %s\n", name, number_exact(value, number));
}

static void put_rows(FILE *stream, const char *name, const char *help, const struct lock_rows *rows,
                     enum lock_metric metric)
{
	struct text line = {0};
	char number[NUMBER_TEXT];

	begin_metric(stream, name, help);
	for (size_t i = 0; i < rows->count; i++) {
		const struct lock_row *row = &rows->rows[i];

		text_clear(&line);
		text_format(&line, "%s{", name);
		add_label(&line, "namespace", ci_space(row->space));
		text_add_byte(&line, ',');
		add_label(&line, "routine", row->routine);
		fprintf(stream, "%s} %s\n", line.bytes,
		        number_exact(metric == LOCK_CALLS ? row->work.calls : row->work.flops, number));
	}
	text_free(&line);
}

void ci_write_openmetrics(struct output *output, const struct ci_check *check)
{
	FILE *stream = output->stream;
	struct lock_rows rows = {0};

	put_metric(stream, "flopshim_check_comparable", "1 if the run could be compared with its lock, else 0.",
	           ci_is_judged(check));
	put_metric(stream, "flopshim_check_passed", "1 if the run did no more than its lock allows, else 0.",
	           ci_passes(check));
	if (check->before) {
		put_metric(stream, "flopshim_lock_calls", "Calls that the lock has.", check->before->total.calls);
		put_metric(stream, "flopshim_lock_flops", "FLOPs that the lock has.", check->before->total.flops);
	}
	if (check->now) {
		put_metric(stream, "flopshim_run_calls", "Calls of the run.", check->now->total.calls);
		put_metric(stream, "flopshim_run_flops", "FLOPs of the run.", check->now->total.flops);
		ci_add_rows(&rows, check->now, false);
		lock_settle(&rows);
		put_rows(stream, "flopshim_routine_calls", "Calls of the run, by routine.", &rows, LOCK_CALLS);
		put_rows(stream, "flopshim_routine_flops", "FLOPs of the run, by routine.", &rows, LOCK_FLOPS);
	}
	fputs("# EOF\n", stream);
	free(rows.rows);
}
