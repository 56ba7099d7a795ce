/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * libc.c - finds the real dlopen, dlsym and others.
 * It must never find the shim's own functions, nor take a lock: it may run before anything else in the process.
 */
#include "shim/resolve/libc.h"

#include <dlfcn.h>
#include <link.h>
#include <stddef.h>

#include "shim/resolve/module.h"
#include "shim/resolve/resolve.h"

void *(*libc_dlsym)(void *, const char *);
void *(*libc_dlvsym)(void *, const char *, const char *);
void *(*libc_dlopen)(const char *, int);
int (*libc_dlclose)(void *);
long (*libc_syscall)(long number, ...);
int (*libc_prctl)(int option, ...);

struct libc_threads libc_threads;

/* Takes dlvsym from the first object, in the search order, that defines it and is not the shim. */
static bool is_next_dlvsym(const struct module *module, void *context)
{
	(void)context;
	if (module->dynamic == _DYNAMIC)
		return false;
	libc_dlvsym = (void *(*)(void *, const char *, const char *))module_symbol(module, "dlvsym");
	return libc_dlvsym != NULL;
}

/*
 * Finds a function behind the shim by its version, which depends on the glibc: these moved from libdl to libc in
 * 2.34.
 */
static void *libc_function(const char *name)
{
	static const char *const versions[] = {"GLIBC_2.34", "GLIBC_2.17", "GLIBC_2.2.5", "GLIBC_2.1", "GLIBC_2.0"};
	void *found = NULL;

	for (unsigned i = 0; libc_dlvsym && !found && i < sizeof(versions) / sizeof(versions[0]); i++)
		found = libc_dlvsym(RTLD_NEXT, name, versions[i]);
	return found;
}

/* Of any version: a sanitizer's has none. */
void *libc_next(const char *name)
{
	void *(*real)(void *, const char *) =
		libc_dlsym ? libc_dlsym : (void *(*)(void *, const char *))libc_function("dlsym");

	void *found = real ? real(RTLD_NEXT, name) : libc_function(name);

	/* Before glibc 2.34 a program may have loaded libpthread for a library of its own alone. */
	if (!found && real && libc_dlopen) {
		void *threads = libc_dlopen("libpthread.so.0", RTLD_LAZY | RTLD_NOLOAD);

		found = threads ? real(threads, name) : NULL;
		if (threads)
			libc_dlclose(threads);
	}
	return found;
}

void libc_find_threads(void)
{
	if (libc_threads.create)
		return;
	libc_threads = (struct libc_threads){
		.create = (int (*)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *))libc_next(
			"pthread_create"),
		.key_create = (int (*)(pthread_key_t *, void (*)(void *)))libc_next("pthread_key_create"),
		.setspecific = (int (*)(pthread_key_t, const void *))libc_next("pthread_setspecific"),
		.attr_getstack = (int (*)(const pthread_attr_t *, void **, size_t *))libc_next("pthread_attr_getstack"),
		.attr_getstacksize = (int (*)(const pthread_attr_t *, size_t *))libc_next("pthread_attr_getstacksize"),
	};
}

void libc_find(void)
{
	if (libc_dlsym)
		return;
	module_before_list(is_next_dlvsym, NULL);
	libc_dlopen = (void *(*)(const char *, int))libc_function("dlopen");
	libc_dlclose = (int (*)(void *))libc_function("dlclose");
	libc_syscall = (long (*)(long, ...))libc_next("syscall");
	libc_prctl = (int (*)(int, ...))libc_next("prctl");
	libc_find_threads();
	libc_dlsym = (void *(*)(void *, const char *))libc_function("dlsym");
	module_init();
}
