/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * once.c - has each process count once, however many of the files that were found it is in.
 * It must never leave out a file in favour of one that is left out itself.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/base/memory.h"
#include "analyzer/commands/command.h"
#include "analyzer/commands/finds.h"
#include "analyzer/read/system.h"

/* Files that were found twice. */

/* What tells a file from others. Keys are compared by their bytes. */
struct file_key {
	struct copy_key dump; /* needed too, since some file systems give two files one inode number */
	uint64_t device, inode;
};

/* Equal numbers mean one file. A file without a copy key is told by its path alone. */
static uint32_t number_of_file(const struct finds *finds, size_t find, struct intern *files)
{
	const struct find *found = &finds->finds[find];
	struct file_key key = {.device = found->device, .inode = found->inode};

	if (!found->has_copy_key)
		return intern_text(files, found->path);
	key.dump = found->copy;
	return intern_bytes(files, &key, sizeof key);
}

/*
 * Leaves out files that were found before. There is a message only for what the command line itself names twice: with
 * `--last *.dump`, a sibling is named, and also found by the dump that has given it its name.
 */
static void leave_repeats_out(struct finds *finds)
{
	size_t *first = memory_new(finds->count, sizeof *first);
	struct intern files = {0};

	for (size_t i = 0; i < finds->count; i++) {
		size_t before = files.count;
		uint32_t number = number_of_file(finds, i, &files);
		struct find *find = &finds->finds[i], *kept;

		if (files.count > before) {
			first[number] = i;
			continue;
		}
		kept = &finds->finds[first[number]];
		find->left_out = true;
		find->copy_of = first[number];
		find->unsaid = find->sibling || kept->sibling;
		kept->sibling &= find->sibling;
	}
	intern_free(&files);
	free(first);
}

/* Copies. */

enum { COPY_LINES = 20 };

/* Files that are copies of one dump. */
struct copied {
	size_t best;             /* number of the find that is the best copy */
	bool weighed;            /* there are several, and `worth` is known */
	struct copy_worth worth; /* of the best one */
	struct copy_worth most;  /* the most calls that any of the others has, and whether any of them is closed */
};

/* What a copy is worth; nothing if it cannot be opened. */
static void weigh(const struct finds *finds, size_t find, struct copy_worth *worth)
{
	struct system_file file;

	*worth = (struct copy_worth){0};
	if (system_open(finds->finds[find].path, &file))
		return;
	copy_worth_find(worth, &file.source);
	system_close(&file);
}

/* Adds one more copy, and leaves out the worse of it and the best one before. */
static void add_copy(struct finds *finds, struct copied *copied, size_t find)
{
	struct copy_worth worth, worse;
	struct find *loser;
	bool better;

	if (!copied->weighed)
		weigh(finds, copied->best, &copied->worth);
	copied->weighed = true;
	weigh(finds, find, &worth);
	better = copy_is_better(&worth, &copied->worth);
	worse = better ? copied->worth : worth;
	loser = &finds->finds[better ? copied->best : find];
	loser->left_out = true;
	loser->copy_of = better ? find : copied->best;
	if (better) {
		copied->best = find;
		copied->worth = worth;
	}
	copied->most.calls = worse.calls > copied->most.calls ? worse.calls : copied->most.calls;
	copied->most.closed |= worse.closed;
}

static void say_copy(const struct finds *finds, size_t find)
{
	const char *path = finds->finds[find].path, *best;

	while (finds->finds[find].left_out)
		find = finds->finds[find].copy_of;
	best = finds->finds[find].path;

	if (strcmp(path, best))
		complain("%s: the same dump as %s, which is counted in its place", path, best);
	else
		complain("%s: named twice, counted once", path);
}

