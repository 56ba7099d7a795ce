/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * guest.c - locks, pages, copying, messages and the clock.
 * It must never use the program's allocator, stdio, locale or locks.
 */
#include "names.h"
#include "shim/guest/guest.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "shim/guest/config.h"
#include "shim/guest/machine.h"
#include "shim/guest/page.h"
#include "shim/guest/speak.h"

enum { LOCKS_MAX = 8, WAIT_NS = 10000000 };

volatile bool guest_confined;

/*
 * The locks that a thread holds, and what it has to put back when it holds none any more. Written while its signals
 * are blocked.
 */
static __thread struct {
	uint32_t locks;                      /* how many it holds */
	bool masked;                         /* signals are blocked */
	uint64_t stack;                      /* frame pointer of the function that took the first of them */
	struct guest_lock *which[LOCKS_MAX]; /* the locks themselves, for guest_let_go */
	int cancelling;                      /* its cancel state before the first of them */
	uint64_t signals;                    /* the signals that it had blocked before */
} held __attribute__((tls_model("initial-exec")));

/* The raw call: the C library's sigprocmask leaves its own signals out, and thread cancellation uses one of these. */
static void signals_mask(int how, const uint64_t *set, uint64_t *old)
{
	machine_syscall(SYS_rt_sigprocmask, how, set, old, sizeof(*set));
}

static void hold_begin(struct guest_lock *lock)
{
	uint64_t all = UINT64_MAX, old = 0;
	bool masked = !guest_confined;

	if (held.locks) {
		held.which[held.locks++ % LOCKS_MAX] = lock;
		return;
	}
	if (masked)
		signals_mask(SIG_BLOCK, &all, &old);
	held.which[0] = lock;
	held.stack = (uint64_t)__builtin_frame_address(0);
	held.masked = masked;
	held.signals = old;
	held.locks = 1;
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &held.cancelling);
}

static void hold_end(void)
{
	uint64_t old = held.signals;
	int cancelling = held.cancelling;
	bool masked = held.masked;

	if (--held.locks)
		return;
	if (masked)
		signals_mask(SIG_SETMASK, &old, NULL);
	pthread_setcancelstate(cancelling, NULL);
}

/* Waits for a while only, since a holder that has given up system calls does not wake this thread. */
static void wait_for(struct guest_lock *lock)
{
	struct timespec time = {0, WAIT_NS};

	if (guest_confined)
		machine_pause();
	else
		machine_syscall(SYS_futex, &lock->state, FUTEX_WAIT_PRIVATE, 2, &time, NULL, 0);
}

uint64_t guest_holds(void) { return held.locks ? held.stack : 0; }

void guest_let_go(void)
{
	while (held.locks) {
		struct guest_lock *lock = held.which[--held.locks % LOCKS_MAX];

		atomic_store_explicit(&lock->state, 0, memory_order_release);
	}
}

void guest_lock(struct guest_lock *lock)
{
	uint32_t state = 0;

	hold_begin(lock);
	if (!atomic_compare_exchange_strong_explicit(&lock->state, &state, 1, memory_order_acquire,
	                                             memory_order_relaxed)) {
		while (atomic_exchange_explicit(&lock->state, 2, memory_order_acquire))
			wait_for(lock);
	}
}

