/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * flopshim.c - the launcher: runs a program with libflopshim.so preloaded, or says why the shim cannot
 * reach it. It must never start a program whose work would go uncounted without a word, and it leaves
 * nothing of itself behind: the program takes its place by exec, so status, signals and pid are its own.
 *
 * Exit status, when it is not the program's: 125 the launcher's own error, 126 the program was found but
 * cannot be run or reached, 127 it was not found. env(1) uses the same.
 */
#include <ctype.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <link.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "names.h"
#include "variables.h"
#include "version.h"

#ifndef LIBDIR /* where `make install` puts the shim */
#define LIBDIR "/usr/local/lib"
#endif

#define SHIM_NAME "libflopshim.so"
#define SHIM_VARIABLE VARIABLE(LIBRARY) /* where the shim is; meant for the launcher, not passed on */

enum { STATUS_LAUNCHER = 125, STATUS_UNREACHABLE = 126, STATUS_NOT_FOUND = 127 };

enum {
	SCRIPT_LINE = 256, /* so much of a "#!" line does Linux read */
	SCRIPT_DEPTH = 5,  /* so many interpreters in a row does it follow */
};

/* The rows of options.def that are options. */
enum {
#define OPTION(NAME, ...) OPTION_##NAME,
#define COMMAND(NAME, ...) OPTION_##NAME,
#include "options.def"
	OPTION_COUNT,
	OPTION_BASE = 256, /* getopt's value of option i is OPTION_BASE + i, above every letter */
};

