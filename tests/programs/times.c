/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * times.c - calls routines of known_times.c in several patterns, and prints how many nanoseconds all calls took.
 */
#include "blas.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

void F77(dcopy)(const integer *n, const double *x, const integer *incx, double *y, const integer *incy);
uint64_t known_times_total(void);
void known_times_reset(void);

static double x[1], y[1];
static const double alpha = 1;
static const integer one = 1;

static void dot(integer n) { F77(ddot)(&n, x, &one, y, &one); }
static void add(integer n) { F77(daxpy)(&n, &alpha, x, &one, y, &one); }
static void copy(integer n) { F77(dcopy)(&n, x, &one, y, &one); }
static void product(integer n) { F77(dgemm)("N", "N", &n, &n, &n, &alpha, x, &n, x, &n, &alpha, y, &n, 1, 1); }

static void pause_ms(long ms)
{
	struct timespec time = {ms / 1000, ms % 1000 * 1000000};

	nanosleep(&time, NULL);
}

static void one_shape(void)
{
	for (int i = 0; i < 100000; i++)
		dot(2000);
}

/* Calls with growing sizes. */
static void rising(void)
{
	for (integer n = 1; n < 40000; n++)
		dot(n);
}

/* Calls two routines by turns, with sizes in no order. */
static void scattered(void)
{
	uint32_t number = 1;

	for (int i = 0; i < 40000; i++) {
		number = number * 1664525u + 1013904223u;
		if (i % 2)
			add((integer)(number >> 17));
		else
			dot((integer)(number >> 17));
	}
}

/* Pauses between calls, once for more nanoseconds than fit in 32 bits. */
static void pauses(void)
{
	dot(60);
	pause_ms(4500);
	for (int i = 0; i < 30000; i++) {
		product(20);
		if (i % 3000 == 0)
			pause_ms(20);
	}
}

static void *worker(void *argument)
{
	integer n = (integer)(intptr_t)argument;

	for (int i = 0; i < 10000; i++)
		dot(n + i % 50 * 100);
	return NULL;
}

static void threads(void)
{
	pthread_t list[8];

	for (int i = 0; i < 8; i++)
		pthread_create(&list[i], NULL, worker, (void *)(intptr_t)(1000 + 3000 * i));
	for (int i = 0; i < 8; i++)
		pthread_join(list[i], NULL);
}

/* The child prints how long its own calls took; the parent prints nothing. */
static void after_fork(void)
{
	one_shape();
	if (!fork()) {
		known_times_reset();
		for (int i = 0; i < 40000; i++)
			dot(20000 + i % 500);
		return;
	}
	wait(NULL);
	exit(0);
}

/* Calls that do few FLOPs or none, and take long. */
static void long_calls(void)
{
	for (int i = 0; i < 400; i++) {
		copy(2000000);
		dot(10000);
	}
}

static const struct {
	const char *name;
	void (*run)(void);
} patterns[] = {
	{"one_shape", one_shape}, {"rising", rising},         {"scattered", scattered},   {"pauses", pauses},
	{"threads", threads},     {"after_fork", after_fork}, {"long_calls", long_calls},
};

int main(int count, char **arguments)
{
	for (size_t i = 0; count > 1 && i < sizeof(patterns) / sizeof(patterns[0]); i++)
		if (!strcmp(arguments[1], patterns[i].name)) {
			patterns[i].run();
			printf("%llu\n", (unsigned long long)known_times_total());
			return 0;
		}
	return 2;
}
