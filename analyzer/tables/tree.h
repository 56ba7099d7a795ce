/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tree.h - the table of processes as a tree.
 * It must never be included but by files of this folder.
 */
#ifndef ANALYZER_TABLE_TREE_H
#define ANALYZER_TABLE_TREE_H

#include "analyzer/tables/views.h"

/* The tree of processes, and the lines of its table; made when it is first asked for, and freed with the views. */
struct tree_lines;

/* The tree of processes. It holds until views_close. */
const struct process_tree *views_tree(struct views *views);

void tree_lines_free(struct tree_lines *lines);

#endif
