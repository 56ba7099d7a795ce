/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * waiting.c - finds, locks and empties the folders of dumps that wait on this machine.
 * It must never follow a link on the way from the user's folder to a dump, nor remove anything outside of it.
 */
#include "analyzer/commands/waiting.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "analyzer/base/memory.h"
#include "analyzer/commands/command.h"
#include "analyzer/read/system.h"
#include "local.h"
#include "names.h"

const char *waiting_base(void)
{
	const char *folder = getenv("TMPDIR");

	return folder && *folder == '/' ? folder : LOCAL_BASE;
}

static int open_folder(int at, const char *name)
{
	return openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* Why what is in the folder of this status may be another user's; NULL if it is the user's own. */
static const char *why_not_own(const struct stat *status)
{
	if (status->st_uid != geteuid())
		return "it belongs to another user";
	if (status->st_mode & (S_IWGRP | S_IWOTH))
		return "other users may write to it; expected permissions 700";
	return NULL;
}

/* Opens the user's folder, if nobody else can have put anything there. Returns -1 with an empty *why if it is not there. */
static int open_own(const char *base, const char *folder, const char **why)
{
	struct stat status;
	int file;

	*why = "";
	if (!stat(base, &status) && status.st_mode & S_IWOTH && !(status.st_mode & S_ISVTX)) {
		*why = "anybody may rename it, since the folder around it has no sticky bit";
		return -1;
	}
	file = open_folder(AT_FDCWD, folder);
	if (file < 0) {
		if (errno != ENOENT)
			*why = errno == ELOOP || errno == ENOTDIR ? "it is no folder, or a link" : strerror(errno);
		return -1;
	}
	*why = fstat(file, &status) ? strerror(errno) : why_not_own(&status);
	if (!*why)
		return file;
	close(file);
	return -1;
}

/*
 * Returns whether an entry of the user's folder is a group. The shim makes nothing there but groups: what is something else is
 * named, and *all becomes false.
 */
static bool is_group(int at, const char *folder, const char *name, bool *all)
{
	struct stat status;

	if (name[0] == '.')
		return false;
	if (!fstatat(at, name, &status, AT_SYMLINK_NOFOLLOW) && S_ISDIR(status.st_mode))
		return true;
	complain("%s/%s: is left there: it is no folder, or a link", folder, name);
	*all = false;
	return false;
}

bool waiting_list(const char *base, char **folder, char ***names, size_t *count)
{
	size_t capacity = 0;
	const char *why;
	bool all = true;
	struct dirent *entry;
	DIR *stream;
	int file;

	*names = NULL;
	*count = 0;
	*folder = memory_format("%s/" LOCAL_FOLDER "%u", base, (unsigned)geteuid());
	file = open_own(base, *folder, &why);
	if (file < 0) {
		if (*why)
			complain("%s: nothing is collected from it: %s", *folder, why);
		return !*why;
	}
	stream = fdopendir(file);
	while (stream && (entry = readdir(stream))) {
		if (!is_group(file, *folder, entry->d_name, &all))
			continue;
		*names = memory_grow(*names, *count, &capacity, sizeof **names);
		(*names)[(*count)++] = memory_text(entry->d_name, strlen(entry->d_name));
	}
	if (stream)
		closedir(stream);
	else
		close(file);
	if (*count)
		qsort(*names, *count, sizeof **names, system_compare_names);
	return all;
}

bool waiting_open(struct waiting_group *group, const char *folder, const char *name)
{
	struct stat status;

	*group = (struct waiting_group){
		.name = memory_text(name, strlen(name)),
		.path = memory_format("%s/%s", folder, name),
	};
	group->descriptor = open_folder(AT_FDCWD, group->path);
	if (group->descriptor >= 0 && !flock(group->descriptor, LOCK_EX) && !fstat(group->descriptor, &status) &&
	    status.st_nlink) /* no name is left if it was collected meanwhile */
		return true;
	if (group->descriptor < 0 && errno != ENOENT)
		complain("%s: cannot be opened: %s", group->path, strerror(errno));
	waiting_close(group);
	return false;
}

bool waiting_remove(const struct waiting_group *group, const char *path)
{
	if (!unlinkat(group->descriptor, base_name(path), 0) || errno == ENOENT)
		return true;
	complain("%s: is collected, but cannot be removed: %s", path, strerror(errno));
	return false;
}

void waiting_close(struct waiting_group *group)
{
	rmdir(group->path);
	if (group->descriptor >= 0)
		close(group->descriptor);
	free(group->name);
	free(group->path);
}

bool waiting_become(const char *user)
{
	int64_t number = whole_number(user, UINT32_MAX - 1);
	struct passwd *found = number >= 0 ? getpwuid((uid_t)number) : getpwnam(user);

	if (!found) {
		complain("--user %s: there is no such user", user);
		return false;
	}
	if (found->pw_uid == geteuid())
		return true;
	if (geteuid()) {
		complain("--user %s: only root can collect for another user", user);
		return false;
	}
	if (!initgroups(found->pw_name, found->pw_gid) && !setgid(found->pw_gid) && !setuid(found->pw_uid))
		return true;
	complain("--user %s: cannot become that user: %s", user, strerror(errno));
	return false;
}