static void leave_copies_out(struct finds *finds)
{
	struct copied *copied = memory_new(finds->count, sizeof *copied);
	struct intern keys = {0};

	for (size_t i = 0; i < finds->count; i++) {
		size_t before = keys.count;
		uint32_t number;

		if (finds->finds[i].left_out || !finds->finds[i].has_copy_key)
			continue;
		number = intern_bytes(&keys, &finds->finds[i].copy, sizeof finds->finds[i].copy);
		if (keys.count > before)
			copied[number].best = i;
		else
			add_copy(finds, &copied[number], i);
	}
	for (size_t i = 0; i < keys.count; i++)
		if (copied[i].weighed && copy_knows_more(&copied[i].most, &copied[i].worth))
			aggregate_doubt(finds->aggregate, finds->finds[copied[i].best].path,
			                "a damaged copy of it has more calls, or shows how the process ended");
	intern_free(&keys);
	free(copied);
}

/* Says which files are left out so far, which are repeats and copies. */
static void say_copies(const struct finds *finds)
{
	size_t lines = 0;

	for (size_t i = 0; i < finds->count; i++)
		if (finds->finds[i].left_out && !finds->finds[i].unsaid && lines++ < COPY_LINES)
			say_copy(finds, i);
	if (lines > COPY_LINES)
		complain("and %zu more copies", lines - COPY_LINES);
}

/* Merged dumps. */

void finds_members(const struct finds *finds, size_t find, struct members *members)
{
	struct system_file file;

	*members = (struct members){0};
	if (system_open(finds->finds[find].path, &file))
		return;
	members_read(members, &file.source);
	system_close(&file);
}

/* Refuses a merged dump, since a process of it is in another one too: its sums cannot be taken apart. */
static void refuse_overlap(struct finds *finds, size_t find, const char *other, const struct dump_header *process)
{
	char *why = memory_format("a process of it (pid %" PRIu32
	                          " on %s) is in %s too: merged dumps that overlap cannot be "
	                          "added up, since their sums cannot be taken apart",
	                          process->pid, process->host, other);

	finds->finds[find].left_out = finds->finds[find].unsaid = true;
	finds_miss(finds, finds->finds[find].path, why);
	free(why);
}

#define NOBODY SIZE_MAX

/* A process of a merged dump. */
struct claim {
	size_t owner; /* the index of the merged dump among the finds; NOBODY if that was refused */
	struct copy_worth worth;
};

/* The processes of the merged dumps that were found. */
struct claims {
	struct intern ids;     /* their identities */
	struct claim *members; /* by the numbers of these */
	size_t capacity;
};

/* Returns the process of a merged dump whose own dump a find is; NULL if there is none. */
static const struct claim *claim_of(const struct claims *claims, const struct find *find)
{
	uint64_t id[2];
	uint32_t number;

	if (find->left_out || find->merged || !find->has_copy_key)
		return NULL;
	copy_identity(&find->copy, id);
	number = intern_find(&claims->ids, id, sizeof id);
	return number == INTERN_NONE || claims->members[number].owner == NOBODY ? NULL : &claims->members[number];
}

/* Claims the processes of a merged dump for it, or refuses it if another one has one of them. */
static void claim_members(struct finds *finds, size_t find, struct claims *claims)
{
	struct members members;
	size_t i = 0;

	finds_members(finds, find, &members);
	for (; i < members.count; i++) {
		size_t before = claims->ids.count;
		uint32_t number = intern_bytes(&claims->ids, members.headers[i].id, sizeof members.headers[i].id);

		if (claims->ids.count > before)
			claims->members =
				memory_grow(claims->members, before, &claims->capacity, sizeof *claims->members);
		else if (claims->members[number].owner != NOBODY)
			break;
		claims->members[number] = (struct claim){find, members.worths[i]};
	}
	if (i < members.count) {
		uint32_t other = intern_find(&claims->ids, members.headers[i].id, sizeof members.headers[i].id);

		refuse_overlap(finds, find, finds->finds[claims->members[other].owner].path, &members.headers[i]);
		while (i--)
			claims->members[intern_find(&claims->ids, members.headers[i].id, sizeof members.headers[i].id)]
				.owner = NOBODY;
	}
	finds->finds[find].members = members.count;
	members_free(&members);
}

/* What the dumps of the processes of a merged dump are worth, beside its records of them. */
struct singles {
	size_t count;  /* of the processes that have dumps of their own */
	bool worse;    /* one of these is a worse copy than the record: it is damaged, or an earlier one */
	size_t fuller; /* the index of one that shows more than the record says; NOBODY if there is none */
};

