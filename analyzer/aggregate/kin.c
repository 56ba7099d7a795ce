/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * kin.c - finds the parents of processes by binary search.
 * It must never compare each process with each other one: there may be tens of thousands.
 */
#include "analyzer/aggregate/kin.h"

#include <stdbool.h>
#include <stdlib.h>

#include "analyzer/base/memory.h"

enum { CLOCKS_DIFFER_NS = 1000000000 }; /* by how much the clocks of two machines may differ */

/* The processes in two orders. */
struct kin_index {
	const struct kin *kin;
	size_t count;
	const struct kin *
		*by_pid; /* by host, pid, start_ticks, begin_ns and id: those before and after exec stand together */
	const struct kin **by_ticks; /* by host, start_ticks, pid ... */
};

static int compare_words(uint64_t a, uint64_t b) { return a < b ? -1 : a > b; }

/* Compares host, pid and start, which name a process, before and after exec. */
static int compare_names(const struct kin *a, const struct kin *b)
{
	int order = compare_words(a->host, b->host);

	if (!order)
		order = compare_words(a->pid, b->pid);
	return order ? order : compare_words(a->start_ticks, b->start_ticks);
}

static int compare_begins(const struct kin *a, const struct kin *b)
{
	int order = compare_names(a, b);

	return order ? order : compare_words(a->begin_ns, b->begin_ns);
}

static int compare_by_pid(const void *a, const void *b)
{
	const struct kin *x = *(const struct kin *const *)a, *y = *(const struct kin *const *)b;
	int order = compare_begins(x, y);

	for (unsigned i = 0; !order && i < 2; i++)
		order = compare_words(x->id[i], y->id[i]);
	return order;
}

static int compare_by_ticks(const void *a, const void *b)
{
	const struct kin *x = *(const struct kin *const *)a, *y = *(const struct kin *const *)b;
	int order = compare_words(x->host, y->host);

	if (!order)
		order = compare_words(x->start_ticks, y->start_ticks);
	return order ? order : compare_by_pid(a, b);
}

static const struct kin **sort(const struct kin *kin, size_t count, int (*compare)(const void *, const void *))
{
	const struct kin **sorted = memory_new(count, sizeof *sorted);

	for (size_t i = 0; i < count; i++)
		sorted[i] = &kin[i];
	if (count)
		qsort(sorted, count, sizeof *sorted, compare);
	return sorted;
}

/* Returns the position of the first entry that is not before `key`, or with `behind`, of the first that is behind it. */
static size_t search(const struct kin **sorted, size_t count, const struct kin *key,
                     int (*compare)(const struct kin *, const struct kin *), bool behind)
{
	size_t low = 0, high = count;

	while (low < high) {
		size_t middle = (low + high) / 2;
		int order = compare(sorted[middle], key);

		if (order < 0 || (behind && !order))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/*
 * Returns the dump that the process named by `name` had when the child began its own; the first one of the process if all are
 * later. NULL if there is none.
 */
static const struct kin *find_process(const struct kin_index *index, const struct kin *name, const struct kin *child)
{
	size_t first = search(index->by_pid, index->count, name, compare_names, false), behind;
	struct kin latest = *name;

	if (first == index->count || compare_names(index->by_pid[first], name))
		return NULL;
	latest.begin_ns = child->begin_ns;
	behind = search(index->by_pid, index->count, &latest, compare_begins, true);
	return index->by_pid[behind > first ? behind - 1 : first];
}

static int compare_starts(const struct kin *a, const struct kin *b)
{
	int order = compare_words(a->host, b->host);

	return order ? order : compare_words(a->start_ticks, b->start_ticks);
}

/*
 * Returns the process of a host with these start_ticks, if there is only one: the number of an orphan's parent is not known,
 * and processes between the two may have left no dump.
 */
static const struct kin *find_by_ticks(const struct kin_index *index, const struct kin *child)
{
	struct kin name = {.host = child->host, .start_ticks = child->fork_parent_ticks};
	size_t first = search(index->by_ticks, index->count, &name, compare_starts, false);
	size_t end = search(index->by_ticks, index->count, &name, compare_starts, true);

	if (first == end || index->by_ticks[first]->pid != index->by_ticks[end - 1]->pid)
		return NULL;
	name.pid = index->by_ticks[first]->pid;
	return find_process(index, &name, child);
}

static const struct kin *find_fork(const struct kin_index *index, const struct kin *child)
{
	struct kin name = {.host = child->host, .pid = child->parent_pid, .start_ticks = child->fork_parent_ticks};
	const struct kin *found = find_process(index, &name, child);

	return found ? found : find_by_ticks(index, child);
}

/*
 * Returns the parent of a process that began by exec. Of all processes of the host with the parent's pid, it is the last one
 * that began before the child, if it lived when the child began its dump.
 */
static const struct kin *find_starter(const struct kin_index *index, const struct kin *child)
{
	struct kin name = {.host = child->host, .pid = child->parent_pid, .start_ticks = child->start_ticks};
	size_t end = search(index->by_pid, index->count, &name, compare_names, true);
	const struct kin *last;

	if (!end || !child->parent_pid)
		return NULL;
	last = index->by_pid[end - 1];
	if (last->host != child->host || last->pid != child->parent_pid ||
	    (last->end_ns != UINT64_MAX && last->end_ns + CLOCKS_DIFFER_NS < child->begin_ns))
		return NULL;
	name.start_ticks = last->start_ticks;
	return find_process(index, &name, child);
}

static struct kinship find_parent(const struct kin_index *index, const struct kin *child, const struct kin *before)
{
	struct kinship found = {KIN_NONE, KIN_ALONE};
	const struct kin *parent;

	if (before && child->start_ticks && !compare_names(before, child)) {
		parent = before;
		found.link = KIN_EXEC;
	} else if (child->fork_parent_ticks) {
		parent = child->fork_parent_ticks <= child->start_ticks ? find_fork(index, child) : NULL;
		found.link = KIN_FORK;
	} else {
		parent = find_starter(index, child);
		found.link = KIN_CHILD;
	}
	if (!parent || parent == child)
		return (struct kinship){KIN_NONE, KIN_ALONE};
	found.parent = (uint32_t)(parent - index->kin);
	return found;
}

/* Takes parents away, so that no process is its own ancestor. Only damaged dumps have circles, or clocks that were changed. */
static void cut_circles(struct kinship *found, size_t count)
{
	/* by process, in which walk towards the root it was met first, counted from 1 */
	uint32_t *walks = memory_new(count, sizeof *walks);

	for (uint32_t i = 0; i < count; i++) {
		uint32_t at = i;

		while (!walks[at]) {
			walks[at] = i + 1;
			if (found[at].parent == KIN_NONE)
				break;
			if (walks[found[at].parent] == i + 1) {
				found[at] = (struct kinship){KIN_NONE, KIN_ALONE};
				break;
			}
			at = found[at].parent;
		}
	}
	free(walks);
}

void kin_find(const struct kin *kin, size_t count, struct kinship *found)
{
	struct kin_index index = {.kin = kin, .count = count};

	index.by_pid = sort(kin, count, compare_by_pid);
	index.by_ticks = sort(kin, count, compare_by_ticks);
	for (size_t i = 0; i < count; i++)
		found[index.by_pid[i] - kin] = find_parent(&index, index.by_pid[i], i ? index.by_pid[i - 1] : NULL);
	cut_circles(found, count);
	free(index.by_pid);
	free(index.by_ticks);
}
