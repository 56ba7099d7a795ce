/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * places.c - lists the frames of stacks, and tells the user's own functions from those of libraries and interpreters.
 * It must never look a native frame up twice: that is expensive, and many stacks share frames.
 */
#include "analyzer/tables/places.h"

#include <stdlib.h>
#include <string.h>

#include "analyzer/base/memory.h"
#include "analyzer/base/text.h"
#include "analyzer/tables/function_name.h"
#include "names.h"

/* Frames of a stack that are listed. The shim takes far fewer; a damaged dump may have many stacks with very many frames each. */
enum { FRAMES_MOST = 2048 };

/* What tells places apart. It has no padding. */
struct place_marks {
	uint64_t offset;                 /* of a frame without a function; 0 otherwise */
	uint32_t function, path, module; /* texts, `module` only without a path; AGGREGATE_NONE for none */
	int32_t line;
	uint32_t own, python; /* 0 or 1 */
};

/* ---- modules ---- */

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

/* The length of the prefix that a file is installed below, such as /usr of /usr/bin/python3; 0 if it is below none. */
static size_t prefix_length(const char *path)
{
	size_t length = 0;

	for (const char *at = path; (at = strchr(at, '/')); at++)
		if (!strncmp(at, "/bin/", 5) || !strncmp(at, "/lib/", 5))
			length = (size_t)(at - path);
	return length;
}

static bool is_below(const char *path, const char *prefix)
{
	size_t length = strlen(prefix);

	return !strncmp(path, prefix, length) &&
	       (!strncmp(path + length, "/lib/", 5) || !strncmp(path + length, "/include/", 9));
}

/*
 * Whether a file belongs to what is installed with an interpreter. In a user's own installation, such as one of conda, nothing
 * else tells its libraries from the user's.
 */
static bool is_installed(const struct places *places, const char *path)
{
	const struct text *prefixes = &places->prefixes;

	for (size_t at = 0; at < prefixes->length; at += strlen(prefixes->bytes + at) + 1)
		if (is_below(path, prefixes->bytes + at))
			return true;
	return false;
}

static void find_prefixes(struct places *places)
{
	const struct aggregate *aggregate = places->aggregate;

	for (uint32_t i = 0; i < aggregate->modules.count; i++) {
		const char *path = text_at(aggregate, module_of(aggregate, i)->path);
		size_t length = is_interpreter(path) ? prefix_length(path) : 0;

		if (!length || is_installed(places, path))
			continue;
		text_add_bytes(&places->prefixes, path, length);
		text_add_byte(&places->prefixes, 0);
	}
}

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

void places_open(struct places *places, const struct aggregate *aggregate, struct paths *paths,
                 struct symbolizer *symbolizer)
{
	*places = (struct places){.aggregate = aggregate,
	                          .paths = paths,
	                          .symbolizer = symbolizer,
	                          .serves = memory_new(aggregate->modules.count, sizeof *places->serves),
	                          .is_program = memory_new(aggregate->modules.count, sizeof *places->is_program)};
	for (size_t i = 0; i < aggregate->sites.count; i++) {
		uint32_t module = site_of(aggregate, (uint32_t)i)->callee_module;

		if (module != AGGREGATE_NONE)
			places->serves[module] = true;
	}
	find_programs(places);
	find_prefixes(places);
}

void places_close(struct places *places)
{
	free(places->serves);
	free(places->is_program);
	text_free(&places->prefixes);
	intern_free(&places->keys);
	free(places->places);
	place_list_free(&places->frames);
	intern_free(&places->natives);
	free(places->pieces);
	intern_free(&places->pythons);
	free(places->python_pieces);
	intern_free(&places->texts);
}

/* ---- places ---- */

static void list_add(struct place_list *list, uint32_t number)
{
	list->numbers = memory_grow(list->numbers, list->count, &list->capacity, sizeof *list->numbers);
	list->numbers[list->count++] = number;
}

void place_list_free(struct place_list *list)
{
	free(list->numbers);
	*list = (struct place_list){0};
}

static const char *keep(struct places *places, const char *text, size_t length)
{
	return intern_at(&places->texts, intern_bytes(&places->texts, text, length));
}

