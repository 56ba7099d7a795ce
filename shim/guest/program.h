/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * program.h - what the kernel says of the running program, its files and its threads.
 * It must never make a system call in a confined process.
 */
#ifndef FLOPSHIM_PROGRAM_H
#define FLOPSHIM_PROGRAM_H

#include <stdint.h>

#include "names.h"

/* Remembers what the program is. Once, in the constructor. */
void program_find(void);

/* Absolute path of the running program. */
const char *program_path(void);

/*
 * Path of the file that is mapped at an address, as the kernel knows it; NULL where that is not known. Valid until
 * the next call. With record_lock held, as wherever files are opened.
 */
const char *program_mapped_file(uint64_t address);

/*
 * Text of /proc/PROCESS/stat, for the functions in names.h; `process` is a number or "self". Empty if there is no such
 * process. Valid until the next call. With record_lock held.
 */
const char *program_stat(const char *process);

/* The kernel's number of the calling thread; in a confined process, one that no other thread has. */
uint32_t program_thread(void);

#endif
