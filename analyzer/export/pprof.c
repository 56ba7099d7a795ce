/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * pprof.c - a profile in the format of google/pprof: a gzip file of protocol buffers (proto/profile.proto there).
 * It must never write a number that does not fit into 63 bits: larger sums are scaled, and the unit says so.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/base/leb128.h"
#include "analyzer/export/export.h"
#include "analyzer/export/gzip.h"
#include "version.h"

/* Numbers of the fields of each message. */
enum profile_field {
	PROFILE_SAMPLE_TYPE = 1,
	PROFILE_SAMPLE = 2,
	PROFILE_MAPPING = 3,
	PROFILE_LOCATION = 4,
	PROFILE_FUNCTION = 5,
	PROFILE_STRING = 6,
	PROFILE_TIME_NANOS = 9,
	PROFILE_DURATION_NANOS = 10,
	PROFILE_COMMENT = 13,
	PROFILE_DEFAULT_TYPE = 14,
};
enum type_field { TYPE_TYPE = 1, TYPE_UNIT = 2 };
enum sample_field { SAMPLE_LOCATION = 1, SAMPLE_VALUE = 2, SAMPLE_LABEL = 3 };
enum label_field { LABEL_KEY = 1, LABEL_STRING = 2 };
enum mapping_field {
	MAPPING_ID = 1,
	MAPPING_FILE = 5,
	MAPPING_BUILD_ID = 6,
	MAPPING_HAS_FIRST = 7,
	MAPPING_HAS_LAST = 10
};
enum location_field { LOCATION_ID = 1, LOCATION_MAPPING = 2, LOCATION_LINE = 4 };
enum line_field { LINE_FUNCTION = 1, LINE_LINE = 2 };
/* Without a system name (3), pprof does not take names such as <module> for C++ that is to be shortened. */
enum function_field { FUNCTION_ID = 1, FUNCTION_NAME = 2, FUNCTION_FILE = 4 };

enum { WIRE_VARINT = 0, WIRE_BYTES = 2, THOUSAND = 1000 };

struct profile {
	const struct export *export;
	const struct call_stacks *stacks;
	struct text bytes, part, piece; /* the file; a message in it; a message in that */
	struct intern strings;          /* by their numbers; the first is empty */
	unsigned scales[WORK_WEIGHTS];  /* each unit is 1000 to this power */
	uint32_t *functions;            /* by frame: number of its function, from 1 on */
	struct intern function_keys;
	uint32_t *mappings; /* by module: number of its mapping, from 1 on; 0 if no frame is in it */
};

/* ---- protocol buffers ---- */

/* Adds a field with a number. A number of 0 stands for a field that is not there. */
static void put_number(struct text *text, unsigned field, uint64_t number)
{
	if (!number)
		return;
	leb128_add(text, field << 3 | WIRE_VARINT);
	leb128_add(text, number);
}

static void put_bytes(struct text *text, unsigned field, const void *bytes, size_t size)
{
	leb128_add(text, field << 3 | WIRE_BYTES);
	leb128_add(text, size);
	text_add_bytes(text, bytes, size);
}

/* Adds a message that was made in `message`, and empties that. */
static void put_message(struct text *text, unsigned field, struct text *message)
{
	put_bytes(text, field, message->bytes, message->length);
	text_clear(message);
}

/* The number of a string in the file, in which only UTF-8 may stand. */
static uint64_t string_of(struct profile *profile, const char *string)
{
	struct text clean = {0};
	uint32_t number;

	text_add(&clean, "");
	text_add_clean(&clean, string);
	number = intern_text(&profile->strings, clean.bytes);
	text_free(&clean);
	return number;
}

/* ---- the profile ---- */

static u128 unit_of(const struct profile *profile, enum work_weight weight)
{
	u128 unit = 1;

	for (unsigned i = 0; i < profile->scales[weight]; i++)
		unit *= THOUSAND;
	return unit;
}

/* Chooses the smallest unit in which the total, and so every sum over stacks, has at most 63 bits. */
static void choose_units(struct profile *profile)
{
	for (unsigned weight = 0; weight < WORK_WEIGHTS; weight++)
		while (profile->stacks->totals[weight] / unit_of(profile, weight) > INT64_MAX &&
		       export_measures[weight].units[profile->scales[weight] + 1])
			profile->scales[weight]++;
}