/* Sets the name of a place from that of its file, or of its module, and its function, which may be NULL. */
static void set_name(struct places *places, struct call_place *place, const char *file)
{
	char *name = place->function ? memory_format("%s:%s", file, place->function) : memory_text(file, strlen(file));

	place->name = keep(places, name, strlen(name));
	free(name);
}

static uint32_t text_number(struct places *places, const char *text)
{
	return text ? intern_text(&places->texts, text) : AGGREGATE_NONE;
}

/* The number of a place, which is a new one if no other is equal to it. */
static uint32_t number_of(struct places *places, const struct call_place *place)
{
	struct place_marks key = {
		.offset = place->offset,
		.function = text_number(places, place->function),
		.path = text_number(places, place->path),
		.module = place->file ? AGGREGATE_NONE : text_number(places, place->module),
		.line = place->file ? place->line : 0,
		.own = place->own,
		.python = place->python,
	};
	size_t known = places->keys.count;
	uint32_t number = intern_bytes(&places->keys, &key, sizeof key);

	if (number == known) {
		places->places = memory_grow(places->places, known, &places->place_capacity, sizeof *places->places);
		places->places[number] = *place;
	}
	return number;
}

const char *places_shown_file(const struct places *places, const struct call_place *place)
{
	bool relative = (place->kind == PATH_OWN && *places->paths->root) || place->kind == PATH_PACKAGE ||
	                (place->kind == PATH_SYSTEM && *place->file == '<');

	return relative ? place->file : place->path;
}

/* ---- native frames ---- */

/* Whether the frame, whose file is named already if it has one, is of the user's own code. */
static bool is_own(const struct places *places, uint32_t module, enum path_kind module_kind,
                   const struct call_place *place)
{
	if (is_interpreter(place->module) || places->serves[module] || is_blas(place->module))
		return false;
	if (place->function && !place->file && !strcmp(place->function, "_start"))
		return false; /* of every program */
	if (place->path && is_installed(places, place->path))
		return false;
	if (places->is_program[module] || (path_is_own(module_kind) && !is_installed(places, place->module)))
		return !place->file || path_is_own(place->kind);
	/* a library that was installed, but made from sources below the root */
	return place->file && place->kind == PATH_OWN && *place->path == '/';
}

/* The number of a place in a module, which has no source where the module has no debug information. */
static uint32_t describe_native(struct places *places, uint32_t module, const struct place *found)
{
	enum path_kind module_kind;
	const char *module_name = paths_name(places->paths, found->module, &module_kind);
	struct call_place place = {.module = found->module, .path = found->file};

	if (!found->function && !found->file)
		place.offset = found->offset;
	if (found->function)
		place.function = keep(places, found->function, function_name_length(found->function));
	if (found->file) {
		place.file = paths_name(places->paths, found->file, &place.kind);
		place.line = found->line;
	}
	place.own = is_own(places, module, module_kind, &place);
	if (place.own && place.file)
		set_name(places, &place, place.file);
	else
		set_name(places, &place, base_name(module_name));
	return number_of(places, &place);
}

static const struct frame_piece *native_of(struct places *places, uint32_t module, uint64_t offset)
{
	struct stack_frame frame = {.module = module, .offset = offset};
	size_t known = places->natives.count;
	uint32_t number = intern_bytes(&places->natives, &frame, sizeof frame);
	struct place found[SYMBOLIZE_MOST];
	struct frame_piece *piece;
	unsigned count;

	if (number < known)
		return &places->pieces[number];
	places->pieces = memory_grow(places->pieces, known, &places->piece_capacity, sizeof *places->pieces);
	piece = &places->pieces[number];
	*piece = (struct frame_piece){.first = (uint32_t)places->frames.count};
	count = symbolize_inlined(places->symbolizer, module, offset, found, SYMBOLIZE_MOST);
	for (unsigned i = 0; i < count; i++)
		list_add(&places->frames, found[i].module ? describe_native(places, module, &found[i])
		                                          : number_of(places, &(struct call_place){.offset = offset}));
	piece->count = count;
	piece->is_interpreter = found->module && is_interpreter(found->module);
	return piece;
}