/* Compares the dump of one process with its record. */
static void weigh_single(const struct finds *finds, size_t find, const struct claim *claim, struct singles *singles)
{
	struct copy_worth worth;

	weigh(finds, find, &worth);
	singles->worse |= copy_is_better(&claim->worth, &worth);
	if (copy_knows_more(&worth, &claim->worth))
		singles->fuller = find;
}

/*
 * Weighs the dumps of processes of merged dumps. Where a merged dump has a process without a dump of its own, it counts in any
 * case. Then dumps of processes that had ended well when they were merged need not be read, since they say the same.
 */
static void weigh_singles(const struct finds *finds, const struct claims *claims, struct singles *singles)
{
	const struct claim *claim;

	for (size_t i = 0; i < finds->count; i++) {
		singles[i].fuller = NOBODY;
		if ((claim = claim_of(claims, &finds->finds[i])))
			singles[claim->owner].count++;
	}
	for (size_t i = 0; i < finds->count; i++)
		if ((claim = claim_of(claims, &finds->finds[i])) &&
		    (singles[claim->owner].count == finds->finds[claim->owner].members || !claim->worth.closed ||
		     !claim->worth.sound))
			weigh_single(finds, i, claim, &singles[claim->owner]);
}

/*
 * Leaves out merged dumps all of whose processes are found with dumps of their own, none of which is a worse copy: they tell
 * more, and may be of a later time. Of a merged dump that counts although one of its processes went on, it says so.
 */
static void prefer_singles(struct finds *finds, const struct claims *claims)
{
	struct singles *singles = memory_new(finds->count, sizeof *singles);

	weigh_singles(finds, claims, singles);
	for (size_t i = 0; i < finds->count; i++) {
		struct find *find = &finds->finds[i];
		char *why;

		if (!find->merged || find->left_out || !singles[i].count)
			continue;
		if (singles[i].count == find->members && !singles[i].worse) {
			find->left_out = find->unsaid = true;
			if (!finds->options.quiet)
				complain("%s: the dumps of all of its processes are counted in its place", find->path);
		} else if (singles[i].fuller != NOBODY) {
			why = memory_format(
				"%s has more calls of a process of it, or shows how that ended, which is not "
				"counted, since sums cannot be taken apart: to count it, name the dumps of all "
				"processes in place of this one",
				finds->finds[singles[i].fuller].path);
			aggregate_doubt(finds->aggregate, find->path, why);
			free(why);
		}
	}
	free(singles);
}

/* Leaves out dumps whose processes are in a merged dump that is counted. */
static void leave_singles_out(struct finds *finds, const struct claims *claims)
{
	size_t lines = 0;

	for (size_t i = 0; i < finds->count; i++) {
		struct find *find = &finds->finds[i];
		const struct claim *claim = claim_of(claims, find);

		if (!claim || finds->finds[claim->owner].left_out)
			continue;
		find->left_out = find->unsaid = true;
		if (!finds->options.quiet && lines++ < COPY_LINES)
			complain("%s: is part of %s, counted once", find->path, finds->finds[claim->owner].path);
	}
	if (lines > COPY_LINES)
		complain("and %zu more that are part of merged dumps", lines - COPY_LINES);
}

/* Has each process count once, and refuses merged dumps that overlap. */
static void leave_members_out(struct finds *finds)
{
	struct claims claims = {0};

	for (size_t i = 0; i < finds->count; i++)
		if (finds->finds[i].merged && !finds->finds[i].left_out)
			claim_members(finds, i, &claims);
	if (claims.ids.count) {
		prefer_singles(finds, &claims);
		leave_singles_out(finds, &claims);
	}
	intern_free(&claims.ids);
	free(claims.members);
}

void finds_once(struct finds *finds)
{
	leave_repeats_out(finds);
	leave_copies_out(finds);
	if (!finds->options.quiet)
		say_copies(finds);
	leave_members_out(finds);
}