/* The weights of each sample, counts first, as pprof's own conventions have it. */
static const enum work_weight weights[] = {WORK_CALLS, WORK_FLOPS, WORK_CHARGED, WORK_TIME};

static void put_types(struct profile *profile)
{
	for (unsigned i = 0; i < sizeof weights / sizeof *weights; i++) {
		enum work_weight weight = weights[i];
		const struct export_measure *measure = &export_measures[weight];

		if (!export_has(profile->stacks, weight))
			continue;
		put_number(&profile->part, TYPE_TYPE, string_of(profile, measure->name));
		put_number(&profile->part, TYPE_UNIT, string_of(profile, measure->units[profile->scales[weight]]));
		put_message(&profile->bytes, PROFILE_SAMPLE_TYPE, &profile->part);
	}
	put_number(&profile->bytes, PROFILE_DEFAULT_TYPE,
	           string_of(profile, export_measures[profile->export->weight].name));
}

static void put_label(struct profile *profile, const char *key, const char *string)
{
	if (!*string)
		return;
	put_number(&profile->piece, LABEL_KEY, string_of(profile, key));
	put_number(&profile->piece, LABEL_STRING, string_of(profile, string));
	put_message(&profile->part, SAMPLE_LABEL, &profile->piece);
}

static void put_samples(struct profile *profile)
{
	static const char *const sources[] = {
		[STACK_EXACT] = "exact", [STACK_SAMPLED] = "sampled", [STACK_NONE] = "none"};
	const struct aggregate *aggregate = profile->export->aggregate;
	u128 before[WORK_WEIGHTS] = {0};

	for (size_t i = 0; i < profile->stacks->count; i++) {
		const struct call_stack *stack = &profile->stacks->stacks[i];

		for (uint32_t place = stack->depth; place--;) /* the innermost first */
			leb128_add(&profile->piece, stack->frames[place] + 1);
		put_message(&profile->part, SAMPLE_LOCATION, &profile->piece);
		for (unsigned j = 0; j < sizeof weights / sizeof *weights; j++) {
			enum work_weight weight = weights[j];
			u128 unit = unit_of(profile, weight), sum = u128_add(before[weight], stack->weights[weight]);

			/* In scaled units the sum of all is right: each value is what the sum has grown by. */
			if (export_has(profile->stacks, weight))
				leb128_add(&profile->piece,
				           u64_saturate(sum / unit - before[weight] / unit) & INT64_MAX);
			before[weight] = sum;
		}
		put_message(&profile->part, SAMPLE_VALUE, &profile->piece);
		put_label(profile, "namespace", intern_at(&aggregate->spaces, stack->space));
		put_label(profile, "symbol", site_symbol(aggregate, stack->site));
		put_label(profile, "stacks", sources[stack->source]);
		put_message(&profile->bytes, PROFILE_SAMPLE, &profile->part);
	}
}

/* Adds the modules that frames are in: the program first, since pprof takes the first one for it. */
static void put_mappings(struct profile *profile)
{
	const struct aggregate *aggregate = profile->export->aggregate;
	uint32_t program = aggregate->process_count ? aggregate->processes[0].program : AGGREGATE_NONE, count = 0;

	for (size_t i = 0; i < call_stacks_frame_count(profile->stacks); i++)
		if (profile->stacks->frames[i].module != AGGREGATE_NONE)
			profile->mappings[profile->stacks->frames[i].module] = UINT32_MAX; /* to be numbered */
	for (unsigned others = 0; others < 2; others++) {
		for (uint32_t i = 0; i < aggregate->modules.count; i++) {
			const struct module_key *module = module_of(aggregate, i);
			struct text id = {0};

			if ((!profile->mappings[i] && module->path != program) || (module->path == program) == others)
				continue;
			profile->mappings[i] = ++count;
			for (uint32_t j = 0; j < module->build_id_size; j++)
				text_format(&id, "%02x", module->build_id[j]);
			put_number(&profile->part, MAPPING_ID, count);
			put_number(&profile->part, MAPPING_FILE, string_of(profile, text_at(aggregate, module->path)));
			put_number(&profile->part, MAPPING_BUILD_ID, string_of(profile, id.bytes ? id.bytes : ""));
			for (unsigned has = MAPPING_HAS_FIRST; has <= MAPPING_HAS_LAST; has++)
				put_number(&profile->part, has, true); /* there is no more to be looked up */
			put_message(&profile->bytes, PROFILE_MAPPING, &profile->part);
			text_free(&id);
		}
	}
}

