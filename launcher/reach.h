/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * reach.h - whether the dynamic linker will load the shim into a program, and if not, why.
 * It must never depend on who asks: the launcher does before it becomes the program, the plugin for Slurm in each task.
 */
#ifndef FLOPSHIM_REACH_H
#define FLOPSHIM_REACH_H

#include <stdbool.h>

/* Exit statuses of the launcher; env(1) has the same. */
enum {
	STATUS_LAUNCHER = 125,    /* an error of its own */
	STATUS_UNREACHABLE = 126, /* the program cannot be run, or is out of the shim's reach */
	STATUS_NOT_FOUND = 127,   /* there is no such program, or it needs a file that is not there */
};

/* What the functions below tell, in whole sentences. */
struct reach_listener {
	void (*fail)(int status, const char *sentence); /* must not return */
	void (*note)(const char *sentence);             /* what could not be found out */
};

/* Sets the listener, which must be there before any other function is called. */
void reach_listen(const struct reach_listener *listener);

/*
 * Returns the path of the program that execvp would find, for the caller to free; it contains a slash. Returns NULL
 * with errno otherwise: ENOENT if there is none, EACCES if there is one that may not be executed.
 */
char *find_program(const char *name);

/* Does the same, but the listener hears of it, in a sentence that begins with `what`, if there is no such program. */
char *find_program_or_fail(const char *name, const char *what);

/*
 * Stores the ELF machine of the shared object at `path`; EM_NONE if it is none of this word size. Returns false, with
 * errno, if the file cannot be read.
 */
bool reach_machine(const char *path, int *machine);

/*
 * Returns if a shim for this ELF machine can be loaded into the program at `path` or, for a script, into its
 * interpreters; else the listener hears why not.
 */
void reach_check(const char *path, int machine);

/* Returns the runtime of a sanitizer that the checked program is linked to, NULL if none: it must come before the shim. */
const char *reach_sanitizer(void);

/* Returns a formatted text, for the caller to free; the listener hears of it if there is no memory. */
char *__attribute__((format(printf, 1, 2))) format_text(const char *format, ...);

#endif
