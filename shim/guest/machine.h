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

/*
 * The same, but answers as the kernel does: minus the number of the error. It needs no thread-local storage, which errno
 * is in.
 */
long machine_kernel(long number, ...);

/*
 * Makes a thread by the kernel's clone with these flags, of which the C library knows nothing: a sanitizer has a
 * function of its own in place of the C library's clone, which takes locks. The thread calls run(argument), which must
 * not return, on the stack that ends at stack_end, a multiple of 16. `number` and `storage` are what the flags that end
 * in TID and SETTLS need. Answers as machine_kernel.
 */
long machine_thread(unsigned long flags, void *stack_end, void (*run)(void *), void *argument, int *number,
                    void *storage);

/*
 * Ends the process, as _exit does. That function has one of the shim's in its place, which is for the program.
 */
void machine_exit(int status) __attribute__((noreturn));

/* An address that is another in each thread: where its thread-local storage begins, which gcc tells only since version 11. */
static inline void *machine_thread_pointer(void)
{
	void *pointer;

#if defined(__x86_64__)
	__asm__("movq %%fs:0, %0" : "=r"(pointer)); /* the first word there is its own address */
#else
	pointer = __builtin_thread_pointer();
#endif
	return pointer;
}

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
