/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * processes.c MODE [MICROSECONDS] - calls in threads and in children, and the ways in which a process can end. Every
 * call is ddot with n = 4, except in storm, busy and cancelled.
 *
 *   plain     5 calls
 *   threads   4 threads of 10,000 calls: one returns, one exits, one is cancelled, one outlives the others;
 *             then 10 more calls
 *   fork      10 calls, then 20 in a child that ends by _exit, 30 in one that ends by exit
 *   exec      10 calls, then exec of `plain`
 *   kill      10 calls, then SIGKILL
 *   segv      10 calls, then a write to address 0
 *   abort     10 calls, then abort
 *   _exit     10 calls, then _exit with status 3
 *   closed    all descriptors closed between the calls, 10 before and 10 after
 *   storm     two threads call with new lengths all the time while 100 children are forked, each of which calls 20 times with
 *             lengths of its own; prints the number of all calls
 *   churn     2,000 threads one after the other, 5 calls each
 *   busy      the main thread ends the process by exit with status 5, MICROSECONDS after it has made three threads that call
 *             with new lengths all the time, and another routine now and then
 *   last      the main thread ends by pthread_exit; another thread calls 10 times and is the last to end
 *   cancelled 20 threads, one after the other, each of which is cancelled before its first call: its 10 calls with lengths of
 *             its own must return, and it ends at its next cancellation point
 *   at_exit   5 calls in an atexit handler and 5 in a destructor
 *   small     two threads with a stack of 32 KiB, one after the other, call 5 times each
 */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "blas.h"

enum { THREADS = 4, CALLS_OF_A_THREAD = 10000, CHILDREN = 100, LENGTH_MAX = 1000, SMALL_STACK = 32768 };

static void ddots(long count)
{
	static const double x[] = {1, 2, 3, 4};
	int n = 4, stride = 1;

	while (count-- > 0)
		if (F77(ddot)(&n, x, &stride, x, &stride) != 30)
			abort();
}

static void *work(void *argument)
{
	long number = (long)argument;

	ddots(CALLS_OF_A_THREAD);
	if (number == 1)
		pthread_exit(NULL);
	while (number == 2)
		pause(); /* waits to be cancelled */
	return NULL;
}

static void run_threads(void)
{
	pthread_t threads[THREADS];

	for (long i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, work, (void *)i);
	for (int i = 0; i < THREADS; i++) {
		if (i == 2) {
			sleep(1); /* gives the thread time for its calls before it is cancelled */
			pthread_cancel(threads[i]);
		}
		pthread_join(threads[i], NULL);
	}
}

static void run_children(void)
{
	int status;

	if (!fork()) {
		ddots(20);
		_exit(0);
	}
	wait(&status);
	if (!fork()) {
		ddots(30);
		exit(0);
	}
	wait(&status);
}

static double ones[LENGTH_MAX];
static atomic_int stop;

/* Calls with a new length each time, which takes a longer path through the shim. */
static void ddot_of_length(int n)
{
	int stride = 1;

	if (F77(ddot)(&n, ones, &stride, ones, &stride) != n)
		abort();
}

static void *call_with_new_lengths(void *calls)
{
	for (int i = 0; !stop; i++) {
		ddot_of_length(i % LENGTH_MAX);
		++*(long *)calls;
	}
	return NULL;
}

static void run_storm(void)
{
	pthread_t threads[2];
	long calls[2] = {0}, total = 0;
	int status;

	for (int i = 0; i < LENGTH_MAX; i++)
		ones[i] = 1;
	for (int i = 0; i < 2; i++)
		pthread_create(&threads[i], NULL, call_with_new_lengths, &calls[i]);
	for (int child = 0; child < CHILDREN; child++) {
		if (!fork()) {
			for (int i = 0; i < 20; i++)
				ddot_of_length((child * 20 + i) % LENGTH_MAX);
			_exit(0);
		}
		if (wait(&status) < 0 || status)
			abort();
		total += 20;
	}
	stop = 1;
	for (int i = 0; i < 2; i++) {
		pthread_join(threads[i], NULL);
		total += calls[i];
	}
	printf("%ld\n", total);
}

