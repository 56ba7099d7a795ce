/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * handler_in_malloc.c - starts threads that allocate all the time. In each of them a signal handler, which most often
 * interrupts malloc, makes one call of ddot. Prints how many calls have returned.
 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "blas.h"

enum { THREADS = 60, LENGTH = 5000 };

static double x[LENGTH];
static _Atomic int started, returned;

static void call(int number)
{
	int n = LENGTH, one = 1;
	volatile double sum = F77(ddot)(&n, x, &one, x, &one);

	(void)number;
	(void)sum;
	returned++;
}

static void *allocate(void *count)
{
	void *blocks[64] = {0};
	unsigned random = 7;

	started = 1;
	while (returned < *(int *)count) {
		unsigned i = (random = random * 1103515245 + 12345) >> 16 & 63;

		free(blocks[i]);
		blocks[i] = malloc(2000 + (random >> 8) % 60000);
	}
	for (int i = 0; i < 64; i++)
		free(blocks[i]);
	return NULL;
}

int main(void)
{
	signal(SIGUSR1, call);
	call(0);
	for (int i = 0; i < THREADS; i++) {
		int count = returned + 1;
		pthread_t thread;

		started = 0;
		pthread_create(&thread, NULL, allocate, &count);
		while (!started)
			usleep(100);
		usleep(200 + i % 37 * 3);
		pthread_kill(thread, SIGUSR1);
		pthread_join(thread, NULL);
	}
	printf("%d\n", returned);
	return 0;
}
