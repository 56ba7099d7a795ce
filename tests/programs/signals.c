/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * signals.c MODE - a signal handler that calls BLAS interrupts, at any moment, a program that calls BLAS too. Prints
 * what was called, as lines "ROUTINE CALLS".
 *
 *   small      a timer interrupts a loop of daxpy with n = 4, which spends most of its time in the shim
 *   altstack   the same, with the handler on a stack of its own
 *   lapack     a timer interrupts dgesv of order 60
 *   threads    `small` in four threads at once
 *   shapes     the program and the handler call with new lengths all the time; these are negative and so cost nothing
 *   escape     the handler leaves by siglongjmp, so that some calls are left half way
 *   inner      the handler interrupts a call and leaves a call of its own by siglongjmp; then the interrupted call goes on
 *   steps      calls of daxpy and of dgesv of order 2, each interrupted by the handler after a different instruction
 *   pairs      calls of daxpy, each interrupted twice by the handler, on a stack of its own, for each two instructions that are
 *              close to each other
 *   first      the first calls of the process come from a handler on a stack of 8 KiB, which is SIGSTKSZ
 *
 * Handlers call ddot, which the program never calls, with n = 4 except in `shapes`. In `inner` both call daxpy.
 */
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "blas.h"

enum { PERIOD_NS = 50000, SIGNALS = 5000, THREADS = 4, ORDER = 60, NEW_LENGTHS = 30000, SMALL_STACK = 8192 };
enum { WARM_UP = 300, LEAST_STEPS = 100, LARGE_STEP = 23, CLOSE = 12, TRAP_FLAG = 0x100 };

static atomic_long ddots, daxpys, dgesvs;
static volatile sig_atomic_t escape, new_lengths;
static volatile long step, chosen_step, second_step;
static sigjmp_buf out;

static void on_signal(int number)
{
	static const double x[] = {1, 2, 3, 4};
	int n = new_lengths ? -1 - (int)ddots : 4, stride = 1;

	(void)number;
	if (F77(ddot)(&n, x, &stride, x, &stride) != (n < 0 ? 0 : 30))
		_exit(3);
	ddots++;
	if (escape)
		siglongjmp(out, 1);
}

static void handle(int flags)
{
	struct sigaction action = {.sa_handler = on_signal, .sa_flags = flags | SA_RESTART};

	sigaction(SIGALRM, &action, NULL);
}

/*
 * Starts a timer whose signals go to the calling thread only. Any thread may handle a signal for the process, a thread
 * of the library too, for which this program does not wait: it might call after the program has printed what was
 * called.
 */
static timer_t start_timer(void)
{
	struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGALRM};
	struct itimerspec period = {{0, PERIOD_NS}, {0, PERIOD_NS}};
	timer_t timer;

	event._sigev_un._tid = gettid(); /* glibc does not define sigev_notify_thread_id yet */
	if (timer_create(CLOCK_MONOTONIC, &event, &timer) || timer_settime(timer, 0, &period, NULL))
		_exit(6);
	return timer;
}

static void *small_calls(void *unused)
{
	static const double one = 1, x[] = {1, 2, 3, 4};
	double y[4] = {0};
	int n = 4, stride = 1;
	long calls = 0;
	timer_t timer = start_timer();

	while (ddots < SIGNALS) {
		F77(daxpy)(&n, &one, x, &stride, y, &stride);
		calls++;
	}
	timer_delete(timer);
	if (y[1] != 2.0 * calls)
		_exit(4);
	daxpys += calls;
	return unused;
}

static void one_daxpy(void)
{
	static const double one = 1, x[] = {1, 2, 3, 4};
	static double y[4];
	int n = 4, stride = 1;

	F77(daxpy)(&n, &one, x, &stride, y, &stride);
	daxpys++;
}

static void one_dgesv(void)
{
	double a[] = {2, 1, 1, 3}, b[] = {3, 4};
	int n = 2, one = 1, ipiv[2], info;

	F77(dgesv)(&n, &one, a, &n, ipiv, b, &n, &info);
	if (info)
		_exit(4);
	dgesvs++;
}

static inline void flip_trap_flag(void)
{
	__asm__ volatile("pushfq; xorq %0, (%%rsp); popfq" : : "i"(TRAP_FLAG) : "memory", "cc");
}

static void on_step(int number)
{
	if (step == chosen_step || step == second_step)
		on_signal(number);
	step++;
}

/*
 * Makes a call again and again, and single-steps through it. The handler calls BLAS after the first instruction, in the
 * next round `stride` instructions later, and so on; and once more `apart` instructions after that. warm_up must have
 * run before: first calls take locks, which block signals, and the kernel ends a process whose trap is blocked.
 */
static void step_through(void (*call)(void), long stride, long apart)
{
	chosen_step = 0;
	do {
		step = 0;
		second_step = chosen_step + apart;
		flip_trap_flag();
		call();
		flip_trap_flag();
		chosen_step += stride;
	} while (step > chosen_step);
	if (chosen_step < LEAST_STEPS)
		_exit(5); /* the call was not single-stepped */
}

static void warm_up(int flags)
{
	struct sigaction action = {.sa_handler = on_step, .sa_flags = flags};

	sigaction(SIGTRAP, &action, NULL);
	for (int i = 0; i < WARM_UP; i++) {
		on_signal(0);
		one_daxpy();
		one_dgesv();
	}
}

static void single_steps(void)
{
	warm_up(0);
	step_through(one_daxpy, 1, 0);
	step_through(one_dgesv, LARGE_STEP, 0);
}

