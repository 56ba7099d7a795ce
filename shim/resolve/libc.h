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

/*
 * Functions of threads, which glibc before 2.34 has in libpthread: NULL as long as the program has not loaded that, and so has
 * no threads. libc_find_threads looks for them, as libc_find does; before a thread begins it must be called again.
 */
struct libc_threads {
	int (*create)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
	int (*key_create)(pthread_key_t *, void (*)(void *));
	int (*setspecific)(pthread_key_t, const void *);
	int (*attr_getstack)(const pthread_attr_t *, void **, size_t *);
	int (*attr_getstacksize)(const pthread_attr_t *, size_t *);
};

extern struct libc_threads libc_threads __attribute__((visibility("hidden")));

void libc_find_threads(void);

#endif
