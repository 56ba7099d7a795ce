/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * reach.c - says whether the dynamic linker will load the shim into a program: reads the program's file and, of a
 * script, those of its interpreters.
 * It must never run anything, nor end the process itself: the listener does.
 */
#include "launcher/reach.h"

#include <ctype.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <link.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "names.h"
#include "preload.h"

enum {
	SCRIPT_LINE = 256, /* bytes of a "#!" line that Linux reads */
	SCRIPT_DEPTH = 5,  /* longest chain of interpreters that Linux follows */
};

/* The contents of a file, mapped for reading. `bytes` is NULL if and only if `size` is 0. */
struct image {
	const unsigned char *bytes;
	size_t size;
};

static const struct reach_listener *heard_by;
static char *sanitizer; /* runtime of a sanitizer that the program was linked to, NULL if none */

/* Returns a formatted text, to be freed; NULL if there is no memory. */
static char *__attribute__((format(printf, 1, 0))) text_of(const char *format, va_list arguments)
{
	char *text;

	return vasprintf(&text, format, arguments) < 0 ? NULL : text;
}

static void __attribute__((format(printf, 2, 3), noreturn)) fail(int status, const char *format, ...)
{
	va_list arguments;
	char *sentence;

	va_start(arguments, format);
	sentence = text_of(format, arguments);
	va_end(arguments);
	heard_by->fail(status, sentence ? sentence : "out of memory");
	abort(); /* a listener that returns would start a program that cannot be counted */
}

static void __attribute__((format(printf, 1, 2))) note(const char *format, ...)
{
	va_list arguments;
	char *sentence;

	va_start(arguments, format);
	sentence = text_of(format, arguments);
	va_end(arguments);
	if (sentence)
		heard_by->note(sentence);
	free(sentence);
}

void reach_listen(const struct reach_listener *listener) { heard_by = listener; }

char *format_text(const char *format, ...)
{
	va_list arguments;
	char *result;

	va_start(arguments, format);
	result = text_of(format, arguments);
	va_end(arguments);
	if (!result)
		fail(STATUS_LAUNCHER, "out of memory");
	return result;
}

static bool starts_with(const char *string, const char *prefix) { return strncmp(string, prefix, strlen(prefix)) == 0; }

/* ---- ELF files ---- */

/*
 * Maps a file. Returns false, with errno, if it cannot be opened or mapped. An empty file, or one that is not a regular
 * file, gives an empty image.
 */
static bool image_open(const char *path, struct image *image)
{
	int file = open(path, O_RDONLY | O_CLOEXEC);
	struct stat status;
	void *bytes = NULL;

	*image = (struct image){0};
	if (file < 0)
		return false;
	if (!fstat(file, &status) && S_ISREG(status.st_mode) && status.st_size > 0)
		bytes = mmap(NULL, status.st_size, PROT_READ, MAP_PRIVATE, file, 0);
	close(file);
	if (bytes == MAP_FAILED)
		return false;
	if (bytes)
		*image = (struct image){bytes, status.st_size};
	return true;
}

static void image_close(struct image *image)
{
	if (image->bytes)
		munmap((void *)image->bytes, image->size);
	*image = (struct image){0};
}

/* Returns `count` objects of `each` bytes at `offset`; NULL if they are not all in the file, or not aligned. */
static const void *image_at(const struct image *image, uint64_t offset, uint64_t count, uint64_t each)
{
	if (offset > image->size || count > (image->size - offset) / each)
		return NULL;
	if (each > 1 && offset % sizeof(ElfW(Addr)))
		return NULL;
	return image->bytes + offset;
}

/* Returns the ELF header; NULL if the file has none, or one of another word size than the launcher's. */
static const ElfW(Ehdr) * elf_header(const struct image *image)
{
	const ElfW(Ehdr) *header = image_at(image, 0, 1, sizeof *header);
	int native = sizeof(void *) == 8 ? ELFCLASS64 : ELFCLASS32;

	if (!header || memcmp(header->e_ident, ELFMAG, SELFMAG) || header->e_ident[EI_CLASS] != native)
		return NULL;
	return header;
}

