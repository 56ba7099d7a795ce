/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * constructor.c - a plugin whose constructor calls BLAS, and waits for a thread that calls BLAS: that thread must not
 * need a lock that dlopen holds meanwhile. The calls are ddot with n = 4: once in the constructor (not with
 * -DTHREAD_FIRST), once in the thread, once in plugin_main, once in the destructor.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "blas.h"

int plugin_main(void);

static void ddot4(const char *where)
{
	static const double x[] = {1, 2, 3, 4};
	int n = 4, stride = 1;

	printf("%s %a\n", where, F77(ddot)(&n, x, &stride, x, &stride));
}

static void *in_thread(void *unused)
{
	ddot4("thread");
	return unused;
}

static void __attribute__((constructor)) start(void)
{
	pthread_t thread;

#ifndef THREAD_FIRST
	ddot4("constructor");
#endif
	pthread_create(&thread, NULL, in_thread, NULL);
	pthread_join(thread, NULL);
}

static void __attribute__((destructor)) finish(void) { ddot4("destructor"); }

int plugin_main(void)
{
	ddot4("main");
	return 0;
}
