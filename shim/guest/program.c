/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * program.c - what the kernel says of the running program.
 * It must never ask the kernel anything once the program has given up system calls.
 */
#include "shim/guest/program.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "shim/guest/guest.h"
#include "shim/guest/machine.h"

static char path[PATH_MAX];

const char *program_path(void) { return path; }

void program_find(void)
{
	ssize_t length = readlink("/proc/self/exe", path, sizeof(path) - 1);

	if (length <= 0)
		strcpy(path, program_invocation_name);
}

/* Lines of /proc/self/maps, one after the other. */
struct mappings {
	int file;
	size_t length, at;
	char bytes[1024];
};

/* The next line, cut to `size`; false at the end. */
static bool mappings_line(struct mappings *mappings, char *line, size_t size)
{
	size_t end = 0;

	for (;;) {
		char byte;

		if (mappings->at == mappings->length) {
			ssize_t length = read(mappings->file, mappings->bytes, sizeof(mappings->bytes));

			mappings->at = 0;
			mappings->length = length > 0 ? (size_t)length : 0;
			if (length <= 0)
				return false;
		}
		byte = mappings->bytes[mappings->at++];
		line[end] = byte == '\n' ? 0 : byte;
		if (!line[end])
			return true;
		end += end + 1 < size;
	}
}

/* The hexadecimal number that a text begins with; `*end` is what follows. */
static uint64_t hexadecimal(const char *text, const char **end)
{
	uint64_t number = 0;

	for (; (*text >= '0' && *text <= '9') || (*text >= 'a' && *text <= 'f'); text++)
		number = number << 4 | (uint64_t)(*text <= '9' ? *text - '0' : *text - 'a' + 10);
	*end = text;
	return number;
}

/* Whether a line of /proc/self/maps, "55d000-55e000 r-xp ...", covers an address. */
static bool is_of(const char *line, uint64_t address)
{
	const char *at;
	bool behind = address >= hexadecimal(line, &at);

	return behind && *at == '-' && address < hexadecimal(at + 1, &at);
}

/* Takes off what the kernel puts behind the name of a deleted file. */
static void without_remark(char *name)
{
	static const char remark[] = " (deleted)";
	size_t length = strlen(name), end = sizeof(remark) - 1;

	if (length > end && !strcmp(name + length - end, remark))
		name[length - end] = 0;
}

const char *program_mapped_file(uint64_t address)
{
	static char line[PATH_MAX + 128];
	static struct mappings mappings;
	int saved = errno;
	char *name = NULL;

	if (guest_confined)
		return NULL;
	mappings = (struct mappings){.file = open("/proc/self/maps", O_RDONLY | O_CLOEXEC)};
	while (!name && mappings.file >= 0 && mappings_line(&mappings, line, sizeof(line)))
		if (is_of(line, address))
			name = strchr(line, '/');
	if (mappings.file >= 0)
		close(mappings.file);
	if (name)
		without_remark(name);
	errno = saved;
	return name;
}

const char *program_stat(const char *process)
{
	static char text[1024];
	char name[64];
	size_t end = 0;

	guest_print(name, sizeof(name), &end, "/proc/%s/stat", process);
	guest_file_text(name, text, sizeof(text));
	return text;
}

/* A confined thread cannot ask for its number: any that no other thread has will do. */
uint32_t program_thread(void)
{
	return guest_confined ? (uint32_t)((uint64_t)machine_thread_pointer() >> 6)
	                      : (uint32_t)machine_syscall(SYS_gettid);
}
