/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * machine.c - system calls, by the processor's own instruction.
 * It must never call a function that a program or a sanitizer may have replaced. System calls must not use the stack:
 * locks are taken where coroutines have little of it left.
 */
#include "shim/guest/machine.h"

#include <errno.h>
#include <sys/syscall.h>

__attribute__((visibility("hidden"), used)) long machine_failed(long error);

long machine_failed(long error)
{
	errno = (int)-error;
	return -1;
}

void machine_exit(int status)
{
	for (;;)
		machine_syscall(SYS_exit_group, status);
}

#if defined(__x86_64__)
/* The kernel takes the fourth argument in another register than functions do. */
#define KERNEL_CALLED           \
	"movq %rdi, %rax\n\t"   \
	"movq %rsi, %rdi\n\t"   \
	"movq %rdx, %rsi\n\t"   \
	"movq %rcx, %rdx\n\t"   \
	"movq %r8, %r10\n\t"    \
	"movq %r9, %r8\n\t"     \
	"movq 8(%rsp), %r9\n\t" \
	"syscall\n\t"

__attribute__((naked)) long machine_kernel(__attribute__((unused)) long number, ...) { __asm__(KERNEL_CALLED "ret"); }

/* An answer from -4095 to -1 is an error. */
__attribute__((naked)) long machine_syscall(__attribute__((unused)) long number, ...)
{
	__asm__(KERNEL_CALLED "movq %rax, %rdi\n\t"
	                      "cmpq $-4095, %rax\n\t"
	                      "jae machine_failed\n\t"
	                      "ret");
}

/*
 * The new thread begins behind the system call, with the registers of the old one but for its stack. The calling
 * function keeps `run` and `argument` in registers for it.
 */
long machine_thread(unsigned long flags, void *stack_end, void (*run)(void *), void *argument, int *number,
                    void *storage)
{
	register int *ended __asm__("r10") = number;
	register void *pointer __asm__("r8") = storage;
	long result;

	__asm__ volatile("syscall\n\t"
	                 "testq %%rax, %%rax\n\t"
	                 "jnz 1f\n\t"
	                 "movq %[argument], %%rdi\n\t"
	                 "xorl %%ebp, %%ebp\n\t"
	                 "callq *%[run]\n"
	                 "1:"
	                 : "=a"(result)
	                 : "a"(SYS_clone), "D"(flags), "S"(stack_end), "d"(number), "r"(ended),
	                   "r"(pointer), [run] "b"(run), [argument] "r"(argument)
	                 : "rcx", "r11", "memory");
	return result;
}
#endif
