/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * slow_reader.c PLUGIN - opens a plug-in while nobody reads standard error, and makes calls of new shapes in a second
 * thread. Prints how many milliseconds dlsym took, and how many the longest of the calls took.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

double ddot_(const int *n, const double *x, const int *incx, const double *y, const int *incy);

static atomic_bool done;

static long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void *call(void *longest)
{
	const double x = 1;
	const int none = 0;

	for (int n = 1; !done; n++) {
		long before = now_ms(), took;

		ddot_(&n, &x, &none, &x, &none);
		took = now_ms() - before;
		if (took > *(long *)longest)
			*(long *)longest = took;
		usleep(1000);
	}
	return NULL;
}

/* Makes standard error a full pipe. */
static int fill(void)
{
	static const char bytes[4096];
	int ends[2];

	if (pipe2(ends, O_NONBLOCK) || dup2(ends[1], STDERR_FILENO) < 0)
		return -1;
	while (write(STDERR_FILENO, bytes, sizeof(bytes)) > 0)
		;
	return fcntl(STDERR_FILENO, F_SETFL, 0);
}

int main(int argc, char **argv)
{
	long longest = 0, before;
	pthread_t thread;
	void *library;

	if (argc < 2 || fill() || pthread_create(&thread, NULL, call, &longest))
		return EXIT_FAILURE;
	usleep(50000);
	library = dlopen(argv[1], RTLD_NOW);
	before = now_ms();
	if (!library || !dlsym(library, "plugin"))
		return EXIT_FAILURE;
	printf("%ld", now_ms() - before);
	done = true;
	pthread_join(thread, NULL);
	printf(" %ld\n", longest);
	return EXIT_SUCCESS;
}
