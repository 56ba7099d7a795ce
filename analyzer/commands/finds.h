/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * finds.h - what gather.c and once.c share: the files that were found.
 * It must never be included by other commands: gather.h is for them.
 */
#ifndef ANALYZER_FINDS_H
#define ANALYZER_FINDS_H

#include "analyzer/aggregate/copies.h"
#include "analyzer/commands/gather.h"

/* A file that was found. A sibling is a dump beside another one, `x-4711.dump` beside `x.dump`, whose name was taken. */
struct find {
	char *path;
	uint64_t device, inode; /* of the file */
	struct copy_key copy;
	bool known;        /* its header can be read */
	bool has_copy_key; /* `copy` tells the dump from others */
	bool doubtful;     /* what its header says of the process, or of the run, contradicts a check word */
	bool sibling;      /* it is a sibling of a dump that is named, and was found by that */
	bool merged;       /* it is a merged dump */
	size_t members;    /* number of its processes then */
	bool named;        /* it is a dump that the command line names by itself */
	bool left_out;     /* it is not added up */
	bool unsaid;       /* it is left out without a message: the file was found twice, but named at most once */
	size_t copy_of; /* where it is left out for another find: that one, which may itself be left out for a third */
};

/* The files of one directory whose names have one ending, in the order of their names. */
struct listing {
	char *directory, *ending;
	char **paths;
	size_t count;
};

struct finds {
	struct aggregate *aggregate;
	struct gather_options options;
	struct find *finds;          /* in the order of the command line */
	struct dump_header *headers; /* of each find; empty where it is not known */
	size_t count, capacity, header_capacity;
	struct listing
		listing; /* the last one that was made: files that are named together mostly lie in one directory */
	bool all;        /* nothing was missing */
};

/* Notes, and says, that a file cannot be had. */
void finds_miss(struct finds *finds, const char *path, const char *why);

/* Reads the processes of a merged dump that was found; none if it cannot be read. */
void finds_members(const struct finds *finds, size_t find, struct members *members);

/* Leaves out files so that each process counts once: files that were found twice, copies, and parts of merged dumps. */
void finds_once(struct finds *finds);

#endif