static void pairs_of_steps(int flags)
{
	warm_up(flags);
	for (long apart = 1; apart <= CLOSE; apart++)
		step_through(one_daxpy, 1, apart);
}

static void calls_of_new_lengths(void)
{
	static const double one = 1, x[] = {1};
	double y[1] = {0};
	int stride = 1;
	timer_t timer;

	new_lengths = 1; /* before the first signal */
	timer = start_timer();
	for (int n = -1; ddots<SIGNALS; n = n> - NEW_LENGTHS ? n - 1 : -1) {
		F77(daxpy)(&n, &one, x, &stride, y, &stride);
		daxpys++;
	}
	timer_delete(timer);
}

static void lapack_calls(void)
{
	static double a[ORDER * ORDER], b[ORDER];
	int n = ORDER, one = 1, ipiv[ORDER], info;
	timer_t timer = start_timer();

	while (ddots < SIGNALS) {
		for (int i = 0; i < ORDER * ORDER; i++)
			a[i] = i % (ORDER + 1) ? (i * 37 % 101) / 128.0 : ORDER;
		for (int i = 0; i < ORDER; i++)
			b[i] = 1;
		F77(dgesv)(&n, &one, a, &n, ipiv, b, &n, &info);
		if (info)
			_exit(4);
		dgesvs++;
	}
	timer_delete(timer);
}

/* Counts only calls that have returned: for each signal one more may have begun. */
static void escaping_calls(void)
{
	static const double one = 1, x[] = {1, 2, 3, 4};
	static double y[4];
	static volatile long calls;
	int n = 4, stride = 1;
	timer_t timer = start_timer();

	sigsetjmp(out, 1);
	escape = 1;
	while (ddots < SIGNALS) {
		F77(daxpy)(&n, &one, x, &stride, y, &stride);
		calls++;
	}
	escape = 0;
	timer_delete(timer);
	daxpys = calls;
}

static double *outer_page, *inner_page;

/*
 * The first fault is in the outer call. The handler makes an inner call, which faults too and is left by siglongjmp;
 * then it makes the page of the outer call accessible.
 */
static void on_fault(int number)
{
	static const double one = 1, x[] = {1, 2, 3, 4};
	static volatile sig_atomic_t is_inner;
	int n = 4, stride = 1;

	(void)number;
	if (is_inner) {
		is_inner = 0;
		siglongjmp(out, 1);
	}
	is_inner = 1;
	if (!sigsetjmp(out, 1))
		F77(daxpy)(&n, &one, x, &stride, inner_page, &stride);
	mprotect(outer_page, (size_t)getpagesize(), PROT_READ | PROT_WRITE);
}

/* Overwrites the stack below the stack pointer, so that the next call finds nothing of an earlier one there. */
static __attribute__((noinline)) void dirty_stack(void)
{
	volatile char bytes[2048];

	for (unsigned i = 0; i < sizeof(bytes); i++)
		bytes[i] = -1;
}

static void calls_around_left_ones(void)
{
	static const double one = 1, x[] = {1, 2, 3, 4};
	struct sigaction action = {.sa_handler = on_fault, .sa_flags = SA_NODEFER};
	size_t size = (size_t)getpagesize();
	int n = 4, stride = 1;

	outer_page = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	inner_page = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (outer_page == MAP_FAILED || inner_page == MAP_FAILED)
		_exit(6);
	sigaction(SIGSEGV, &action, NULL);
	for (int i = 0; i < WARM_UP; i++) {
		if (i % 2)
			mprotect(outer_page, size, PROT_NONE);
		dirty_stack();
		F77(daxpy)(&n, &one, x, &stride, outer_page, &stride);
		daxpys += 1 + i % 2;
	}
	if (outer_page[3] != WARM_UP * x[3])
		_exit(3);
}

int main(int argc, char **argv)
{
	const char *mode = argc > 1 ? argv[1] : "";
	pthread_t threads[THREADS];

	if (!strcmp(mode, "small")) {
		handle(0);
		small_calls(NULL);
	} else if (!strcmp(mode, "altstack") || !strcmp(mode, "pairs")) {
		stack_t stack = {.ss_sp = malloc(1 << 16), .ss_size = 1 << 16};

		sigaltstack(&stack, NULL);
		handle(SA_ONSTACK);
		if (!strcmp(mode, "pairs"))
			pairs_of_steps(SA_ONSTACK);
		else
			small_calls(NULL);
	} else if (!strcmp(mode, "first")) {
		struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_ONSTACK};
		stack_t stack = {.ss_sp = malloc(SMALL_STACK), .ss_size = SMALL_STACK};

		sigaltstack(&stack, NULL);
		sigaction(SIGUSR1, &action, NULL);
		raise(SIGUSR1);
		raise(SIGUSR1);
	} else if (!strcmp(mode, "lapack")) {
		handle(0);
		lapack_calls();
	} else if (!strcmp(mode, "inner")) {
		calls_around_left_ones();
	} else if (!strcmp(mode, "steps")) {
		single_steps();
	} else if (!strcmp(mode, "shapes")) {
		handle(0);
		calls_of_new_lengths();
	} else if (!strcmp(mode, "threads")) {
		handle(0);
		for (int i = 0; i < THREADS; i++)
			pthread_create(&threads[i], NULL, small_calls, NULL);
		for (int i = 0; i < THREADS; i++)
			pthread_join(threads[i], NULL);
	} else if (!strcmp(mode, "escape")) {
		handle(0);
		escaping_calls();
	} else {
		return 2;
	}
	printf("ddot %ld\ndaxpy %ld\ndgesv %ld\n", ddots, daxpys, dgesvs);
	return 0;
}
