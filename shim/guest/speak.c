/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * speak.c - where the shim's messages go.
 * It must never write into a file that the program has opened for itself, and never let the program notice that there
 * was a message: by a signal, or by a long wait for a reader that reads no more.
 */
#include "shim/guest/speak.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "shim/guest/guest.h"
#include "shim/guest/machine.h"

enum {
	KEPT_MAX = 4096,   /* bytes of sentences that wait for the dump */
	PATIENCE_MS = 500, /* for a full pipe: half of the second that is left where a budget ends the process */
};

/* What standard error is. An inode number is used again once its file is gone, but then the time of birth differs. */
struct identity {
	bool open;
	uint32_t mode;
	uint64_t device, inode, special;
	int64_t born_seconds;
	uint32_t born_ns;
};

static struct {
	bool known;
	struct identity at_start;
	struct guest_lock lock; /* protects what follows; taken after any other */
	char kept[KEPT_MAX];    /* sentences that each end in a newline */
	size_t length;
	uint64_t left_out; /* sentences for which there was no room */
} spoken;

/* ---- what standard error is ---- */

static struct identity identity_of(int file)
{
	struct identity found = {0};
	struct statx full;
	struct stat status;

	if (!machine_syscall(SYS_statx, file, "", AT_EMPTY_PATH, STATX_BASIC_STATS | STATX_BTIME, &full)) {
		found = (struct identity){.open = true, .mode = full.stx_mode, .inode = full.stx_ino};
		found.device = makedev(full.stx_dev_major, full.stx_dev_minor);
		found.special = makedev(full.stx_rdev_major, full.stx_rdev_minor);
		if (full.stx_mask & STATX_BTIME) {
			found.born_seconds = full.stx_btime.tv_sec;
			found.born_ns = full.stx_btime.tv_nsec;
		}
	} else if (!fstat(file, &status)) { /* a filter of system calls may not know statx */
		found = (struct identity){.open = true,
		                          .mode = status.st_mode,
		                          .device = status.st_dev,
		                          .inode = status.st_ino,
		                          .special = status.st_rdev};
	}
	return found;
}

static bool identity_same(const struct identity *a, const struct identity *b)
{
	return a->open && b->open && (a->mode & S_IFMT) == (b->mode & S_IFMT) && a->device == b->device &&
	       a->inode == b->inode && a->special == b->special && a->born_seconds == b->born_seconds &&
	       a->born_ns == b->born_ns;
}

/* Whether somebody is there to read: at a terminal, pipe or socket. No program keeps its data in one. */
static bool is_for_readers(const struct identity *now)
{
	struct termios terminal;

	return now->open && (S_ISFIFO(now->mode) || S_ISSOCK(now->mode) ||
	                     (S_ISCHR(now->mode) && !ioctl(STDERR_FILENO, TCGETS, &terminal)));
}

void speak_start(void)
{
	int saved = errno;

	spoken.at_start = identity_of(STDERR_FILENO);
	spoken.known = true;
	errno = saved;
}

static bool is_heard(void)
{
	struct identity now = identity_of(STDERR_FILENO);

	return identity_same(&now, &spoken.at_start) || is_for_readers(&now);
}

bool speak_is_heard(void)
{
	int saved = errno;
	bool heard = is_heard();

	errno = saved;
	return heard;
}

/* ---- writing ---- */

static bool signal_is_pending(int number)
{
	sigset_t pending;

	return !sigpending(&pending) && sigismember(&pending, number) == 1;
}

static bool write_now(const char *line, size_t length)
{
	struct pollfd file = {.fd = STDERR_FILENO, .events = POLLOUT};
	ssize_t written;

	if (!poll(&file, 1, PATIENCE_MS))
		return false;
	written = send(STDERR_FILENO, line, length, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (written < 0 && errno == ENOTSOCK)
		written = write(STDERR_FILENO, line, length);
	return written > 0;
}

/*
 * Writes without the signals that a pipe without readers and a file at its limit send: the program must not get them.
 */
static bool write_quietly(const char *line, size_t length)
{
	uint64_t all = ~(uint64_t)0, old = 0;
	bool had_pipe, had_size, written;

	machine_syscall(SYS_rt_sigprocmask, SIG_BLOCK, &all, &old, sizeof(all));
	had_pipe = signal_is_pending(SIGPIPE);
	had_size = signal_is_pending(SIGXFSZ);
	written = write_now(line, length);
	if (!written && errno == EPIPE && !had_pipe)
		guest_take_signal_back(SIGPIPE);
	if (!written && errno == EFBIG && !had_size)
		guest_take_signal_back(SIGXFSZ);
	machine_syscall(SYS_rt_sigprocmask, SIG_SETMASK, &old, NULL, sizeof(old));
	return written;
}

/* ---- what is kept ---- */

static void keep(const char *line, size_t length)
{
	guest_lock(&spoken.lock);
	if (length <= sizeof(spoken.kept) - spoken.length) {
		memcpy(spoken.kept + spoken.length, line, length);
		__atomic_store_n(&spoken.length, spoken.length + length, __ATOMIC_RELEASE);
	} else {
		spoken.left_out++;
	}
	guest_unlock(&spoken.lock);
}

void speak(const char *line, size_t length)
{
	int saved = errno, cancelling;

	if (!spoken.known)
		speak_start();
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancelling);
	if (guest_confined || !is_heard() || !write_quietly(line, length))
		keep(line + strlen(SPEAK_PREFIX), length - strlen(SPEAK_PREFIX));
	pthread_setcancelstate(cancelling, NULL);
	errno = saved;
}

bool speak_keeps(void) { return __atomic_load_n(&spoken.length, __ATOMIC_ACQUIRE); }

bool speak_take(char *sentence, size_t size)
{
	const char *end;
	size_t length = 0;

	guest_lock(&spoken.lock);
	end = memchr(spoken.kept, '\n', spoken.length);
	if (end) {
		size_t rest = spoken.length - (size_t)(end + 1 - spoken.kept);

		guest_print(sentence, size, &length, "%.*s", (int)(end - spoken.kept), spoken.kept);
		for (size_t i = 0; i < rest; i++)
			spoken.kept[i] = end[1 + i];
		__atomic_store_n(&spoken.length, rest, __ATOMIC_RELEASE);
	} else if (spoken.left_out) {
		guest_print(sentence, size, &length, "%llu more messages were left out",
		            (unsigned long long)spoken.left_out);
		spoken.left_out = 0;
	}
	guest_unlock(&spoken.lock);
	return length;
}

void speak_forked(void)
{
	memset(&spoken.lock, 0, sizeof(spoken.lock));
	spoken.length = 0;
	spoken.left_out = 0;
}
