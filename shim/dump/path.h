/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * path.h - where the dump is: its name by the template, its directory, its file.
 * But for path_start every function is called with record_lock held.
 */
#ifndef FLOPSHIM_PATH_H
#define FLOPSHIM_PATH_H

#include <stdbool.h>
#include <stddef.h>

/* Remembers where the process begins, and which of the template's directories are there. After config_read. */
void path_start(void);

/*
 * Creates the file, readable and writable as config.access says: a descriptor, or -1 and in *fault why not: NULL where the user
 * wants none. Never opens one that is there. `forked`: then it is no news that the parent's has the name already.
 */
int path_create(bool forked, const char **fault);

/* Opens what stands at its path now for reading and writing; -1 with errno. */
int path_open(void);

/* Removes what path_create has made. */
void path_remove(void);

/* The absolute path, if the directory at the start is known; for path_create's failures the one that was tried. */
const char *path_shown(void);
/* The same for a message: what is long is shortened in the middle. Until the next call. */
const char *path_told(void);

/* The name of the host. */
void path_host(char *name, size_t size);

#endif
