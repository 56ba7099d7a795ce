/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * guest.h - how a polite guest locks, allocates and speaks inside somebody else's process.
 * It must never use the program's allocator, stdio, locale or locks.
 */
#ifndef FLOPSHIM_GUEST_H
#define FLOPSHIM_GUEST_H

#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Apart: calls that do without do not take the stack that it needs. A coroutine's may have 4 kB in all. */
#define RARE __attribute__((noinline))

/*
 * A lock for the slow paths. All signals are blocked while a thread holds any, so that a handler that calls BLAS
 * cannot wait for its own thread, and the thread is not cancelled: files are opened under it. Zero is unlocked. Only the
 * first lock that a thread takes blocks signals, which is a system call: who needs several takes them inside each other.
 */
struct guest_lock {
	_Atomic uint32_t state; /* 0 free, 1 held, 2 held and waited for */
};

/*
 * The program has given up system calls: see confine.h. Then locks block no signals, and a handler's call may find that its
 * own thread holds some of them.
 */
extern volatile bool guest_confined __attribute__((visibility("hidden")));

/*
 * Where on the stack the thread has taken the first of the locks that it holds, 0 if it holds none; and unlocks them all,
 * where a signal handler has left by longjmp what held them.
 */
uint64_t guest_holds(void);
void guest_let_go(void);

void guest_lock(struct guest_lock *lock);
void guest_unlock(struct guest_lock *lock);

/* Zeroed pages from the kernel, NULL if there are none. Freed by guest_free with the same size. */
void *guest_pages(size_t size);
/* Has what was mapped to be written in memory at once, if the kernel can (Linux 5.14); in cold caches a fault takes 10 us. */
void guest_populate(void *pages, size_t size);
void guest_free(void *pages, size_t size);

/* Copies memory that may not be there; false, and no fault, if it is not. */
bool guest_read(const void *address, void *to, size_t size);
/* The same of several pieces: how many of the first ones could be copied whole. */
struct iovec;
unsigned guest_read_many(const struct iovec *here, const struct iovec *there, unsigned count);
/*
 * The same of all of them, by the kernel's copying alone. It copies for nobody in a confined process, and under some filters
 * of system calls: what that means is for the caller to say.
 */
enum guest_copied { COPY_DONE, COPY_NOT_THERE, COPY_REFUSED };
enum guest_copied guest_copy(const struct iovec *here, const struct iovec *there, unsigned count);
/* Whether the aligned word around an address can be read. */
bool guest_can_read(const void *address);

/* Objects of one size, used again and never given back. Not thread-safe. */
struct guest_pool {
	size_t size;
	void *free;
	char *fresh; /* never used, up to fresh_end */
	char *fresh_end;
};

/* Contents are undefined; NULL without memory. */
void *guest_pool_take(struct guest_pool *pool);
void guest_pool_give(struct guest_pool *pool, void *object);

/* One line on standard error, or in the dump: see speak.h. Not more than 1,000 bytes; keeps errno. */
void guest_say(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* What the dynamic linker says and does about a symbol that nobody defines. */
void guest_die_of_symbol(const char *program, const char *object, const char *name) __attribute__((noreturn));

/* The same only where config.verbose is set. */
void guest_say_verbose(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Takes a pending signal of this thread's away, which is blocked. */
void guest_take_signal_back(int number);

/* What a small file holds, as a text: at most size - 1 bytes; its length, 0 and an empty text if it cannot be read. */
size_t guest_file_text(const char *path, char *text, size_t size);

/* The kernel's clock, by name. */
#define GUEST_CLOCK_SOURCE "/sys/devices/system/clocksource/clocksource0/current_clocksource"

/* Nanoseconds of CLOCK_MONOTONIC; always 0 in a confined process where reading it is a system call. */
uint64_t guest_clock(void);
/* Finds out whether it is one. */
void guest_clock_prepare(void);

/*
 * What vsnprintf does, for the conversions c, s, d, u, x and %, lengths l, ll and z, the flags - and 0, a width and, of
 * strings, a precision. Takes 400 bytes of stack, and neither allocates nor knows a locale.
 */
size_t guest_format(char *buffer, size_t size, const char *format, va_list arguments)
	__attribute__((format(printf, 3, 0)));

/* How much of a text that was cut after `length` bytes is whole characters of UTF-8. */
size_t guest_whole(const char *text, size_t length);

/* Appends to a buffer of `size` bytes at *end, always terminated, cutting what does not fit between two characters. */
void guest_print(char *buffer, size_t size, size_t *end, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

#endif
