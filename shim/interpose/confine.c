/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * confine.c - learns that the program gives up system calls, from prctl and syscall.
 * It must never change what these do, nor make a system call after they have.
 */
#include "shim/interpose/confine.h"

#include <linux/seccomp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "shim/dump/dump.h"
#include "shim/guest/guest.h"
#include "shim/resolve/libc.h"
#include "shim/stacks/sample.h"

/*
 * Prepares for a process without system calls; it must be called before the program gives them up. Returns whether it
 * had given them up already.
 */
static bool begin(void)
{
	bool was_confined = guest_confined;

	if (!was_confined) {
		guest_clock_prepare();
		dump_stand_apart();
	}
	guest_confined = true;
	return was_confined;
}

/*
 * In strict mode a program may not read the processor's counter either: Linux makes that a SIGSEGV (disable_TSC), also where
 * the C library's clock does so.
 */
static void without_counter(void)
{
	guest_clock_stop();
	sample_without_time();
}

__attribute__((visibility("hidden"))) long confine_syscall(long number, long a, long b, long c, long d, long e, long f)
{
	bool is_seccomp = number == SYS_seccomp && (a == SECCOMP_SET_MODE_STRICT || a == SECCOMP_SET_MODE_FILTER);
	bool was_confined;
	long result;

	libc_find();
	if (!is_seccomp && !(number == SYS_prctl && a == PR_SET_SECCOMP))
		return libc_syscall(number, a, b, c, d, e, f);
	was_confined = begin();
	result = libc_syscall(number, a, b, c, d, e, f);
	/*
	 * A positive result is the new listener's descriptor, or else the thread that could not take the filter over.
	 */
	if (result < 0 || (result > 0 && !(b & SECCOMP_FILTER_FLAG_NEW_LISTENER)))
		guest_confined = was_confined;
	else if (number == SYS_seccomp ? a == SECCOMP_SET_MODE_STRICT : b == SECCOMP_MODE_STRICT)
		without_counter();
	return result;
}

__attribute__((visibility("default"))) int prctl(int option, ...)
{
	unsigned long a, b, c, d;
	bool was_confined;
	va_list list;
	int result;

	va_start(list, option);
	a = va_arg(list, unsigned long);
	b = va_arg(list, unsigned long);
	c = va_arg(list, unsigned long);
	d = va_arg(list, unsigned long);
	va_end(list);
	libc_find();
	if (option != PR_SET_SECCOMP)
		return libc_prctl(option, a, b, c, d);
	was_confined = begin();
	result = libc_prctl(option, a, b, c, d);
	if (result)
		guest_confined = was_confined;
	else if (a == SECCOMP_MODE_STRICT)
		without_counter();
	return result;
}