void guest_unlock(struct guest_lock *lock)
{
	if (atomic_exchange_explicit(&lock->state, 0, memory_order_release) == 2 && !guest_confined)
		machine_syscall(SYS_futex, &lock->state, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
	hold_end();
}

bool guest_lock_bare(struct guest_lock *lock)
{
	struct timespec time = {0, WAIT_NS};

	if (!atomic_exchange_explicit(&lock->state, 2, memory_order_acquire))
		return true;
	machine_kernel(SYS_futex, &lock->state, FUTEX_WAIT_PRIVATE, 2, &time, NULL, 0);
	return !atomic_exchange_explicit(&lock->state, 2, memory_order_acquire);
}

void guest_unlock_bare(struct guest_lock *lock)
{
	atomic_store_explicit(&lock->state, 0, memory_order_release);
	machine_kernel(SYS_futex, &lock->state, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

void *guest_pages(size_t size)
{
	int saved = errno;
	void *pages = guest_confined ? MAP_FAILED
	                             : mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	errno = saved;
	return pages == MAP_FAILED ? NULL : pages;
}

void guest_populate(void *pages, size_t size)
{
	int saved = errno;

	if (!guest_confined)
		madvise(pages, size, MADV_POPULATE_WRITE);
	errno = saved;
}

void guest_free(void *pages, size_t size)
{
	int saved = errno;

	if (!guest_confined)
		munmap(pages, size);
	errno = saved;
}

/*
 * Asks for an operation of sigprocmask that does not exist: it fails either way, but reads its second argument first.
 */
bool guest_can_read(const void *address)
{
	const void *word = (const void *)((uintptr_t)address & ~(uintptr_t)7);
	int saved = errno;
	bool can = !guest_confined && (machine_syscall(SYS_rt_sigprocmask, -1, word, NULL, 8) == 0 || errno != EFAULT);

	errno = saved;
	return can;
}

/*
 * Reads where the kernel copies for nobody. Each page is tested just before it is read, which is the best that can be
 * done.
 */
static bool read_by_pages(const char *address, char *to, size_t size)
{
	while (size) {
		size_t part = page_rest((uintptr_t)address);

		if (part > size)
			part = size;
		if (!guest_can_read(address))
			return false;
		memcpy(to, address, part);
		address += part;
		to += part;
		size -= part;
	}
	return true;
}

enum guest_copied guest_copy(const struct iovec *here, const struct iovec *there, unsigned count)
{
	enum guest_copied result = COPY_DONE;
	int saved = errno;
	size_t size = 0;
	ssize_t copied;

	for (unsigned i = 0; i < count; i++)
		size += here[i].iov_len;
	if (!size)
		return COPY_DONE;
	if (guest_confined)
		return COPY_REFUSED;
	copied = process_vm_readv(getpid(), here, count, there, count, 0);
	if (copied != (ssize_t)size)
		result = copied >= 0 || errno == EFAULT ? COPY_NOT_THERE : COPY_REFUSED;
	errno = saved;
	return result;
}

unsigned guest_read_many(const struct iovec *here, const struct iovec *there, unsigned count)
{
	int saved = errno;
	ssize_t copied = guest_confined ? 0 : process_vm_readv(getpid(), here, count, there, count, 0);
	bool can_copy = copied >= 0 || errno == EFAULT; /* in a confined process nothing is copied */
	unsigned whole = 0;

	errno = saved;
	while (whole < count && can_copy && copied >= (ssize_t)here[whole].iov_len)
		copied -= (ssize_t)here[whole++].iov_len;
	while (whole < count && !can_copy &&
	       read_by_pages(there[whole].iov_base, here[whole].iov_base, here[whole].iov_len))
		whole++;
	return whole;
}

bool guest_read(const void *address, void *to, size_t size)
{
	struct iovec here = {to, size}, there = {(void *)(uintptr_t)address, size};

	return guest_read_many(&here, &there, 1) == 1;
}

enum { POOL_PAGES = 16384 };

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

/* ---- text ---- */

/*
 * A text that is being formatted. The C library's vsnprintf may allocate, and takes 2.5 kB of stack, which some
 * callers have not got.
 */
struct text {
	char *buffer;
	size_t size, length; /* the length that all of it would have */
};

static void text_put(struct text *text, char c)
{
	if (text->length + 1 < text->size)
		text->buffer[text->length] = c;
	text->length++;
}

struct conversion {
	bool left, zeros;
	size_t width, precision; /* precision: SIZE_MAX where none is given */
};

static void text_field(struct text *text, const struct conversion *how, const char *bytes, size_t length, bool negative)
{
	size_t sign = negative, fill = how->width > length + sign ? how->width - length - sign : 0;
	bool zeros = how->zeros && !how->left;

	if (negative && zeros)
		text_put(text, '-');
	for (size_t i = 0; !how->left && i < fill; i++)
		text_put(text, zeros ? '0' : ' ');
	if (negative && !zeros)
		text_put(text, '-');
	for (size_t i = 0; i < length; i++)
		text_put(text, bytes[i]);
	for (size_t i = 0; how->left && i < fill; i++)
		text_put(text, ' ');
}

static void text_number(struct text *text, const struct conversion *how, uint64_t value, unsigned base, bool negative)
{
	char digits[20];
	size_t first = sizeof(digits);

	do
		digits[--first] = "0123456789abcdef"[value % base];
	while (value /= base);
	text_field(text, how, digits + first, sizeof(digits) - first, negative);
}

static void text_string(struct text *text, struct conversion *how, const char *string)
{
	how->zeros = false;
	text_field(text, how, string, strnlen(string, how->precision), false);
}

static size_t width_read(const char **format, va_list *arguments)
{
	size_t width = 0;

	if (**format == '*') {
		int given = va_arg(*arguments, int);

		++*format;
		return given > 0 ? (size_t)given : 0;
	}
	while (**format >= '0' && **format <= '9')
		width = width * 10 + (size_t)(*(*format)++ - '0');
	return width;
}

/* Reads flags, width and precision: what stands between the per cent sign and the length of the argument. */
static struct conversion conversion_read(const char **format, va_list *arguments)
{
	struct conversion how = {.precision = SIZE_MAX};

	for (; **format == '-' || **format == '0'; ++*format)
		if (**format == '-')
			how.left = true;
		else
			how.zeros = true;
	how.width = width_read(format, arguments);
	if (**format == '.') {
		++*format;
		how.precision = width_read(format, arguments);
	}
	return how;
}

/* Reads an integer of any length: a shorter one than int was promoted to that. */
static uint64_t integer_read(bool is_long, bool is_signed, va_list *arguments)
{
	if (is_long)
		return va_arg(*arguments, unsigned long);
	return is_signed ? (uint64_t)(int64_t)va_arg(*arguments, int) : va_arg(*arguments, unsigned);
}

static void text_convert(struct text *text, const char **format, va_list *arguments)
{
	struct conversion how = conversion_read(format, arguments);
	bool is_long = **format == 'l' || **format == 'z';
	uint64_t value;
	char c;

	_Static_assert(sizeof(long) == sizeof(long long) && sizeof(long) == sizeof(size_t), "one length");
	while (**format == 'l' || **format == 'z')
		++*format;
	switch (c = **format) {
	case 'c':
		c = (char)va_arg(*arguments, int);
		text_field(text, &how, &c, 1, false);
		break;
	case 's': text_string(text, &how, va_arg(*arguments, const char *)); break;
	case 'd':
		value = integer_read(is_long, true, arguments);
		text_number(text, &how, (int64_t)value < 0 ? -value : value, 10, (int64_t)value < 0);
		break;
	case 'u':
	case 'x': text_number(text, &how, integer_read(is_long, false, arguments), c == 'x' ? 16 : 10, false); break;
	case 0:
		--*format; /* the caller goes on by one character */
		break;
	default: text_put(text, c);
	}
}

size_t guest_format(char *buffer, size_t size, const char *format, va_list given)
{
	struct text text = {.buffer = buffer, .size = size};
	va_list arguments;

	va_copy(arguments, given);
	for (; *format; format++) {
		if (*format != '%') {
			text_put(&text, *format);
			continue;
		}
		format++;
		text_convert(&text, &format, &arguments);
	}
	va_end(arguments);
	if (size)
		buffer[text.length < size ? text.length : size - 1] = 0;
	return text.length;
}

size_t guest_whole(const char *text, size_t length)
{
	size_t start = length;
	unsigned char lead;

	while (start && length - start < 3 && ((unsigned char)text[start - 1] & 0xc0) == 0x80)
		start--;
	if (!start)
		return length;
	lead = (unsigned char)text[start - 1];
	return length - start < (size_t)((lead >= 0xc0) + (lead >= 0xe0) + (lead >= 0xf0)) ? start - 1 : length;
}

static void say_in(char line[SPEAK_LINE_MAX], const char *format, va_list arguments)
{
	size_t start = strlen(SPEAK_PREFIX), room = SPEAK_LINE_MAX - start - 1, length, end;

	memcpy(line, SPEAK_PREFIX, start);
	length = guest_format(line + start, room, format, arguments);
	end = start + (length < room ? length : guest_whole(line + start, room - 1));
	make_printable(line + start, end - start);
	line[end] = '\n';
	speak(line, end + 1);
}

static RARE void say_on_stack(const char *format, va_list arguments)
{
	char line[SPEAK_LINE_MAX];

	say_in(line, format, arguments);
}

/* The line is on a page of its own if there is memory, since there may be little stack. */
static void say(const char *format, va_list arguments)
{
	char *line = guest_pages(SPEAK_LINE_MAX);

	if (!line) {
		say_on_stack(format, arguments);
		return;
	}
	say_in(line, format, arguments);
	guest_free(line, SPEAK_LINE_MAX);
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
	guest_print(line, sizeof(line), &end, "%s: symbol lookup error: %s: undefined symbol: %s\n", program, object,
	            name);
	if (write(STDERR_FILENO, line, end) < 0) {
		/* nowhere left to say it */
	}
	machine_exit(127);
}

void guest_take_signal_back(int number)
{
	struct timespec none = {0, 0};
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, number);
	sigtimedwait(&set, NULL, &none);
}

size_t guest_file_text(const char *path, char *text, size_t size)
{
	int saved = errno, file = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t length = file < 0 ? 0 : read(file, text, size - 1);

	if (file >= 0)
		close(file);
	text[length > 0 ? length : 0] = 0;
	errno = saved;
	return length > 0 ? (size_t)length : 0;
}

static bool clock_is_call;

/* How Linux calls the ways in which it keeps time by the processor's counter. */
static const struct {
	const char *name;
	bool is_call; /* reading the clock may then be a system call all the same */
} counters[] = {{"tsc\n", false}, {"kvm-clock\n", false}, {"hyperv_clocksource_tsc_page\n", false}, {"xen\n", true}};

enum { COUNTER_KINDS = sizeof(counters) / sizeof(counters[0]) };

/* The number of the way in which it keeps time now; COUNTER_KINDS where that is not by the counter. */
static unsigned counter_kind(void)
{
	char name[64];
	unsigned kind = 0;

	guest_file_text("/sys/devices/system/clocksource/clocksource0/current_clocksource", name, sizeof(name));
	while (kind < COUNTER_KINDS && strcmp(name, counters[kind].name))
		kind++;
	return kind;
}

bool guest_clock_is_counter(void) { return counter_kind() < COUNTER_KINDS; }

void guest_clock_prepare(void)
{
	unsigned kind = counter_kind();

	clock_is_call = kind == COUNTER_KINDS || counters[kind].is_call;
}

void guest_clock_stop(void) { clock_is_call = true; }

uint64_t guest_clock(void)
{
	struct timespec now;

	if (guest_confined && clock_is_call)
		return 0;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

void guest_print(char *buffer, size_t size, size_t *end, const char *format, ...)
{
	va_list arguments;
	size_t length;

	if (*end + 1 >= size)
		return;
	va_start(arguments, format);
	length = guest_format(buffer + *end, size - *end, format, arguments);
	va_end(arguments);
	if (*end + length >= size)
		length = guest_whole(buffer + *end, size - 1 - *end);
	*end += length;
	buffer[*end] = 0;
}
