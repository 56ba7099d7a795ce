/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * system.c - asks the operating system for files, processes and the terminal.
 * It must never wait: neither for a FIFO nor for a device.
 */
#include "analyzer/read/system.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "analyzer/base/memory.h"
#include "analyzer/read/page.h"
#include "names.h"

static size_t file_read_at(void *context, uint64_t offset, void *buffer, size_t count)
{
	const struct system_file *file = context;
	size_t done = 0;

	while (done < count && offset + done <= INT64_MAX) {
		ssize_t part = pread(file->descriptor, (char *)buffer + done, count - done, (off_t)(offset + done));

		if (part < 0 && errno == EINTR)
			continue;
		if (part <= 0)
			break;
		done += (size_t)part;
	}
	return done;
}

/* The dump of a running process grows. A file that has shrunk keeps its size; reads return less then. */
static uint64_t file_size(void *context)
{
	struct system_file *file = context;
	struct stat status;

	if (!fstat(file->descriptor, &status) && status.st_size > 0 && (uint64_t)status.st_size > file->size)
		file->size = (uint64_t)status.st_size;
	return file->size;
}

static uint64_t file_seek(void *context, uint64_t offset, bool hole)
{
	const struct system_file *file = context;
	off_t found = offset <= INT64_MAX ? lseek(file->descriptor, (off_t)offset, hole ? SEEK_HOLE : SEEK_DATA) : -1;

	if (found >= 0)
		return (uint64_t)found;
	if (errno == ENXIO || offset > INT64_MAX)
		return offset > file->size ? offset : file->size;
	return hole ? file->size : offset; /* holes are not known: all of the file is data */
}

/* Reads a page as the dump in it, if the file is one. Returns 0, or an error as system_open does. */
static int open_page(struct system_file *file)
{
	char begin[PAGE_BEGIN_BYTES], *html;
	unsigned char *dump;
	size_t size;
	int error;

	if (!page_is(begin, file_read_at(file, 0, begin, sizeof begin)))
		return 0;
	html = malloc(file->size + 1);
	if (!html)
		return ENOMEM;
	error = page_dump(html, file_read_at(file, 0, html, file->size), &dump, &size);
	free(html);
	if (error)
		return error;
	file->memory = (struct dump_memory){dump, size};
	file->source = dump_memory_source(&file->memory);
	return 0;
}

int system_open(const char *path, struct system_file *file)
{
	struct stat status;
	int error = 0;

	file->memory = (struct dump_memory){0};
	/* O_NONBLOCK: opening a FIFO would wait for a writer. */
	file->descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (file->descriptor < 0)
		return errno;
	if (fstat(file->descriptor, &status))
		error = errno;
	else if (S_ISDIR(status.st_mode))
		error = EISDIR;
	else if (!S_ISREG(status.st_mode))
		error = EINVAL;
	if (!error) {
		file->size = (uint64_t)status.st_size;
		file->device = status.st_dev;
		file->inode = status.st_ino;
		file->source = (struct dump_source){
			.context = file, .read_at = file_read_at, .size = file_size, .seek = file_seek};
		error = open_page(file);
	}
	if (error)
		close(file->descriptor);
	return error;
}

void system_close(struct system_file *file)
{
	free((void *)(uintptr_t)file->memory.bytes);
	close(file->descriptor);
}

const char *system_why(int error)
{
	const char *why = page_why(error);

	return why ? why : error == EINVAL ? "not a regular file" : strerror(error);
}

