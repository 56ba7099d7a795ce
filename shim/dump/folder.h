/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * folder.h - the folder for dumps on the node's own disk, which the variable OUT asks for by local:DIR; see
 * include/local.h.
 * It must never follow a link below the base that the environment names, nor use a folder that others may write to.
 */
#ifndef FLOPSHIM_FOLDER_H
#define FLOPSHIM_FOLDER_H

/*
 * Remembers the base and the name of the group, which forked children keep. Once at the start, if config.local is set.
 */
void folder_start(void);

/*
 * Makes this user's folder and the group's folder in it, where they are missing, and opens the latter. Returns a
 * descriptor, or -1 with errno and the reason in *fault, which is valid until the next call. With record_lock held.
 */
int folder_make(const char **fault);

/* Opens the folder that folder_make has opened last. Returns a descriptor, or -1. With record_lock held. */
int folder_open(void);

/* Path of the folder that folder_make has last tried to open. */
const char *folder_path(void);

#endif
