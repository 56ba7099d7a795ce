/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * leaderless.c COUNTS - its first thread ends by pthread_exit at once, and another one calls ddot_ until it is killed. The
 * number of calls that have returned is in the file COUNTS, as a 64-bit number.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "blas.h"

static void *work(void *argument)
{
	volatile uint64_t *count = argument;
	double vector[4] = {1, 2, 3, 4};
	int n = 4, one = 1;

	for (;;) {
		ddot_(&n, vector, &one, vector, &one);
		++*count;
		usleep(1000);
	}
	return NULL;
}

int main(int argument_count, char **arguments)
{
	int file = argument_count == 2 ? open(arguments[1], O_RDWR | O_CREAT, 0600) : -1;
	void *count;
	pthread_t thread;

	if (file < 0 || ftruncate(file, sizeof(uint64_t)))
		return 2;
	count = mmap(NULL, sizeof(uint64_t), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	if (count == MAP_FAILED || pthread_create(&thread, NULL, work, count))
		return 3;
	pthread_exit(NULL);
}