static void *call_five_times(void *unused)
{
	ddots(5);
	return unused;
}

static void run_churn(void)
{
	for (int i = 0; i < 2000; i++) {
		pthread_t thread;

		pthread_create(&thread, NULL, call_five_times, NULL);
		pthread_join(thread, NULL);
	}
}

static void *call_for_ever(void *unused)
{
	const int stride = 1;

	for (int i = 0; !unused; i++) {
		int n = i % LENGTH_MAX;

		ddot_of_length(n);
		if (i > 50)
			F77(dnrm2)(&n, ones, &stride);
		if (i > 100)
			F77(idamax)(&n, ones, &stride);
	}
	return unused;
}

static void run_busy(useconds_t delay)
{
	pthread_t thread;

	for (int i = 0; i < LENGTH_MAX; i++)
		ones[i] = 1;
	for (int i = 0; i < 3; i++)
		pthread_create(&thread, NULL, call_for_ever, NULL);
	usleep(delay);
	exit(5);
}

static void *call_last(void *unused)
{
	usleep(100000);
	ddots(10);
	return unused;
}

static void run_small(void)
{
	pthread_attr_t attributes;
	pthread_t thread;

	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, SMALL_STACK);
	if (pthread_create(&thread, &attributes, call_five_times, NULL))
		abort();
	pthread_join(thread, NULL);
	if (pthread_create(&thread, &attributes, call_five_times, NULL))
		abort();
	pthread_join(thread, NULL);
}

static _Atomic int calls_back;

/* A call of ddot must not be a cancellation point. */
static void *call_though_cancelled(void *argument)
{
	static const double x[40] = {1};
	int number = *(int *)argument, stride = 1;

	pthread_cancel(pthread_self());
	for (int n = number; n < number + 10; n++)
		calls_back += F77(ddot)(&n, x, &stride, x, &stride) == 1;
	pthread_testcancel();
	abort();
}

static void run_cancelled(void)
{
	for (int number = 1; number <= 20; number++) {
		pthread_t thread;
		void *result;

		if (pthread_create(&thread, NULL, call_though_cancelled, &number))
			abort();
		pthread_join(thread, &result);
		if (result != PTHREAD_CANCELED)
			abort();
	}
	printf("%d\n", calls_back);
}

static int calls_at_exit;

static void at_exit(void) { ddots(calls_at_exit); }

static void __attribute__((destructor)) finish(void) { ddots(calls_at_exit); }

int main(int argc, char **argv)
{
	const char *mode = argc > 1 ? argv[1] : "";
	volatile int *nowhere = NULL;

	if (!strcmp(mode, "plain")) {
		ddots(5);
		return 0;
	}
	if (!strcmp(mode, "storm")) {
		run_storm();
		return 0;
	}
	if (!strcmp(mode, "churn")) {
		run_churn();
		return 0;
	}
	if (!strcmp(mode, "small")) {
		run_small();
		return 0;
	}
	if (!strcmp(mode, "cancelled")) {
		run_cancelled();
		return 0;
	}
	if (!strcmp(mode, "busy"))
		run_busy(argc > 2 ? (useconds_t)atoi(argv[2]) : 0);
	if (!strcmp(mode, "at_exit")) {
		calls_at_exit = 5;
		atexit(at_exit);
		return 0;
	}
	if (!strcmp(mode, "last")) {
		pthread_t thread;

		pthread_create(&thread, NULL, call_last, NULL);
		pthread_exit(NULL);
	}
	if (!strcmp(mode, "threads"))
		run_threads();
	ddots(10);
	if (!strcmp(mode, "fork"))
		run_children();
	if (!strcmp(mode, "exec"))
		execl(argv[0], argv[0], "plain", (char *)NULL);
	if (!strcmp(mode, "kill"))
		raise(SIGKILL);
	if (!strcmp(mode, "segv"))
		*nowhere = 1;
	if (!strcmp(mode, "abort"))
		abort();
	if (!strcmp(mode, "_exit"))
		_exit(3);
	if (!strcmp(mode, "closed")) {
		for (int file = 0; file < 1024; file++)
			close(file);
		ddots(10);
	}
	return 0;
}
