/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * writer.c - the thread that writes the dump where mappings are not trusted: what has changed, every second.
 * It must never hold record_lock while it writes, nor hold open a file of the program's, nor be more than a system call
 * away from its end, since the program may end, fork or call exec at any time.
 *
 * The thread is one of the kernel's alone, which the C library does not know. So a program whose threads have all ended
 * ends, no thread of the program's has to wait for this one where it changes its user, and nothing of the program's
 * memory is needed. In return the thread has no thread-local storage: it calls the kernel by machine_kernel, and nothing
 * that needs errno. It has a table of descriptors of its own, in which the dump alone is: the program never finds its
 * descriptor, and pipes and files that the program closes are closed.
 */
#include "shim/dump/writer.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "shim/dump/blocks.h"
#include "shim/dump/file.h"
#include "shim/dump/lock.h"
#include "shim/dump/path.h"
#include "shim/dump/writeout.h"
#include "shim/guest/guest.h"
#include "shim/guest/machine.h"
#include "shim/guest/page.h"

enum {
	WRITE_MS = 1000, /* what the dump says: time from a change until it is in the file, at most */
	PAUSE_MS = 800,  /* between two times of writing, so that there is time to write */
	ALONE_MS = 1000, /* how long the first call waits until the thread has closed the program's files */
	POLL_MS = 10,
	END_MS = 3000, /* how long the program waits for the thread at most, where the file server does not answer */
	MEMORY_BYTES = PAGE_MOST + 4 * DUMP_PAGE_LEAST + PAGE_MOST, /* a page that cannot be used, stack, and storage */
};

enum wake { WAKE_NOT, WAKE_WRITE, WAKE_END };

enum phase { PHASE_BEGUN, PHASE_APART, PHASE_ALONE };

static struct {
	int number;   /* the kernel's number of the thread; the kernel sets it to 0 when the thread has ended */
	uint32_t pid; /* process that the thread is in */
	int file;     /* in the thread's own table */
	char *memory;
	_Atomic uint32_t phase;
	_Atomic uint32_t wake;     /* enum wake: what the thread is to do at once */
	_Atomic uint32_t answered; /* how often it has written since it was asked to */
	_Atomic uint32_t writing;  /* 1 while the thread writes; set under record_lock */
	_Atomic int error;
} writer;

/* ---- the thread: without thread-local storage ---- */

static void sleep_on(_Atomic uint32_t *word, uint32_t value, long ms)
{
	struct timespec time = {ms / 1000, ms % 1000 * 1000000};

	machine_kernel(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, &time, NULL, 0);
}

