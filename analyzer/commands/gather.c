/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * gather.c - finds the dumps that a command line names, leaves out repeats, copies and earlier runs, and adds up the rest.
 * It must never take two dumps for copies, or for parts of one run, by their names alone.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "analyzer/aggregate/runs.h"
#include "analyzer/base/memory.h"
#include "analyzer/commands/command.h"
#include "analyzer/commands/finds.h"
#include "analyzer/read/header.h"
#include "analyzer/read/page.h"
#include "analyzer/read/system.h"
#include "names.h"

/* What peek reads of a file. */
struct peeked {
	struct dump_header header;
	uint64_t device, inode;
	bool known;    /* its header could be read */
	bool doubtful; /* as in struct find */
};

/* Adds a copy of a find, of its path and its header. */
static struct find *add_found(struct finds *finds, const struct find *find, const struct dump_header *header)
{
	finds->finds = memory_grow(finds->finds, finds->count, &finds->capacity, sizeof *finds->finds);
	finds->headers = memory_grow(finds->headers, finds->count, &finds->header_capacity, sizeof *finds->headers);
	finds->finds[finds->count] = *find;
	finds->finds[finds->count].path = memory_text(find->path, strlen(find->path));
	finds->headers[finds->count] = *header;
	return &finds->finds[finds->count++];
}

static struct find *add_find(struct finds *finds, const char *path, const struct peeked *peeked)
{
	struct find find = {.path = (char *)path,
	                    .device = peeked->device,
	                    .inode = peeked->inode,
	                    .known = peeked->known,
	                    .doubtful = peeked->doubtful};
	struct dump_header header = peeked->header;

	if (find.known) { /* the key is made before the header is checked, since a copy of a damaged header is damaged alike */
		find.has_copy_key = copy_key_of(&find.copy, &header);
		find.merged = header.version == DUMP_MERGED_VERSION;
		header_check_process(&header);
	}
	return add_found(finds, &find, &header);
}

void finds_miss(struct finds *finds, const char *path, const char *why)
{
	if (!finds->options.quiet)
		complain("%s: %s", path, why);
	aggregate_missing(finds->aggregate, path, why);
	finds->all = false;
}

/* Notes, and says, that a file cannot be read. A page that is damaged is like a damaged dump, which is no file that is missing. */
static void miss_file(struct finds *finds, const char *path, int error)
{
	bool all = finds->all;

	finds_miss(finds, path, system_why(error));
	finds->all = all && page_is_wrong(error);
}

/* Reads the header of a file. Returns 0, or an errno value if the file cannot be opened. */
static int peek(const char *path, struct peeked *peeked)
{
	struct system_file file;
	struct dump_header checked;
	int error = system_open(path, &file);
	bool cleared;

	if (error)
		return error;
	*peeked = (struct peeked){.device = file.device, .inode = file.inode};
	peeked->known = header_peek(&file.source, &peeked->header, &cleared);
	checked = peeked->header;
	peeked->doubtful = peeked->known && (!header_check_process(&checked) || cleared);
	system_close(&file);
	return 0;
}

/* Siblings. */

/* The extension of a file's name, with its dot; the end of the name if it has none. */
static const char *extension_of(const char *name)
{
	const char *dot = strrchr(name, '.');

	return dot && dot != name ? dot : name + strlen(name);
}

/* Returns where a `-` with a number behind it ends that begins at `at`; `at` itself if there is none. */
static size_t after_number(const char *name, size_t at)
{
	size_t digits = name[at] == '-' ? strspn(name + at + 1, "0123456789") : 0;

	return digits ? at + 1 + digits : at;
}

/*
 * Whether `name` is what the shim gives a dump of process `pid` when `given` is taken: NAME-PID[-NUMBER].EXTENSION. If
 * `pid` is 0, which process it was is not known, and PID may be any number.
 */
static bool is_sibling(const char *name, const char *given, uint32_t pid)
{
	size_t stem = (size_t)(extension_of(given) - given), end = strlen(name) - strlen(given + stem), at;
	char number[16];
	size_t digits = (size_t)snprintf(number, sizeof number, "-%" PRIu32, pid);

	if (strncmp(name, given, stem) || (pid && strncmp(name + stem, number, digits)))
		return false;
	at = pid ? stem + digits : after_number(name, stem);
	return at > stem && after_number(name, at) == end;
}

static void free_listing(struct listing *listing)
{
	for (size_t i = 0; i < listing->count; i++)
		free(listing->paths[i]);
	free(listing->paths);
	free(listing->directory);
	free(listing->ending);
	*listing = (struct listing){0};
}

