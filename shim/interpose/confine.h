/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * confine.h - processes that give up system calls (seccomp): what the shim does without from then on.
 *
 * From the moment on that the program asks for it, by prctl or syscall, guest_confined is true for all of its threads and
 * children, and the shim makes no system call on their calls' behalf: locks block no signals, files and memory do not grow,
 * stacks are not taken, messages go into the dump. A process that was confined before it was executed is not known to be.
 */
#ifndef FLOPSHIM_CONFINE_H
#define FLOPSHIM_CONFINE_H

/* What the entry body's syscall ends in where it must be looked at; as the C library's. */
long confine_syscall(long number, long a, long b, long c, long d, long e, long f);

#endif
