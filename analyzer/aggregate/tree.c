/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tree.c - makes the tree of processes.
 * It must never call itself for each level: a damaged dump, or a strange program, may have tens of thousands.
 */
#include "analyzer/aggregate/tree.h"

#include <stdlib.h>
#include <string.h>

#include "analyzer/base/memory.h"

#define INIT_PID 1 /* becomes the parent of orphans, and so tells nothing about them */

/* The processes of the aggregate and, behind them, those that have no dump: items, which become nodes. */
struct maker {
	const struct aggregate *aggregate;
	struct kinship *kinship; /* of the processes */
	struct intern ghosts;    /* struct ghost_key: the processes that have no dump */
	uint32_t *children;      /* by their numbers, how many processes they have started */
	uint32_t *parents;       /* by item, the item above it; KIN_NONE for a root */
	/* By item, the first and the last of those below it, and the next one below the same. Behind all items are the roots. */
	uint32_t *first, *last, *next;
	size_t count; /* of the items */
};

/* A process that has no dump. What its children say of it is compared by its bytes. */
struct ghost_key {
	uint32_t host, run, job, pid; /* texts but `pid`; run and job, since another process may get its number */
	uint64_t ticks;               /* its start_ticks, if it has forked them and had begun a dump; 0 otherwise */
};

static struct kin kin_of(const struct process *process)
{
	bool closed = process->state == PROCESS_CLOSED && process->elapsed_ns;

	return (struct kin){.host = process->host,
	                    .pid = process->pid,
	                    .parent_pid = process->parent_pid,
	                    .start_ticks = process->start_ticks,
	                    .fork_parent_ticks = process->fork_parent_ticks,
	                    .begin_ns = process->start_realtime_ns,
	                    .end_ns = closed ? process->start_realtime_ns + process->elapsed_ns : UINT64_MAX,
	                    .id = {process->id[0], process->id[1]}};
}

static void find_kinship(struct maker *maker)
{
	size_t count = maker->aggregate->process_count;
	struct kin *kin = memory_new(count, sizeof *kin);

	maker->kinship = memory_new(count, sizeof *maker->kinship);
	for (size_t i = 0; i < count; i++)
		kin[i] = kin_of(&maker->aggregate->processes[i]);
	kin_find(kin, count, maker->kinship);
	free(kin);
}

/* Whether the process is a rank of a launch: that there is one launcher on each host tells nothing more. */
static bool is_ranked(const struct process *process) { return process->job_size && process->rank >= 0; }

/* Sets the parents of the items that are processes; those that have no dump become items. */
static void find_parents(struct maker *maker)
{
	const struct aggregate *aggregate = maker->aggregate;
	size_t count = aggregate->process_count;

	maker->parents = memory_new(2 * count, sizeof *maker->parents);
	maker->children = memory_new(count, sizeof *maker->children);
	for (size_t i = 0; i < count; i++) {
		const struct process *process = &aggregate->processes[i];
		struct ghost_key key = {process->host, process->run, process->job, process->parent_pid,
		                        process->fork_parent_ticks};

		maker->parents[i] = maker->kinship[i].parent;
		if (maker->parents[i] != KIN_NONE || key.pid <= INIT_PID || is_ranked(process))
			continue;
		maker->parents[i] = (uint32_t)count + intern_bytes(&maker->ghosts, &key, sizeof key);
		maker->children[maker->parents[i] - count]++;
	}
	maker->count = count + maker->ghosts.count;
}

/* Makes roots of what is below items that say nothing: see tree_find. */
static void leave_ghosts_out(struct maker *maker)
{
	size_t processes = maker->aggregate->process_count, roots = 0;

	for (size_t i = 0; i < processes; i++)
		if (maker->parents[i] >= processes &&
		    (maker->parents[i] == KIN_NONE || maker->children[maker->parents[i] - processes] < 2))
			maker->parents[i] = KIN_NONE;
	for (size_t i = 0; i < maker->ghosts.count; i++) {
		maker->parents[processes + i] = KIN_NONE;
		roots += maker->children[i] >= 2;
	}
	for (size_t i = 0; i < processes; i++)
		roots += maker->parents[i] == KIN_NONE;
	for (size_t i = 0; i < processes && roots == 1; i++)
		if (maker->parents[i] != KIN_NONE && maker->parents[i] >= processes)
			maker->parents[i] = KIN_NONE;
}

