/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tree.h - the processes of an aggregate as a tree: who has started whom, with the sums of each with all below it.
 * It must never leave a process out, nor count one twice, whatever its dump says of its parent.
 */
#ifndef ANALYZER_TREE_H
#define ANALYZER_TREE_H

#include "analyzer/aggregate/kin.h"
#include "analyzer/aggregate/launches.h"

/* A process; or one without a dump that has started several which have. Processes before and after exec are two nodes. */
struct tree_node {
	const struct process *process; /* NULL if it has no dump */
	enum kin_link link;            /* how it began */
	uint32_t host, pid;            /* `host`: text */
	uint32_t parent, depth;        /* index of the node above it, AGGREGATE_NONE for a root; that of a root is 0 */
	uint32_t size;                 /* number of nodes in its subtree, which begins with it */
	uint64_t processes, answered;  /* number of these that have a dump; whose counts could be read */
	struct process_sums sums;      /* of all of these */
};

struct process_tree {
	struct tree_node *nodes; /* each one before those below it, which follow it */
	size_t count;
	bool nested; /* a process that has a dump is below another one that has */
};

/*
 * Sets *tree to the tree of an aggregate, whose launches are `launches`; siblings are in their order. The caller frees it by
 * tree_free. It points to processes of the aggregate, which must not change while it is used.
 *
 * A process without a dump has a node if it has started several processes that are no ranks of a launch, and if there is something
 * beside its subtree.
 */
void tree_find(const struct aggregate *aggregate, const struct launch_list *launches, struct process_tree *tree);
void tree_free(struct process_tree *tree);

#endif