/* Returns the path of the dynamic linker that a program names; NULL for a static program. */
static const char *elf_loader(const struct image *image, const ElfW(Ehdr) * header)
{
	const ElfW(Phdr) *segments = image_at(image, header->e_phoff, header->e_phnum, sizeof *segments);

	for (int i = 0; segments && i < header->e_phnum; i++) {
		const char *name = image_at(image, segments[i].p_offset, segments[i].p_filesz, 1);

		if (segments[i].p_type == PT_INTERP && name && segments[i].p_filesz &&
		    name[segments[i].p_filesz - 1] == '\0')
			return name;
	}
	return NULL;
}

/* Returns the runtime of a sanitizer that a program was linked to, for the caller to free; NULL if there is none. */
static char *elf_sanitizer(const struct image *image, const ElfW(Ehdr) * header)
{
	const ElfW(Shdr) *sections = image_at(image, header->e_shoff, header->e_shnum, sizeof *sections);

	for (int i = 0; sections && i < header->e_shnum; i++) {
		const ElfW(Shdr) *dynamic = &sections[i];
		uint64_t count = dynamic->sh_size / sizeof(ElfW(Dyn));
		const ElfW(Dyn) *entries = image_at(image, dynamic->sh_offset, count, sizeof *entries);
		const ElfW(Shdr) *names = dynamic->sh_link < header->e_shnum ? &sections[dynamic->sh_link] : NULL;
		const char *strings = names ? image_at(image, names->sh_offset, names->sh_size, 1) : NULL;

		if (dynamic->sh_type != SHT_DYNAMIC || !entries || !strings || !names->sh_size ||
		    strings[names->sh_size - 1])
			continue;
		for (uint64_t j = 0; j < count && entries[j].d_tag; j++)
			if (entries[j].d_tag == DT_NEEDED && entries[j].d_un.d_val < names->sh_size &&
			    is_sanitizer(strings + entries[j].d_un.d_val))
				return format_text("%s", strings + entries[j].d_un.d_val);
	}
	return NULL;
}

static const char *machine_name(int machine)
{
	switch (machine) {
	case EM_X86_64: return "x86-64";
	case EM_386: return "i386";
	case EM_AARCH64: return "aarch64";
	case EM_ARM: return "arm";
	case EM_PPC64: return "ppc64";
	case EM_RISCV: return "riscv";
	case EM_S390: return "s390";
	default: return "another";
	}
}

bool reach_machine(const char *path, int *machine)
{
	struct image image;
	const ElfW(Ehdr) * header;

	*machine = EM_NONE;
	if (!image_open(path, &image))
		return false;
	header = elf_header(&image);
	if (header && header->e_type == ET_DYN)
		*machine = header->e_machine;
	image_close(&image);
	return true;
}

/* ---- the program ---- */

char *find_program(const char *name)
{
	const char *path = getenv("PATH"), *end;
	int error = ENOENT;

	if (strchr(name, '/'))
		path = NULL;
	else if (!path)
		path = "/bin:/usr/bin";
	for (bool more = true; more; path = more ? end + 1 : NULL) {
		struct stat status;
		char *file;

		end = path ? strchrnul(path, ':') : "";
		more = *end != '\0';
		file = !path ? format_text("%s", name)
		             : format_text("%.*s/%s", end == path ? 1 : (int)(end - path), end == path ? "." : path,
		                           name);
		if (!stat(file, &status)) {
			if (S_ISREG(status.st_mode) && !eaccess(file, X_OK))
				return file;
			error = EACCES;
		} else if (errno != ENOENT && errno != ENOTDIR) {
			error = errno;
		}
		free(file);
	}
	errno = error;
	return NULL;
}

