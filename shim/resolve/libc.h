/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * libc.h - the real dlopen, dlsym and others, which the shim's functions of the same names call.
 * It must never be used before libc_find has run.
 */
#ifndef FLOPSHIM_LIBC_H
#define FLOPSHIM_LIBC_H

#include <pthread.h>

/*
 * Finds the definition of each function that comes after the shim's: the C library's, or a sanitizer's. Until then
 * all are NULL. May be called several times, and before any constructor.
 */
void libc_find(void);

/* Returns the next definition of a function behind the shim's. After libc_find. */
void *libc_next(const char *name);

/*
 * The shim jumps to the first three and to libc_syscall in assembly, so that the C library sees the program as the
 * caller.
 */
extern void *(*libc_dlsym)(void *, const char *)__attribute__((visibility("hidden")));
extern void *(*libc_dlvsym)(void *, const char *, const char *)__attribute__((visibility("hidden")));
extern void *(*libc_dlopen)(const char *, int)__attribute__((visibility("hidden")));
extern int (*libc_dlclose)(void *) __attribute__((visibility("hidden")));
extern long (*libc_syscall)(long number, ...) __attribute__((visibility("hidden")));
extern int (*libc_prctl)(int option, ...) __attribute__((visibility("hidden")));
extern int (*libc_pthread_create)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *)
	__attribute__((visibility("hidden")));

#endif
