/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * places.c - finds the user's own function among those of a stack.
 * It must never look a native frame up twice: that is expensive, and many stacks share frames.
 */
#include "analyzer/tables/places.h"

#include <stdlib.h>
#include <string.h>

#include "analyzer/base/memory.h"
#include "analyzer/base/text.h"
#include "names.h"

/* Marks the modules that are programs. */
static void find_programs(struct places *places)
{
	const struct aggregate *aggregate = places->aggregate;
	uint32_t last = AGGREGATE_NONE; /* that was looked for: many processes in a row have one program */

	for (size_t i = 0; i < aggregate->process_count; i++) {
		uint32_t program = aggregate->processes[i].program;

		for (uint32_t module = 0; program != last && module < aggregate->modules.count; module++)
			places->is_program[module] |= module_of(aggregate, module)->path == program;
		last = program;
	}
}

void places_open(struct places *places, const struct aggregate *aggregate, struct paths *paths)
{
	*places = (struct places){.aggregate = aggregate,
	                          .paths = paths,
	                          .symbolizer = symbolizer_new(aggregate),
	                          .serves = memory_new(aggregate->modules.count, sizeof *places->serves),
	                          .is_program = memory_new(aggregate->modules.count, sizeof *places->is_program)};
	for (size_t i = 0; i < aggregate->sites.count; i++) {
		uint32_t module = site_of(aggregate, (uint32_t)i)->callee_module;

		if (module != AGGREGATE_NONE)
			places->serves[module] = true;
	}
	find_programs(places);
}

void places_close(struct places *places)
{
	symbolizer_free(places->symbolizer);
	free(places->serves);
	free(places->is_program);
	free(places->natives);
	intern_free(&places->frames);
	intern_free(&places->texts);
}

static const char *keep(struct places *places, const char *text, size_t length)
{
	char *copy = memory_text(text, length);
	const char *kept = intern_at(&places->texts, intern_text(&places->texts, copy));

	free(copy);
	return kept;
}

/* Sets the name of a place from that of its file, or of its module, and its function, which may be NULL. */
static void set_name(struct places *places, struct call_place *place, const char *file)
{
	char *name = place->function ? memory_format("%s:%s", file, place->function) : memory_text(file, strlen(file));

	place->name = keep(places, name, strlen(name));
	free(name);
}

/* ---- native frames ---- */

static bool is_interpreter(const char *module)
{
	static const char *const beginnings[] = {"python",    "libpython",    "libR.so", "octave",
	                                         "liboctave", "liboctinterp", "julia",   "libjulia",
	                                         "perl",      "libperl.",     "ruby",    "libruby"};
	const char *name = base_name(module);

	for (unsigned i = 0; i < sizeof beginnings / sizeof *beginnings; i++)
		if (!strncmp(name, beginnings[i], strlen(beginnings[i])))
			return true;
	return !strcmp(name, "R");
}

/* Whether a module has the name of a BLAS or a LAPACK: those that serve no call themselves pass calls on. */
static bool is_blas(const char *module)
{
	static const char *const parts[] = {"blas", "lapack", "libblis", "libmkl", "libatlas"};
	const char *name = base_name(module);

	for (unsigned i = 0; i < sizeof parts / sizeof *parts; i++)
		if (!strncmp(name, "lib", 3) && strstr(name, parts[i]))
			return true;
	return false;
}

/* The name of a function without what a compiler adds to that of a part or a copy of it, as in solve.constprop.0. */
static const char *function_of(struct places *places, const char *function)
{
	size_t length = strlen(function), dot = strcspn(function, ".");

	if (!dot || strpbrk(function, "(< "))
		dot = length;
	return keep(places, function, dot);
}

/* Finds what a place in a module is, with `source` NULL where the module has no debug information. */
static void describe_native(struct places *places, uint32_t module, const struct place *found,
                            struct native_place *native)
{
	enum path_kind module_kind, file_kind = PATH_OTHER;
	const char *module_name = paths_name(places->paths, found->module, &module_kind);
	struct call_place *place = &native->place;