char *find_program_or_fail(const char *name, const char *what)
{
	char *path = find_program(name);
	int error = errno;
	struct stat status;

	if (path)
		return path;
	if (error == ENOENT && !strchr(name, '/') && !stat(name, &status) && S_ISREG(status.st_mode))
		fail(STATUS_NOT_FOUND, "%s%s: not found in PATH; did you mean the one in this directory, ./%s?", what,
		     name, name);
	if (error == ENOENT)
		fail(STATUS_NOT_FOUND, "%s%s: not found", what, name);
	if (!stat(name, &status) && S_ISDIR(status.st_mode))
		fail(STATUS_UNREACHABLE, "%s%s: is a directory", what, name);
	fail(STATUS_UNREACHABLE, "%s%s: %s", what, name, strerror(error));
}

/*
 * The listener hears of it if the dynamic linker would run the program in secure mode, where it ignores LD_PRELOAD. `role`
 * stands before the path in messages, here and below: it is empty for the program itself, "SCRIPT: its interpreter "
 * for another. Root is refused too, for whom the mode is not secure: whether a program is counted must not depend on
 * who starts it.
 */
static void check_privileges(const char *path, const char *role)
{
	struct stat status;

	if (stat(path, &status))
		return;
	if (status.st_mode & S_ISUID)
		fail(STATUS_UNREACHABLE, "%s%s is set-user-ID: the dynamic linker ignores LD_PRELOAD in it", role,
		     path);
	if ((status.st_mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP))
		fail(STATUS_UNREACHABLE, "%s%s is set-group-ID: the dynamic linker ignores LD_PRELOAD in it", role,
		     path);
	if (getxattr(path, "security.capability", NULL, 0) > 0)
		fail(STATUS_UNREACHABLE, "%s%s has file capabilities: the dynamic linker ignores LD_PRELOAD in it",
		     role, path);
}

/* The listener hears of it unless glibc's dynamic linker will load a shim built for `machine` into the program. */
static void check_elf(const struct image *image, const char *path, const char *role, int machine)
{
	const ElfW(Ehdr) *header = elf_header(image);
	const char *loader;
	char *target;

	if (!header)
		fail(STATUS_UNREACHABLE, "%s%s is a program of another word size than %s", role, path, SHIM_NAME);
	if (header->e_machine != machine)
		fail(STATUS_UNREACHABLE, "%s%s is a program for %s machines, %s is for %s", role, path,
		     machine_name(header->e_machine), SHIM_NAME, machine_name(machine));
	loader = elf_loader(image, header);
	if (!loader) {
		/* A program that is run by `ld.so PROGRAM`: the dynamic linker obeys LD_PRELOAD there too. */
		if (starts_with(base_name(path), "ld-linux") || starts_with(base_name(path), "ld.so"))
			return;
		fail(STATUS_UNREACHABLE, "%s%s is statically linked: no shim can be preloaded into it", role, path);
	}
	target = realpath(loader, NULL);
	if (strstr(loader, "ld-musl") || (target && strstr(target, "ld-musl")))
		fail(STATUS_UNREACHABLE, "%s%s uses the musl C library: %s needs glibc", role, path, SHIM_NAME);
	if (!target)
		fail(STATUS_NOT_FOUND, "%s%s: its dynamic linker %s: %s", role, path, loader, strerror(errno));
	if (!starts_with(base_name(loader), "ld-linux") && !starts_with(base_name(loader), "ld.so") &&
	    !starts_with(base_name(loader), "ld64.so"))
		fail(STATUS_UNREACHABLE, "%s%s uses the dynamic linker %s: %s needs glibc's", role, path, loader,
		     SHIM_NAME);
	free(target);
	if (!sanitizer)
		sanitizer = elf_sanitizer(image, header);
}

/* Returns the next word of *rest, terminated, and moves *rest behind it; NULL at the end. */
static char *next_word(char **rest)
{
	char *word = *rest + strspn(*rest, " \t");

	if (!*word)
		return NULL;
	*rest = word + strcspn(word, " \t");
	if (**rest)
		*(*rest)++ = '\0';
	return word;
}

