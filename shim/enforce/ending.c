/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ending.c - the end of a process that a budget stops.
 * It must never hang: the call may come from a signal handler that has interrupted malloc or printf, and other
 * threads may hold any lock. So the watchdog takes no lock and allocates nothing, not even by pthread_create.
 */
#include "shim/enforce/ending.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "shim/charge/charge.h"
#include "shim/dump/dump.h"
#include "shim/dump/lock.h"
#include "shim/guest/guest.h"
#include "shim/guest/machine.h"
#include "shim/resolve/gaps.h"
#include "shim/stacks/python.h"

enum {
	WATCH_SECONDS = 1,
	KILL_NS = 500000000, /* after those SIGKILL comes, where no thread can watch */
	WATCH_STACK = 16384,
};

static struct {
	_Atomic uint64_t by; /* process and thread that end the process; in a forked child these may be the parent's */
	_Atomic int status;
	bool watched;
} ending;

static void __attribute__((noreturn)) end_now(void) { machine_exit(ending.status); }

/* ---- the thread that watches ---- */

/*
 * The watching thread. It has the thread-local storage of the thread that made it, and so calls nothing but the kernel.
 */
static void __attribute__((noreturn)) watch(void *unused)
{
	struct timespec second = {WATCH_SECONDS, 0};

	(void)unused;
	machine_syscall(SYS_nanosleep, &second, NULL);
	end_now();
}

static bool watch_by_thread(void)
{
	static char stack[WATCH_STACK] __attribute__((aligned(16)));

	return machine_thread(CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM,
	                      stack + sizeof(stack), watch, NULL, NULL, NULL) > 0;
}

/* ---- where no thread can be made ---- */

static void time_is_up(int number, siginfo_t *info, void *context)
{
	(void)number;
	(void)context;
	if (info->si_code == SI_TIMER || info->si_code == SI_KERNEL) /* the timer has sent it, and nobody else */
		end_now();
}

/* Has a signal come to this thread. */
static void signal_expect(int number)
{
	struct sigaction action = {.sa_sigaction = time_is_up, .sa_flags = SA_SIGINFO};
	uint64_t set = (uint64_t)1 << (number - 1);

	memset(&action.sa_mask, 0xff, sizeof(action.sa_mask));
	sigaction(number, &action, NULL);
	machine_syscall(SYS_rt_sigprocmask, SIG_UNBLOCK, &set, NULL, sizeof(set));
}

/* Starts a timer of the kernel's, WATCH_SECONDS and `ns` from now: the C library's timer_create may allocate. */
static bool timer_start(int notify, int number, long ns)
{
	struct sigevent event = {.sigev_notify = notify, .sigev_signo = number};
	struct itimerspec time = {.it_value = {WATCH_SECONDS, ns}};
	int timer;

	event._sigev_un._tid = (pid_t)machine_syscall(SYS_gettid);
	return !machine_syscall(SYS_timer_create, CLOCK_MONOTONIC, &event, &timer) &&
	       !machine_syscall(SYS_timer_settime, timer, 0, &time, NULL);
}

static bool watch_by_signal(void)
{
	struct itimerval time = {.it_value = {WATCH_SECONDS, 0}};
	bool killed;

	signal_expect(SIGRTMAX);
	/* SIGRTMAX may be blocked when it comes, since all signals are while a lock of the shim's is held. */
	killed = timer_start(SIGEV_SIGNAL, SIGKILL, KILL_NS);
	if (timer_start(SIGEV_THREAD_ID, SIGRTMAX, 0) || killed)
		return true;
	signal_expect(SIGALRM); /* it needs no memory of the kernel's, which a limit may refuse */
	return !setitimer(ITIMER_REAL, &time, NULL);
}

/* ---- the end ---- */

void ending_begin(int status)
{
	uint64_t none, self, all = ~(uint64_t)0;

	if (guest_confined) { /* nothing watches: that would take system calls, which may be forbidden */
		ending.status = status;
		return;
	}
	self = (uint64_t)getpid() << 32 | (uint32_t)machine_syscall(SYS_gettid);
	machine_syscall(SYS_rt_sigprocmask, SIG_BLOCK, &all, NULL, sizeof(all));
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
	for (none = ending.by; none >> 32 != self >> 32;)
		if (atomic_compare_exchange_strong(&ending.by, &none, self)) {
			ending.status = status;
			ending.watched = watch_by_thread() || watch_by_signal();
			return;
		}
	if (none == self)
		end_now(); /* a call out of code that is being flushed, which would wait for itself */
	for (;;)
		pause();
}

/* Flushes a stream without waiting for it: a thread that reads from it may hold its lock for ever. */
static void flush_free_stream(FILE *stream)
{
	if (!stream || ftrylockfile(stream))
		return;
	fflush_unlocked(stream);
	funlockfile(stream);
}

/* After this no call is counted. */
static void close_dump(void)
{
	gaps_look(GAPS_END);
	guest_lock(&record_lock);
	charge_call_back_all();
	dump_close(DUMP_CLOSED, ending.status, false);
	guest_unlock(&record_lock);
}

void ending_finish(void)
{
	close_dump();
	if (ending.watched || guest_confined)
		flush_free_stream(
			stdout); /* a confined program that has written to it may still make this system call */
	if (ending.watched) {
		python_flush();
		fflush(NULL);
	}
	end_now();
}
