/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * system.h - files, directories, processes and the terminal, as far as the analyzer needs them.
 * It must never change a file, nor a process other than the analyzer.
 */
#ifndef ANALYZER_SYSTEM_H
#define ANALYZER_SYSTEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyzer/read/pack.h"
#include "analyzer/read/read.h"

/* An open file. It must not be moved, since `source.context` points to it. */
struct system_file {
	struct dump_source source;
	uint64_t size;          /* in bytes, when it was asked for last */
	uint64_t device, inode; /* the same for two paths to one file */
	int descriptor;
	struct dump_memory memory; /* of a page: the dump that it holds; otherwise without bytes */
};

/*
 * Opens a regular file for reading; of a page that `html` has written, the source is the dump in it. Returns 0; or an error, and
 * then nothing is open: an errno value, EISDIR for a directory, EINVAL for a file of another kind, or an enum page_error. It does
 * not wait for the other end of a FIFO.
 */
int system_open(const char *path, struct system_file *file);
void system_close(struct system_file *file);

/* Returns the text for an error of system_open. The text may change with the next call. */
const char *system_why(int error);

#define DUMP_ENDING ".dump"

/*
 * Lists the paths, sorted, of what is in a directory, but no directory itself, and has a name that ends in `ending` and is
 * longer. The caller frees each path, and the list. Returns false, with errno set and an empty list, if the directory cannot
 * be opened.
 */
bool system_list(const char *directory, const char *ending, char ***paths, size_t *count);

/* Compares two names of files for qsort; `a` and `b` point to char pointers. */
int system_compare_names(const void *a, const void *b);

/* Whether a process with this number and start time (field 22 of /proc/PID/stat) runs on this machine. */
bool system_alive(uint32_t pid, uint64_t start_ticks);

/*
 * Returns the path of the dump that a running process writes, or NULL if none is found. If it is NULL, *deleted may be
 * the path of a mapped file that was deleted, which may have been the dump; otherwise *deleted is NULL or means nothing.
 * The caller frees both.
 */
char *system_dump_of(uint32_t pid, char **deleted);

/*
 * Whether the environment names servers of debug information. system_without_debuginfod removes them from it, so that libdw
 * does not ask them: distributions name servers for everybody, and these must not learn what a user runs unless the user
 * wants that.
 */
bool system_has_debuginfod(void);
void system_without_debuginfod(void);

/* Returns CLOCK_MONOTONIC in nanoseconds, the clock of the monotonic times in dumps. */
uint64_t system_now_ns(void);

/* Returns the name of this machine, "localhost" if it cannot be had. The text is never freed. */
const char *system_host(void);

/* Returns the path of the current directory, NULL if it cannot be had. The text is never freed. */
const char *system_directory(void);

bool system_terminal(void); /* whether standard output is a terminal */
/* Its columns: those that the environment states in COLUMNS, or those that the terminal has; 0 if there are neither. */
size_t system_columns(void);
bool system_unicode(void); /* whether the environment's locale has UTF-8 */
bool system_colour(void);  /* whether it is a terminal that may get colours: see NO_COLOR and TERM=dumb */

#endif
