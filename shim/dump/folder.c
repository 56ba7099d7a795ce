/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * folder.c - makes and finds the folder for dumps on the node's own disk, BASE/flopshim-UID/GROUP.
 * BASE may be /tmp, where anybody may make a link or a folder of this name: so it must never use a path where it can
 * go from one open folder to the next.
 */
#include "shim/dump/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shim/dump/job.h"
#include "shim/dump/path.h"
#include "shim/guest/config.h"
#include "shim/guest/guest.h"
#include "shim/guest/program.h"
#include "local.h"

enum {
	GROUP_MAX = 143,   /* longest name on file systems that encrypt names, in bytes */
	ATTEMPTS_MAX = 10, /* how often the folder is made again if somebody removes it before it is opened */
	OTHERS_WRITE = 022,
};

static struct {
	char base[PATH_MAX]; /* "" if TMPDIR is too long */
	struct stat place;   /* of the base at the start */
	bool is_there;       /* the base existed at the start */
	char group[GROUP_MAX + 1];
	uid_t user;                 /* whose folder folder_make has last tried to open */
	char user_folder[32];       /* its name */
	char path[2 * PATH_MAX];    /* see folder_path */
	char fault[PATH_MAX + 512]; /* why the folder cannot be used */
} folder;

/* ---- the start ---- */

/*
 * Prints the name of the group: the step of a batch job or, if there is no job, what else the processes of a run have
 * in common. A launch that is no step is added to the job, and so is how often the job was started again: what an
 * interrupted start has left must not be taken for a part of this one.
 */
static void group_print(char *group, size_t size)
{
	struct job job;
	size_t end = 0;

	job_find(&job);
	if (job.number) {
		guest_print(group, size, &end, "%s", job.number);
		if (job.array_task && job.array_is_one_job)
			guest_print(group, size, &end, "[%s]", job.array_task);
		if (job.step)
			guest_print(group, size, &end, LOCAL_GROUP_SPLITS "%s", job.step);
		if (*job.name)
			guest_print(group, size, &end, LOCAL_GROUP_SPLITS "%s", job.name);
		if (job.restarts)
			guest_print(group, size, &end, LOCAL_GROUP_SPLITS "restart-%u", job.restarts);
	} else if (*job.launch || *config.run) {
		guest_print(group, size, &end, "%s", *job.launch ? job.launch : config.run);
	} else {
		guest_print(group, size, &end, "process-%d-%llu", (int)getpid(),
		            (unsigned long long)stat_start_ticks(program_stat("self")));
	}
	path_tame(group);
	if (*group == '.')
		*group = '_';
}

void folder_start(void)
{
	const char *base = config.base ? config.base : getenv("TMPDIR");
	int saved = errno;

	if (!base || *base != '/')
		base = LOCAL_BASE;
	if (strlen(base) < sizeof(folder.base))
		strcpy(folder.base, base);
	folder.is_there = !stat(folder.base, &folder.place);
	group_print(folder.group, sizeof(folder.group));
	errno = saved;
}

/* ---- the folder ---- */

static void __attribute__((format(printf, 1, 2))) fail(const char *format, ...)
{
	va_list given;

	va_start(given, format);
	guest_format(folder.fault, sizeof(folder.fault), format, given);
	va_end(given);
}

/* Whether anybody may rename and remove what others have put into a folder: collect would not trust it. */
static bool is_open_to_all(const struct stat *status)
{
	return status->st_mode & S_IWOTH && !(status->st_mode & S_ISVTX);
}

/*
 * Opens the base. If the program has changed its root or its mounts since the start, the path means another folder,
 * which nobody would collect dumps from.
 */
static int base_open(void)
{
	int base = *folder.base ? open(folder.base, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1, error = errno;
	struct stat status = {0};

	if (base >= 0 && !fstat(base, &status) && folder.is_there && status.st_dev == folder.place.st_dev &&
	    status.st_ino == folder.place.st_ino && !is_open_to_all(&status))
		return base;
	if (base >= 0 && is_open_to_all(&status)) {
		close(base);
		fail("%s has no sticky bit, so that anybody may rename folders in it", folder.base);
	} else if (base >= 0) {
		close(base);
		fail("%s is not what it was when the program began", folder.base);
	} else if (*folder.base) {
		fail("%s: %s", folder.base, strerrorname_np(error));
	} else {
		fail("TMPDIR is too long");
	}
	errno = 0;
	return -1;
}

/* Whether somebody else may have put the open folder there, or may put something into it; *fault says which it is. */
static bool is_unsafe(int file, const char **fault)
{
	struct stat status;

	if (fstat(file, &status))
		*fault = "cannot be looked at";
	else if (S_ISLNK(status.st_mode))
		*fault = "is a link";
	else if (!S_ISDIR(status.st_mode))
		*fault = "is no directory";
	else if (status.st_uid != folder.user)
		*fault = "belongs to another user";
	else if (status.st_mode & OTHERS_WRITE)
		*fault = "can be written to by others";
	else
		return false;
	return true;
}

/*
 * Opens the folder `name` in the open folder `above`, which it closes; makes it if `make` is set and it is missing.
 * `path` is that of `above`. Returns -1 with errno, or with 0 if the folder is not safe.
 */
static int open_in(int above, const char *path, const char *name, bool make)
{
	bool is_made = !make || !mkdirat(above, name, 0700) || errno == EEXIST;
	int file = is_made ? openat(above, name, O_PATH | O_NOFOLLOW | O_CLOEXEC) : -1, error = errno;
	const char *fault = strerrorname_np(error);

	close(above);
	if (file >= 0 && !is_unsafe(file, &fault))
		return file;
	if (file >= 0) {
		close(file);
		error = 0;
	}
	fail("%s/%s%s%s", path, name, error ? ": " : " ", fault);
	errno = error;
	return -1;
}

/* Opens the group's folder; makes it if `make` is set. Returns -1 with errno. */
static int group_open(bool make)
{
	static char
		path[PATH_MAX + sizeof(folder.user_folder)]; /* static since stacks may be small; under record_lock */
	int file = base_open();
	size_t end = 0;

	if (file >= 0)
		file = open_in(file, folder.base, folder.user_folder, make);
	if (file < 0)
		return -1;
	guest_print(path, sizeof(path), &end, "%s/%s", folder.base, folder.user_folder);
	return open_in(file, path, folder.group, make);
}

int folder_make(const char **fault)
{
	size_t name_end = 0, end = 0;
	int file = -1;

	folder.user = geteuid();
	guest_print(folder.user_folder, sizeof(folder.user_folder), &name_end, LOCAL_FOLDER "%u", folder.user);
	guest_print(folder.path, sizeof(folder.path), &end, "%s/%s/%s", folder.base, folder.user_folder, folder.group);
	errno = ENOENT;
	for (int attempt = 0; file < 0 && errno == ENOENT && attempt < ATTEMPTS_MAX; attempt++)
		file = group_open(true);
	*fault = folder.fault;
	return file;
}

int folder_open(void) { return group_open(false); }

const char *folder_path(void) { return folder.path; }
