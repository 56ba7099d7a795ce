/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * guest.h - how the shim locks, allocates, copies and speaks as a guest in somebody else's process.
 * It must never use the program's allocator, stdio, locale or locks.
 */
#ifndef FLOPSHIM_GUEST_H
#define FLOPSHIM_GUEST_H

#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Not inlined: calls that do without the function do not take the stack that it needs. A coroutine may have 4 kB in
 * all.
 */
#define RARE __attribute__((noinline))

/*
 * A lock for the slow paths. Zero is unlocked. While a thread holds any, all signals are blocked, so that a handler
 * that calls BLAS cannot wait for its own thread; and the thread is not cancelled, since files are opened under locks.
 * Only the first lock that a thread takes blocks signals, which is a system call: locks are best taken inside each
 * other.
 */
struct guest_lock {
	_Atomic uint32_t state; /* 0 free, 1 held, 2 held and waited for */
};

/*
 * Whether the program has given up system calls: see confine.h. Then locks block no signals, and a handler's call may
 * find that its own thread holds some of them.
 */
extern volatile bool guest_confined __attribute__((visibility("hidden")));

/*
 * guest_holds: where on the stack the thread has taken the first of the locks that it holds, 0 if it holds none.
 * guest_let_go unlocks them all, where a signal handler has left the code that held them by longjmp.
 */
uint64_t guest_holds(void);
void guest_let_go(void);

void guest_lock(struct guest_lock *lock);
void guest_unlock(struct guest_lock *lock);

/*
 * The same for a thread that has no thread-local storage, and all signals blocked. guest_lock_bare waits for at most 10
 * ms: false if it did not get the lock.
 */
bool guest_lock_bare(struct guest_lock *lock);
void guest_unlock_bare(struct guest_lock *lock);

/*
 * Zeroed pages from the kernel; NULL if there are none, or in a confined process. Freed by guest_free with the same
 * size.
 */
void *guest_pages(size_t size);
/*
 * Has mapped pages put into memory at once, for writing, if the kernel can (Linux 5.14). In cold caches a page fault
 * takes 10 us.
 */
void guest_populate(void *pages, size_t size);
void guest_free(void *pages, size_t size);

/* Copies memory that may not be there; false, without a fault, if it is not. */
bool guest_read(const void *address, void *to, size_t size);
/* The same for several pieces: returns how many of the first ones were copied whole. */
struct iovec;
unsigned guest_read_many(const struct iovec *here, const struct iovec *there, unsigned count);
/*
 * The same for all pieces, by the kernel's copying alone. COPY_REFUSED in a confined process, and under some filters
 * of system calls: the caller decides what that means.
 */
enum guest_copied { COPY_DONE, COPY_NOT_THERE, COPY_REFUSED };
enum guest_copied guest_copy(const struct iovec *here, const struct iovec *there, unsigned count);
/* Whether the aligned eight bytes around an address can be read. False in a confined process. */
bool guest_can_read(const void *address);

/* Objects of one size, whose memory is used again and never given back to the kernel. Not thread-safe. */
struct guest_pool {
	size_t size;
	void *free;
	char *fresh; /* not used so far, up to fresh_end */
	char *fresh_end;
};

/* The contents of what is taken are undefined; NULL without memory. */
void *guest_pool_take(struct guest_pool *pool);
void guest_pool_give(struct guest_pool *pool, void *object);

/* Says one line of at most 1,000 bytes on standard error, or in the dump: see speak.h. Keeps errno. */
void guest_say(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Says and does what the dynamic linker does about a symbol that nobody defines. */
void guest_die_of_symbol(const char *program, const char *object, const char *name) __attribute__((noreturn));

/* Does what guest_say does, if config.verbose is set. */
void guest_say_verbose(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Takes back a signal that is pending for this thread, and blocked. */
void guest_take_signal_back(int number);

/*
 * Reads a small file as a text of at most size - 1 bytes. Returns its length; 0, and an empty text, if it cannot be
 * read.
 */
size_t guest_file_text(const char *path, char *text, size_t size);

/* Nanoseconds of CLOCK_MONOTONIC; always 0 in a confined process where reading it is a system call. */
uint64_t guest_clock(void);
/* Finds out whether reading the clock is a system call. Before the process is confined. */
void guest_clock_prepare(void);
/* Has guest_clock return 0 from now on in a confined process, which may not read the clock. */
void guest_clock_stop(void);
/* Whether the kernel keeps time by the processor's counter. Opens a file. */
bool guest_clock_is_counter(void);

/*
 * Does what vsnprintf does, for the conversions c, s, d, u, x and %, lengths l, ll and z, the flags - and 0, a width
 * and, of strings, a precision. Takes 400 bytes of stack, and neither allocates nor knows a locale.
 */
size_t guest_format(char *buffer, size_t size, const char *format, va_list given) __attribute__((format(printf, 3, 0)));

/* How many bytes of a text that was cut after `length` bytes are whole characters of UTF-8. */
size_t guest_whole(const char *text, size_t length);

/*
 * Appends to a buffer of `size` bytes at *end. The buffer is always terminated; what does not fit is cut between two
 * characters.
 */
void guest_print(char *buffer, size_t size, size_t *end, const char *format, ...) __attribute__((format(printf, 4, 5)));

#endif
