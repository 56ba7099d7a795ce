/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * export.c - what the formats share: the table of formats, measures and their units, and names of runs and frames.
 * It must never escape a text: each format does that by its own rules.
 */
#include "analyzer/export/export.h"

#include <string.h>

#include "names.h"

const struct export_format export_formats[EXPORT_COUNT] = {
#define EXPORT_FORMAT(id, name, source, help) {name, source, help, export_write_##id},
#include "analyzer/export/formats.def"
#undef EXPORT_FORMAT
};

static const char *const units_of_flops[] = {"FLOP",  "kFLOP", "MFLOP", "GFLOP", "TFLOP",
                                             "PFLOP", "EFLOP", "ZFLOP", NULL};
static const char *const units_of_calls[] = {"count", "thousand", "million", NULL};
static const char *const units_of_time[] = {"nanoseconds", "microseconds", "milliseconds", "seconds", NULL};

const struct export_measure export_measures[WORK_WEIGHTS] = {
	[WORK_FLOPS] = {"flops", "FLOPs", units_of_flops},
	[WORK_CHARGED] = {"charged", "charged FLOPs", units_of_flops},
	[WORK_CALLS] = {"calls", "calls", units_of_calls},
	[WORK_TIME] = {"time", "time", units_of_time},
};

enum work_weight export_measure_find(const char *name)
{
	unsigned weight = 0;

	while (weight < WORK_WEIGHTS && strcmp(export_measures[weight].name, name))
		weight++;
	return weight;
}

bool export_has(const struct call_stacks *stacks, enum work_weight weight)
{
	switch (weight) {
	case WORK_CHARGED: return stacks->totals[WORK_CHARGED] != stacks->totals[WORK_FLOPS];
	case WORK_TIME: return stacks->totals[WORK_TIME] != 0;
	default: return true;
	}
}

void export_say_run(struct text *text, const struct aggregate *aggregate)
{
	const char *program =
		aggregate->process_count ? base_name(text_at(aggregate, aggregate->processes[0].program)) : "";
	bool same = true;

	for (size_t i = 1; i < aggregate->process_count; i++)
		same &= aggregate->processes[i].program == aggregate->processes[0].program;
	text_add(text, same && *program ? program : "");
	if (aggregate->process_count != 1)
		text_format(text, "%s%zu processes", same && *program ? ", " : "", aggregate->process_count);
	else if (!*program)
		text_add(text, "(unknown program)");
}

void export_add_frame(struct text *text, const struct call_stacks *stacks, const struct call_frame *frame, bool lines)
{
	const struct aggregate *aggregate = stacks->aggregate;
	const char *module = frame->module == AGGREGATE_NONE
	                             ? ""
	                             : base_name(text_at(aggregate, module_of(aggregate, frame->module)->path));

	text_add(text, frame->function);
	if (frame->file && frame->line && lines)
		text_format(text, " (%s:%u)", base_name(frame->file), frame->line);
	else if (frame->file)
		text_format(text, " (%s)", base_name(frame->file));
	else if (*module && strncmp(frame->function, module, strlen(module))) /* else it is an offset in the module */
		text_format(text, " (%s)", module);
}
