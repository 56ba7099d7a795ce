/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * stack_use.c - measures how much stack calls take: each call runs on a small stack of its own, which is filled before,
 * and the depth of the deepest byte that has changed is printed. It must be linked with -z now, since the first call of
 * a symbol that is bound lazily takes 3 kB.
 */
#include "blas.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

enum { SIZE = 1 << 17, MARK = 0x5a };

static double x[4096], a[64 * 64], b[64 * 64], c[64 * 64];
static integer n = 4, one = 1;
static volatile double result;
static unsigned char *stack;

static void dot(void) { result = F77(ddot)(&n, x, &one, x, &one); }
static void other_place(void) { result = F77(ddot)(&n, x, &one, x, &one) + 1; }
static void other_routine(void) { F77(dscal)(&n, x, x, &one); }
static void product(void)
{
	double alpha = 1, beta = 0;
	integer order = 64;

	F77(dgemm)("N", "N", &order, &order, &order, &alpha, a, &order, b, &order, &beta, c, &order, 1, 1);
}

static void stack_fill(void) { memset(stack, MARK, SIZE); }

static void stack_say(const char *name)
{
	size_t untouched = 0;

	while (stack[untouched] == MARK)
		untouched++;
	printf("%s %zu\n", name, SIZE - untouched);
	fflush(stdout);
}

/* ---- the three kinds of stacks ---- */

static ucontext_t home, routine;

static void coroutine_run(void (*work)(void))
{
	getcontext(&routine);
	routine.uc_stack.ss_sp = stack;
	routine.uc_stack.ss_size = SIZE;
	routine.uc_link = &home;
	makecontext(&routine, work, 0);
	swapcontext(&home, &routine);
}

static void *thread_body(void *work)
{
	((void (*)(void))work)();
	return NULL;
}

static void thread_run(void (*work)(void))
{
	pthread_attr_t attributes;
	pthread_t thread;

	pthread_attr_init(&attributes);
	pthread_attr_setstack(&attributes, stack, SIZE);
	if (pthread_create(&thread, &attributes, thread_body, (void *)work))
		exit(2);
	pthread_join(thread, NULL);
}

static void (*handled)(void);
static void handle(int number)
{
	(void)number;
	handled();
}

static void handler_run(void (*work)(void))
{
	stack_t own = {.ss_sp = stack, .ss_size = SIZE}, before;
	struct sigaction action = {.sa_handler = handle, .sa_flags = SA_ONSTACK};

	handled = work;
	sigaltstack(&own, &before);
	sigaction(SIGUSR1, &action, NULL);
	raise(SIGUSR1);
	sigaltstack(&before, NULL);
}

static void (*run)(void (*)(void));

static void measure(const char *name, void (*work)(void))
{
	stack_fill();
	run(work);
	stack_say(name);
}

static void measure_child(void)
{
	pid_t child;

	stack_fill();
	child = fork();
	if (!child) {
		run(dot);
		stack_say("child");
		_exit(0);
	}
	waitpid(child, NULL, 0);
}

int main(int count, char **arguments)
{
	run = count > 1 && !strcmp(arguments[1], "thread")    ? thread_run
	      : count > 1 && !strcmp(arguments[1], "handler") ? handler_run
	                                                      : coroutine_run;
	stack = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	measure("first", dot);
	measure("again", dot);
	n = 100;
	measure("shape", dot);
	measure("place", other_place);
	measure("routine", other_routine);
	measure("product", product);
	measure("product_again", product);
	measure_child();
	for (n = 1; n < 1000; n++)
		dot();
	measure("many_shapes", dot);
	return 0;
}
