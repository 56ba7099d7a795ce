/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * waiting.h - the folder on this machine in which dumps wait for the command `collect`; see include/local.h.
 * It must never let another user choose what is read or removed.
 */
#ifndef ANALYZER_WAITING_H
#define ANALYZER_WAITING_H

#include <stdbool.h>
#include <stddef.h>

/* The folder of the dumps of one step or launch. */
struct waiting_group {
	char *name, *path;
	int descriptor; /* of the folder; it stays locked until waiting_close */
};

/* Returns the folder under which the user's folder is unless the command line says otherwise: TMPDIR, or /tmp. */
const char *waiting_base(void);

/*
 * Lists the names, sorted, of the groups under `base`, and sets *folder to the path of the user's folder. The caller frees the
 * names, the list and the path. Returns false, after a message, if there is something that cannot be trusted or read; if there
 * is nothing, the list is empty.
 */
bool waiting_list(const char *base, char **folder, char ***names, size_t *count);

/*
 * Opens a group, and waits until no other process collects it. Returns false if it cannot be opened: after a message, unless it
 * is gone, because another process has just collected it.
 */
bool waiting_open(struct waiting_group *group, const char *folder, const char *name);

/* Removes a file of the group, given by its path. Returns whether it is gone, after a message if it is not. */
bool waiting_remove(const struct waiting_group *group, const char *path);

/* Closes the group, whose folder is removed if it is empty. */
void waiting_close(struct waiting_group *group);

/* Makes this process that of a user, given by name or number, for good. Returns false after a message if it cannot. */
bool waiting_become(const char *user);

#endif