/* A function as pprof has it: lines of one are one. */
struct function_key {
	const char *name, *file; /* texts of the stacks, where equal ones are one */
};

static void put_functions(struct profile *profile)
{
	for (size_t i = 0; i < call_stacks_frame_count(profile->stacks); i++) {
		const struct call_frame *frame = &profile->stacks->frames[i];
		struct function_key key = {frame->function, frame->file};
		size_t known = profile->function_keys.count;
		uint32_t number = intern_bytes(&profile->function_keys, &key, sizeof key);

		profile->functions[i] = number + 1;
		if (number < known)
			continue;
		put_number(&profile->part, FUNCTION_ID, number + 1);
		put_number(&profile->part, FUNCTION_NAME, string_of(profile, frame->function));
		put_number(&profile->part, FUNCTION_FILE, string_of(profile, frame->file ? frame->file : ""));
		put_message(&profile->bytes, PROFILE_FUNCTION, &profile->part);
	}
}

static void put_locations(struct profile *profile)
{
	for (size_t i = 0; i < call_stacks_frame_count(profile->stacks); i++) {
		const struct call_frame *frame = &profile->stacks->frames[i];

		put_number(&profile->part, LOCATION_ID, i + 1);
		if (frame->module != AGGREGATE_NONE)
			put_number(&profile->part, LOCATION_MAPPING, profile->mappings[frame->module]);
		put_number(&profile->piece, LINE_FUNCTION, profile->functions[i]);
		put_number(&profile->piece, LINE_LINE, frame->line);
		put_message(&profile->part, LOCATION_LINE, &profile->piece);
		put_message(&profile->bytes, PROFILE_LOCATION, &profile->part);
	}
}

/* Adds when the run began and how long it took, and what is to be said of it. */
static void put_facts(struct profile *profile)
{
	const struct aggregate *aggregate = profile->export->aggregate;
	uint64_t start = UINT64_MAX, end = 0;

	for (size_t i = 0; i < aggregate->process_count; i++) {
		const struct process *process = &aggregate->processes[i];

		if (!process->start_realtime_ns)
			continue;
		if (process->start_realtime_ns < start)
			start = process->start_realtime_ns;
		if (process->start_realtime_ns + process->elapsed_ns > end)
			end = process->start_realtime_ns + process->elapsed_ns;
	}
	if (end > start) {
		put_number(&profile->bytes, PROFILE_TIME_NANOS, start & INT64_MAX);
		put_number(&profile->bytes, PROFILE_DURATION_NANOS, (end - start) & INT64_MAX);
	}
	put_number(&profile->bytes, PROFILE_COMMENT, string_of(profile, "flopshim-report " FLOPSHIM_VERSION));
	if (!aggregate->complete)
		put_number(&profile->bytes, PROFILE_COMMENT,
		           string_of(profile, "INCOMPLETE: the numbers are of what could be read"));
}

static void put_strings(struct profile *profile)
{
	for (size_t i = 0; i < profile->strings.count; i++) {
		const char *string = intern_at(&profile->strings, (uint32_t)i);

		put_bytes(&profile->bytes, PROFILE_STRING, string, strlen(string));
	}
}

void export_write_pprof(struct output *output, const struct export *export)
{
	struct profile profile = {
		.export = export,
		.stacks = export->run,
		.functions = memory_new(call_stacks_frame_count(export->run), sizeof *profile.functions),
		.mappings = memory_new(export->aggregate->modules.count, sizeof *profile.mappings),
	};

	string_of(&profile, "");
	choose_units(&profile);
	put_types(&profile);
	put_samples(&profile);
	put_mappings(&profile);
	put_functions(&profile);
	put_locations(&profile);
	put_facts(&profile);
	put_strings(&profile);
	gzip_write(output->stream, profile.bytes.bytes, profile.bytes.length);
	text_free(&profile.bytes);
	text_free(&profile.part);
	text_free(&profile.piece);
	intern_free(&profile.strings);
	intern_free(&profile.function_keys);
	free(profile.functions);
	free(profile.mappings);
}
