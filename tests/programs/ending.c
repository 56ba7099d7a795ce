/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ending.c HOW - prints a line that stays in the buffer of stdio, and makes a call that a budget of 1,000 FLOPs refuses
 * in a situation where it is difficult to end the process.
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include "blas.h"

static double x[1000];

static void call(void)
{
	int n = 3, one = 1;

	ddot_(&n, x, &one, x, &one);
}

static void call_too_expensive(void)
{
	int n = 1000, one = 1;

	ddot_(&n, x, &one, x, &one);
}

static void on_alarm(int number)
{
	(void)number;
	call_too_expensive();
}

static void alarm_soon(void)
{
	struct itimerval time = {.it_interval = {0, 20000}, .it_value = {0, 20000}};

	signal(SIGALRM, on_alarm);
	setitimer(ITIMER_REAL, &time, NULL);
}

static void *wait_for_ever(void *unused)
{
	for (;;)
		pause();
	return unused;
}

static void wait_in_other_thread(void)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, wait_for_ever, NULL))
		exit(3);
}

/* Makes the call in a signal handler that most likely interrupts malloc or free, while the lock of the heap is held. */
static void in_malloc(void)
{
	static void *blocks[5000];
	unsigned random = 1;

	wait_in_other_thread(); /* without a second thread the C library would take no lock */
	alarm_soon();
	for (;;) {
		unsigned at;

		random = random * 1664525 + 1013904223;
		at = (random >> 8) % 5000;
		free(blocks[at]);
		blocks[at] = malloc(1100 + (random >> 16) % 60000);
	}
}

#ifdef OWN_MALLOC
/*
 * An allocator of the program, whose lock is not recursive: a handler that allocates while the lock is held never
 * returns.
 */
static _Atomic int allocator_lock;
static int signal_inside;

void *malloc(size_t size)
{
	static char memory[1 << 22] __attribute__((aligned(64)));
	static size_t used;
	char *block;

	while (allocator_lock++)
		;
	if (signal_inside)
		raise(SIGALRM);
	block = memory + used + 64;
	used += 64 + (size + 63) / 64 * 64;
	if (used > sizeof(memory))
		_exit(4);
	memcpy(block - 64, &size, sizeof(size));
	allocator_lock = 0;
	return block;
}

void free(void *block) { (void)block; }

void *calloc(size_t count, size_t size) { return malloc(count * size); }

void *realloc(void *old, size_t size)
{
	void *block = malloc(size);
	size_t before = 0;

	if (old)
		memcpy(&before, (char *)old - 64, sizeof(before));
	return memcpy(block, old ? old : "", before < size ? before : size);
}

static void in_own_malloc(void)
{
	signal(SIGALRM, on_alarm);
	signal_inside = 1;
	free(malloc(1));
}
#else
static void in_own_malloc(void) { exit(3); }
#endif

static FILE *held;
static pthread_barrier_t barrier;

static void *hold_stream(void *unused)
{
	flockfile(held);
	pthread_barrier_wait(&barrier);
	return wait_for_ever(unused);
}

/* Makes the call while another thread holds the lock of a stream for ever, like a thread that waits for input. */
static void with_held_stream(void)
{
	pthread_t thread;

	held = fopen("/dev/null", "w");
	pthread_barrier_init(&barrier, NULL, 2);
	if (!held || pthread_create(&thread, NULL, hold_stream, NULL))
		exit(3);
	pthread_barrier_wait(&barrier);
}

/* Opens a stream to a full pipe that nobody reads. */
static void with_held_pipe(void)
{
	static char bytes[1 << 17];
	int ends[2];

	if (pipe(ends) || !(held = fdopen(ends[1], "w")))
		exit(3);
	setvbuf(held, bytes, _IOFBF, sizeof(bytes));
	for (size_t i = 1; i < sizeof(bytes); i++)
		putc('x', held);
}

static void forbid(const int *calls, unsigned count)
{
	struct sock_filter filter[16] = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr))};
	struct sock_fprog program = {.filter = filter};
	unsigned length = 1;

	for (unsigned i = 0; i < count; i++)
		filter[length++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)calls[i],
		                                                (unsigned char)(count - i), 0);
	filter[length++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	filter[length++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EAGAIN);
	program.len = (unsigned short)length;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
		exit(77);
}

static void forbid_threads(void)
{
	static const int calls[] = {SYS_clone, SYS_clone3};

	forbid(calls, 2);
}

static void forbid_threads_and_timers(void)
{
	static const int calls[] = {SYS_clone, SYS_clone3, SYS_timer_create};

	forbid(calls, 3);
}

static void limit_processes(void)
{
	struct rlimit none = {0, 0};

	if (setgid(65534) || setuid(65534))
		_exit(77); /* exit waits for the lock of a stream that another thread holds, since glibc 2.38 */
	setrlimit(RLIMIT_NPROC, &none);
}

/* Forbids something and executes the program again: then the shim cannot know of the filter, which was there before. */
static void go_on_after(void (*forbid_something)(void), char **words, const char *how)
{
	forbid_something();
	words[1] = (char *)how;
	execv("/proc/self/exe", words);
	exit(3);
}

/* A stream that makes a BLAS call to write: such a call is refused too. */
static ssize_t write_by_call(void *unused, const char *bytes, size_t size)
{
	(void)unused;
	(void)bytes;
	call_too_expensive();
	return (ssize_t)size;
}

static void with_calling_stream(void)
{
	cookie_io_functions_t functions = {.write = write_by_call};
	FILE *stream = fopencookie(NULL, "w", functions);

	fputs("something to write", stream);
}

int main(int count, char **words)
{
	const char *how = count > 1 ? words[1] : "";

	if (!strcmp(how, "no_threads"))
		go_on_after(forbid_threads, words, "plain");
	if (!strcmp(how, "no_threads_held_stream"))
		go_on_after(forbid_threads, words, "held_stream_alone");
	if (!strcmp(how, "no_timers_held_stream"))
		go_on_after(forbid_threads_and_timers, words, "held_stream_alone");
	printf("result so far 42\n");
	if (!strcmp(how, "malloc"))
		in_malloc();
	else if (!strcmp(how, "own_malloc"))
		in_own_malloc();
	else if (!strcmp(how, "held_stream"))
		with_held_stream();
	else if (!strcmp(how, "calling_stream"))
		with_calling_stream();
	else if (!strcmp(how, "process_limit"))
		limit_processes();
	else if (!strcmp(how, "held_stream_alone"))
		with_held_pipe();
	else if (!strcmp(how, "process_limit_held_stream"))
		with_held_stream(), limit_processes();
	else if (!strcmp(how, "confined"))
		call(), forbid_threads();
	call_too_expensive();
	return 0;
}
