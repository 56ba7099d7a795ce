/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * file.h - the dump's file: makes it, grows it, opens it again.
 * Every function is called with record_lock held.
 */
#ifndef FLOPSHIM_FILE_H
#define FLOPSHIM_FILE_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Blocks begin at multiples of so many bytes: a page of this machine, or what tests say of a machine with larger
 * ones.
 */
uint32_t file_page(void);

/*
 * Makes the file and returns the page that it begins with, zeroed; `*bytes` bytes of the file are in memory from there on,
 * 0 where only that page is. Where there can be no file the page is memory alone, and that is said; without memory it is
 * `otherwise`. `forked`: see path_create.
 */
void *file_begin(bool forked, void *otherwise, uint64_t *bytes);

bool file_is_there(void);

/* Whether its blocks live in memory and are to be copied to it: where a mapping of the file is not to be trusted. */
bool file_is_written_out(void);

/*
 * Zeroed pages that stand for this part of the file; NULL if there is no room for them in it, or not for `spare` bytes more.
 * `at_once` says that all of them will be needed.
 */
void *file_extend(uint64_t offset, uint64_t size, bool at_once, uint64_t spare);

/* Opens it again; -1 if its path now names something else. */
int file_reopen(void);

/* Copies bytes into it; false with errno if some could not be written. A limit of its size is no signal. */
bool file_write(int file, const void *bytes, uint64_t size, uint64_t offset);

/* In a forked child: the file is the parent's. */
void file_forked(void);

#endif