static void set(_Atomic uint32_t *word, uint32_t value)
{
	atomic_store(word, value);
	machine_kernel(SYS_futex, word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

/* What getdents64 gives. */
struct entry {
	uint64_t inode, offset;
	uint16_t size;
	uint8_t type;
	char name[];
};

/* Closes every descriptor but `file`, on a kernel without close_range (before Linux 5.9). False if /proc is not there. */
static bool close_listed(int file)
{
	static uint64_t buffer[128];
	long folder = machine_kernel(SYS_openat, AT_FDCWD, "/proc/thread-self/fd", O_RDONLY | O_DIRECTORY, 0), size;

	while (folder >= 0 && (size = machine_kernel(SYS_getdents64, folder, buffer, sizeof(buffer))) > 0) {
		for (long at = 0; at < size; at += ((struct entry *)((char *)buffer + at))->size) {
			const char *name = ((struct entry *)((char *)buffer + at))->name;
			long number = 0;

			for (; *name >= '0' && *name <= '9'; name++)
				number = number * 10 + (*name - '0');
			if (!*name && number != file && number != folder)
				machine_kernel(SYS_close, number);
		}
	}
	if (folder >= 0)
		machine_kernel(SYS_close, folder);
	return folder >= 0;
}

/* Takes a table of descriptors of its own, with `file` alone. False if the kernel does not let it. */
static bool stand_apart(unsigned file)
{
	bool ranges = !machine_kernel(SYS_close_range, file + 1, ~0u, CLOSE_RANGE_UNSHARE);

	if (!ranges && machine_kernel(SYS_unshare, CLONE_FILES))
		return false;
	set(&writer.phase, PHASE_APART);
	if (ranges && file)
		machine_kernel(SYS_close_range, 0, file - 1, 0);
	if (!ranges && !close_listed((int)file))
		return false;
	set(&writer.phase, PHASE_ALONE);
	return true;
}

/* Returns 0 if the file still has a name; otherwise as file_reopen's errno would be. */
static int name_fault(void)
{
	struct stat status;

	if (machine_kernel(SYS_fstat, writer.file, &status) || status.st_nlink)
		return 0;
	return machine_kernel(SYS_newfstatat, AT_FDCWD, path_shown(), &status, AT_SYMLINK_NOFOLLOW) ? ENOENT : ESTALE;
}

/*
 * Has the file system know what was written as if the file had been closed: NFS sends it to the server then. Returns 0
 * or the number of the error.
 */
static int flush(void)
{
	long copy = machine_kernel(SYS_dup, writer.file), closed = copy < 0 ? 0 : machine_kernel(SYS_close, copy);

	return closed < 0 ? (int)-closed : 0;
}

/* Writes what writeout_look has noted. */
static void write_changes(void)
{
	int error = writeout_blocks(writer.file, false), last;

	if (error)
		__atomic_fetch_or(&dump_header->losses, (uint32_t)DUMP_LOST_SPACE, __ATOMIC_SEQ_CST);
	last = writeout_header(writer.file, error ? DUMP_LOST_SPACE : 0);
	if (!writeout_wrote())
		return;
	error = error ? error : last;
	error = error ? error : flush();
	error = error ? error : name_fault();
	if (error)
		atomic_store(&writer.error, error);
}

/* False if the thread is to end. */
static bool write_once(void)
{
	uint32_t asked = WAKE_WRITE;

	while (!guest_lock_bare(&record_lock))
		if (writer.wake == WAKE_END)
			return false;
	if (writer.wake != WAKE_END) {
		if (!atomic_compare_exchange_strong(&writer.wake, &asked, WAKE_NOT))
			dump_header->left = 0; /* exec has failed, if it is not 0 */
		writeout_look();
		writer.writing = 1;
	}
	guest_unlock_bare(&record_lock);
	if (!writer.writing)
		return false;
	write_changes();
	set(&writer.writing, 0);
	if (asked == WAKE_WRITE)
		set(&writer.answered, writer.answered + 1);
	return true;
}

static void __attribute__((noreturn)) work(void *unused)
{
	(void)unused;
	machine_kernel(SYS_prctl, PR_SET_NAME, "flopshim", 0, 0, 0);
	if (stand_apart((unsigned)writer.file)) {
		do
			sleep_on(&writer.wake, WAKE_NOT, PAUSE_MS);
		while (writer.wake != WAKE_END && write_once());
	}
	for (;;)
		machine_kernel(SYS_exit, 0);
}

/* ---- the other threads ---- */

bool writer_is_there(void) { return __atomic_load_n(&writer.number, __ATOMIC_ACQUIRE); }
int writer_error(void) { return atomic_load_explicit(&writer.error, memory_order_relaxed); }

/*
 * Waits until the thread has ended, but not for a file server that does not answer. The kernel wakes whoever waits for its
 * number, as if in another process; and only a moment later the process does not have the thread any more, which is what
 * unshare looks at. Returns whether it has ended.
 */
static bool end_wait(void)
{
	struct timespec time = {0, POLL_MS * 1000000};
	int number = writer.number;

	for (long ms = END_MS; writer_is_there(); ms -= POLL_MS) {
		if (ms <= 0)
			return false;
		machine_kernel(SYS_futex, &writer.number, FUTEX_WAIT, number, &time, NULL, 0);
	}
	while (number && !machine_kernel(SYS_tgkill, writer.pid, number, 0))
		machine_kernel(SYS_sched_yield);
	return true;
}

/* Waits, for at most `ms`, until the thread has come so far. False if it has ended before. */
static bool phase_wait(enum phase phase, long ms)
{
	while (writer.phase < phase && writer_is_there() && (ms -= POLL_MS) > 0)
		sleep_on(&writer.phase, writer.phase, POLL_MS);
	return writer.phase >= phase;
}

static void memory_free(void)
{
	guest_free(writer.memory, MEMORY_BYTES);
	writer.memory = NULL;
}

/*
 * Makes the memory of the thread. What would be its thread-local storage has nothing but its own address, which processors
 * and debuggers look for, and zeros.
 */
static void **memory_make(void)
{
	void **storage;

	writer.memory = guest_pages(MEMORY_BYTES);
	if (!writer.memory)
		return NULL;
	mprotect(writer.memory, PAGE_MOST, PROT_NONE);
	storage = (void **)(writer.memory + MEMORY_BYTES - PAGE_MOST);
	storage[0] = storage[2] = storage;
	return storage;
}

/* The thread takes the file into its table of descriptors. It inherits that all signals are blocked. */
static bool thread_begin(void)
{
	void **storage = memory_make();
	long result;

	if (!storage)
		return false;
	writer.pid = (uint32_t)getpid();
	writer.phase = PHASE_BEGUN;
	writer.wake = WAKE_NOT;
	writer.writing = 0;
	writer.error = 0;
	result = machine_thread(CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM |
	                                CLONE_SETTLS | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID,
	                        storage, work, NULL, &writer.number, storage);
	if (result > 0 && phase_wait(PHASE_APART, INT64_MAX))
		phase_wait(PHASE_ALONE, ALONE_MS);
	if (writer_is_there())
		return true;
	memory_free();
	return false;
}

void writer_start(void)
{
	int saved = errno;

	if (guest_confined || !file_is_untrusted() || writer_is_there() || dump_header->state != DUMP_RUNNING)
		return;
	if (writer.memory)
		memory_free();
	writer.file = file_reopen();
	dump_header->write_ms = writer.file >= 0 && thread_begin() ? WRITE_MS : 0;
	if (writer.file >= 0)
		close(writer.file);
	errno = saved;
}

void writer_wait(void)
{
	while (writer.writing && writer_is_there())
		sleep_on(&writer.writing, 1, POLL_MS);
}

bool writer_ask(void)
{
	uint32_t before = writer.answered, idle = WAKE_NOT;

	if (atomic_compare_exchange_strong(&writer.wake, &idle, WAKE_WRITE))
		machine_kernel(SYS_futex, &writer.wake, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
	for (long ms = END_MS; writer.answered == before && writer_is_there() && ms > 0; ms -= POLL_MS)
		sleep_on(&writer.answered, before, POLL_MS);
	return writer.answered != before;
}

bool writer_stop(void)
{
	int saved = errno;
	bool ended;

	if (!writer_is_there() || writer.pid != (uint32_t)getpid())
		return true;
	set(&writer.wake, WAKE_END);
	ended = end_wait();
	if (ended)
		memory_free(); /* otherwise the thread is still on its stack */
	dump_header->write_ms = 0;
	errno = saved;
	return ended;
}

void writer_forked(void)
{
	if (writer.memory)
		memory_free();
	memset(&writer, 0, sizeof(writer));
}
