/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * oldest.h - has each source call functions that glibc 2.17 has, wherever it is built. The compiler includes it first (-include).
 * It must never change what a function does, nor be installed.
 *
 * A function that a newer glibc has moved, or given another version, would bind what we build to that glibc: `stat` to 2.33,
 * `dlopen` to 2.34. The functions of libc/ are these under their oldest version, or the system calls themselves.
 */
#ifndef LIBC_OLDEST_H
#define LIBC_OLDEST_H

#include <features.h>
/* Since 2.38 glibc gives strtol, scanf and their like to C23 programs as other functions, which read "0b1", too. */
#undef __GLIBC_USE_C2X_STRTOL
#define __GLIBC_USE_C2X_STRTOL 0
#undef __GLIBC_USE_C23_STRTOL
#define __GLIBC_USE_C23_STRTOL 0

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>

#pragma GCC visibility push(hidden)

int oldest_stat(const char *path, struct stat *status);
int oldest_lstat(const char *path, struct stat *status);
int oldest_fstat(int file, struct stat *status);
int oldest_fstatat(int directory, const char *path, struct stat *status, int flags);
int oldest_memfd_create(const char *name, unsigned flags);
int oldest_renameat2(int from_directory, const char *from, int to_directory, const char *to, unsigned flags);
ssize_t oldest_getrandom(void *buffer, size_t size, unsigned flags);
void *oldest_reallocarray(void *old, size_t count, size_t size);

/*
 * The name of an error number, such as "ENOENT", and its text, such as "No such file or directory". All numbers that
 * libc/errors.def does not have share one text. Neither function depends on the language, allocates, or changes errno.
 */
const char *oldest_error_name(int error);
const char *oldest_error_text(int error);

/* The name of a signal without "SIG", such as "TERM"; NULL for one that has none. */
const char *oldest_signal_name(int number);

#pragma GCC visibility pop

/*
 * A sanitizer has functions of its own in place of some of these, without a version: programs that are built with one are for this
 * machine alone, and call what it has.
 */
#ifdef __has_feature
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define OLDEST_SANITIZED
#endif
#elif defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define OLDEST_SANITIZED
#endif

#ifndef OLDEST_SANITIZED
/* These have arguments, so that `struct stat` stays what it is. */
#define stat(path, status)                      oldest_stat(path, status)
#define lstat(path, status)                     oldest_lstat(path, status)
#define fstat(file, status)                     oldest_fstat(file, status)
#define fstatat(directory, path, status, flags) oldest_fstatat(directory, path, status, flags)
#define memfd_create(name, flags)               oldest_memfd_create(name, flags)
#define renameat2(from_directory, from, to_directory, to, flags) \
	oldest_renameat2(from_directory, from, to_directory, to, flags)
#define getrandom(buffer, size, flags) oldest_getrandom(buffer, size, flags)
#define reallocarray(old, count, size) oldest_reallocarray(old, count, size)
#endif
#define strerrorname_np(error) oldest_error_name(error)
#define strerrordesc_np(error) oldest_error_text(error)
#define sigabbrev_np(number)   oldest_signal_name(number)

#if !defined(OLDEST_IN_SHIM) && \
	!defined(               \
		OLDEST_SANITIZED) /* the shim has functions of some of these names itself, and calls none of the others */
#include <dlfcn.h>
#include <math.h>
#include <pthread.h>
#define MOVED(type, name, parameters, arguments) type oldest_##name parameters;
#include "libc/moved.def"
#undef MOVED
#define dlopen(path, how)                          oldest_dlopen(path, how)
#define dlsym(library, name)                       oldest_dlsym(library, name)
#define dlerror()                                  oldest_dlerror()
#define dladdr(address, info)                      oldest_dladdr(address, info)
#define pthread_create(thread, how, run, argument) oldest_pthread_create(thread, how, run, argument)
#define pthread_join(thread, result)               oldest_pthread_join(thread, result)
#define pthread_barrier_init(barrier, how, count)  oldest_pthread_barrier_init(barrier, how, count)
#define pthread_barrier_wait(barrier)              oldest_pthread_barrier_wait(barrier)
#define pthread_barrier_destroy(barrier)           oldest_pthread_barrier_destroy(barrier)
#define pow(base, exponent)                        oldest_pow(base, exponent)
#endif

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23 /* of Linux 5.14; older headers lack it, and older kernels refuse it */
#endif
#ifndef SYS_close_range
#define SYS_close_range 436 /* of Linux 5.9 and glibc 2.32; the number is the same on every processor */
#endif
#ifndef CLOSE_RANGE_UNSHARE
#define CLOSE_RANGE_UNSHARE (1u << 1)
#endif
#ifndef RENAME_NOREPLACE
#define RENAME_NOREPLACE 1
#endif
#ifndef MFD_CLOEXEC
#define MFD_CLOEXEC 1
#endif

#endif
