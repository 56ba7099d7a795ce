/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * machine.h - what differs between processors, but for the entry body and for what is written in assembly.
 * It must never need anything of the shim.
 */
#ifndef FLOPSHIM_MACHINE_H
#define FLOPSHIM_MACHINE_H

/*
 * A system call, as the C library's syscall makes it. That one has a function of the shim's in its place, by which the
 * program's own are watched; what the shim asks of the kernel does not take that way.
 */
long machine_syscall(long number, ...);

/* While another thread is waited for. */
static inline void machine_pause(void)
{
#if defined(__x86_64__)
	__builtin_ia32_pause();
#else
#error "flopshim does not know how this processor waits, nor how it calls the kernel"
#endif
}

#endif
