/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * program.c - what the kernel says of the running program.
 * It must never ask the kernel anything once the program has given up system calls.
 */
#include "shim/guest/program.h"

#include <errno.h>
#include <limits.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "shim/guest/guest.h"
#include "shim/guest/machine.h"

static char path[PATH_MAX];

const char *program_path(void) { return path; }

void program_find(void)
{
	ssize_t length = readlink("/proc/self/exe", path, sizeof(path) - 1);

	if (length <= 0)
		strcpy(path, program_invocation_name);
}

/* A confined thread cannot ask for its own: any number that no other has will do. */
uint32_t program_thread(void)
{
	return guest_confined ? (uint32_t)((uint64_t)__builtin_thread_pointer() >> 6) : (uint32_t)machine_syscall(SYS_gettid);
}
