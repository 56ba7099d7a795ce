/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * libc.h - the C library's functions in whose place the shim has some of its own.
 */
#ifndef FLOPSHIM_LIBC_H
#define FLOPSHIM_LIBC_H

#include <pthread.h>

/*
 * Finds what comes next after the shim for each of these: the C library's, or a sanitizer's. All are NULL before.
 * Idempotent; may run before any constructor.
 */
void libc_find(void);

/* The entry body jumps to the first three and to libc_syscall, so that the C library sees the program as the caller. */
extern void *(*libc_dlsym)(void *, const char *) __attribute__((visibility("hidden")));
extern void *(*libc_dlvsym)(void *, const char *, const char *) __attribute__((visibility("hidden")));
extern void *(*libc_dlopen)(const char *, int) __attribute__((visibility("hidden")));
extern int (*libc_dlclose)(void *) __attribute__((visibility("hidden")));
extern long (*libc_syscall)(long number, ...) __attribute__((visibility("hidden")));
extern int (*libc_prctl)(int option, ...) __attribute__((visibility("hidden")));
extern int (*libc_pthread_create)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *)
	__attribute__((visibility("hidden")));

#endif