static const struct option_row {
	const char *name;
	char letter;          /* 0: none */
	const char *variable; /* that it sets; NULL: the launcher obeys it */
	const char *argument; /* NULL: none, the variable becomes 1 */
	const char *help;
} rows[OPTION_COUNT] = {
#define OPTION(NAME, option, letter, argument, fault, kind, initial, help, meaning) \
	[OPTION_##NAME] = {option, letter, VARIABLE(NAME), argument, help},
#define COMMAND(NAME, option, letter, help) [OPTION_##NAME] = {option, letter, NULL, NULL, help},
#include "options.def"
};

/* A file mapped for reading. bytes == NULL if and only if size == 0. */
struct image {
	const unsigned char *bytes;
	size_t size;
};

static bool quiet;
static char *sanitizer; /* runtime that the program was linked to, NULL if none */

/* A line by one write: those of other ranks may come between two. */
static void say(const char *format, va_list arguments)
{
	char *sentence = NULL, *line = NULL;
	int length = -1;

	if (vasprintf(&sentence, format, arguments) >= 0)
		length = asprintf(&line, "flopshim: %s\n", sentence);
	if (length > 0)
		make_printable(line, (size_t)length - 1);
	if (length < 0 || write(STDERR_FILENO, line, (size_t)length) < 0)
		perror("flopshim");
	free(sentence);
	free(line);
}

static void __attribute__((format(printf, 2, 3), noreturn)) fail(int status, const char *format, ...)
{
	va_list arguments;

	fflush(stdout);
	va_start(arguments, format);
	say(format, arguments);
	va_end(arguments);
	exit(status);
}

static void __attribute__((format(printf, 1, 2))) note(const char *format, ...)
{
	va_list arguments;

	if (quiet)
		return;
	va_start(arguments, format);
	say(format, arguments);
	va_end(arguments);
}

/* Like asprintf, for the caller to free; ends the launcher when memory is short. */
static char *__attribute__((format(printf, 1, 2))) text(const char *format, ...)
{
	va_list arguments;
	char *result;

	va_start(arguments, format);
	if (vasprintf(&result, format, arguments) < 0)
		fail(STATUS_LAUNCHER, "out of memory");
	va_end(arguments);
	return result;
}

static bool starts_with(const char *string, const char *prefix)
{
	return strncmp(string, prefix, strlen(prefix)) == 0;
}

static void set_variable(const char *name, const char *value)
{
	if (setenv(name, value, 1))
		fail(STATUS_LAUNCHER, "cannot set %s: %s", name, strerror(errno));
}

/* What a launcher starts inside of what another has started is part of that run. */
static void name_run(void)
{
	const char *given = getenv(VARIABLE(RUN));
	unsigned char bytes[16];
	char name[2 * sizeof(bytes) + 1];

	if ((given && *given) || getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
		return; /* or its dumps are told to be of one run by what else they say */
	for (size_t i = 0; i < sizeof(bytes); i++)
		snprintf(name + 2 * i, 3, "%02x", bytes[i]);
	set_variable(VARIABLE(RUN), name);
}

/* ---- ELF files ---- */

/* Maps `path`; false, with errno, if it cannot be read. An empty file is an empty image. */
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

/* `count` objects of `each` bytes at `offset`, NULL if they are not all in the file or not aligned. */
static const void *image_at(const struct image *image, uint64_t offset, uint64_t count, uint64_t each)
{
	if (offset > image->size || count > (image->size - offset) / each)
		return NULL;
	if (each > 1 && offset % sizeof(ElfW(Addr)))
		return NULL;
	return image->bytes + offset;
}

/* The ELF header of the word size that the launcher was built for, NULL if the file has none. */
static const ElfW(Ehdr) *elf_header(const struct image *image)
{
	const ElfW(Ehdr) *header = image_at(image, 0, 1, sizeof *header);
	int native = sizeof(void *) == 8 ? ELFCLASS64 : ELFCLASS32;

	if (!header || memcmp(header->e_ident, ELFMAG, SELFMAG) || header->e_ident[EI_CLASS] != native)
		return NULL;
	return header;
}

/* The loader that the program asks for; NULL for a static one. */
static const char *elf_loader(const struct image *image, const ElfW(Ehdr) *header)
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

/* A sanitizer's runtime refuses to start unless it stands before all others. */
static bool is_sanitizer(const char *name)
{
	return starts_with(name, "lib") && strstr(name, "san.so");
}

/* The runtime of a sanitizer that the program was linked to, for the caller to free; NULL if there is none. */
static char *elf_sanitizer(const struct image *image, const ElfW(Ehdr) *header)
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
				return text("%s", strings + entries[j].d_un.d_val);
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

/* ---- the shim ---- */

/* The folder of the running launcher; empty if the kernel does not say (no /proc). */
static char *own_folder(void)
{
	char path[PATH_MAX];
	ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);
	char *slash;

	path[length > 0 ? length : 0] = '\0';
	slash = strrchr(path, '/');
	if (slash)
		*slash = '\0';
	return text("%s", slash ? path : "");
}

/*
 * The absolute path of the shim, and its machine. Looked for where the environment says, beside the launcher (a
 * build folder), in the lib folders of the same prefix, and where it was configured to go.
 */
static char *find_shim(int *machine)
{
	const char *given = getenv(SHIM_VARIABLE);
	char *folder = own_folder();
	char *places[] = {
		text("%s/%s", folder, SHIM_NAME),
		text("%s/../lib/%s", folder, SHIM_NAME),
		text("%s/../lib/%s/%s", folder, base_name(LIBDIR), SHIM_NAME),
		text("%s/%s", LIBDIR, SHIM_NAME),
	};
	char *found = NULL;
	struct image image;
	const ElfW(Ehdr) *header;

	if (given)
		found = realpath(given, NULL);
	for (size_t i = 0; !given && !found && i < sizeof places / sizeof *places; i++)
		found = realpath(places[i], NULL);
	if (!found && given)
		fail(STATUS_LAUNCHER, "%s=%s: %s", SHIM_VARIABLE, given, strerror(errno));
	if (!found)
		fail(STATUS_LAUNCHER, "%s is not in %s, %s/../lib or %s; set %s to its path", SHIM_NAME, folder,
		     folder, LIBDIR, SHIM_VARIABLE);
	for (size_t i = 0; i < sizeof places / sizeof *places; i++)
		free(places[i]);
	free(folder);

	if (!image_open(found, &image))
		fail(STATUS_LAUNCHER, "%s: %s", found, strerror(errno));
	header = elf_header(&image);
	if (!header || header->e_type != ET_DYN)
		fail(STATUS_LAUNCHER, "%s is not a shared object for this machine", found);
	*machine = header->e_machine;
	image_close(&image);
	if (strpbrk(found, ": \t\n"))
		fail(STATUS_LAUNCHER, "%s: LD_PRELOAD cannot hold a path with a space or a colon", found);
	return found;
}

/* ---- the program ---- */

/*
 * Finds `name` as execvp does, for the caller to free; NULL with errno ENOENT, or EACCES where it is
 * found but may not be executed. The result always holds a slash.
 */
static char *find_program(const char *name)
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
		file = !path ? text("%s", name) :
		       text("%.*s/%s", end == path ? 1 : (int)(end - path), end == path ? "." : path, name);
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

static char *find_program_or_fail(const char *name, const char *what)
{
	char *path = find_program(name);
	int error = errno;
	struct stat status;

	if (path)
		return path;
	if (error == ENOENT && !strchr(name, '/') && !stat(name, &status) && S_ISREG(status.st_mode))
		fail(STATUS_NOT_FOUND, "%s%s: not found in PATH; did you mean the one in this directory, ./%s?", what, name, name);
	if (error == ENOENT)
		fail(STATUS_NOT_FOUND, "%s%s: not found", what, name);
	if (!stat(name, &status) && S_ISDIR(status.st_mode))
		fail(STATUS_UNREACHABLE, "%s%s: is a directory", what, name);
	fail(STATUS_UNREACHABLE, "%s%s: %s", what, name, strerror(error));
}

/*
 * Ends the launcher if the dynamic linker would run in its secure mode, where it drops preloads. Refused
 * for every user, root included: whether a run is counted must not depend on who starts it.
 */
static void check_privileges(const char *path, const char *role)
{
	struct stat status;

	if (stat(path, &status))
		return;
	if (status.st_mode & S_ISUID)
		fail(STATUS_UNREACHABLE, "%s%s is set-user-ID: the dynamic linker ignores LD_PRELOAD in it", role, path);
	if ((status.st_mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP))
		fail(STATUS_UNREACHABLE, "%s%s is set-group-ID: the dynamic linker ignores LD_PRELOAD in it", role, path);
	if (getxattr(path, "security.capability", NULL, 0) > 0)
		fail(STATUS_UNREACHABLE, "%s%s has file capabilities: the dynamic linker ignores LD_PRELOAD in it",
		     role, path);
}

/* Ends the launcher unless glibc's dynamic linker will load a shim built for `machine` into the program. */
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
		/* The dynamic linker itself, run as a command, preloads as it always does. */
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

/* Cuts the next word off `*rest`; NULL at the end. */
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
	fail(STATUS_UNREACHABLE, "%s%s starts its interpreter through env -i: LD_PRELOAD is lost on the way", role, path);
}

