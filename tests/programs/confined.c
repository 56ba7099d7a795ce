/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * confined.c HOW WHAT - calls BLAS once, gives up system calls by seccomp, and goes on calling. Prints lines "ROUTINE
 * CALLS", and the sum of the results, which would show calls that were denied.
 *
 * HOW: prctl-strict, syscall-strict, prctl-kill, syscall-kill, prctl-errno; or no: it gives up nothing.
 * WHAT:
 *   shapes    5,000 new lengths of ddot
 *   sites     other routines, from places that have not called before
 *   handler   the same as shapes, while the handler of a timer calls ddot too
 *   child     the same as shapes, in the child of a fork (not with HOW strict)
 *   thread    the same as shapes, in two threads that have called before (not with HOW strict)
 *   end       the same as shapes; then exit, which runs the destructors of libraries (not with HOW strict)
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "blas.h"

enum { LENGTHS = 5000, THREADS = 2 };

static double x[LENGTHS + 1], y[LENGTHS + 1];
static long ddots, daxpys, dscals;
static volatile sig_atomic_t handled;
static volatile int confined;
static atomic_int done;
static const char *how;

static void dot(int n)
{
	int stride = 1;

	if (F77(ddot)(&n, x, &stride, x, &stride) != n)
		_exit(3);
	__atomic_fetch_add(&ddots, 1, __ATOMIC_SEQ_CST);
}

static void shapes(void)
{
	for (int n = 1; n <= LENGTHS; n++)
		dot(n);
}

static void sites(void)
{
	double one = 1;
	int n = 8, stride = 1;

	for (n = 1; n <= 8; n++, daxpys++)
		F77(daxpy)(&n, &one, x, &stride, y, &stride);
	for (n = 1; n <= 8; n++, dscals++)
		F77(dscal)(&n, &one, y, &stride);
	if (y[0] != 8)
		_exit(3);
}

static void on_alarm(int number)
{
	(void)number;
	dot(4);
	handled++;
}

static void confine(int forks)
{
#define ALLOW_NUMBER(number) \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)
#define ALLOW(name) ALLOW_NUMBER(SYS_##name)
	int kills = strstr(how, "kill") != NULL;
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		ALLOW(write),
		ALLOW(exit),
		ALLOW(exit_group),
		ALLOW(rt_sigreturn),
		ALLOW(clone),
		ALLOW(wait4),
		ALLOW(set_robust_list),
		ALLOW(futex),
		ALLOW(prctl),
		ALLOW_NUMBER(forks ? SYS_rt_sigprocmask : SYS_write), /* fork blocks signals in glibc 2.41 */
		BPF_STMT(BPF_RET | BPF_K, kills ? SECCOMP_RET_KILL_PROCESS : SECCOMP_RET_ERRNO | EPERM),
	};
	struct sock_fprog program = {sizeof(filter) / sizeof(filter[0]), filter};
	int failed = 0;

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (!strcmp(how, "prctl-strict"))
		failed = prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT);
	else if (!strcmp(how, "syscall-strict"))
		failed = (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_STRICT, 0, NULL);
	else if (!strncmp(how, "prctl", 5))
		failed = prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
	else if (strcmp(how, "no"))
		failed = (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program);
	if (failed)
		_exit(4);
	confined = 1;
}

static void *call_before_and_after(void *barrier)
{
	dot(7);
	pthread_barrier_wait(barrier);
	while (!confined)
		;
	shapes();
	done++;
	for (;;)
		; /* the threads must not end, since the C library unmaps the stack of a thread by a system call then */
}

static void run(const char *what)
{
	pthread_barrier_t barrier;
	pthread_t threads[THREADS];

	if (!strcmp(what, "thread")) {
		pthread_barrier_init(&barrier, NULL, THREADS + 1);
		for (int i = 0; i < THREADS; i++)
			pthread_create(&threads[i], NULL, call_before_and_after, &barrier);
		pthread_barrier_wait(&barrier);
	}
	if (!strcmp(what, "handler")) {
		struct itimerval period = {{0, 200}, {0, 200}};
		struct sigaction action = {.sa_handler = on_alarm, .sa_flags = SA_RESTART};

		sigaction(SIGALRM, &action, NULL);
		setitimer(ITIMER_REAL, &period, NULL);
	}
	confine(!strcmp(what, "child"));
	if (!strcmp(what, "sites"))
		sites();
	else if (strcmp(what, "child"))
		do
			shapes();
		while (!strcmp(what, "handler") && handled < 500);
	else if (fork() == 0)
		shapes(), _exit(0);
	else
		wait(NULL);
	while (!strcmp(what, "thread") && done < THREADS)
		;
}

int main(int argc, char **argv)
{
	char line[128];

	if (argc != 3)
		return 2;
	how = argv[1];
	for (int i = 0; i <= LENGTHS; i++)
		x[i] = 1;
	dot(7);
	run(argv[2]);
	if (write(1, line,
	          (size_t)snprintf(line, sizeof(line), "ddot %ld\ndaxpy %ld\ndscal %ld\n", ddots, daxpys, dscals)) < 0)
		return 5;
	if (strstr(how, "strict"))
		syscall(SYS_exit, 0);
	if (!strcmp(argv[2], "end"))
		exit(0);
	_Exit(0);
}
