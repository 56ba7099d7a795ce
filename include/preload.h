/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * preload.h - makes the value of LD_PRELOAD by which a program is started with the shim; the launcher and the Slurm
 * plugin share it. It is not installed.
 * It must never drop what the user preloads, nor name the shim twice.
 */
#ifndef FLOPSHIM_PRELOAD_H
#define FLOPSHIM_PRELOAD_H

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define SHIM_NAME "libflopshim.so"
#define PRELOAD_SEPARATORS \
	": " /* what the dynamic linker takes to separate entries: no path with one can be preloaded */

/* Returns whether a file has the name of the shim: libflopshim.so, or with a version behind it, as libflopshim.so.0. */
static inline bool is_shim(const char *name)
{
	size_t length = strlen(SHIM_NAME);

	if (strncmp(name, SHIM_NAME, length))
		return false;
	return !name[length] || (name[length] == '.' && !name[length + strspn(name + length, ".0123456789")]);
}

/*
 * Returns the path by which the file at `path` is preloaded as the shim, absolute, for the caller to free; NULL, with
 * errno, if there is none. Links to folders are followed; the name stays, since the file behind libflopshim.so may get
 * another one while programs run that start others. A link of another name is followed, by which nobody would know the
 * shim.
 */
static inline char *preload_path(const char *path)
{
	char *file = realpath(path, NULL), *folder = NULL, *stable = NULL;
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;

	if (!file || !is_shim(name))
		return file;
	if (slash) {
		char *parent = strndup(path, slash > path ? (size_t)(slash - path) : 1);

		folder = parent ? realpath(parent, NULL) : NULL;
		free(parent);
	} else {
		folder = realpath(".", NULL);
	}
	if (folder)
		stable = malloc(strlen(folder) + strlen(name) + sizeof("/"));
	if (stable) {
		strcpy(stable, folder[1] ? folder : "");
		strcat(stable, "/");
		strcat(stable, name);
	}
	free(folder);
	free(file);
	return stable;
}

/* Returns whether a library is the runtime of a sanitizer, which refuses to start unless it is loaded first. */
static inline bool is_sanitizer(const char *name)
{
	return strncmp(name, "lib", strlen("lib")) == 0 && strstr(name, "san.so");
}

/* Adds an entry to the end of a list that has room for it. */
static inline void preload_add(char *list, const char *entry)
{
	if (*list)
		strcat(list, ":");
	strcat(list, entry);
}

/*
 * Returns the list with the shim at `shim`, for the caller to free; NULL if there is no memory. `old` is LD_PRELOAD as
 * it was, and `sanitizer` the runtime that the program was linked to; both may be NULL. The shim comes first, since a
 * BLAS before it would hide it; only runtimes of sanitizers stay before it. Entries for a shim in `old` are removed:
 * something that started this program, such as another launcher, has made them.
 */
static inline char *preload_list(const char *sanitizer, const char *shim, const char *old)
{
	size_t size = (sanitizer ? strlen(sanitizer) : 0) + strlen(shim) + (old ? strlen(old) : 0) + sizeof("::");
	char *list = calloc(1, size), *rest = old ? strdup(old) : NULL, *cursor = rest;
	bool placed = false;

	if (!list || (old && !rest)) {
		free(list);
		free(rest);
		return NULL;
	}
	if (sanitizer)
		preload_add(list, sanitizer);
	for (char *entry; (entry = strsep(&cursor, PRELOAD_SEPARATORS));) {
		const char *slash = strrchr(entry, '/'), *name = slash ? slash + 1 : entry;
		bool leads = !placed && is_sanitizer(name);

		if (!*entry || is_shim(name) || (leads && strstr(list, name)))
			continue;
		if (!leads && !placed)
			preload_add(list, shim);
		placed = placed || !leads;
		preload_add(list, entry);
	}
	if (!placed)
		preload_add(list, shim);
	free(rest);
	return list;
}

#endif
