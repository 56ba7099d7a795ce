/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * machine.h - what differs between processors, but for the entry body and for what is written in assembly.
 * It must never need anything of the shim.
 */
#ifndef FLOPSHIM_MACHINE_H
#define FLOPSHIM_MACHINE_H

/*
 * Makes a system call, and answers as the C library's syscall does. That function has one of the shim's in its place,
 * which watches the program's system calls; those of the shim do not go through it.
 */
long machine_syscall(long number, ...);

/* For loops that wait for another thread. */
static inline void machine_pause(void)
{
#if defined(__x86_64__)
	__builtin_ia32_pause();
#else
#error "flopshim does not know how this processor waits, nor how it calls the kernel"
#endif
}

#endif
