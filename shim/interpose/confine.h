/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * confine.h - what the shim does without in processes that give up system calls (seccomp).
 * It must never miss that the program does so by prctl or syscall.
 *
 * Once the program has asked for it, guest_confined is true for all of its threads and children, and the shim makes
 * no system call while it serves their calls: locks block no signals, files and memory do not grow, stacks are not
 * taken, messages go into the dump. The shim cannot tell that a process was confined before it was executed.
 */
#ifndef FLOPSHIM_CONFINE_H
#define FLOPSHIM_CONFINE_H

/*
 * Does what the C library's syscall does, and notices seccomp. The entry body's syscall jumps here where it must be
 * looked at.
 */
long confine_syscall(long number, long a, long b, long c, long d, long e, long f);

#endif
