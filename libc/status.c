/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * status.c - stat and its like, under the names that they had before glibc 2.33.
 * It must never fill in another struct stat than <sys/stat.h> declares.
 */
#include "libc/versions.h"

#undef stat
#undef lstat
#undef fstat
#undef fstatat

/* Every glibc has these functions, which headers before 2.33 declare, too. */
int first_stat(int layout, const char *path, struct stat *status);
int first_lstat(int layout, const char *path, struct stat *status);
int first_fstat(int layout, int file, struct stat *status);
int first_fstatat(int layout, int directory, const char *path, struct stat *status, int flags);

LIBC_OLDEST(first_stat, __xstat);
LIBC_OLDEST(first_lstat, __lxstat);
LIBC_OLDEST(first_fstat, __fxstat);
#if defined(__x86_64__)
__asm__(".symver first_fstatat, __fxstatat@GLIBC_2.4"); /* newer than the first glibc for this processor */
#else
LIBC_OLDEST(first_fstatat, __fxstatat);
#endif

int oldest_stat(const char *path, struct stat *status) { return first_stat(LIBC_STAT_LAYOUT, path, status); }

int oldest_lstat(const char *path, struct stat *status) { return first_lstat(LIBC_STAT_LAYOUT, path, status); }

int oldest_fstat(int file, struct stat *status) { return first_fstat(LIBC_STAT_LAYOUT, file, status); }

int oldest_fstatat(int directory, const char *path, struct stat *status, int flags)
{
	return first_fstatat(LIBC_STAT_LAYOUT, directory, path, status, flags);
}