	if (found->function)
		place->function = function_of(places, found->function);
	if (found->file) {
		place->file = paths_name(places->paths, found->file, &file_kind);
		place->line = found->line;
	}
	native->is_interpreter = is_interpreter(found->module);
	if (native->is_interpreter || places->serves[module] || is_blas(found->module))
		place->own = false;
	else if (path_is_own(module_kind) || places->is_program[module])
		place->own = !place->file || path_is_own(file_kind);
	else /* a library that was installed, but made from sources below the root */
		place->own = place->file && file_kind == PATH_OWN && *found->file == '/';
	if (place->own && place->file)
		set_name(places, place, place->file);
	else
		set_name(places, place, base_name(module_name));
}

static const struct native_place *native_of(struct places *places, uint32_t module, uint64_t offset)
{
	struct stack_frame frame = {.module = module, .offset = offset};
	size_t known = places->frames.count;
	uint32_t number = intern_bytes(&places->frames, &frame, sizeof frame);
	struct native_place *native;
	struct place found;

	if (number < known)
		return &places->natives[number];
	places->natives = memory_grow(places->natives, known, &places->native_capacity, sizeof *places->natives);
	native = &places->natives[number];
	*native = (struct native_place){0};
	symbolize_return(places->symbolizer, module, offset, &found);
	if (found.module)
		describe_native(places, module, &found, native);
	return native;
}

void places_of_site(struct places *places, uint32_t site, struct call_place *place)
{
	const struct site_key *key = site_of(places->aggregate, site);

	*place = native_of(places, key->caller_module, key->offset)->place;
}

/* ---- frames of Python ---- */

/* Finds what a frame, "function (file:line)" of `length` bytes, is. */
static enum path_kind describe_python(struct places *places, const char *frame, size_t length, struct call_place *place)
{
	char *text = memory_text(frame, length), *file = strstr(text, " ("), *colon = strrchr(text, ':');
	enum path_kind kind = PATH_MADE;

	*place = (struct call_place){0};
	if (file && colon > file) {
		*file = *colon = 0;
		place->function = keep(places, text, strlen(text));
		place->file = paths_name(places->paths, file + 2, &kind);
		place->line = (int)strtol(colon + 1, NULL, 10);
		place->own = path_is_own(kind);
		set_name(places, place, place->file);
	}
	free(text);
	return kind;
}

/*
 * Finds the innermost frame of Python that is the user's own, or else the innermost one that is not made by a program. Returns
 * false if there is neither.
 */
static bool find_python(struct places *places, const char *frames, struct call_place *place)
{
	struct call_place found;
	bool any = false;

	while (*frames) {
		size_t length = strcspn(frames, "\n");
		enum path_kind kind = describe_python(places, frames, length, &found);

		if (path_is_own(kind) || (kind != PATH_MADE && !any)) {
			*place = found;
			any = true;
		}
		if (path_is_own(kind))
			return true;
		frames += length + (frames[length] == '\n');
	}
	return any;
}

/* ---- stacks ---- */

/* Finds the innermost native frame that is the user's own, inside of the interpreter if that is asked for. */
static bool find_native(struct places *places, const struct stack_head *stack, bool inside, struct call_place *place)
{
	for (uint32_t i = 0; i < stack->frame_count; i++) {
		const struct stack_frame *frame = &frames_of(stack)[i];
		const struct native_place *native = native_of(places, frame->module, frame->offset);

		if (native->is_interpreter && inside)
			return false;
		if (native->place.own) {
			*place = native->place;
			return true;
		}
	}
	return false;
}

/* The innermost native frame that has a name. */
static void find_any(struct places *places, const struct stack_head *stack, struct call_place *place)
{
	for (uint32_t i = 0; i < stack->frame_count && !place->name; i++) {
		const struct stack_frame *frame = &frames_of(stack)[i];

		*place = native_of(places, frame->module, frame->offset)->place;
	}
}

void places_of_stack(struct places *places, uint32_t number, struct call_place *place)
{
	const struct stack_head *stack = stack_of(places->aggregate, number);
	bool has_python = stack->python != AGGREGATE_NONE;

	*place = (struct call_place){0};
	if (find_native(places, stack, has_python, place))
		return;
	if (has_python && find_python(places, text_at(places->aggregate, stack->python), place))
		return;
	find_any(places, stack, place);
}
