/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * file.c - the dump's file: makes it, grows it, opens it again.
 * It must never keep a descriptor (the program may close it and use its number again), and never let a full disk
 * reach the program as a signal.
 */
#include "shim/dump/file.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "flopshim_dump.h"
#include "shim/dump/dump.h"
#include "shim/dump/path.h"
#include "shim/guest/guest.h"
#include "shim/guest/page.h"
#include "names.h"
#include "variables.h"

enum { FIRST_BYTES = 96 << 10 /* room for the header and for the tables that nearly every process begins */ };

static struct {
	uint32_t page;
	bool is_there;
	bool written_out;
	bool untrusted;    /* its file system is the reason */
	bool said_no_file; /* the message was printed, by this process or by one that forked it */
	dev_t device;
	ino_t inode;
} state;

uint32_t file_page(void)
{
	if (!state.page) {
		const char *text = getenv(VARIABLE(DUMP_PAGE));
		int64_t machine = page_size(), other;

		other = text ? whole_number(text, DUMP_PAGE_MOST) : -1;
		state.page = (uint32_t)(other > machine && !(other & (other - 1)) ? other : machine);
	}
	return state.page;
}

static uint64_t first_bytes(void)
{
	uint64_t page = file_page();

	return (FIRST_BYTES + page - 1) / page * page;
}

bool file_is_there(void) { return state.is_there; }
bool file_is_written_out(void) { return state.written_out; }
bool file_is_untrusted(void) { return state.untrusted; }
const char *dump_path(void) { return state.is_there ? path_shown() : NULL; }

/*
 * Reserves `size` bytes of the file from `offset` on. Returns 0 or an errno. Exceeding a limit of file sizes is an
 * error and no signal: signals are blocked under the lock, and a pending SIGXFSZ is taken back.
 */
static int file_reserve(int file, uint64_t offset, uint64_t size)
{
	struct rlimit limit;
	int error;

	if (!getrlimit(RLIMIT_FSIZE, &limit) && limit.rlim_cur != RLIM_INFINITY && offset + size > limit.rlim_cur)
		return EFBIG;
	error = posix_fallocate(file, (off_t)offset, (off_t)size);
	if (error == EFBIG) /* the limit shrank since it was read: the kernel has sent SIGXFSZ */
		guest_take_signal_back(SIGXFSZ);
	return error;
}

/*
 * Writes zeros to a reserved part of the file, so that its pages are in the page cache and can be mapped many at a
 * time. Calls then wait a third as long as if each took the page fault of a new page. Errors are ignored: page faults
 * do the rest.
 */
static void file_fill(int file, uint64_t offset, uint64_t size)
{
	static const char zeros[DUMP_PAGE_LEAST];
	static const struct iovec pages[64] = {[0 ... 63] = {(void *)zeros, sizeof(zeros)}};

	while (size >= sizeof(zeros)) {
		uint64_t count = size / sizeof(zeros);
		ssize_t written = pwritev(file, pages, count < 64 ? (int)count : 64, (off_t)offset);

		if (written <= 0) {
			if (written < 0 && errno == EFBIG)
				guest_take_signal_back(SIGXFSZ);
			return;
		}
		offset += (uint64_t)written;
		size -= (uint64_t)written;
	}
}

int file_reopen(void)
{
	int file = path_open();
	struct stat status;

	if (file < 0)
		return -1;
	if (fstat(file, &status) || status.st_dev != state.device || status.st_ino != state.inode) {
		close(file);
		errno = ESTALE; /* another file has the name now */
		return -1;
	}
	return file;
}

/*
 * Whether the file is on a file system where a reserved page of a shared mapping can always be written. Tests may say that
 * no file is, by the variable DUMP_UNTRUSTED of include/options.def.
 */
static bool mapping_is_trusted(int file)
{
	struct statfs status;

	const char *untrusted = getenv(VARIABLE(DUMP_UNTRUSTED));

	if ((untrusted && !strcmp(untrusted, "1")) || fstatfs(file, &status))
		return false;
	switch ((unsigned long)status.f_type) {
	case 0xef53:     /* ext2, ext3, ext4 */
	case 0x58465342: /* xfs */
	case 0x01021994: /* tmpfs */
	case 0x794c7630: /* overlay */ return true;
	default: return false;
	}
}

