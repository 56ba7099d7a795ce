/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * kin.h - finds out which process has started which, among those that have left dumps.
 * It must never take a process for the parent of one that began before it, that ran on another host, or that is its ancestor.
 */
#ifndef ANALYZER_KIN_H
#define ANALYZER_KIN_H

#include <stddef.h>
#include <stdint.h>

#define KIN_NONE UINT32_MAX /* no process */

/* A process, or what it was before or after exec. Members are as in struct dump_header unless said otherwise. */
struct kin {
	uint32_t host; /* equal numbers for equal names */
	uint32_t pid, parent_pid;
	uint64_t start_ticks, fork_parent_ticks;
	uint64_t begin_ns; /* when its dump was begun, since 1970 */
	uint64_t end_ns;   /* when it had closed its dump; UINT64_MAX if it has not, as far as is known */
	uint64_t id[2];
};

/* How a process began. */
enum kin_link {
	KIN_ALONE, /* its parent has left no dump, or it is not known which one it is */
	KIN_EXEC,  /* it is what its parent became by exec: the same process with another program */
	KIN_FORK,  /* its parent has forked it */
	KIN_CHILD, /* its parent has started it, by exec in a child */
};

/* The parent of a process, or what it was before exec. */
struct kinship {
	uint32_t parent; /* its number; KIN_NONE with KIN_ALONE */
	enum kin_link link;
};

/* Finds the parents of `count` processes. There is no circle among them, whatever the members are. */
void kin_find(const struct kin *kin, size_t count, struct kinship *found);

#endif