static void __attribute__((noreturn)) fail_cleared(const char *path, const char *role)
{
	fail(STATUS_UNREACHABLE, "%s%s starts its interpreter through env -i: LD_PRELOAD is lost on the way", role,
	     path);
}

/*
 * Returns the program that a first line "#!/usr/bin/env ARGUMENT" starts, as a part of `argument`; NULL if it names
 * none. The listener hears of it if env is told to clear the environment. Without -S the whole argument is one name, with its
 * blanks.
 */
static const char *env_operand(char *argument, const char *path, const char *role)
{
	char *split = argument + strcspn(argument, "S= \t"), *word;

	if (*argument != '-')
		return *argument ? argument : NULL;
	if (starts_with(argument, "--split-string="))
		split = strchr(argument, '=');
	else if (argument[1] == '-' || *split != 'S')
		return NULL;
	else if (memchr(argument, 'i', split - argument))
		fail_cleared(path, role);
	for (split++; (word = next_word(&split));) {
		if (!strcmp(word, "-") || !strcmp(word, "-i") || !strcmp(word, "--ignore-environment"))
			fail_cleared(path, role);
		if (!strcmp(word, "-u") || !strcmp(word, "-C"))
			next_word(&split);
		else if (*word != '-' && !strchr(word, '='))
			return word;
	}
	return NULL;
}

static void check_program(const char *path, const char *role, int machine, int depth);

/* Checks the interpreters of a script. `line` is its first line behind "#!"; `depth` counts the interpreters so far. */
static void check_script(char *line, const char *path, const char *role, int machine, int depth)
{
	char *interpreter = next_word(&line), *inner;
	const char *operand;

	if (!interpreter)
		fail(STATUS_UNREACHABLE, "%s%s: its first line names no interpreter", role, path);
	if (depth >= SCRIPT_DEPTH)
		fail(STATUS_UNREACHABLE, "%s%s: too many interpreters in a row", role, path);
	inner = format_text("%s%s: its interpreter ", role, path);
	if (access(interpreter, F_OK))
		fail(STATUS_NOT_FOUND, "%s%s: not found", inner, interpreter);
	check_program(interpreter, inner, machine, depth + 1);
	line += strspn(line, " \t");
	operand = strcmp(base_name(interpreter), "env") ? NULL : env_operand(line, path, role);
	if (operand) {
		char *program = find_program_or_fail(operand, inner);

		check_program(program, inner, machine, depth + 1);
		free(program);
	}
	free(inner);
}

/* The listener hears of it unless the shim can be loaded into the program or, for a script, into its interpreters. */
static void check_program(const char *path, const char *role, int machine, int depth)
{
	struct image image;
	char line[SCRIPT_LINE + 1] = "";
	size_t length;

	if (!image_open(path, &image)) {
		check_privileges(path, role);
		note("%s%s: %s: cannot see whether it can be reached", role, path, strerror(errno));
		return;
	}
	if (image.size >= SELFMAG && !memcmp(image.bytes, ELFMAG, SELFMAG)) {
		check_privileges(path, role);
		check_elf(&image, path, role, machine);
	} else if (image.size >= 2 && !memcmp(image.bytes, "#!", 2)) {
		length = image.size - 2 < SCRIPT_LINE - 2 ? image.size - 2 : SCRIPT_LINE - 2;
		memcpy(line, image.bytes + 2, length);
		line[strcspn(line, "\n")] = '\0';
		for (length = strlen(line); length && isspace((unsigned char)line[length - 1]);)
			line[--length] = '\0';
		check_script(line, path, role, machine, depth);
	} else if (depth < SCRIPT_DEPTH) {
		check_program("/bin/sh", role, machine,
		              SCRIPT_DEPTH); /* execvp runs a file of unknown format by the shell */
	}
	image_close(&image);
}

void reach_check(const char *path, int machine) { check_program(path, "", machine, 0); }

const char *reach_sanitizer(void) { return sanitizer; }
