/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * guest.c - locks, pages, messages and the clock.
 * It must never use the program's allocator, stdio, locale or locks.
 */
#include "guest.h"

#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "config.h"

/* The raw call: the C library's sigprocmask hides its own signals from the mask, thread cancellation's too. */
static void signals_mask(int how, const sigset_t *set, sigset_t *old)
{
	syscall(SYS_rt_sigprocmask, how, set, old, 8);
}

void guest_lock(struct guest_lock *lock)
{
	sigset_t all, old;
	uint32_t state = 0;
	int cancelling;

	memset(&all, 0xff, sizeof(all));
	signals_mask(SIG_BLOCK, &all, &old);
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancelling);
	if (!atomic_compare_exchange_strong_explicit(&lock->state, &state, 1, memory_order_acquire,
						     memory_order_relaxed)) {
		while (atomic_exchange_explicit(&lock->state, 2, memory_order_acquire))
			syscall(SYS_futex, &lock->state, FUTEX_WAIT_PRIVATE, 2, NULL, NULL, 0);
	}
	lock->signals = old;
	lock->cancelling = cancelling;
}

void guest_unlock(struct guest_lock *lock)
{
	sigset_t old = lock->signals;
	int cancelling = lock->cancelling;

	if (atomic_exchange_explicit(&lock->state, 0, memory_order_release) == 2)
		syscall(SYS_futex, &lock->state, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
	signals_mask(SIG_SETMASK, &old, NULL);
	pthread_setcancelstate(cancelling, NULL);
}

void *guest_pages(size_t size)
{
	int saved = errno;
	void *pages = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	errno = saved;
	return pages == MAP_FAILED ? NULL : pages;
}

void guest_populate(void *pages, size_t size)
{
	int saved = errno;

	madvise(pages, size, MADV_POPULATE_WRITE);
	errno = saved;
}

void guest_free(void *pages, size_t size)
{
	int saved = errno;

	munmap(pages, size);
	errno = saved;
}

enum { POOL_PAGES = 65536 };

void *guest_pool_take(struct guest_pool *pool)
{
	size_t size = (pool->size + 15) & ~(size_t)15;
	void *object = pool->free;

	if (object) {
		pool->free = *(void **)object;
		return object;
	}
	if (!pool->fresh || (size_t)(pool->fresh_end - pool->fresh) < size) {
		pool->fresh = guest_pages(POOL_PAGES);
		if (!pool->fresh)
			return NULL;
		pool->fresh_end = pool->fresh + POOL_PAGES;
	}
	object = pool->fresh;
	pool->fresh += size;
	return object;
}

void guest_pool_give(struct guest_pool *pool, void *object)
{
	*(void **)object = pool->free;
	pool->free = object;
}

static void say(const char *format, va_list arguments)
{
	char line[1024] = "flopshim: ";
	size_t start = strlen(line);
	int saved = errno;
	int length = vsnprintf(line + start, sizeof(line) - start - 1, format, arguments);
	size_t end;
	int cancelling;

	if (length < 0)
		length = 0;
	end = start + (size_t)length;
	if (end > sizeof(line) - 2)
		end = sizeof(line) - 2;
	line[end] = '\n';
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancelling);
	if (write(STDERR_FILENO, line, end + 1) < 0) {
		/* nowhere left to say it */
	}
	pthread_setcancelstate(cancelling, NULL);
	errno = saved;
}

void guest_say(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	say(format, arguments);
	va_end(arguments);
}

void guest_say_verbose(const char *format, ...)
{
	va_list arguments;

	if (!config.verbose)
		return;
	va_start(arguments, format);
	say(format, arguments);
	va_end(arguments);
}

void guest_die_of_symbol(const char *program, const char *object, const char *name)
{
	char line[8192];
	size_t end = 0;

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
	guest_print(line, sizeof(line), &end, "%s: symbol lookup error: %s: undefined symbol: %s\n", program, object, name);
	if (write(STDERR_FILENO, line, end) < 0) {
		/* nowhere left to say it */
	}
	_exit(127);
}

uint64_t guest_clock(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

void guest_print(char *buffer, size_t size, size_t *end, const char *format, ...)
{
	va_list arguments;
	int length;

	if (*end + 1 >= size)
		return;
	va_start(arguments, format);
	length = vsnprintf(buffer + *end, size - *end, format, arguments);
	va_end(arguments);
	if (length > 0)
		*end = *end + (size_t)length < size ? *end + (size_t)length : size - 1;
}