/*
 * The program that "#!/usr/bin/env ARGUMENT" starts, within `argument`; NULL if it names none. Without
 * -S the whole argument is a name, however many words it has.
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

/* `line` is what follows "#!", up to the end of the line. */
static void check_script(char *line, const char *path, const char *role, int machine, int depth)
{
	char *interpreter = next_word(&line), *inner;
	const char *operand;

	if (!interpreter)
		fail(STATUS_UNREACHABLE, "%s%s: its first line names no interpreter", role, path);
	if (depth >= SCRIPT_DEPTH)
		fail(STATUS_UNREACHABLE, "%s%s: too many interpreters in a row", role, path);
	inner = text("%s%s: its interpreter ", role, path);
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

/* Ends the launcher unless the shim reaches the program, and the interpreters that it stands on. */
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
		check_program("/bin/sh", role, machine, SCRIPT_DEPTH); /* execvp gives it to the shell */
	}
	image_close(&image);
}

/* ---- the environment ---- */

/*
 * Puts the shim at the head of LD_PRELOAD, where a BLAS would hide it; only the runtimes of sanitizers stay before
 * it. A second entry of the shim, from a launcher within a launcher, goes.
 */
static void preload(const char *shim)
{
	const char *old = getenv("LD_PRELOAD");
	char *first = text("%s", ""), *others = text("%s", ""), *cursor;
	char *list = text("%s:%s", sanitizer ? sanitizer : "", old ? old : "");

	cursor = list;
	for (char *entry; (entry = strsep(&cursor, ": "));) {
		bool leads = is_sanitizer(base_name(entry)) && !*others;
		char *longer;

		if (!*entry || !strcmp(base_name(entry), SHIM_NAME) || (leads && strstr(first, base_name(entry))))
			continue;
		longer = leads ? text("%s%s:", first, entry) : text("%s:%s", others, entry);
		free(leads ? first : others);
		*(leads ? &first : &others) = longer;
	}
	free(list);
	list = text("%s%s%s", first, shim, others);
	set_variable("LD_PRELOAD", list);
	free(list);
	free(first);
	free(others);
}

