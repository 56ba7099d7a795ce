/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * slow_open.c - preloaded, it makes each file take some time to be opened for reading, as a busy file server does.
 * It must never change what is read.
 */
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { MICROSECONDS = 20000 };

int open(const char *path, int flags, ...)
{
	if ((flags & O_ACCMODE) == O_RDONLY)
		usleep(MICROSECONDS);
	return (int)syscall(SYS_openat, AT_FDCWD, path, flags, 0600);
}

int open64(const char *path, int flags, ...) __attribute__((alias("open")));
