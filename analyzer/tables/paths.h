/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * paths.h - names files of sources and modules alike on every machine, and tells the user's own code from installed code.
 * It must never give a name that depends on where the user's files lie on this machine.
 */
#ifndef ANALYZER_PATHS_H
#define ANALYZER_PATHS_H

#include <stdbool.h>

#include "analyzer/base/intern.h"

enum path_kind {
	PATH_OWN,     /* below the root: its name is relative to that */
	PATH_OTHER,   /* elsewhere: its name is its base name */
	PATH_TYPED,   /* no file: code that was typed, or given to python -c, such as <string> */
	PATH_PACKAGE, /* of a Python package that is installed: <site-packages>/... */
	PATH_SYSTEM,  /* of the system, or of the language: its name is its base name, or <python>/... */
	PATH_MADE,    /* no file: code that a program has made, such as <frozen importlib._bootstrap> */
};

/* Whether the code of a file may be the user's own. */
static inline bool path_is_own(enum path_kind kind) { return kind <= PATH_TYPED; }

struct path_map {
	char *old, *new;
};

struct paths {
	char *root;      /* absolute, without a slash at its end; "" is the root of the file system */
	char *real_root; /* the same without links */
	struct path_map *maps;
	size_t map_count, map_capacity;
	struct intern names;
};

/*
 * Opens paths below a root. NULL: the git work tree that the file `beside` lies in, or else that of the current directory, or
 * else that directory.
 */
void paths_open(struct paths *paths, const char *root, const char *beside);
void paths_close(struct paths *paths);

/* Has paths that begin with OLD begin with NEW instead, as "OLD=NEW" says. Returns false if the text is anything else. */
bool paths_map(struct paths *paths, const char *map);

/* Returns the name of a file of a source, or of a module, which lives as long as the paths, and sets *kind. */
const char *paths_name(struct paths *paths, const char *path, enum path_kind *kind);

/* What stands in place of a path's folders where it is redacted. The context is a struct paths: see aggregate_redact. */
const char *paths_folders(void *paths, const char *path);

#endif