/* Appends an item to those below its parent, unless it is there. */
static void append(struct maker *maker, uint32_t item)
{
	size_t above = maker->parents[item] == KIN_NONE ? maker->count : maker->parents[item];

	if (maker->next[item] != KIN_NONE || maker->last[above] == item)
		return;
	if (maker->last[above] == KIN_NONE)
		maker->first[above] = item;
	else
		maker->next[maker->last[above]] = item;
	maker->last[above] = item;
}

static uint32_t *no_items(size_t count)
{
	uint32_t *items = memory_new(count, sizeof *items);

	memset(items, 0xff, count * sizeof *items);
	return items;
}

/* Lists what is below each item, in the order of the launches. A process that has no dump stands where its first child is. */
static void list_children(struct maker *maker, const struct launch_list *launches)
{
	size_t processes = maker->aggregate->process_count;

	maker->first = no_items(maker->count + 1);
	maker->last = no_items(maker->count + 1);
	maker->next = no_items(maker->count + 1);
	for (size_t i = 0; i < processes; i++) {
		uint32_t item = (uint32_t)(launches->processes[i] - maker->aggregate->processes);

		if (maker->parents[item] != KIN_NONE && maker->parents[item] >= processes)
			append(maker, maker->parents[item]);
		append(maker, item);
	}
}

static void add_node(const struct maker *maker, struct process_tree *tree, uint32_t item, uint32_t parent)
{
	size_t processes = maker->aggregate->process_count;
	struct tree_node *node = &tree->nodes[tree->count++];

	*node = (struct tree_node){.parent = parent, .size = 1};
	if (parent != AGGREGATE_NONE)
		node->depth = tree->nodes[parent].depth + 1;
	if (item < processes) {
		node->process = &maker->aggregate->processes[item];
		node->host = node->process->host;
		node->pid = node->process->pid;
		node->link = maker->kinship[item].link;
		node->processes = 1;
		node->answered = node->process->answered;
		node->sums = node->process->sums;
		tree->nested |= node->link != KIN_ALONE;
	} else {
		const struct ghost_key *key = intern_at(&maker->ghosts, item - (uint32_t)processes);

		node->host = key->host;
		node->pid = key->pid;
	}
}

/* Adds the nodes in their order. */
static void add_nodes(const struct maker *maker, struct process_tree *tree)
{
	uint32_t *nodes = no_items(maker->count + 1); /* by item, the index of its node */
	uint32_t at = maker->first[maker->count];

	tree->nodes = memory_new(maker->count, sizeof *tree->nodes);
	while (at != KIN_NONE) {
		uint32_t above = maker->parents[at];

		nodes[at] = (uint32_t)tree->count;
		add_node(maker, tree, at, above == KIN_NONE ? AGGREGATE_NONE : nodes[above]);
		if (maker->first[at] != KIN_NONE) {
			at = maker->first[at];
			continue;
		}
		while (at != KIN_NONE && maker->next[at] == KIN_NONE)
			at = maker->parents[at];
		if (at != KIN_NONE)
			at = maker->next[at];
	}
	free(nodes);
}

/* Adds to each node the sums of those below it. */
static void add_up(struct process_tree *tree)
{
	for (size_t i = tree->count; i-- > 0;) {
		const struct tree_node *node = &tree->nodes[i];
		struct tree_node *parent;

		if (node->parent == AGGREGATE_NONE)
			continue;
		parent = &tree->nodes[node->parent];
		parent->size += node->size;
		parent->processes += node->processes;
		parent->answered += node->answered;
		process_sums_add(&parent->sums, &node->sums);
	}
}

void tree_find(const struct aggregate *aggregate, const struct launch_list *launches, struct process_tree *tree)
{
	struct maker maker = {.aggregate = aggregate};

	*tree = (struct process_tree){0};
	find_kinship(&maker);
	find_parents(&maker);
	leave_ghosts_out(&maker);
	list_children(&maker, launches);
	add_nodes(&maker, tree);
	add_up(tree);
	free(maker.kinship);
	intern_free(&maker.ghosts);
	free(maker.children);
	free(maker.parents);
	free(maker.first);
	free(maker.last);
	free(maker.next);
}

void tree_free(struct process_tree *tree)
{
	free(tree->nodes);
	*tree = (struct process_tree){0};
}
