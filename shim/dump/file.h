/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * file.h - the dump's file: makes it, grows it, opens it again.
 * Callers hold record_lock. It must never be included outside of this folder.
 */
#ifndef FLOPSHIM_FILE_H
#define FLOPSHIM_FILE_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Returns the alignment of blocks in bytes: the size of this machine's pages. Tests may set a larger one by the
 * variable DUMP_PAGE of include/options.def.
 */
uint32_t file_page(void);

/*
 * Makes the file and returns its first page, zeroed. *bytes is how much of the file is mapped from there on, 0 if
 * only that page is. If no file can be made, prints why and returns a page of memory; without memory, returns
 * `otherwise`. `forked`: see path_create.
 */
void *file_begin(bool forked, void *otherwise, uint64_t *bytes);

/* Does what file_begin does where no file can be made, without a message. */
void *file_none(void *otherwise, uint64_t *bytes);

/* Whether the dump has a file. */
bool file_is_there(void);

/*
 * Whether blocks are in private memory and are copied to the file. This is done where a write to a shared mapping may fail
 * although its space was reserved (see mapping_is_trusted), and where there is no memory for a mapping.
 */
bool file_is_written_out(void);
/* Whether that is so because of its file system. */
bool file_is_untrusted(void);

/*
 * Reserves this part of the file and returns zeroed pages for it, mapped or to be copied later. NULL if the file
 * cannot be opened again or grow, there is no memory, or the disk would have less than `spare` bytes left. `at_once`:
 * all pages will be used, so they are made now. Keeps errno.
 */
void *file_extend(uint64_t offset, uint64_t size, bool at_once, uint64_t spare);

/* Opens the file again for reading and writing; -1 if its path now names another file or none. The caller closes it. */
int file_reopen(void);

/* In a forked child: forgets the file, which is the parent's. */
void file_forked(void);

#endif
