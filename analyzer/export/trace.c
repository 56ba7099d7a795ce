/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * trace.c - the calls on a time line, as the JSON of Chrome's trace events, which Perfetto reads too.
 * It must never leave out a call because its duration is not known.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "analyzer/export/export.h"
#include "analyzer/render/json.h"
#include "analyzer/tables/cell.h"
#include "names.h"
#include "version.h"

enum { NS_PER_US = 1000 };

/* What is written of one process. */
struct traced {
	struct output *output;
	const struct export_record *process;
	struct text scratch;
};

/* Writes a time, which trace events have in microseconds, with every digit. */
static void put_time(struct output *output, const char *key, uint64_t ns)
{
	char text[NUMBER_TEXT];

	snprintf(text, sizeof text, "%" PRIu64 ".%03u", ns / NS_PER_US, (unsigned)(ns % NS_PER_US));
	json_decimal(output, key, text);
}

/* Opens an event of the process and, unless that is 0, of one of its threads. */
static void open_event(const struct traced *traced, const char *phase, const char *name, uint32_t thread)
{
	json_open(traced->output, NULL, '{');
	json_text(traced->output, "ph", phase);
	json_text(traced->output, "name", name);
	json_number(traced->output, "pid", traced->process->id);
	json_number(traced->output, "tid", thread);
}

/* Writes an event that names something of the process: Chrome's "M". */
static void put_name(const struct traced *traced, const char *what, uint32_t thread, const char *name)
{
	open_event(traced, "M", what, thread);
	json_open(traced->output, "args", '{');
	json_text(traced->output, "name", name);
	json_close(traced->output, '}');
	json_close(traced->output, '}');
}

static void put_process(struct traced *traced)
{
	const struct aggregate *aggregate = traced->process->aggregate;
	const struct process *process = &aggregate->processes[0];
	const char *program = text_at(aggregate, process->program);

	text_clear(&traced->scratch);
	if (process->rank >= 0)
		text_format(&traced->scratch, "rank %" PRId32 ", ", process->rank);
	text_format(&traced->scratch, "%s, pid %" PRIu32 " on %s", *program ? base_name(program) : "(unknown program)",
	            process->pid, text_at(aggregate, process->host));
	put_name(traced, "process_name", 0, traced->scratch.bytes);
	if (process->rank < 0)
		return;
	open_event(traced, "M", "process_sort_index", 0);
	json_open(traced->output, "args", '{');
	json_signed(traced->output, "sort_index", process->rank);
	json_close(traced->output, '}');
	json_close(traced->output, '}');
}

/* Writes what is known of a call. `found` is NULL if its row is not known. */
static void put_arguments(struct traced *traced, const struct recorded_call *call, const struct recorded_row *found)
{
	static const struct column shape = {.kind = COLUMN_SHAPE};
	const struct aggregate *aggregate = traced->process->aggregate;
	struct output *output = traced->output;
	struct value value;

	json_open(output, "args", '{');
	json_number(output, "call", call->entry.sequence);
	if (found) {
		const char *space = intern_at(&aggregate->spaces, found->row->space);

		value = value_shape(aggregate, found->row);
		text_clear(&traced->scratch);
		text_add(&traced->scratch, "");
		cell_add(&traced->scratch, &shape, &value);
		if (traced->scratch.length)
			json_text(output, "shape", traced->scratch.bytes);
		if (!(found->row->flags & DUMP_ROW_COARSE)) { /* the row of many shapes has no price of one call */
			json_number(output, "flops", found->flops);
			json_number(output, "charged", found->charged);
		}
		if (*space)
			json_text(output, "namespace", space);
		json_text(output, "symbol", site_symbol(aggregate, found->row->site));
		json_text(output, "from", symbolize_site_text(traced->process->symbolizer, found->row->site));
	}
	json_close(output, '}');
}

/* What a row counts, as a category of events. */
static const char *category_of(const struct recorded_row *found)
{
	switch (found ? found->row->kind : DUMP_ROW_CALL) {
	case DUMP_ROW_QUERY: return "query";
	case DUMP_ROW_REJECTED: return "rejected";
	case DUMP_ROW_REFUSED: return "refused";
	case DUMP_ROW_MANUAL: return "charge";
	default: return "call";
	}
}

/* Writes a call: a span of time, or a moment where its duration is not known; and the FLOPs up to its end. */
static void put_call(struct traced *traced, const struct recorded_call *call)
{
	const struct recorded_row *found = record_row(traced->process->record, call);
	const struct dump_call *entry = &call->entry;
	uint64_t start = traced->process->offset_ns + entry->start_ns;
	struct output *output = traced->output;

	open_event(traced, entry->duration_ns ? "X" : "i",
	           found ? routine_name(traced->process->aggregate, found->row->routine) : "(unknown)", entry->tid);
	json_text(output, "cat", category_of(found));
	put_time(output, "ts", start);
	if (entry->duration_ns)
		put_time(output, "dur", entry->duration_ns);
	else
		json_text(output, "s", "t"); /* it concerns its thread alone */
	put_arguments(traced, call, found);
	json_close(output, '}');
	open_event(traced, "C", "charged FLOPs", 0);
	put_time(output, "ts", start + entry->duration_ns);
	json_open(output, "args", '{');
	json_number(output, "FLOPs", entry->cumulative);
	json_close(output, '}');
	json_close(output, '}');
}

void export_write_trace(struct output *output, const struct export *export)
{
	struct export_record process;

	json_open(output, NULL, '{');
	json_text(output, "displayTimeUnit", "ns");
	json_open(output, "otherData", '{');
	json_text(output, "exporter", "flopshim-report " FLOPSHIM_VERSION);
	json_close(output, '}');
	json_open(output, "traceEvents", '[');
	while (export->next(export->context, &process)) {
		struct traced traced = {.output = output, .process = &process};

		put_process(&traced);
		for (size_t i = 0; i < process.record->call_count; i++)
			put_call(&traced, &process.record->calls[i]);
		text_free(&traced.scratch);
	}
	json_close(output, ']');
	json_close(output, '}');
}