/* The end of --help's line on variables that no option sets. */
static const char own_variables[] = ""
#define LAUNCHER_VARIABLE(NAME, help) " " VARIABLE(NAME) " " help "."
#include "options.def"
	;

static void print_help(void)
{
	puts("Usage: flopshim [OPTION]... PROGRAM [ARGUMENT]...\n"
	     "Runs PROGRAM and counts the floating-point operations of its BLAS and LAPACK calls; read the dump\n"
	     "that it leaves with flopshim-report.\n");
	for (int i = 0; i < OPTION_COUNT; i++) {
		const struct option_row *row = &rows[i];
		char letter[] = {'-', row->letter ? row->letter : ' ', row->letter ? ',' : ' ', '\0'};
		char *name = text("--%s%s%s", row->name, row->argument ? " " : "", row->argument ? row->argument : "");

		printf("  %s %-30s %s\n", row->letter ? letter : "   ", name, row->help);
		free(name);
	}
	printf("\nEvery option sets a variable that can as well be set in the environment: --budget is\n%s and so on.%s\n",
	       rows[OPTION_BUDGET].variable, own_variables);
	puts("\n"
	     "Exit status: the program's own; 125 an error of flopshim, 126 the program cannot be run or is out\n"
	     "of reach (static, set-user-ID, musl, another machine), 127 it was not found.");
}

/* Budgets add up to a list; of the other options the last one counts. */
static void apply(const struct option_row *row, const char *value)
{
	static bool budget_given;
	const char *old = getenv(row->variable);
	bool is_budget = row == &rows[OPTION_BUDGET];
	char *both = is_budget && budget_given && old ? text("%s,%s", old, value) : NULL;

	set_variable(row->variable, both ? both : value);
	free(both);
	budget_given |= is_budget;
	quiet |= row == &rows[OPTION_QUIET];
}

static const struct option_row *row_of(int option)
{
	for (int i = 0; i < OPTION_COUNT; i++)
		if (option == OPTION_BASE + i || (rows[i].letter && option == rows[i].letter))
			return &rows[i];
	return NULL;
}

/* Whether it is more likely to be the program than the value that an option wants. */
static bool is_program(const char *value)
{
	char *path = find_program(value);

	free(path);
	return path || (strchr(value, '/') && !access(value, F_OK));
}

/* A program that stands where the value should. */
static void __attribute__((noreturn)) fail_without_value(const struct option_row *row, const char *program)
{
	bool is_budget = row == &rows[OPTION_BUDGET];

	fail(STATUS_LAUNCHER, "--%s wants %s before the program, and got %s; expected 'flopshim --%s %s %s'", row->name,
	     is_budget ? "a number of FLOPs" : row->argument, program, row->name, is_budget ? "1e9" : row->argument, program);
}

