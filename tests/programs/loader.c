/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * loader.c MODE [LIBRARY] - calls BLAS while another thread holds a lock of the dynamic linker, or held it when the
 * process was forked. Without the shim every mode ends at once, since a call of a bound symbol needs no such lock.
 *
 * first    a thread waits for a mutex in a callback of dl_iterate_phdr; the owner of the mutex makes its first call
 * site     the same, but the owner has called before, and now calls from another place, after a library was loaded
 * stacks   the same with calls whose stacks are taken
 * end      the same, and the process ends meanwhile, by exit or by its budget
 * fork     a process loads and unloads a library all the time, and its children call from new places
 * global   a library joins the global scope, and the constructor of another one waits for a thread that makes its first
 * call unload   a library is loaded and unloaded all the time while another thread calls, so that each call must be
 * resolved again bypass   a library is unloaded without the shim's knowledge, and then the process ends by its budget
 *
 * Calls: ddot with n = 3, or n = LARGE in the modes stacks and fork.
 */
#include <dlfcn.h>
#include <link.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "blas.h"

enum { LARGE = 1 << 17, CALLS = 40, CHILDREN = 60, LOADS = 300 };

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static volatile int inside, stop;
static double vector[LARGE] = {1, 2, 3};

static __attribute__((noinline)) double dot(int n)
{
	int one = 1;
	double result = ddot_(&n, vector, &one, vector, &one);

	__asm__ volatile("" ::: "memory"); /* so that ddot_ is called and not jumped to */
	return result;
}

static __attribute__((noinline)) double dot_from_elsewhere(int n)
{
	int one = 1;
	double result = ddot_(&n, vector, &one, vector, &one);

	__asm__ volatile("" ::: "memory");
	return result;
}

/* ---- a callback that waits ---- */

static int callback(struct dl_phdr_info *info, size_t size, void *context)
{
	(void)info, (void)size, (void)context;
	inside = 1;
	pthread_mutex_lock(&mutex);
	pthread_mutex_unlock(&mutex);
	return 1;
}

static void *iterate(void *unused)
{
	dl_iterate_phdr(callback, NULL);
	return unused;
}

static pthread_t begin_callback(void)
{
	pthread_t thread;

	pthread_mutex_lock(&mutex);
	pthread_create(&thread, NULL, iterate, NULL);
	while (!inside)
		usleep(1000);
	return thread;
}

static void end_callback(pthread_t thread)
{
	pthread_mutex_unlock(&mutex);
	pthread_join(thread, NULL);
}

static int call_beside_callback(const char *mode, const char *library)
{
	pthread_t thread;

	if (strcmp(mode, "first")) {
		printf("%g\n", dot(3));
		if (!dlopen(library, RTLD_NOW))
			return 1;
	}
	thread = begin_callback();
	if (!strcmp(mode, "stacks"))
		for (int i = 0; i < CALLS; i++)
			printf("%g\n", dot(LARGE));
	printf("%g\n", dot_from_elsewhere(3));
	if (!strcmp(mode, "end"))
		exit(3);
	end_callback(thread);
	return 0;
}

/* ---- forks ---- */

static void *load(void *library)
{
	while (!stop) {
		void *handle = dlopen(library, RTLD_NOW);

		if (handle)
			dlclose(handle);
	}
	return NULL;
}

static int child(int number)
{
	double sum = 0;

	if (number % 3 ==
	    1) /* the child must not open a library: dlopen would wait for the lock without the shim too */
		sum += dot(3);
	if (number % 3 == 2)
		for (int i = 0; i < 8; i++)
			sum += dot_from_elsewhere(LARGE) - 14;
	return sum + dot_from_elsewhere(3) != (number % 3 == 1 ? 28 : 14);
}

static int fork_children(char *library)
{
	int wrong = 0;
	pthread_t thread;

	dot(3);
	pthread_create(&thread, NULL, load, library);
	for (int i = 0; i < CHILDREN; i++) {
		pid_t pid = fork();
		int status = 0;

		if (!pid)
			_exit(child(i));
		waitpid(pid, &status, 0);
		wrong += status != 0;
	}
	stop = 1;
	pthread_join(thread, NULL);
	return wrong;
}

/* ---- libraries that are unloaded ---- */

static void *unload_often(void *library)
{
	for (int i = 0; i < LOADS; i++)
		dlclose(dlopen(library, RTLD_NOW | RTLD_LOCAL));
	stop = 1;
	return NULL;
}

/* Calls plugin_dot of `library`, which is linked to a BLAS, while `other` is loaded and unloaded. */
static int call_beside_unload(const char *library, char *other)
{
	double (*function)(const int *, const double *, const int *, const double *, const int *);
	void *handle = dlopen(library, RTLD_NOW | RTLD_LOCAL);
	int n = 3, one = 1, wrong = 0;
	pthread_t thread;

	*(void **)&function = handle ? dlsym(handle, "plugin_dot") : NULL;
	if (!function)
		return 1;
	pthread_create(&thread, NULL, unload_often, other);
	while (!stop)
		wrong |= function(&n, vector, &one, vector, &one) != 14;
	pthread_join(thread, NULL);
	return wrong;
}

/* `library` is opened with RTLD_DEEPBIND, so that it calls the C library's dlopen and dlclose, and not the shim's. */
static int end_after_bypass(const char *library, const char *closed)
{
	void *handle = dlopen(library, RTLD_NOW | RTLD_DEEPBIND);
	void *(*open)(const char *), (*close)(void *);
	void *opened;

	*(void **)&open = handle ? dlsym(handle, "open_past") : NULL;
	*(void **)&close = handle ? dlsym(handle, "close_past") : NULL;
	if (!open || !close || !(opened = open(closed)))
		return 1;
	printf("%g\n", dot(3));
	close(opened);
	fflush(stdout);
	printf("%g\n", dot(3)); /* this place has called before, so that the shim resolves nothing */
	dot(3);
	return 0;
}

int main(int argc, char **argv)
{
	const char *mode = argc > 2 ? argv[1] : "";

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (!strcmp(mode, "fork"))
		return fork_children(argv[2]);
	if (!strcmp(mode, "global"))
		return !dlopen(argv[2], RTLD_NOW | RTLD_GLOBAL) || !dlopen(argv[3], RTLD_NOW);
	if (!strcmp(mode, "unload"))
		return call_beside_unload(argv[2], argv[3]);
	if (!strcmp(mode, "bypass"))
		return end_after_bypass(argv[2], argv[3]);
	return call_beside_callback(mode, argv[2]);
}
