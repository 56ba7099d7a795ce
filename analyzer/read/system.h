/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * system.h - files, directories, processes and the terminal, as far as the analyzer needs them.
 * It must never write to anything but the analyzer's own output.
 */
#ifndef ANALYZER_SYSTEM_H
#define ANALYZER_SYSTEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyzer/read/read.h"

/* An open dump file; `source.context` points into it, so it must not be moved. */
struct system_file {
	struct dump_source source;
	uint64_t size;
	uint64_t device, inode; /* its place: two paths to one file have the same */
	int descriptor;
};

/* 0, or an errno value: nothing is open then. EISDIR for a directory. */
int system_open(const char *path, struct system_file *file);
void system_close(struct system_file *file);

/* What an error of system_open means. */
const char *system_why(int error);

#define DUMP_ENDING ".dump"

/* Names a sorted list of the files in a directory whose names end so; false with errno set. */
bool system_list(const char *directory, const char *ending, char ***paths, size_t *count);

/* Whether a process with this number and start time (/proc/PID/stat, field 22) lives on this machine. */
bool system_alive(uint32_t pid, uint64_t start_ticks);

/*
 * Path of the dump that a living process works in; NULL if none can be found, and then in *deleted the path of a file
 * that it writes, but that was deleted, or NULL. Both to be freed.
 */
char *system_dump_of(uint32_t pid, char **deleted);

/*
 * Whether the environment names servers of debug information, and keeps libdw from asking them: distributions name some for
 * everybody, and what somebody runs is not for them to know unless the user says so.
 */
bool system_has_debuginfod(void);
void system_without_debuginfod(void);

uint64_t system_now_ns(void); /* of the clock that dumps' monotonic times are of */

const char *system_host(void); /* this machine's name */

/* Standard output: to be coloured? A terminal? */
bool system_colour(void);
bool system_terminal(void);

#endif
