/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * coroutines.c MODE COUNT - COUNT coroutines whose calls of dgees are in flight at the same time, because SELECT
 * switches to another stack. Prints lines "ROUTINE CALLS" of what was called.
 *
 *   plain     no coroutine switches
 *   heap      stacks lie side by side, on the heap
 *   local     stacks are arrays of main's, on the thread's own stack
 *   copied    all run on one stack, and are copied away from it and back, as greenlet does
 *   overlaid  the same as copied, on the thread's own stack
 *   moved     begun on the main thread, and resumed on others
 *   ended     begun on threads that end, and resumed on others
 *   left      the same as heap; each coroutine leaves dgees by longjmp, calls ddot and ends
 *   forked    the same as plain; SELECT forks a child, and both processes return from dgees
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#include "blas.h"

enum { MOST = 64, STACK = 128 << 10, LARGEST = 8, ROUNDS = 3 };

struct coroutine {
	ucontext_t own, home;
	jmp_buf base;
	char *stack, *saved;
	long asked;
	int order, positive, ended;
};

static struct coroutine all[MOST], *now;
static const char *mode;
static long ddots, dgeess;

static int is(const char *name) { return !strcmp(mode, name); }

static void one_ddot(void)
{
	static const double x[] = {1, 2, 3, 4};
	int n = 4, stride = 1;

	if (F77(ddot)(&n, x, &stride, x, &stride) != 30)
		exit(3);
	ddots++;
}

static int positive(const double *re, const double *im)
{
	struct coroutine *self = now;

	(void)im;
	if (self->asked++ < ROUNDS) {
		if (self->asked == 2)
			one_ddot();
		if (is("forked") && self->asked == 1 && fork() == 0)
			one_ddot(); /* the child goes on like the parent, and both print what they called */
		else if (!is("plain") && !is("forked"))
			swapcontext(&self->own, &self->home);
		if (is("left") && self->asked == 2)
			longjmp(self->base, 1);
	}
	return *re > 0;
}

static void work(int number)
{
	struct coroutine *self = &all[number];
	int n = self->order, sdim, lwork = 64 * LARGEST, bwork[LARGEST], info = 0;
	double a[LARGEST * LARGEST], wr[LARGEST], wi[LARGEST], vs[LARGEST * LARGEST], space[64 * LARGEST];

	for (int i = 0; i < n * n; i++)
		a[i] = (i * 37 % 101) / 64.0 - 0.75;
	dgeess++;
	if (!setjmp(self->base))
		F77(dgees)("V", "S", positive, &n, a, &n, &sdim, wr, wi, vs, &n, space, &lwork, bwork, &info, 1, 1);
	one_ddot();
	if (info)
		exit(4);
	self->ended = 1;
}

static void *resume(void *coroutine)
{
	struct coroutine *self = coroutine;

	now = self;
	if (self->saved)
		memcpy(self->stack, self->saved, STACK);
	swapcontext(&self->home, &self->own);
	if (self->saved)
		memcpy(self->saved, self->stack, STACK);
	return NULL;
}

static void resume_elsewhere(struct coroutine *self)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, resume, self) || pthread_join(thread, NULL))
		exit(5);
}

static void start(int count, char *stacks, int is_one)
{
	for (int i = 0; i < count; i++) {
		struct coroutine *self = &all[i];

		self->order = LARGEST - i % 3;
		self->stack = is_one ? stacks : stacks + (size_t)i * STACK;
		getcontext(&self->own);
		self->own.uc_stack.ss_sp = self->stack;
		self->own.uc_stack.ss_size = STACK;
		self->own.uc_link = &self->home;
		makecontext(&self->own, (void (*)(void))work, 1, i);
		if (is_one)
			memcpy(self->saved = malloc(STACK), self->stack, STACK);
	}
}

/*
 * Resumes the coroutines in a different order each time, so that their calls do not end in the order in which they
 * began.
 */
static void run(int count)
{
	int running = count;

	for (int round = 0; running; round++)
		for (int i = 0; i < count; i++) {
			struct coroutine *self = &all[round % 2 ? count - 1 - i : (i + round) % count];

			if (self->ended)
				continue;
			one_ddot();
			if (is("ended") || (is("moved") && round))
				resume_elsewhere(self);
			else
				resume(self);
			running -= self->ended;
		}
}

int main(int argc, char **argv)
{
	int count = argc > 2 ? atoi(argv[2]) : 2, is_one;
	int is_local;

	mode = argc > 1 ? argv[1] : "";
	is_one = is("copied") || is("overlaid");
	is_local = is("local") || is("overlaid");
	if (count < 1 || count > MOST)
		return 2;
	if (is_local) {
		char stacks[is_one ? STACK : (size_t)count * STACK];

		start(count, stacks, is_one);
		run(count);
	} else {
		start(count, malloc(is_one ? STACK : (size_t)count * STACK), is_one);
		run(count);
	}
	printf("ddot %ld\ndgees %ld\n", ddots, dgeess);
	fflush(stdout);
	if (is("forked"))
		while (wait(NULL) > 0)
			;
	return 0;
}
