/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * speedscope.c - a file of speedscope: frames that all profiles share, and a profile for each measure.
 * It must never round a weight, though speedscope itself computes with 53 bits.
 */
#include "analyzer/export/export.h"
#include "analyzer/render/json.h"
#include "version.h"

/* The title of a profile, and the unit that speedscope knows for it. */
static const char *const units[WORK_WEIGHTS] = {
	[WORK_FLOPS] = "none", [WORK_CHARGED] = "none", [WORK_CALLS] = "none", [WORK_TIME] = "nanoseconds"};

static void write_frames(struct output *output, const struct call_stacks *stacks)
{
	json_open(output, "frames", '[');
	for (size_t i = 0; i < call_stacks_frame_count(stacks); i++) {
		const struct call_frame *frame = &stacks->frames[i];

		json_open(output, NULL, '{');
		json_text(output, "name", frame->function);
		if (frame->file)
			json_text(output, "file", frame->file);
		else if (frame->module != AGGREGATE_NONE)
			json_text(output, "file",
			          text_at(stacks->aggregate, module_of(stacks->aggregate, frame->module)->path));
		if (frame->file && frame->line)
			json_number(output, "line", frame->line);
		json_close(output, '}');
	}
	json_close(output, ']');
}

static void write_profile(struct output *output, const struct call_stacks *stacks, enum work_weight weight)
{
	json_open(output, NULL, '{');
	json_text(output, "type", "sampled");
	json_text(output, "name", export_measures[weight].title);
	json_text(output, "unit", units[weight]);
	json_number(output, "startValue", 0);
	json_number(output, "endValue", stacks->totals[weight]);
	json_open(output, "samples", '[');
	for (size_t i = 0; i < stacks->count; i++) {
		if (!stacks->stacks[i].weights[weight])
			continue;
		json_open(output, NULL, '[');
		for (uint32_t place = 0; place < stacks->stacks[i].depth; place++)
			json_number(output, NULL, stacks->stacks[i].frames[place]);
		json_close(output, ']');
	}
	json_close(output, ']');
	json_open(output, "weights", '[');
	for (size_t i = 0; i < stacks->count; i++)
		if (stacks->stacks[i].weights[weight])
			json_number(output, NULL, stacks->stacks[i].weights[weight]);
	json_close(output, ']');
	json_close(output, '}');
}

void export_write_speedscope(struct output *output, const struct export *export)
{
	const struct call_stacks *stacks = export->run;
	unsigned active = 0;
	struct text name = {0};

	export_say_run(&name, export->aggregate);
	for (unsigned weight = 0; weight < export->weight; weight++)
		active += export_has(stacks, weight);
	json_open(output, NULL, '{');
	json_text(output, "$schema", "https://www.speedscope.app/file-format-schema.json");
	json_text(output, "exporter", "flopshim-report@" FLOPSHIM_VERSION);
	json_text(output, "name", name.bytes);
	json_number(output, "activeProfileIndex", active);
	json_open(output, "shared", '{');
	write_frames(output, stacks);
	json_close(output, '}');
	json_open(output, "profiles", '[');
	for (unsigned weight = 0; weight < WORK_WEIGHTS; weight++)
		if (export_has(stacks, weight))
			write_profile(output, stacks, weight);
	json_close(output, ']');
	json_close(output, '}');
	text_free(&name);
}
