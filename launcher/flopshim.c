/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * flopshim.c - the launcher: runs a program with libflopshim.so preloaded, or says why the shim cannot reach it.
 * It must never silently start a program whose work would not be counted.
 *
 * The launcher becomes the program by exec, so that pid, signals and exit status are the program's. If it does not get
 * that far, its exit status is 125 for an error of its own, 126 if the program was found but cannot be run or reached,
 * 127 if the program was not found; env(1) uses the same.
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
#include "preload.h"
#include "variables.h"
#include "version.h"

#ifndef LIBDIR /* where `make install` puts the shim */
#define LIBDIR "/usr/local/lib"
#endif

#define SHIM_VARIABLE VARIABLE(LIBRARY) /* the path of the shim; the launcher reads it, and does not pass it on */

enum { STATUS_LAUNCHER = 125, STATUS_UNREACHABLE = 126, STATUS_NOT_FOUND = 127 };

enum {
	SCRIPT_LINE = 256, /* bytes of a "#!" line that Linux reads */
	SCRIPT_DEPTH = 5,  /* longest chain of interpreters that Linux follows */
};

/* Numbers of the rows of options.def that are options of the launcher. */
enum {
#define OPTION(NAME, ...)  OPTION_##NAME,
#define COMMAND(NAME, ...) OPTION_##NAME,
#include "options.def"
	OPTION_COUNT,
	OPTION_BASE = 256, /* getopt_long returns OPTION_BASE + i for option i, which no letter equals */
};

static const struct option_row {
	const char *name;
	char letter;          /* short form; 0: none */
	const char *variable; /* the variable that the option sets; NULL for a COMMAND */
	const char *argument; /* as --help shows it; NULL: the option takes none, and sets the variable to 1 */
	const char *help;
} rows[OPTION_COUNT] = {
#define OPTION(NAME, option, letter, argument, fault, kind, initial, help, meaning) \
	[OPTION_##NAME] = {option, letter, VARIABLE(NAME), argument, help},
#define COMMAND(NAME, option, letter, help) [OPTION_##NAME] = {option, letter, NULL, NULL, help},
#include "options.def"
};

/* The contents of a file, mapped for reading. `bytes` is NULL if and only if `size` is 0. */
struct image {
	const unsigned char *bytes;
	size_t size;
};

static bool quiet;
static char *sanitizer; /* runtime of a sanitizer that the program was linked to, NULL if none */

/* Prints a line on standard error, by one write: two might be separated by the lines of other MPI ranks. */
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

/* Prints an error and ends the launcher. */
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

/* Returns a formatted text, for the caller to free; ends the launcher if there is no memory. */
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

static bool starts_with(const char *string, const char *prefix) { return strncmp(string, prefix, strlen(prefix)) == 0; }

static void set_variable(const char *name, const char *value)
{
	if (setenv(name, value, 1))
		fail(STATUS_LAUNCHER, "cannot set %s: %s", name, strerror(errno));
}

/*
 * Gives the run a name, by which the dumps of its processes are told to belong together. A launcher that runs under
 * another one leaves that one's name, since its processes are part of that run.
 */
static void name_run(void)
{
	const char *given = getenv(VARIABLE(RUN));
	unsigned char bytes[16];
	char name[2 * sizeof(bytes) + 1];

	if ((given && *given) || getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
		/* without random bytes the run has no name; flopshim-report then goes by the dumps' other members */
		return;
	for (size_t i = 0; i < sizeof(bytes); i++)
		snprintf(name + 2 * i, 3, "%02x", bytes[i]);
	set_variable(VARIABLE(RUN), name);
}

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

/* Returns the folder of the launcher's file, for the caller to free; it is empty if /proc is not there. */
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
 * Returns the absolute path of the shim, and stores its ELF machine; ends the launcher if there is no usable shim. It
 * is looked for where SHIM_VARIABLE says; without that beside the launcher (in a build folder), in the lib folders of
 * the same prefix, and in LIBDIR.
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
	const ElfW(Ehdr) * header;

	if (given)
		found = realpath(given, NULL);
	for (size_t i = 0; !given && !found && i < sizeof places / sizeof *places; i++)
		found = realpath(places[i], NULL);
	if (!found && given)
		fail(STATUS_LAUNCHER, "%s=%s: %s", SHIM_VARIABLE, given, strerror(errno));
	if (!found)
		fail(STATUS_LAUNCHER, "%s is not in %s, %s/../lib or %s; set %s to its path", SHIM_NAME, folder, folder,
		     LIBDIR, SHIM_VARIABLE);
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
	if (strpbrk(found, PRELOAD_SEPARATORS "\t\n"))
		fail(STATUS_LAUNCHER, "%s: LD_PRELOAD cannot hold a path with a space or a colon", found);
	return found;
}

/* ---- the program ---- */

/*
 * Returns the path of the program that execvp would find, for the caller to free; it contains a slash. Returns NULL
 * with errno otherwise: ENOENT if there is none, EACCES if there is one that may not be executed.
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
		file = !path ? text("%s", name)
		             : text("%.*s/%s", end == path ? 1 : (int)(end - path), end == path ? "." : path, name);
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

/* Does the same, but ends the launcher with a message that begins with `what` if there is no such program. */
static char *find_program_or_fail(const char *name, const char *what)
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
 * Ends the launcher if the dynamic linker would run the program in secure mode, where it ignores LD_PRELOAD. `role`
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
 * none. Ends the launcher if env is told to clear the environment. Without -S the whole argument is one name, with its
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

/* Ends the launcher unless the shim can be loaded into the program or, for a script, into its interpreters. */
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

/* ---- the environment ---- */

static void preload(const char *shim)
{
	char *list = preload_list(sanitizer, shim, getenv("LD_PRELOAD"));

	if (!list)
		fail(STATUS_LAUNCHER, "out of memory");
	set_variable("LD_PRELOAD", list);
	free(list);
}

/* Text for --help on the variables that no option sets. */
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
	printf("\nEvery option sets a variable that can as well be set in the environment: --budget is\n%s and so "
	       "on.%s\n",
	       rows[OPTION_BUDGET].variable, own_variables);
	puts("\n"
	     "Exit status: the program's own; 125 an error of flopshim, 126 the program cannot be run or is out\n"
	     "of reach (static, set-user-ID, musl, another machine), 127 it was not found.");
}

