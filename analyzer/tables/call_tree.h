/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * call_tree.h - the work of one run, or of two beside each other, as a tree of call stacks: what a flame graph shows.
 * It must never have more work in it than the run, nor less.
 */
#ifndef ANALYZER_CALL_TREE_H
#define ANALYZER_CALL_TREE_H

#include "analyzer/tables/call_stacks.h"
#include "analyzer/tables/work.h"

enum call_tree_kind { CALL_TREE_PYTHON, CALL_TREE_NATIVE, CALL_TREE_ROUTINE, CALL_TREE_MANUAL };

/* The two runs that a tree may have the work of. */
enum { CALL_TREE_NOW, CALL_TREE_OLD, CALL_TREE_RUNS };

struct tree_work {
	u128 weights[WORK_WEIGHTS];
	bool about;      /* they were divided as the samples of the call site say */
	bool about_time; /* the time is an estimate */
};

/* A function that calls, or a routine that does the work of one stack: a leaf. */
struct call_node {
	uint32_t parent, kind;                 /* an earlier node, or WORK_NONE for a root; enum call_tree_kind */
	uint32_t function, file, module, line; /* numbers in `texts`, WORK_NONE if not known; 0 if not known */
	uint32_t site, space;                  /* of a leaf: as in struct work_row; WORK_NONE otherwise */
};

/* A row of the table. */
struct call_item {
	const struct call_node *node;
	const struct tree_work *work[CALL_TREE_RUNS];
};

struct call_tree {
	struct intern nodes; /* struct call_node: parents come before their children */
	struct intern texts;
	struct tree_work *work[CALL_TREE_RUNS]; /* by node */
	size_t capacity[CALL_TREE_RUNS];
	bool compared;        /* two runs are beside each other, so that nodes are told apart without their lines */
	struct intern joined; /* if so: leaves of the first run without their sites */
	uint32_t *of_joined;  /* by their numbers, a node */
	size_t joined_capacity;
	struct call_item item; /* that the table has returned last */
};

/* One that is all zeros but for `compared` is empty. call_tree_free frees it. */
void call_tree_free(struct call_tree *tree);

/*
 * Adds the work of a run, of which `views` are the views and `work` is the work. CALL_TREE_NOW must come first. For
 * CALL_TREE_OLD, `spaces` are the namespaces of the first run, in which its own are looked up; NULL otherwise.
 */
void call_tree_add(struct call_tree *tree, struct views *views, const struct work *work, unsigned run,
                   const struct space_list *spaces);

/* Describes the table, which holds until call_tree_free. */
void call_tree_table(struct call_tree *tree, struct table *table);

#endif