/* Lists a directory unless it was listed last. It takes over `directory`, and frees it. */
static void list(struct listing *listing, char *directory, const char *ending)
{
	if (listing->directory && !strcmp(listing->directory, directory) && !strcmp(listing->ending, ending)) {
		free(directory);
		return;
	}
	free_listing(listing);
	listing->directory = directory;
	listing->ending = memory_text(ending, strlen(ending));
	if (!system_list(directory, ending, &listing->paths, &listing->count))
		listing->count = 0;
}

/* The number of the first file whose name does not come before `name`. */
static size_t first_from(const struct listing *listing, const char *name)
{
	size_t low = 0, high = listing->count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (strcmp(base_name(listing->paths[middle]), name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Adds the siblings of a dump, which is the only find in `siblings` so far. */
static void find_siblings(struct listing *listing, struct finds *siblings)
{
	const char *path = siblings->finds->path, *name = base_name(path);
	size_t stem = (size_t)(extension_of(name) - name);
	char *begin = memory_format("%.*s-", (int)stem, name);
	struct peeked other;

	list(listing, name == path ? memory_text(".", 1) : memory_text(path, (size_t)(name - path)), name + stem);
	for (size_t i = first_from(listing, begin); i < listing->count; i++) {
		const char *beside = base_name(listing->paths[i]);

		if (strncmp(beside, begin, stem + 1))
			break;
		if (!peek(listing->paths[i], &other) && other.known &&
		    is_sibling(beside, name, other.doubtful ? 0 : other.header.pid))
			add_find(siblings, name == path ? beside : listing->paths[i], &other);
	}
	free(begin);
}

static void free_finds(struct finds *finds)
{
	for (size_t i = 0; i < finds->count; i++)
		free(finds->finds[i].path);
	free(finds->finds);
	free(finds->headers);
	free_listing(&finds->listing);
}

/* Of which run a sibling is, beside the run of the dump that it has its name from. */
enum sibling_run { RUN_SAME, RUN_LATER, RUN_EARLIER, RUN_UNTOLD };

/* The dump is the first find in `siblings`. What a damaged header says of the run, or of the time, is no answer. */
static enum sibling_run sibling_run(const struct runs *runs, const struct finds *siblings, size_t sibling)
{
	if (runs->run[sibling] == runs->run[0])
		return RUN_SAME;
	if (siblings->finds[sibling].doubtful)
		return RUN_UNTOLD;
	return runs_is_later(runs, runs->run[sibling], runs->run[0]) ? RUN_LATER : RUN_EARLIER;
}

/* Notes, and says, that a dump is left out since nothing tells whether it is of the run of `dump`; of the last run if NULL. */
static void miss_untold(struct finds *finds, const char *path, const char *dump)
{
	char *why =
		memory_format("its header is damaged: it cannot be told whether it is of the %s%s, so it is left out",
	                      dump ? "run of " : "last run", dump ? dump : "");

	if (!finds->options.quiet)
		complain("%s: %s", path, why);
	aggregate_missing(finds->aggregate, path, why);
	free(why);
}

/*
 * Notes that a dump of the run that is counted is damaged, since dumps may be left out that its header would have shown to
 * be of the same run.
 */
static void doubt_run(struct finds *finds, const char *path)
{
	aggregate_doubt(finds->aggregate, path,
	                "its header is damaged: other dumps of its run may be among those that are left out");
}

/* Adds the siblings of the run of the dump that comes first, or with --last, of all runs, and that dump. */
static void add_run(struct finds *finds, const struct finds *siblings, const struct runs *runs)
{
	bool told = false, left = false; /* a dump of the run is sound; a sibling is left out */
	const struct find *find = siblings->finds;

	for (size_t i = 0; i < siblings->count; i++, find++) {
		enum sibling_run run = sibling_run(runs, siblings, i);

		if (finds->options.last || run == RUN_SAME) {
			add_found(finds, find, &siblings->headers[i])->sibling = i > 0;
			told |= !find->doubtful;
			continue;
		}
		left = true;
		if (run == RUN_UNTOLD)
			miss_untold(finds, find->path, siblings->finds->path);
	}
	if (left && !told)
		doubt_run(finds, siblings->finds->path);
}

/*
 * Adds a dump with its siblings of the same run, or with --last, of all runs. Without --last, a sibling of a later run makes
 * the dump one that was probably not meant: that is an error.
 */
static void add_with_siblings(struct finds *finds, const char *path, const struct peeked *peeked)
{
	struct finds siblings = {.aggregate = finds->aggregate};
	const char *later = NULL;
	struct runs runs;

	add_find(&siblings, path, peeked);
	find_siblings(&finds->listing, &siblings);
	runs_find(&runs, siblings.headers, siblings.count);
	for (size_t i = 0; i < siblings.count; i++)
		if (sibling_run(&runs, &siblings, i) == RUN_LATER)
			later = siblings.finds[i].path;
	if (later && !finds->options.last) {
		char *why = memory_format(
			"this is the dump of an earlier run: %s is of a later one. Name the dump that is meant, or "
			"use --last",
			later);

		finds_miss(finds, path, why);
		free(why);
	} else {
		add_run(finds, &siblings, &runs);
	}
	runs_free(&runs);
	free_finds(&siblings);
}

/* Files that are named. */

static void find_directory(struct finds *finds, const char *directory);

/* Adds a file, or all dumps of a directory. `is_named` is false for a file of such a directory. */
static void find_path(struct finds *finds, const char *path, bool is_named)
{
	struct peeked peeked;
	int error = peek(path, &peeked);

	if (error == EISDIR && is_named)
		find_directory(finds, path);
	else if (error)
		miss_file(finds, path, error);
	else if (peeked.known && is_named && (finds->options.siblings || finds->options.last))
		add_with_siblings(finds, path, &peeked);
	else {
		add_find(finds, path, &peeked)->named = peeked.known && is_named;
	}
}

static void find_directory(struct finds *finds, const char *directory)
{
	char **paths;
	size_t count;

	if (!system_list(directory, DUMP_ENDING, &paths, &count)) {
		finds_miss(finds, directory, strerror(errno));
		return;
	}
	if (!count)
		finds_miss(finds, directory, "no *.dump file in this directory");
	for (size_t i = 0; i < count; i++) {
		find_path(finds, paths[i], false);
		free(paths[i]);
	}
	free(paths);
}

/* Files that are not named. */

enum { BESIDE_MAX = 16 }; /* if more dumps are named, a pattern such as *.dump has probably named their siblings, too */

/*
 * Says that siblings of a dump that was named are of its run, or may be, or of a later one, unless they are among those that
 * were found.
 */
static void say_beside(struct finds *finds, const struct intern *found, size_t find)
{
	struct finds siblings = {.aggregate = finds->aggregate};
	const char *path = finds->finds[find].path;
	size_t more = 0, untold = 0, later = 0;
	struct runs runs;

	add_found(&siblings, &finds->finds[find], &finds->headers[find]);
	find_siblings(&finds->listing, &siblings);
	runs_find(&runs, siblings.headers, siblings.count);
	for (size_t i = 1; i < siblings.count; i++) {
		const struct find *sibling = &siblings.finds[i];
		enum sibling_run run = sibling_run(&runs, &siblings, i);

		if (sibling->has_copy_key && intern_find(found, &sibling->copy, sizeof sibling->copy) != INTERN_NONE)
			continue;
		more += run == RUN_SAME;
		untold += run == RUN_UNTOLD;
		if (run == RUN_LATER && runs_is_later(&runs, runs.run[i], runs.run[later]))
			later = i;
	}
	if (more)
		complain("%s: %zu more dump%s of its run lie%s beside it and %s not read%s", path, more,
		         more == 1 ? "" : "s", more == 1 ? "s" : "", more == 1 ? "was" : "were",
		         later || finds->aggregate->runs > 1 ? "" : " (--last reads them all)");
	if (untold)
		complain("%s: %zu dump%s with a damaged header lie%s beside it and %s not read: it cannot be told "
		         "whether %s of its run",
		         path, untold, untold == 1 ? "" : "s", untold == 1 ? "s" : "", untold == 1 ? "was" : "were",
		         untold == 1 ? "it is" : "they are");
	if (later)
		complain("%s: %s is of a later run (--last reads that run alone)", path, siblings.finds[later].path);
	runs_free(&runs);
	free_finds(&siblings);
}

static void say_all_beside(struct finds *finds)
{
	struct intern found = {0}; /* struct copy_key */
	size_t count = 0;

	for (size_t i = 0; i < finds->count; i++)
		count += finds->finds[i].named;
	if (count > BESIDE_MAX)
		return;
	for (size_t i = 0; i < finds->count; i++)
		if (finds->finds[i].has_copy_key)
			intern_bytes(&found, &finds->finds[i].copy, sizeof finds->finds[i].copy);
	for (size_t i = 0; i < finds->count; i++)
		if (finds->finds[i].named && !finds->finds[i].left_out)
			say_beside(finds, &found, i);
	intern_free(&found);
}

/* Runs. */

/*
 * Leaves out dumps that are not of the last run. `places` are the indices of the finds whose runs are in `runs`. A merged dump
 * may hold several runs, and cannot be taken apart: it counts if one of them is the last.
 */
static void leave_runs_out(struct finds *finds, const struct runs *runs, const size_t *places, size_t count)
{
	bool *of_last = memory_new(finds->count, sizeof *of_last),
	     *of_earlier = memory_new(finds->count, sizeof *of_earlier);
	bool told = false, left = false; /* a dump of the last run is sound; another dump is left out */
	const struct find *last = NULL;
	uint32_t last_run = runs_last(runs);

	for (size_t i = 0; i < count; i++)
		*(runs->run[i] == last_run ? &of_last[places[i]] : &of_earlier[places[i]]) = true;
	for (size_t i = 0; i < finds->count; i++) {
		struct find *find = &finds->finds[i];

		if (of_last[i]) {
			last = find;
			told |= !find->doubtful;
			if (of_earlier[i] && !finds->options.quiet)
				complain("%s: it holds earlier runs too, which cannot be taken apart from the last one",
				         find->path);
		} else if (of_earlier[i]) {
			left = find->left_out = true;
			if (find->doubtful)
				miss_untold(finds, find->path, NULL);
		}
	}
	if (left && !told && last)
		doubt_run(finds, last->path);
	free(of_last);
	free(of_earlier);
}

/* The headers of all processes that are found, and what each is from. */
struct heads {
	struct dump_header *headers;
	size_t *places; /* by header, the index of its find */
	size_t count, capacity, place_capacity;
};

static void add_head(struct heads *heads, const struct dump_header *header, size_t place)
{
	heads->headers = memory_grow(heads->headers, heads->count, &heads->capacity, sizeof *heads->headers);
	heads->places = memory_grow(heads->places, heads->count, &heads->place_capacity, sizeof *heads->places);
	heads->headers[heads->count] = *header;
	heads->places[heads->count++] = place;
}

/* Counts the runs and, with --last, leaves out all but the last one. */
static void find_runs(struct finds *finds)
{
	struct heads heads = {0};
	struct members members;
	struct runs runs;

	for (size_t i = 0; i < finds->count; i++) {
		if (!finds->finds[i].known || finds->finds[i].left_out)
			continue;
		if (!finds->finds[i].merged) {
			add_head(&heads, &finds->headers[i], i);
			continue;
		}
		finds_members(finds, i, &members);
		for (size_t j = 0; j < members.count; j++)
			add_head(&heads, &members.headers[j], i);
		members_free(&members);
	}
	runs_find(&runs, heads.headers, heads.count);
	if (finds->options.last)
		leave_runs_out(finds, &runs, heads.places, heads.count);
	finds->aggregate->runs = finds->options.last && heads.count ? 1 : runs.count;
	runs_free(&runs);
	free(heads.headers);
	free(heads.places);
}

/* Adding up. */

int gather_add(struct aggregate *aggregate, const char *path)
{
	struct system_file file;
	int error = system_open(path, &file);

	if (error)
		return error;
	aggregate_add(aggregate, &file.source, path);
	system_close(&file);
	return 0;
}

static void add_dump(struct finds *finds, const char *path)
{
	int error = gather_add(finds->aggregate, path);

	if (error)
		miss_file(finds, path, error);
}

bool gather(struct aggregate *aggregate, char *const *paths, size_t count, struct gather_options options)
{
	struct finds finds = {.aggregate = aggregate, .options = options, .all = true};

	if (!count)
		find_directory(&finds, ".");
	for (size_t i = 0; i < count; i++)
		find_path(&finds, paths[i], true);
	finds_once(&finds);
	find_runs(&finds);
	if (options.beside && !options.quiet)
		say_all_beside(&finds);
	for (size_t i = 0; i < finds.count; i++)
		if (!finds.finds[i].left_out) {
			aggregate->taken_along += finds.finds[i].sibling;
			if (options.found)
				options.found(options.context, finds.finds[i].path);
			else
				add_dump(&finds, finds.finds[i].path);
		}
	free_finds(&finds);
	return finds.all;
}