/* ---- frames of Python ---- */

/* The number of the place that a frame, "function (file:line)" of `length` bytes, is. */
static uint32_t describe_python(struct places *places, const char *frame, size_t length)
{
	struct python_frame parts = python_frame_split(frame, length);
	struct call_place place = {.python = true, .function = keep(places, frame, parts.function_length)};

	if (!parts.file) { /* of a redacted frame of the user's */
		place.name = place.function;
		place.own = true;
	} else {
		place.path = keep(places, parts.file, parts.file_length);
		place.file = paths_name(places->paths, place.path, &place.kind);
		place.line = (int)parts.line;
		place.own = path_is_own(place.kind) && !is_installed(places, place.path);
		set_name(places, &place, place.file);
	}
	return number_of(places, &place);
}

static const struct frame_piece *python_of(struct places *places, uint32_t text)
{
	size_t known = places->pythons.count;
	uint32_t number = intern_bytes(&places->pythons, &text, sizeof text);
	const char *frames = text_at(places->aggregate, text);
	struct frame_piece *piece;

	if (number < known)
		return &places->python_pieces[number];
	places->python_pieces =
		memory_grow(places->python_pieces, known, &places->python_capacity, sizeof *places->python_pieces);
	piece = &places->python_pieces[number];
	*piece = (struct frame_piece){.first = (uint32_t)places->frames.count};
	while (*frames && piece->count < FRAMES_MOST) {
		size_t length = strcspn(frames, "\n");

		list_add(&places->frames, describe_python(places, frames, length));
		piece->count++;
		frames += length + (frames[length] == '\n');
	}
	return piece;
}

/* ---- stacks ---- */

static void add_piece(const struct places *places, struct place_list *list, const struct frame_piece *piece)
{
	for (uint32_t i = 0; i < piece->count && list->count < FRAMES_MOST; i++)
		list_add(list, places->frames.numbers[piece->first + i]);
}

void places_list_site(struct places *places, uint32_t site, struct place_list *list)
{
	const struct site_key *key = site_of(places->aggregate, site);

	list->count = 0;
	add_piece(places, list, native_of(places, key->caller_module, key->offset));
}

void places_list_stack(struct places *places, uint32_t stack, struct place_list *list)
{
	const struct stack_head *head = stack_of(places->aggregate, stack);
	bool has_python = head->python != AGGREGATE_NONE;

	list->count = 0;
	for (uint32_t i = 0; i < head->frame_count && list->count < FRAMES_MOST; i++) {
		const struct stack_frame *frame = &frames_of(head)[i];
		const struct frame_piece *piece = native_of(places, frame->module, frame->offset);

		if (piece->is_interpreter && has_python) {
			add_piece(places, list, python_of(places, head->python));
			has_python = false;
		}
		add_piece(places, list, piece);
	}
	if (has_python)
		add_piece(places, list, python_of(places, head->python));
}

uint32_t places_choose(const struct places *places, const struct place_list *list)
{
	uint32_t python = AGGREGATE_NONE, named = AGGREGATE_NONE;

	for (size_t i = 0; i < list->count; i++) {
		const struct call_place *place = places_at(places, list->numbers[i]);

		if (place->own)
			return list->numbers[i];
		if (python == AGGREGATE_NONE && place->python && place->file && place->kind != PATH_MADE)
			python = list->numbers[i];
		if (named == AGGREGATE_NONE && place->name)
			named = list->numbers[i];
	}
	return python != AGGREGATE_NONE ? python : named;
}

static void choose(const struct places *places, struct place_list *list, struct call_place *place)
{
	uint32_t number = places_choose(places, list);

	*place = (struct call_place){0};
	if (number != AGGREGATE_NONE)
		*place = *places_at(places, number);
	place_list_free(list);
}

void places_of_site(struct places *places, uint32_t site, struct call_place *place)
{
	struct place_list list = {0};

	places_list_site(places, site, &list);
	choose(places, &list, place);
}

void places_of_stack(struct places *places, uint32_t stack, struct call_place *place)
{
	struct place_list list = {0};

	places_list_stack(places, stack, &list);
	choose(places, &list, place);
}