/*
 * Sets the variable of an option. A repeated --budget is appended to the list; of another option the last value holds.
 */
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

/* Returns whether the value of an option is more likely the program, because the value was forgotten. */
static bool is_program(const char *value)
{
	char *path = find_program(value);

	free(path);
	return path || (strchr(value, '/') && !access(value, F_OK));
}

/* Ends the launcher because the value of an option is missing, and the program stands in its place. */
static void __attribute__((noreturn)) fail_without_value(const struct option_row *row, const char *program)
{
	bool is_budget = row == &rows[OPTION_BUDGET];

	fail(STATUS_LAUNCHER, "--%s wants %s before the program, and got %s; expected 'flopshim --%s %s %s'", row->name,
	     is_budget ? "a number of FLOPs" : row->argument, program, row->name, is_budget ? "1e9" : row->argument,
	     program);
}

/* Returns the option that a misspelt name most likely means, NULL if none is near. `name` may go on with "=VALUE". */
static const struct option_row *nearest_row(const char *name)
{
	const struct option_row *nearest = NULL;
	unsigned best = 3; /* a name that differs by as many edits is no slip of the hand any more */

	for (int i = 0; i < OPTION_COUNT; i++) {
		unsigned distance = name_distance(name, strcspn(name, "="), rows[i].name);

		if (distance < best && distance < strlen(rows[i].name) / 2) {
			best = distance;
			nearest = &rows[i];
		}
	}
	return nearest;
}

/*
 * Ends the launcher because getopt_long rejected an option. `word` is the option as the user wrote it; `letter` is
 * getopt's optopt: the letter, the value of a long option that takes no argument, or 0 if the name is not known.
 */
static void __attribute__((noreturn)) fail_of_option(const char *word, int letter)
{
	const struct option_row *row = letter ? row_of(letter) : NULL;

	if (row)
		fail(STATUS_LAUNCHER, "--%s takes no value: %s; try 'flopshim --help'", row->name, word);
	if (letter)
		fail(STATUS_LAUNCHER, "-%c: there is no such option; try 'flopshim --help'", letter);
	row = nearest_row(word + strspn(word, "-"));
	fail(STATUS_LAUNCHER, "%s: there is no such option%s%s%s; try 'flopshim --help'", word,
	     row ? "; did you mean --" : "", row ? row->name : "", row ? "?" : "");
}

/* An option's name behind one dash, which getopt would take for a letter and its value: -budget for -b udget. */
static void check_dashes(const char *word)
{
	if (!word || word[0] != '-' || word[1] == '-' || !word[1] || !word[2])
		return;
	for (int i = 0; i < OPTION_COUNT; i++)
		if (strlen(rows[i].name) == strcspn(word + 1, "=") && starts_with(word + 1, rows[i].name))
			fail(STATUS_LAUNCHER,
			     "%s: an option's long name begins with two dashes; did you mean --%s?; try 'flopshim "
			     "--help'",
			     word, rows[i].name);
}

/* Applies the options and returns the index of PROGRAM in argv; ends the launcher if the command line is wrong. */
static int parse(int argc, char **argv)
{
	struct option options[OPTION_COUNT + 1] = {0};
	char letters[2 * OPTION_COUNT + 3] = "+:"; /* "+": stop at PROGRAM; ":": return ':' for a missing value */
	char *end = letters + 2;
	const struct option_row *last =
		NULL; /* the option whose value is the word before optind, NULL if that is no value */
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
	while (check_dashes(argv[optind]), (option = getopt_long(argc, argv, letters, options, NULL)) != -1) {
		const struct option_row *row = row_of(option);

		if (option == ':') {
			row = row_of(optopt);
			fail(STATUS_LAUNCHER, "%s: expected %s after it; try 'flopshim --help'", argv[optind - 1],
			     row->argument);
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
