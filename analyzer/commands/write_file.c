/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * write_file.c - writes a file beside its final place, and renames it once it is complete.
 * It must never leave a part of a file, not even if a signal ends the program.
 */
#include "analyzer/commands/write_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "analyzer/base/memory.h"
#include "analyzer/commands/command.h"

enum { LINKS_MAX = 40 }; /* as many symbolic links as Linux follows */

bool write_all(int file, const char *bytes, size_t length)
{
	while (length) {
		ssize_t written = write(file, bytes, length);

		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0)
			return false;
		bytes += written;
		length -= (size_t)written;
	}
	return true;
}

/* The temporary file that is removed if a signal ends the process; NULL if there is none. */
static const char *volatile unfinished;

static void remove_unfinished(int signal)
{
	if (unfinished)
		unlink(unfinished);
	raise(signal); /* its action is the default one again, which ends the process once this function has returned */
}

/* Has the signals by which users and batch systems end a process call `handler` first. */
static void on_signals(void (*handler)(int))
{
	static const int signals[] = {SIGTERM, SIGINT, SIGHUP, SIGXCPU, SIGQUIT};
	struct sigaction action = {.sa_handler = handler, .sa_flags = (int)SA_RESETHAND}, old;

	for (unsigned i = 0; i < sizeof signals / sizeof *signals; i++)
		if (!sigaction(signals[i], NULL, &old) && old.sa_handler != SIG_IGN)
			sigaction(signals[i], &action, NULL);
}

/* Writes a file that mkstemp has opened. Returns 0, or an errno value. */
static int fill(int file, mode_t mode, const struct text *bytes)
{
	int error = 0;

	if (!write_all(file, bytes->bytes, bytes->length) || fchmod(file, mode) || fsync(file))
		error = errno;
	if (close(file) && !error)
		error = errno;
	return error;
}

/*
 * Gives the file its final name, which no other file may have if `is_new`. Returns 0, or an errno value. File systems that
 * cannot refuse to replace a file get a second name for it, which they never give to two.
 */
static int put_in_place(const char *path, const char *target, bool is_new)
{
	if (!is_new)
		return rename(path, target) ? errno : 0;
	if (!renameat2(AT_FDCWD, path, AT_FDCWD, target, RENAME_NOREPLACE))
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return errno;
	if (link(path, target))
		return errno;
	unlink(path);
	return 0;
}

/* Writes the file beside its final place, and renames it. Returns 0, or an errno value. */
static int write_target(const char *target, mode_t mode, bool is_new, const struct text *bytes)
{
	char *path = memory_format("%s.XXXXXX", target);
	int file = mkstemp(path), error = file < 0 ? errno : 0;

	if (file >= 0) {
		unfinished = path;
		on_signals(remove_unfinished);
		error = fill(file, mode, bytes);
		if (!error)
			error = put_in_place(path, target, is_new);
		if (error)
			unlink(path);
		unfinished = NULL;
		on_signals(SIG_DFL);
	}
	free(path);
	return error;
}

/* Returns what a symbolic link names, to be freed; NULL, with errno set, if it cannot be read. */
static char *read_link(const char *path)
{
	char name[PATH_MAX];
	ssize_t length = readlink(path, name, sizeof name);
	const char *slash = strrchr(path, '/');

	if (length == (ssize_t)sizeof name)
		errno = ENAMETOOLONG;
	if (length < 0 || length == (ssize_t)sizeof name)
		return NULL;
	if (*name == '/' || !slash)
		return memory_text(name, (size_t)length);
	return memory_format("%.*s%.*s", (int)(slash + 1 - path), path, (int)length, name);
}

/*
 * Returns the path of a file that is not there, to be freed: what is named, or what a chain of symbolic links leads to. NULL, with
 * errno set, if that cannot be found.
 */
static char *missing_target(const char *output)
{
	char *path = memory_text(output, strlen(output));
	struct stat status;

	for (unsigned links = 0; path && !lstat(path, &status) && S_ISLNK(status.st_mode); links++) {
		char *next = links < LINKS_MAX ? read_link(path) : NULL;

		if (links == LINKS_MAX)
			errno = ELOOP;
		free(path);
		path = next;
	}
	return path;
}

/*
 * Returns the path of the file to write, to be freed: what is named, or what that links to. NULL, after a message, if something
 * else than a file is there, which must not be replaced.
 */
static char *target_of(const char *output)
{
	struct stat status;
	char *path;

	if (stat(output, &status)) {
		path = missing_target(output);
		if (!path)
			complain("%s: cannot be written: %s", output, strerror(errno));
		return path;
	}
	if (!S_ISREG(status.st_mode)) {
		complain("%s: cannot be written: %s", output,
		         S_ISDIR(status.st_mode) ? strerror(EISDIR) : "it is no regular file");
		return NULL;
	}
	path = realpath(output, NULL);
	if (!path)
		complain("%s: cannot be written: %s", output, strerror(errno));
	return path;
}

bool write_file(const char *path, mode_t mode, bool is_new, const struct text *bytes)
{
	char *target = is_new ? memory_text(path, strlen(path)) : target_of(path);
	int error = target ? write_target(target, mode, is_new, bytes) : 0;
	bool fine = target && !error;

	if (error)
		complain("%s: cannot be written: %s", path, strerror(error));
	free(target);
	return fine;
}

bool write_file_by(const char *path, mode_t mode, void (*write)(FILE *stream, const void *context), const void *context)
{
	struct text bytes = {0};
	FILE *stream = open_memstream(&bytes.bytes, &bytes.length);
	bool fine;

	if (stream)
		write(stream, context);
	if (!stream || fclose(stream)) {
		complain("%s: cannot be written: %s", path, strerror(errno));
		free(bytes.bytes);
		return false;
	}
	fine = write_file(path, mode, false, &bytes);
	free(bytes.bytes);
	return fine;
}
