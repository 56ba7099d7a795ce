/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * machine.c - system calls, by the processor's own instruction.
 * It must never call a function that a program or a sanitizer may have replaced, nor use the stack: locks are taken
 * where coroutines have little of it left.
 */
#include "shim/guest/machine.h"

#include <errno.h>

__attribute__((visibility("hidden"), used)) long machine_failed(long error);

long machine_failed(long error)
{
	errno = (int)-error;
	return -1;
}

#if defined(__x86_64__)
/*
 * The kernel takes the fourth argument in another register than functions do. An answer from -4095 to -1 is an error.
 */
__attribute__((naked)) long machine_syscall(__attribute__((unused)) long number, ...)
{
	__asm__("movq %rdi, %rax\n\t"
	        "movq %rsi, %rdi\n\t"
	        "movq %rdx, %rsi\n\t"
	        "movq %rcx, %rdx\n\t"
	        "movq %r8, %r10\n\t"
	        "movq %r9, %r8\n\t"
	        "movq 8(%rsp), %r9\n\t"
	        "syscall\n\t"
	        "movq %rax, %rdi\n\t"
	        "cmpq $-4095, %rax\n\t"
	        "jae machine_failed\n\t"
	        "ret");
}
#endif