static const struct option_row *nearest_row(const char *name)
{
	const struct option_row *nearest = NULL;
	unsigned best = 3; /* edits that no more than a slip of the hand makes */

	for (int i = 0; i < OPTION_COUNT; i++) {
		unsigned distance = name_distance(name, strcspn(name, "="), rows[i].name);

		if (distance < best && distance < strlen(rows[i].name) / 2) {
			best = distance;
			nearest = &rows[i];
		}
	}
	return nearest;
}

/* What getopt did not take: `word` is the option as it was given, `letter` the letter or the value of a known one, or 0. */
static void __attribute__((noreturn)) fail_of_option(const char *word, int letter)
{
	const struct option_row *row = letter ? row_of(letter) : NULL;

	if (row)
		fail(STATUS_LAUNCHER, "--%s takes no value: %s; try 'flopshim --help'", row->name, word);
	if (letter)
		fail(STATUS_LAUNCHER, "-%c: there is no such option; try 'flopshim --help'", letter);
	row = nearest_row(word + strspn(word, "-"));
	fail(STATUS_LAUNCHER, "%s: there is no such option%s%s%s; try 'flopshim --help'", word, row ? "; did you mean --" : "",
	     row ? row->name : "", row ? "?" : "");
}

/* Applies the options and gives the index of PROGRAM in argv. */
static int parse(int argc, char **argv)
{
	struct option options[OPTION_COUNT + 1] = {0};
	char letters[2 * OPTION_COUNT + 3] = "+:"; /* "+": the first non-option is PROGRAM; ":": a missing value is told apart */
	char *end = letters + 2;
	const struct option_row *last = NULL; /* that has taken the word before the next one */
	int option;

	opterr = 0;

	for (int i = 0; i < OPTION_COUNT; i++) {
		options[i] = (struct option){rows[i].name, rows[i].argument ? required_argument : no_argument, NULL,
					     OPTION_BASE + i};
		if (rows[i].letter)
			*end++ = rows[i].letter;
		if (rows[i].letter && rows[i].argument)
			*end++ = ':';
	}
	while ((option = getopt_long(argc, argv, letters, options, NULL)) != -1) {
		const struct option_row *row = row_of(option);

		if (option == ':') {
			row = row_of(optopt);
			fail(STATUS_LAUNCHER, "%s: expected %s after it; try 'flopshim --help'", argv[optind - 1], row->argument);
		}
		if (!row)
			fail_of_option(argv[optind - 1], optopt);
		last = row->argument && optarg == argv[optind - 1] ? row : NULL;
		if (last == &rows[OPTION_BUDGET] && !isdigit((unsigned char)*optarg) && is_program(optarg))
			fail_without_value(last, optarg);
		if (row->variable) {
			apply(row, row->argument ? optarg : "1");
			continue;
		}
		if (row == &rows[OPTION_HELP])
			print_help();
		else
			puts("flopshim " FLOPSHIM_VERSION);
		exit(fflush(stdout) ? STATUS_LAUNCHER : 0);
	}
	if (optind == argc && last && is_program(argv[optind - 1]))
		fail_without_value(last, argv[optind - 1]);
	if (optind == argc)
		fail(STATUS_LAUNCHER, "no program given; try 'flopshim --help'");
	return optind;
}

int main(int argc, char **argv)
{
	const char *told = getenv(VARIABLE(QUIET));
	char **arguments;
	int machine;
	char *shim, *program, *process;

	quiet = told && *told && strcmp(told, "0");
	arguments = argv + parse(argc, argv);
	shim = find_shim(&machine);
	program = find_program_or_fail(arguments[0], "");
	check_program(program, "", machine, 0);
	unsetenv(SHIM_VARIABLE);
	set_variable(VARIABLE(LAUNCHED), process = text("%ld", (long)getpid())); /* which exec keeps */
	free(process);
	name_run();
	preload(shim);
	execvp(program, arguments);
	fail(errno == ENOENT ? STATUS_NOT_FOUND : STATUS_UNREACHABLE, "%s: %s", program, strerror(errno));
}
