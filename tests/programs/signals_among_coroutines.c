/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * signals_among_coroutines.c - more calls of dgees are in flight than the list of a lane has room for, on stacks that
 * move from one thread to another, while a signal handler calls ddot. Prints how many calls have returned, as a line
 * "dgees CALLS".
 *
 * Half of the coroutines begin on the main thread. A second thread begins the others, which fills its list; under
 * signals it then resumes the first of the main thread's coroutines, whose call returns.
 */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <ucontext.h>

#include "blas.h"

enum { COROUTINES = 48, HALF = 24, UNDER_SIGNALS = 8, STACK = 128 << 10, ROUNDS = 100 };

static ucontext_t home, all[COROUTINES];
static int running, has_switched[COROUTINES];
static long dgeess;
static pthread_t target;
static atomic_int is_open, is_over, handled;

static int go_home(const double *re, const double *im)
{
	(void)re, (void)im;
	if (!has_switched[running]) {
		has_switched[running] = 1;
		swapcontext(&all[running], &home);
	}
	return 1;
}

static void body(int number)
{
	double a[] = {3, 1, 0, 2, 2, 1, 0, 1, 1}, wr[3], wi[3], vs[9], work[99];
	int n = 3, sdim, lwork = 99, info, bwork[3];

	for (;;) {
		has_switched[number] = 0;
		F77(dgees)("V", "S", go_home, &n, a, &n, &sdim, wr, wi, vs, &n, work, &lwork, bwork, &info, 1, 1);
		dgeess++;
		swapcontext(&all[number], &home);
	}
}

/* Resumes a coroutine, which begins its next call or returns from the one in flight. */
static void step(int number)
{
	running = number;
	swapcontext(&home, &all[number]);
}

static void on_signal(int number)
{
	static const double x[] = {1, 2, 3, 4};
	int n = 4, stride = 1;

	(void)number;
	F77(ddot)(&n, x, &stride, x, &stride);
	handled = 1;
}

/* Sends a signal whenever the one before it was handled. */
static void *send_signals(void *unused)
{
	while (!is_over)
		if (is_open) {
			handled = 0;
			pthread_kill(target, SIGUSR1);
			while (!handled && is_open)
				;
		}
	return unused;
}

static void *second_thread(void *unused)
{
	target = pthread_self();
	for (int i = HALF; i < COROUTINES; i++)
		step(i);
	is_open = 1;
	for (int i = 0; i < UNDER_SIGNALS; i++)
		step(i);
	is_open = 0;
	for (int i = HALF; i < COROUTINES; i++)
		step(i);
	return unused;
}

static void one_round(void)
{
	pthread_t second;

	for (int i = 0; i < HALF; i++)
		step(i);
	pthread_create(&second, NULL, second_thread, NULL);
	pthread_join(second, NULL);
	for (int i = UNDER_SIGNALS; i < HALF; i++)
		step(i);
}

int main(void)
{
	struct sigaction action = {.sa_handler = on_signal};
	pthread_t sender;

	sigaction(SIGUSR1, &action, NULL);
	for (int i = 0; i < COROUTINES; i++) {
		getcontext(&all[i]);
		all[i].uc_stack.ss_sp = malloc(STACK);
		all[i].uc_stack.ss_size = STACK;
		makecontext(&all[i], (void (*)(void))body, 1, i);
	}
	pthread_create(&sender, NULL, send_signals, NULL);
	for (int i = 0; i < ROUNDS; i++)
		one_round();
	is_over = 1;
	pthread_join(sender, NULL);
	printf("dgees %ld\n", dgeess);
	return 0;
}
