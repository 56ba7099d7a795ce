/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * calls.c - system calls, and a function of memory, that glibc has only had since 2.25 to 2.28.
 * It must never be linked into the shim, in which `syscall` is a function of its own.
 */
#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "libc/versions.h"

/* That of the C library: the shim has one, too. */
long first_syscall(long number, ...);
LIBC_OLDEST(first_syscall, syscall);

int oldest_memfd_create(const char *name, unsigned flags) { return (int)first_syscall(SYS_memfd_create, name, flags); }

int oldest_renameat2(int from_directory, const char *from, int to_directory, const char *to, unsigned flags)
{
	return (int)first_syscall(SYS_renameat2, from_directory, from, to_directory, to, flags);
}

ssize_t oldest_getrandom(void *buffer, size_t size, unsigned flags)
{
	return first_syscall(SYS_getrandom, buffer, size, flags);
}

void *oldest_reallocarray(void *old, size_t count, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(count, size, &bytes)) {
		errno = ENOMEM;
		return NULL;
	}
	return realloc(old, bytes);
}
