/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * process_space.h - tells which processes a process can see by their numbers. It is not installed.
 * It must never be taken for the whole answer: on other machines the same numbers are given to other namespaces.
 */
#ifndef FLOPSHIM_PROCESS_SPACE_H
#define FLOPSHIM_PROCESS_SPACE_H

#include <stdint.h>
#include <sys/stat.h>

/*
 * Returns a number for the namespaces of this thread that process numbers and start times depend on (those of a process are gone
 * with its first thread, which may have ended); 0 if /proc is not
 * there. Processes of one machine with equal numbers can look each other up in /proc.
 */
static inline uint32_t process_space(void)
{
	struct stat numbers, times;
	uint32_t space;

	if (stat("/proc/thread-self/ns/pid", &numbers))
		return 0;
	space = (uint32_t)numbers.st_ino;
	if (!stat("/proc/thread-self/ns/time", &times)) /* since Linux 5.6 */
		space ^= (uint32_t)times.st_ino << 16 | (uint32_t)times.st_ino >> 16;
	return space ? space : 1;
}

#endif
