// SPDX-License-Identifier: BSD-3-Clause
/*
 * late.c - makes the first calls of the process when the shim's destructor has run. Built with -DLIBRARY it is a
 * library whose destructor does so, since destructors of libraries run after those of preloaded ones; without, the
 * program.
 *
 *     late itself    the thread that ends the process calls 5 times
 *     late other     another thread does, and the process ends once it has
 */
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>

#include "blas.h"

void late_begin(const char *who);

#ifdef LIBRARY

static sem_t ending, called;
static int by_other;

static void call(void)
{
	const int n = 4, one = 1;
	const double x[4] = {1, 1, 1, 1};

	for (int i = 0; i < 5; i++)
		if (ddot_(&n, x, &one, x, &one) != 4)
			abort();
}

static void *call_at_the_end(void *unused)
{
	sem_wait(&ending);
	call();
	sem_post(&called);
	return unused;
}

void late_begin(const char *who)
{
	pthread_t thread;

	by_other = !strcmp(who, "other");
	sem_init(&ending, 0, 0);
	sem_init(&called, 0, 0);
	if (by_other && pthread_create(&thread, NULL, call_at_the_end, NULL))
		abort();
}

static __attribute__((destructor)) void end(void)
{
	if (!by_other) {
		call();
		return;
	}
	sem_post(&ending);
	sem_wait(&called);
}

#else

int main(int argc, char **argv)
{
	late_begin(argc > 1 ? argv[1] : "itself");
	return 0;
}

#endif
