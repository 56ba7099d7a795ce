/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * path.h - where the dump is: its name from the template, its directory, and how its file is made and opened.
 * Callers hold record_lock, but for path_start. It must never be used to make a file other than the dump.
 */
#ifndef FLOPSHIM_PATH_H
#define FLOPSHIM_PATH_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Remembers the working directory and which directories of the template exist. Called once at the start, after
 * config_read.
 */
void path_start(void);

/*
 * Creates the file with the permissions that config.access says. Returns a descriptor, or -1 with the reason in
 * *fault (NULL if the user wants no file). Never opens an existing file: if the name is taken, an earlier run's dump is
 * replaced if config.overwrite is set. Otherwise another name is used, and a message says so unless the file that is
 * there is a dump of this run, or one of this job, which another rank says, or this process is a forked child
 * (`forked`), whose parent is expected to have the name.
 */
int path_create(bool forked, const char **fault);

/*
 * Opens the file that the dump's path names now, for reading and writing; -1 with errno. The caller checks which file
 * it is.
 */
int path_open(void);

/* Removes the file that path_create has made. */
void path_remove(void);

/*
 * Returns the path of the dump, or of the file that path_create last failed to make. It is absolute if the directory
 * at the start is known.
 */
const char *path_shown(void);
/* The same for a message: a long path is shortened in the middle. Valid until the next call. */
const char *path_told(void);

/* Replaces slashes and control characters of a word by '_', so that it can be a part of a file's name. */
void path_tame(char *word);

/* Copies the name of the host to the `size` bytes at `name`; "localhost" if gethostname fails. */
void path_host(char *name, size_t size);

#endif