/* Does what file_extend does with an open file; NULL if there is no room in the file or no memory. */
static void *file_pages(int file, uint64_t offset, uint64_t size, bool at_once)
{
	void *address;

	if (file_reserve(file, offset, size))
		return NULL;
	if (state.written_out)
		return guest_pages(size);
	if (at_once)
		file_fill(file, offset, size);
	address = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, file, (off_t)offset);
	if (address == MAP_FAILED)
		return NULL;
	if (at_once)
		guest_populate(address, size);
	return address;
}

/* Whether the disk has room for `size` bytes and `spare` more. */
static bool disk_has_room(int file, uint64_t size, uint64_t spare)
{
	struct statvfs status;

	if (fstatvfs(file, &status))
		return false;
	/* A file system that does not know its size reports 0 blocks. */
	return !status.f_blocks || (uint64_t)status.f_bavail * status.f_frsize >= size + spare;
}

void *file_extend(uint64_t offset, uint64_t size, bool at_once, uint64_t spare)
{
	int saved = errno, file = file_reopen();
	void *pages = NULL;

	if (file >= 0) {
		if (!spare || disk_has_room(file, size, spare))
			pages = file_pages(file, offset, size, at_once);
		close(file);
	}
	errno = saved;
	return pages;
}

/* ---- the first page ---- */

/*
 * Prints once that there is no file, and why. `reason` is NULL if the user wants none (/dev/null): nothing is
 * printed.
 */
static void say_no_file(const char *reason)
{
	if (reason && !state.said_no_file)
		guest_say("cannot write %s (%s): counting without a file", path_told(), reason);
	state.said_no_file = true;
}

/* Returns a first page that is not in a file but in memory alone; `otherwise` if there is no memory. */
static void *first_in_memory(void *otherwise)
{
	void *page = guest_pages(file_page());

	return page ? page : otherwise;
}

/*
 * Returns the first page of the file that has just been made, or NULL with errno if no room can be reserved in the
 * file. If the file has room but cannot be mapped, the page is in memory alone. Sets *bytes as file_begin does.
 */
static void *first_in_file(int file, void *otherwise, uint64_t *bytes)
{
	void *first = NULL;

	state.written_out = state.untrusted = !mapping_is_trusted(file);
	/* To reserve and map a dozen blocks one by one would take half a millisecond. */
	if (!state.written_out)
		first = file_pages(file, 0, first_bytes(), true);
	*bytes = first ? first_bytes() : 0;
	if (!first && !state.written_out)
		first = file_pages(file, 0, file_page(), false);
	if (first)
		return first;
	errno = file_reserve(file, 0, file_page());
	if (errno)
		return NULL;
	state.written_out = true; /* the file has room, but cannot be mapped */
	return first_in_memory(otherwise);
}

void *file_begin(bool forked, void *otherwise, uint64_t *bytes)
{
	void *first = NULL;
	const char *fault = NULL;
	struct stat status;
	int file = path_create(forked, &fault);

	*bytes = 0;
	if (file >= 0 && !fstat(file, &status)) {
		state.device = status.st_dev;
		state.inode = status.st_ino;
		first = first_in_file(file, otherwise, bytes);
		if (!first)
			say_no_file(strerrorname_np(errno));
	} else {
		say_no_file(file < 0 ? fault : strerrorname_np(errno));
	}
	state.is_there = first;
	state.written_out &= state.is_there;
	state.untrusted &= state.is_there;
	if (file >= 0 && !first)
		path_remove();
	if (file >= 0)
		close(file);
	return first ? first : first_in_memory(otherwise);
}

void *file_none(void *otherwise, uint64_t *bytes)
{
	*bytes = 0;
	return first_in_memory(otherwise);
}

void file_forked(void) { state.is_there = state.written_out = state.untrusted = false; }