int system_compare_names(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

bool system_list(const char *directory, const char *ending, char ***paths, size_t *count)
{
	DIR *stream = opendir(directory);
	size_t capacity = 0, length = strlen(directory), ending_length = strlen(ending);
	struct dirent *entry;

	*paths = NULL;
	*count = 0;
	if (!stream)
		return false;
	while (length > 1 && directory[length - 1] == '/')
		length--;
	while ((entry = readdir(stream))) {
		size_t name = strlen(entry->d_name);

		if (name <= ending_length || strcmp(entry->d_name + name - ending_length, ending) ||
		    entry->d_type == DT_DIR)
			continue;
		*paths = memory_grow(*paths, *count, &capacity, sizeof **paths);
		(*paths)[(*count)++] = memory_format("%.*s%s%s", (int)length, directory,
		                                     directory[length - 1] == '/' ? "" : "/", entry->d_name);
	}
	closedir(stream);
	if (*count)
		qsort(*paths, *count, sizeof **paths, system_compare_names);
	return true;
}

/* Returns the start time of a running process in clock ticks since boot, or 0 if there is no such process. */
static uint64_t start_ticks_of(uint32_t pid)
{
	char path[64], text[1024];
	FILE *stream;
	size_t length;

	snprintf(path, sizeof path, "/proc/%" PRIu32 "/stat", pid);
	stream = fopen(path, "re");
	if (!stream)
		return 0;
	length = fread(text, 1, sizeof text - 1, stream);
	fclose(stream);
	text[length] = 0;
	return stat_runs(text) ? stat_start_ticks(text) : 0;
}

bool system_alive(uint32_t pid, uint64_t start_ticks) { return start_ticks && start_ticks_of(pid) == start_ticks; }

/* Whether the file is the dump of the process with this number and start time. */
static bool is_dump_of(const char *path, uint32_t pid, uint64_t start_ticks)
{
	struct system_file file;
	struct dump_header header;
	bool found;

	if (system_open(path, &file))
		return false;
	found = file_read_at(&file, 0, &header, sizeof header) == sizeof header &&
	        !memcmp(header.magic, DUMP_MAGIC, sizeof header.magic) && header.pid == pid &&
	        header.start_ticks == start_ticks;
	system_close(&file);
	return found;
}

/*
 * `name` is that of a mapping in /proc/PID/maps. If it is a file that was deleted, returns a copy of its name without the
 * remark that the kernel appends. Returns NULL otherwise, and for shared memory, which never was a file with a name.
 */
static char *deleted_name(const char *name)
{
	static const char remark[] = " (deleted)";
	size_t length = strlen(name), end = sizeof remark - 1;

	if (length <= end || strcmp(name + length - end, remark) || !strncmp(name, "/dev/", 5) ||
	    !strncmp(name, "/memfd:", 7) || !strncmp(name, "/SYSV", 5))
		return NULL;
	return memory_text(name, length - end);
}

/*
 * Returns the path of the process's dump if the process has mapped it, or NULL. Sets *deleted, if that is still NULL, to
 * the path of a file that is mapped shared and was deleted.
 */
static char *dump_in_maps(uint32_t pid, uint64_t ticks, char **deleted)
{
	char path[64], *line = NULL, *found = NULL, *last = NULL;
	size_t size = 0;
	FILE *stream;

	snprintf(path, sizeof path, "/proc/%" PRIu32 "/maps", pid);
	stream = fopen(path, "re");
	if (!stream)
		return NULL;
	while (!found && getline(&line, &size, stream) > 0) {
		char *name = strchr(line, '/');

		if (!name || !strstr(line, " rw-s "))
			continue;
		name[strcspn(name, "\n")] = 0;
		if (last && !strcmp(last, name))
			continue;
		free(last);
		last = memory_text(name, strlen(name));
		if (is_dump_of(name, pid, ticks))
			found = memory_text(name, strlen(name));
		else if (!*deleted)
			*deleted = deleted_name(name);
	}
	free(last);
	free(line);
	fclose(stream);
	return found;
}

/* Returns the path of the process's dump if it is in its current directory, or NULL. This finds a dump that is not mapped. */
static char *dump_in_directory(uint32_t pid, uint64_t ticks)
{
	char link[64], directory[PATH_MAX], **paths, *found = NULL;
	ssize_t length;
	size_t count;

	snprintf(link, sizeof link, "/proc/%" PRIu32 "/cwd", pid);
	length = readlink(link, directory, sizeof directory - 1);
	if (length <= 0)
		return NULL;
	directory[length] = 0;
	if (!system_list(directory, DUMP_ENDING, &paths, &count))
		return NULL;
	for (size_t i = 0; i < count; i++) {
		if (!found && is_dump_of(paths[i], pid, ticks))
			found = paths[i];
		else
			free(paths[i]);
	}
	free(paths);
	return found;
}

char *system_dump_of(uint32_t pid, char **deleted)
{
	uint64_t ticks = start_ticks_of(pid);
	char *path;

	*deleted = NULL;
	path = ticks ? dump_in_maps(pid, ticks, deleted) : NULL;

	return path || !ticks ? path : dump_in_directory(pid, ticks);
}

bool system_has_debuginfod(void)
{
	const char *servers = getenv("DEBUGINFOD_URLS");

	return servers && *servers;
}

void system_without_debuginfod(void) { unsetenv("DEBUGINFOD_URLS"); }

uint64_t system_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

const char *system_host(void)
{
	static char host[256];

	if (!host[0] && gethostname(host, sizeof host - 1))
		strcpy(host, "localhost");
	return host;
}

const char *system_directory(void)
{
	static char *directory;

	if (!directory)
		directory = getcwd(NULL, 0);
	return directory;
}

bool system_terminal(void) { return isatty(STDOUT_FILENO) == 1; }

size_t system_columns(void)
{
	const char *stated = getenv("COLUMNS");
	struct winsize size;
	unsigned long columns;
	char *end;

	if (stated && *stated >= '1' && *stated <= '9') {
		columns = strtoul(stated, &end, 10);
		if (!*end)
			return columns;
	}
	return system_terminal() && !ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) ? size.ws_col : 0;
}

bool system_unicode(void)
{
	static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};
	const char *locale = NULL;

	for (unsigned i = 0; i < sizeof names / sizeof *names && (!locale || !*locale); i++)
		locale = getenv(names[i]);
	return locale && (strcasestr(locale, "utf-8") || strcasestr(locale, "utf8"));
}

bool system_colour(void)
{
	const char *no = getenv("NO_COLOR"), *terminal = getenv("TERM");

	return system_terminal() && !(no && *no) && !(terminal && !strcmp(terminal, "dumb"));
}
